/** Serial lines, over pseudo-terminals: what is written arrives as it is, and the line is set up as asked. */

import { type Co, group } from 'genloop/kernel';
import { FdStream, Serial, type SerialOptions } from 'genloop/net';
import { constants, type Descriptor, type SystemError } from 'genloop/os';
import { streamChecks } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { eachSetup } from '../support/drives.ts';
import { runSync } from '../support/seeded.ts';
import { holding, thrown } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { HAS_TERMINALS, terminal } from '../support/terminal.ts';

const test = suite('serial lines');
const TERMIOS2_SIZE = 44;

interface Settings {
  readonly input: number;
  readonly output: number;
  readonly mode: number;
  readonly local: number;
  readonly speeds: readonly [number, number];
}

/** What the terminal is set to, as its controlling side sees it. */
function settings(master: Descriptor): Settings {
  const words = new Uint32Array(TERMIOS2_SIZE / 4);
  master.ioctl('TCGETS2', new Uint8Array(words.buffer));
  const [input = 0, output = 0, mode = 0, local = 0] = words;
  return { input, output, mode, local, speeds: [words[9] ?? 0, words[10] ?? 0] };
}

function flags(names: string): number {
  return names.split(' ').reduce((mask, name) => mask | (constants[name] as number), 0);
}

if (!HAS_TERMINALS) {
  notRun('serial lines: this system makes no pseudo-terminals in the way of Linux');
} else {
  test('a line has the speed that was asked for, any speed, and is raw', () =>
    holding((opened) => {
      const { master, path } = terminal(opened);
      for (const speed of [9600, 115_200, 31_250]) {
        const line = opened.keep(new Serial(path, speed));
        const { input, output, mode, local, speeds } = settings(master);
        assert.equal(speeds, [speed, speed]);
        assert.is(local & flags('ICANON ECHO ISIG IEXTEN'), 0);
        assert.is(output & flags('OPOST'), 0);
        assert.is(input & flags('ICRNL IXON ISTRIP'), 0);
        assert.is(mode & flags('CSIZE PARENB CSTOPB CREAD CLOCAL'), flags('CS8 CREAD CLOCAL'));
        assert.is(line.path, path);
        line.close();
      }
    })());

  test('bits, parity, stop bits and flow control are set as asked, and taken back', () =>
    holding((opened) => {
      const { master, path } = terminal(opened);
      const mode = (options: SerialOptions): number => {
        opened.keep(new Serial(path, 9600, options)).close();
        return settings(master).mode & flags('PARENB PARODD CSTOPB CRTSCTS');
      };
      // A pseudo-terminal has eight bits and no parity, whatever it is asked for: the kernel says so.
      assert.is(mode({ stopBits: 2 }), flags('CSTOPB'));
      assert.is(mode({ flow: 'hardware' }) & flags('CRTSCTS'), flags('CRTSCTS'));
      assert.is(mode({}), 0);
      opened.keep(new Serial(path, 9600, { flow: 'software' })).close();
      assert.is(settings(master).input & flags('IXON IXOFF'), flags('IXON IXOFF'));
      opened.keep(new Serial(path, 9600)).close();
      assert.is(settings(master).input & flags('IXON IXOFF'), 0);
    })());

  eachSetup(test)('every byte passes as it is, both ways', async (setup, opened) => {
    const { master, path } = terminal(opened);
    const scheduler = setup.make();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    scheduler.spawn(
      (function* (): Co<void> {
        using device = new FdStream(master);
        using line = new Serial(path, 115_200);
        yield* group(function* (tasks) {
          tasks.spawn(device.write(bytes));
          tasks.spawn(line.write(bytes));
          assert.equal([...((yield* line.readExactly(256)) ?? [])], [...bytes]);
          assert.equal([...((yield* device.readExactly(256)) ?? [])], [...bytes]);
        });
      })(),
    );
    await setup.run(scheduler);
  });

  test('a line does what streams do, as far as a terminal can', () =>
    holding((opened) => {
      const subject = {
        *pair(): Co<readonly [Serial, FdStream]> {
          const { master, path } = terminal(opened);
          const device = new FdStream(master);
          return [new Serial(path, 115_200), device];
        },
        halfClose: false,
        size: 65_536,
        tooMuch: 262_144,
      };
      for (const { main } of streamChecks(subject)) runSync(main);
    })());

  test('what is no terminal, is not there, or is asked for the impossible is an error that says so, and nothing stays open', () =>
    holding((opened) => {
      const { path } = terminal(opened);
      const none = thrown(() => new Serial('/dev/null', 9600));
      assert.is(none.code, 'ENOTTY');
      assert.match(none.message, "'/dev/null' (it is no serial line)");
      assert.is(thrown(() => new Serial('/dev/nowhere', 9600)).code, 'ENOENT');
      const refused = (speed: number, options: object, expected: RegExp): void => {
        assert.match(thrown(() => new Serial(path, speed, options)).message, expected);
      };
      for (const speed of [0, -1, 1.5, Number.NaN]) refused(speed, {}, /speed must be a positive whole number/);
      refused(9600, { dataBits: 9 }, /dataBits must be 5, 6, 7, 8, not 9/);
      refused(9600, { parity: 'mark' }, /parity must be none, even, odd, not mark/);
      refused(9600, { stopBits: 3 }, /stopBits must be 1, 2, not 3/);
      refused(9600, { flow: 'x' }, /flow must be none, hardware, software, not x/);
    })());

  test('the end of a line is the end of the other side, as a program sees it whose terminal goes away', () =>
    holding((opened) => {
      const { master, path } = terminal(opened);
      const device = new FdStream(master);
      const line = opened.keep(new Serial(path, 9600));
      runSync(function* () {
        yield* line.write('bye\n');
        line.close();
        assert.is(yield* device.readLine(), 'bye');
        assert.is(yield* device.read(), null);
        assert.is(device.failure as SystemError | null, null);
      });
    })());
}

test.run();
