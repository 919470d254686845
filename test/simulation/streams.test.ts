/** Programs with streams of `genloop/net`: both ways to receive for parked readers and to send short writes, and that the books see what they are kept for. */

import { Kernel } from 'genloop/kernel';
import { UnixStream } from 'genloop/net';
import { enterSys, Socket } from 'genloop/os';
import { SENDS_AT_ONCE } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { contentAt } from './content.ts';
import { programOf } from './draw.ts';
import { Lendings } from './lendings.ts';
import { hasStreams } from './program.ts';
import { StreamEnd } from './stream-end.ts';
import { runProgram } from './trial.ts';
import type { Violation, Witness } from './witness.ts';

const test = suite('streams in the simulation');
const SEEDS = 1500;

test(`the programs of ${SEEDS} seeds that have streams violate nothing, whoever receives and sends`, () => {
  const first = { wait: 0, task: 0 };
  let gathered = 0;
  let full = 0;
  for (let seed = 10_001; seed <= 10_000 + SEEDS; seed++) {
    const program = programOf(seed);
    if (!hasStreams(program)) continue;
    first[program.receive]++;
    // As drawn they are run elsewhere.
    const receive = program.receive === 'wait' ? 'task' : 'wait';
    const send = program.send === 'round' ? 'task' : 'round';
    const { violation, together } = runProgram({ ...program, receive, send });
    assert.is(violation, null, `seed ${seed}, received by the ${receive}, sent by the ${send}: ${violation?.what}`);
    if (together > 1) gathered++;
    if (together === SENDS_AT_ONCE) full++;
  }
  // Else the switch is drawn for nothing.
  assert.ok(gathered > 20, `${gathered} programs send several writes together`);
  assert.ok(full > 0, 'none sends as many as go in one call');
  assert.ok(Math.min(first.wait, first.task) > SEEDS / 10, JSON.stringify(first));
});

/** A pair of streams, and the first thing that their books complain of. */
function books(): { one: StreamEnd; other: StreamEnd; told: Violation[]; system: SimulatedSystem } {
  const system = new SimulatedSystem();
  const told: Violation[] = [];
  const witness = { violate: (invariant: string, what: string) => told.push({ invariant, what } as Violation) };
  const before = enterSys(system);
  const [one, other] = Socket.pair().map((socket, side) => {
    return new StreamEnd(new UnixStream(socket), `stream ${side}`, witness as unknown as Witness);
  }) as [StreamEnd, StreamEnd];
  enterSys(before);
  StreamEnd.pair(one, other);
  one.stream.transport.send(contentAt(0, 30), 0, 30);
  return { one, other, told, system };
}

function close({ one, other, system }: ReturnType<typeof books>): void {
  one.close();
  other.close();
  assert.equal(system.descriptors, []);
}

test('the books accept what comes in its order, and the end after it', () => {
  const all = books();
  all.other.read(contentAt(0, 20), 'a read');
  all.other.read(contentAt(20, 10), 'a read');
  all.one.ended = true;
  all.other.readEnd('a read');
  assert.equal(all.told, []);
  close(all);
});

const WRONG: Record<string, [act: (end: StreamEnd) => void, what: RegExp]> = {
  'a byte that is missing': [(end) => end.read(contentAt(1, 5), 'a read'), /do not follow what was read before/],
  'bytes that come twice': [
    (end) => {
      end.read(contentAt(0, 5), 'a read');
      end.read(contentAt(0, 5), 'a read');
    },
    /the bytes of the read before, again/,
  ],
  'more than was sent': [(end) => end.read(contentAt(0, 31), 'a read'), /only 30 were under way/],
  'an end before the end': [(end) => end.readEnd('a read'), /told of an end, and there is none/],
  'an end before all has come': [
    (end) => {
      end.peer.ended = true;
      end.read(contentAt(0, 29), 'a read');
      end.readEnd('a read');
    },
    /told of the end, and 1 bytes are missing/,
  ],
  'bytes after the end': [
    (end) => {
      end.hurt = true;
      end.readEnd('a read');
      end.read(contentAt(0, 2), 'a read');
    },
    /got 2 bytes after the end/,
  ],
};

for (const [name, [act, what]] of Object.entries(WRONG)) {
  test(`the books see ${name}`, () => {
    const all = books();
    act(all.other);
    assert.match(all.told[0]?.what ?? 'nothing', what);
    close(all);
  });
}

test('a view that is written over while it is lent is seen, at the next trap of its task and not later', () => {
  const told: string[] = [];
  const lendings = new Lendings({ violate: (invariant: string) => told.push(invariant) } as unknown as Witness);
  const kernel = new Kernel({ host: { now: () => 0, random: () => 0 }, onFailure: () => {} });
  const [task, another] = [0, 1].map(() => kernel.spawn((function* () {})()));
  const view = Buffer.from('lent');
  lendings.add(view, task as never);
  lendings.check(another as never);
  lendings.check(task as never);
  view.fill(0);
  lendings.check(task as never);
  assert.equal(told, []);
  lendings.add(view, task as never);
  view.fill(1);
  lendings.check(task as never);
  assert.equal(told, ['views hold']);
});

test.run();
