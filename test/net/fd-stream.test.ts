/** Streams over descriptors that are no sockets. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Co, group, type Op } from 'genloop/kernel';
import { FdStream, type Stream } from 'genloop/net';
import { open, pipe, type SystemError } from 'genloop/os';
import * as assert from 'uvu/assert';
import { eachSetup, type Setup } from '../support/drives.ts';
import { runSync } from '../support/seeded.ts';
import { inOrder } from '../support/seeds.ts';
import { fifo, holding, type Opened, pipeEnds, thrown } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { HAS_TERMINALS, terminal } from '../support/terminal.ts';

const test = suite('FdStream');
const each = eachSetup(test);

async function perform(setup: Setup, main: () => Co<unknown>): Promise<void> {
  const scheduler = setup.make();
  scheduler.spawn(main());
  await setup.run(scheduler);
}

function* refusal(body: Op<unknown>): Co<SystemError> {
  try {
    yield body;
  } catch (error) {
    return error as SystemError;
  }
  throw new Error('nothing was thrown');
}

function folder(opened: Opened): string {
  const path = mkdtempSync(join(tmpdir(), 'genloop-fd-'));
  opened.later(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

each('a pipe has two ends, each a stream; end() of the one is the end for the other', async (setup, opened) => {
  const { reader, writer } = pipeEnds(opened);
  const input = new FdStream(reader);
  const output = new FdStream(writer);
  await perform(setup, function* () {
    yield* output.write('one\ntwo\n');
    assert.is(yield* input.readLine(), 'one');
    output.end();
    assert.ok(writer.closed);
    assert.is(yield* input.readLine(), 'two');
    assert.is(yield* input.readLine(), null);
  });
  input.close();
});

each('a pipe with less room than a write wakes the writer as it is read', async (setup, opened) => {
  const { reader, writer } = pipeEnds(opened);
  const input = opened.keep(new FdStream(reader));
  const output = opened.keep(new FdStream(writer));
  const size = 300_000;
  await perform(setup, function* () {
    yield* group(function* (tasks) {
      tasks.spawn(
        (function* (): Co<void> {
          yield* output.write(new Uint8Array(size).fill(7));
          output.end();
        })(),
      );
      const all = yield* input.readAll();
      assert.is(all.length, size);
      assert.ok(all.every((byte) => byte === 7));
    });
  });
  assert.is(output.bytesWritten, size);
});

each('a reader of a pipe gets EPIPE to the writer by going away', async (setup, opened) => {
  const { reader, writer } = pipeEnds(opened);
  const output = opened.keep(new FdStream(writer));
  reader.close();
  await perform(setup, function* () {
    assert.is((yield* refusal(output.write('x'))).code, 'EPIPE');
  });
});

each('a descriptor that must stay blocking does not stop the thread', async (setup, opened) => {
  const { reader, writer } = pipeEnds(opened);
  reader.nonBlocking = writer.nonBlocking = false;
  const input = opened.keep(new FdStream(reader));
  const output = opened.keep(new FdStream(writer));
  const size = 100_000;
  await perform(setup, function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(input.readExactly(size));
      yield* output.write(new Uint8Array(size).fill(9));
      const all = yield* reading.join();
      assert.is(all?.length, size);
      assert.is(all?.[size - 1], 9);
    });
  });
  assert.not.ok(reader.nonBlocking);
});

each('a regular file is read to its end and written, on every backend alike', async (setup, opened) => {
  const path = join(folder(opened), 'file');
  writeFileSync(path, 'first\nsecond\n');
  const input = opened.keep(new FdStream(open(path)));
  await perform(setup, function* () {
    assert.is(yield* input.readLine(), 'first');
    assert.is(yield* input.readLine(), 'second');
    assert.is(yield* input.readLine(), null);
    const output = new FdStream(open(path, 'w'));
    yield* output.write('FIRST');
    output.end();
    yield* refusal(output.write('more'));
    output.close();
  });
  assert.is(readFileSync(path, 'utf8'), 'FIRST\nsecond\n');
});

each('devices that are always ready are read and written, and others get their turn', async (setup, opened) => {
  // A random order may pick the same task many times.
  inOrder();
  const zero = opened.keep(new FdStream(open('/dev/zero')));
  const nowhere = opened.keep(new FdStream(open('/dev/null', 'w')));
  let turns = 0;
  await perform(setup, function* () {
    yield* group(function* (tasks) {
      const counting = tasks.spawn(
        (function* (): Co<void> {
          for (;;) {
            turns++;
            yield;
          }
        })(),
      );
      let count = 0;
      while (count < 4_000_000) count += (yield* zero.readView())?.length ?? 0;
      yield* nowhere.write(new Uint8Array(4_000_000));
      counting.cancel();
    });
  });
  assert.ok(turns >= 16, `others had ${turns} turns`);
  assert.is(nowhere.bytesWritten, 4_000_000);
});

each('a FIFO waits for its writer, and ends with it', async (setup, opened) => {
  const path = fifo(opened);
  const input = opened.keep(new FdStream(open(path)));
  await perform(setup, function* () {
    yield* group(function* (tasks) {
      const line = tasks.spawn(input.readLine());
      const output = opened.keep(new FdStream(open(path, 'w')));
      yield* output.write('through the FIFO\n');
      assert.is(yield* line.join(), 'through the FIFO');
      output.close();
      assert.is(yield* input.read(), null);
    });
  });
});

each(
  'who reads what is for writing, or ends one direction of a descriptor that has both, hears what to do',
  async (setup, opened) => {
    const { reader, writer } = pipeEnds(opened);
    const input = opened.keep(new FdStream(reader));
    const output = opened.keep(new FdStream(writer));
    const both = HAS_TERMINALS ? opened.keep(new FdStream(terminal(opened).master)) : null;
    await perform(setup, function* () {
      const error = yield* refusal(output.read());
      assert.is(error.code as string, 'ERR_GENLOOP_MISUSE');
      assert.match(error.message, /nothing can be read from Descriptor \d+: it was opened for the other direction/);
      assert.is((yield* refusal(input.write('x'))).code, 'EBADF');
    });
    if (both !== null) assert.match(thrown(() => both.end()).message, /reads and writes by one descriptor/);
  },
);

test('it takes a number, a descriptor, or one for each direction, and nothing else', () =>
  holding((opened) => {
    const { reader, writer } = pipe();
    const ends = opened.keep(new FdStream({ reader, writer }));
    assert.is(String(ends), `FdStream ${reader.fd} and ${writer.fd}`);
    const fd = reader.dup().detach();
    const byNumber = opened.keep(new FdStream(fd));
    assert.is(byNumber.reader.fd, fd);
    byNumber.close();
    assert.is(String(byNumber), 'closed FdStream');
    for (const wrong of [null, 'x', {}, { reader: 0 }]) {
      assert.match(thrown(() => new FdStream(wrong as never)).message, /FdStream takes a descriptor, a number, or/);
    }
    assert.is(thrown(() => new FdStream(fd)).code, 'EBADF');
  })());

test('one number that is not open leaves the other open', () =>
  holding((opened) => {
    const { reader } = pipeEnds(opened);
    const fd = reader.dup().detach();
    const closed = reader.dup().detach();
    reader.sys.close(closed);
    assert.is(thrown(() => new FdStream({ reader: fd, writer: closed })).code, 'EBADF');
    assert.ok(reader.sys.fstat(fd) >= 0);
    reader.sys.close(fd);
  })());

test('end() closes the end for writing, and close() both', () =>
  holding((opened) => {
    const there = pipeEnds(opened);
    const back = pipeEnds(opened);
    const one: Stream = new FdStream({ reader: back.reader, writer: there.writer });
    one.end();
    assert.equal([there.writer.closed, back.reader.closed], [true, false]);
    one.close();
    assert.ok(back.reader.closed);
    runSync(function* () {
      assert.is((yield* refusal(one.read())).code as string, 'ERR_GENLOOP_CLOSED');
    });
  })());

test.run();
