/**
 * Short writes of the tasks of a round go in one crossing, and nobody can tell: what is observed is what is observed where each task sends
 * for itself (`send: 'task'`), except by who counts the calls.
 */

import {
  type Co,
  failAfter,
  type Group,
  group,
  isCancelled,
  moveOnAfter,
  type Op,
  pass,
  select,
  sleep,
  type Task,
} from 'genloop/kernel';
import { type Stream, sendMessage, TcpStream, UnixStream } from 'genloop/net';
import { SEND_ROW, Socket, type Sys } from 'genloop/os';
import {
  LONGEST_SEND,
  type ReceiveMode,
  SEND_MODES,
  SEND_VARIABLE,
  SENDS_AT_ONCE,
  type SendMode,
} from 'genloop/poller';
import { ReadWait, type SchedulerOptions, WriteWait } from 'genloop/scheduler';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { eachSetup, type Setup, thrownBy } from '../support/drives.ts';
import { Scheduler } from '../support/seeded.ts';
import { inOrder } from '../support/seeds.ts';
import { connection, Opened } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';

const test = suite('sends together');
const each = eachSetup(test);

/** So many bytes are taken, or the call fails so. */
type Answer = number | 'EAGAIN' | 'EPIPE' | 'ECONNRESET';

/** A scheduler over a system that counts its sends, with streams whose other ends are plain sockets. */
class Stage {
  readonly sys: Sys;
  readonly scheduler: Scheduler;
  /** Calls of `send`. */
  sends = 0;
  /** How many writes each call of `sendEach` had. */
  readonly together: number[] = [];
  /** What each actor has noted. */
  readonly seen: Record<string, unknown> = {};
  private readonly opened: Opened;
  private readonly answers = new Map<number, Answer[]>();
  private readonly peers: [string, Socket][] = [];

  constructor(setup: Setup, opened: Opened, options: SchedulerOptions) {
    const { sys } = setup;
    this.opened = opened;
    this.sys = overriding(sys, {
      send: (...given) => {
        this.sends++;
        return this.answered(sys, given);
      },
      sendEach: (rows, count, buffer) => {
        this.together.push(count);
        if (this.answers.size === 0) return sys.sendEach(rows, count, buffer);
        let total = 0;
        for (let at = 0; at < count * SEND_ROW; at += SEND_ROW) {
          const [fd, offset, length] = rows.subarray(at, at + 3) as unknown as [number, number, number];
          const sent = this.answered(sys, [fd, buffer, offset, length, 0]);
          rows[at + 3] = sent;
          if (sent > 0) total += sent;
        }
        return total;
      },
    });
    this.scheduler = setup.make({ sys: this.sys, ...options });
  }

  /** A stream, and its other end; what that has received at the end is noted under this name. */
  pair(name: string, ...answers: Answer[]): [UnixStream, Socket] {
    return inside(this.sys, () => {
      const [mine, theirs] = Socket.pair();
      if (answers.length > 0) this.answers.set(mine.fd, answers);
      this.peers.push([name, this.opened.keep(theirs)]);
      return [this.opened.keep(new UnixStream(mine)), theirs];
    });
  }

  note(actor: string, what: unknown): void {
    const notes = (this.seen[actor] ?? []) as unknown[];
    notes.push(what);
    this.seen[actor] = notes;
  }

  /** A task that notes how it ends. */
  *act(actor: string, body: () => Op<unknown> | Co<unknown>): Co<void> {
    try {
      this.note(actor, (yield* body()) ?? 'done');
    } catch (error) {
      this.note(actor, told(error));
      if (isCancelled(error)) throw error;
    }
  }

  /** A task that writes. */
  write(actor: string, stream: Stream, data: Uint8Array | string): Co<void> {
    return this.act(actor, () => stream.write(data));
  }

  /** Until something was waited for, there is no poller, and nothing goes together. */
  *awake(): Co<void> {
    const [stream] = this.pair('awake');
    yield* new WriteWait(stream.socket);
    this.peers.pop();
  }

  /** What has come at the other ends. */
  drain(): void {
    for (const [name, peer] of this.peers) if (!peer.closed) this.seen[name] = drained(peer);
  }

  private answered(sys: Sys, [fd, buffer, offset, length, flags]: Parameters<Sys['send']>): number {
    const answer = this.answers.get(fd)?.shift() ?? length;
    if (typeof answer === 'string') return -(sys.constants[answer] as number);
    return sys.send(fd, buffer, offset, Math.min(answer, length), flags);
  }
}

function told(error: unknown): string {
  const { name, code, bytesWritten } = error as { name: string; code?: string; bytesWritten?: number };
  return [name, code, bytesWritten].filter((part) => part !== undefined).join(' ');
}

function drained(peer: Socket): string {
  let text = '';
  for (;;) {
    const data = peer.recv(100_000);
    if (data === undefined) return text;
    if (data.length === 0) return `${text}<end>`;
    text += data;
  }
}

/** What a table row does on the simulated system, which blocks. */
function simulated(): Setup {
  const sys = new SimulatedSystem({ sendBuffer: 212_992, receiveBuffer: 212_992 });
  return {
    title: 'simulated',
    drive: 'blocking',
    backend: 'epoll',
    sys,
    make: (options) => new Scheduler({ backend: 'epoll', sys, ...options }),
    run: async (scheduler) => scheduler.runSync(),
  };
}

/** Over every setup, and over the simulated system. */
function everywhere(
  name: string,
  body: (setup: Setup, opened: Opened) => Promise<void>,
  drives?: Setup['drive'][],
): void {
  each(name, body, drives);
  if (drives?.includes('blocking') === false) return;
  test(`${name} (simulated)`, async () => {
    const setup = simulated();
    const opened = new Opened();
    try {
      await inside(setup.sys, () => body(setup, opened));
    } finally {
      opened.close();
    }
    assert.equal((setup.sys as SimulatedSystem).descriptors, []);
  });
}

/** What a scene does once the poller is open: it spawns its actors. */
type Scene = (stage: Stage, tasks: Group) => Co<void>;

async function play(stage: Stage, setup: Setup, scene: Scene): Promise<void> {
  const { scheduler } = stage;
  scheduler.spawn(
    (function* (): Co<void> {
      yield* stage.awake();
      yield* group((tasks) => scene(stage, tasks));
    })(),
  );
  const error = await thrownBy(setup.run(scheduler));
  if (error !== undefined) stage.note('run', told(error));
  stage.drain();
}

/** The same is observed in both modes, and in one of them the writes have gone together. */
function alike(name: string, expected: Record<string, unknown>, scene: Scene, drives?: Setup['drive'][]): void {
  everywhere(
    name,
    async (setup, opened) => {
      // Who comes first is what the scenes are about.
      inOrder();
      for (const send of ['task', 'round'] as const satisfies SendMode[]) {
        const stage = new Stage(setup, opened, { send });
        await play(stage, setup, scene);
        assert.equal(stage.seen, expected, `with send: '${send}'`);
        assert.is(stage.together.length > 0, send === 'round', `${stage.together}`);
      }
    },
    drives,
  );
}

// Who does what to the stream while a write of the same round has not gone yet.

alike(
  'rule 40: a close by another task comes after the write',
  { writer: ['done'], closer: ['done'], peer: 'hello<end>' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(
      stage.act('closer', function* () {
        stream.close();
      }),
    );
  },
);

alike(
  'an end by another task comes after the write, and the next write is refused',
  { writer: ['done'], ender: ['EndedError ERR_GENLOOP_ENDED 0'], peer: 'hello<end>' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(
      stage.act('ender', function* () {
        stream.end();
        yield* stream.write('more');
      }),
    );
  },
);

alike(
  'a second writer writes after the first',
  { first: ['done'], second: ['done'], third: ['done'], peer: 'one two three' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    tasks.spawn(stage.write('first', stream, 'one '));
    tasks.spawn(stage.write('second', stream, 'two '));
    tasks.spawn(stage.write('third', stream, 'three'));
  },
);

alike(
  'a long write, and one of several parts, come after a short one',
  {
    short: ['done'],
    long: ['done'],
    again: ['done'],
    parts: ['done'],
    peer: `<${'x'.repeat(5000)}><${'y'.repeat(1200)}>`,
  },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    tasks.spawn(stage.write('short', stream, '<'));
    tasks.spawn(stage.write('long', stream, 'x'.repeat(5000)));
    tasks.spawn(stage.write('again', stream, '>'));
    tasks.spawn(stage.act('parts', () => stream.writev(['<', Buffer.alloc(600, 'y'), Buffer.alloc(600, 'y'), '>'])));
  },
);

alike(
  'so does a message that is sent through its socket',
  { writer: ['done'], message: [4], count: [9], peer: 'hellomore' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    tasks.spawn(stage.write('writer', stream, 'hello'));
    yield* tasks.spawn(stage.act('message', () => sendMessage(stream, 'more'))).join();
    stage.note('count', stream.bytesWritten);
  },
);

alike(
  'rule 40: a cancel by another task comes after the write',
  { writer: ['went on', 'AbortError ABORT_ERR'], peer: 'hello' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    const writing = tasks.spawn(
      stage.act('writer', function* () {
        yield* stream.write('hello');
        stage.note('writer', 'went on');
        yield* sleep(1_000_000);
      }),
    );
    tasks.spawn(cancelling(writing));
  },
);

function* cancelling(task: Task<unknown>): Co<void> {
  task.cancel();
}

alike(
  'a cancel of the group comes after the writes in it',
  { first: ['done'], second: ['done'], one: 'for one', two: 'for two' },
  function* (stage, tasks) {
    const [one] = stage.pair('one');
    const [two] = stage.pair('two');
    tasks.spawn(stage.write('first', one, 'for one'));
    tasks.spawn(stage.write('second', two, 'for two'));
    yield* pass();
    tasks.cancel();
  },
);

alike(
  'so does the failure of another task, which is what comes out',
  { writer: ['went on', 'AbortError ABORT_ERR'], run: ['TypeError'], peer: 'hello' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    tasks.spawn(
      stage.act('writer', function* () {
        yield* stream.write('hello');
        stage.note('writer', 'went on');
        yield* sleep(1_000_000);
      }),
    );
    tasks.spawn(
      (function* (): Co<void> {
        throw new TypeError('a failure');
      })(),
    );
  },
);

alike(
  'a write that was in time stays so, however late its task goes on',
  { writer: ['in time'], other: ['done'], peer: 'hello', another: 'there' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    const [another] = stage.pair('another');
    tasks.spawn(
      stage.act('writer', () =>
        failAfter(1, function* () {
          yield* stream.write('hello');
          return 'in time';
        }),
      ),
    );
    tasks.spawn(
      stage.act('other', function* () {
        return yield* moveOnAfter(1, () => another.write('there'), 'too late');
      }),
    );
    // More than a round has steps, and longer than the deadlines.
    for (let at = 0; at < 200; at++) {
      tasks.spawn(
        (function* (): Co<void> {
          yield* pass();
          const { sys } = stage;
          if (at % 50 === 0 && !(sys instanceof SimulatedSystem)) {
            const end = sys.now() + 2;
            while (sys.now() < end);
          }
          yield* pass();
        })(),
      );
    }
  },
);

alike(
  'where a part has gone, a cancel ends the stream’s writing',
  {
    writer: ['AbortError ABORT_ERR 3'],
    later: ['PartialWriteError ERR_GENLOOP_PARTIAL_WRITE 0'],
    count: [3],
    peer: 'hel',
  },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer', 3, 'EAGAIN');
    const writing = tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(
      (function* (): Co<void> {
        writing.cancel();
        yield* stage.write('later', stream, 'more');
        stage.note('count', stream.bytesWritten);
      })(),
    );
  },
);

alike(
  'where nothing has gone, a cancel leaves the stream as it was',
  { writer: ['AbortError ABORT_ERR 0'], later: ['done'], peer: 'more' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer', 'EAGAIN');
    const writing = tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(
      (function* (): Co<void> {
        writing.cancel();
        yield* stage.write('later', stream, 'more');
      })(),
    );
  },
);

alike(
  'where a part has gone, a second writer and an end are refused, and the first goes on',
  {
    writer: ['done'],
    second: ['BusyError ERR_GENLOOP_BUSY 0'],
    ender: ['BusyError ERR_GENLOOP_BUSY'],
    count: [5],
    peer: 'hello',
  },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer', 3, 'EAGAIN', 1);
    const writing = tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(stage.write('second', stream, 'more'));
    tasks.spawn(
      stage.act('ender', function* () {
        stream.end();
      }),
    );
    yield* writing.join();
    stage.note('count', stream.bytesWritten);
  },
);

alike(
  'where a part has gone, a close is a ClosedError that says how much',
  { writer: ['ClosedError ERR_GENLOOP_CLOSED 3'], closer: ['done'], count: [3], peer: 'hel<end>' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer', 3, 'EAGAIN');
    const writing = tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(
      stage.act('closer', function* () {
        stream.close();
      }),
    );
    yield* writing.join();
    stage.note('count', stream.bytesWritten);
  },
);

alike(
  'a peer that is gone is the error of the task that wrote to it, and of nobody else',
  {
    before: ['done'],
    writer: ['SystemError EPIPE 0'],
    again: ['SystemError EPIPE 0'],
    after: ['done'],
    one: 'before',
    two: 'after',
  },
  function* (stage, tasks) {
    const [one] = stage.pair('one');
    const [stream, gone] = stage.pair('gone');
    const [two] = stage.pair('two');
    gone.close();
    tasks.spawn(stage.write('before', one, 'before'));
    const writing = tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(stage.write('after', two, 'after'));
    yield* writing.join();
    yield* stage.write('again', stream, 'hello');
  },
);

alike(
  'a connection that a write has found broken is broken for the reader, too, and for the next write',
  {
    writer: ['SystemError ECONNRESET 0'],
    reader: ['SystemError ECONNRESET 0'],
    again: ['SystemError ECONNRESET 0'],
    failure: ['SystemError ECONNRESET 0'],
  },
  function* (stage, tasks) {
    const [stream, peer] = stage.pair('peer', 'ECONNRESET');
    const writing = tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(stage.write('again', stream, 'hello'));
    yield* writing.join();
    peer.close();
    yield* stage.act('reader', () => stream.read());
    stage.note('failure', told(stream.failure));
  },
);

alike(
  'a socket that is closed under its stream has sent what was written before',
  { writer: ['done'], closer: ['done'], later: ['ClosedError ERR_GENLOOP_CLOSED 0'], peer: 'hello<end>' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    yield* new WriteWait(stream.socket);
    const writing = tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(
      stage.act('closer', function* () {
        stream.socket.close();
      }),
    );
    yield* writing.join();
    yield* stage.write('later', stream, 'more');
  },
);

alike(
  'memory that was given away is told to who writes it',
  { writer: ['RangeError'], other: ['done', 'done'], one: '', two: 'well done' },
  function* (stage, tasks) {
    const [stream] = stage.pair('one');
    const [other] = stage.pair('two');
    const bytes = new Uint8Array(8);
    const write = stream.write(bytes);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    tasks.spawn(
      stage.act('writer', function* () {
        try {
          yield* write;
          return undefined;
        } catch (error) {
          return (error as Error).name;
        }
      }),
    );
    tasks.spawn(stage.write('other', other, 'well'));
    tasks.spawn(stage.write('other', other, ' done'));
  },
);

alike(
  'one write can be yielded by several tasks, and again and again',
  { first: ['done'], second: ['done'], peer: 'xxxx' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    const write = stream.write('x');
    const twice = function* (): Co<void> {
      yield* write;
      yield* write;
    };
    tasks.spawn(stage.act('first', twice));
    tasks.spawn(stage.act('second', twice));
  },
);

// What is counted.

const PAIRS = 5;

/** Writers to streams of their own, all in one round; all that came at the other ends. */
function writers(count: number, data: (at: number) => Uint8Array | string): Scene {
  return function* (stage, tasks) {
    for (let at = 0; at < count; at++) {
      const [stream] = stage.pair(`peer ${at}`);
      tasks.spawn(stage.write(`writer ${at}`, stream, data(at)));
    }
  };
}

function assertWritten(stage: Stage, count: number, data: (at: number) => string): void {
  for (let at = 0; at < count; at++) {
    assert.equal(stage.seen[`writer ${at}`], ['done']);
    assert.is(stage.seen[`peer ${at}`], data(at));
  }
}

everywhere('the writes of a round are one call, and no others', async (setup, opened) => {
  const text = (at: number): string => `text ${at}`;
  const stage = new Stage(setup, opened, { send: 'round' });
  await play(stage, setup, writers(PAIRS, text));
  assertWritten(stage, PAIRS, text);
  assert.equal([stage.sends, stage.together], [0, [PAIRS]]);
});

everywhere("with send: 'task' each is a call of its own", async (setup, opened) => {
  const text = (at: number): string => `text ${at}`;
  const stage = new Stage(setup, opened, { send: 'task' });
  await play(stage, setup, writers(PAIRS, text));
  assertWritten(stage, PAIRS, text);
  assert.equal([stage.sends, stage.together], [PAIRS, []]);
});

everywhere('a task that is alone sends at once', async (setup, opened) => {
  const stage = new Stage(setup, opened, { send: 'round' });
  const [stream] = stage.pair('peer');
  stage.scheduler.spawn(
    (function* (): Co<void> {
      yield* stage.awake();
      for (const text of ['a', 'b', 'c']) yield* stream.write(text);
    })(),
  );
  await setup.run(stage.scheduler);
  stage.drain();
  assert.equal([stage.sends, stage.together], [3, []]);
});

everywhere('many go in calls that are full, and none is left', async (setup, opened) => {
  const count = 200;
  const text = (at: number): string => `text ${at}`;
  const stage = new Stage(setup, opened, { send: 'round' });
  await play(stage, setup, writers(count, text));
  assertWritten(stage, count, text);
  const sum = stage.together.reduce((all, one) => all + one, stage.sends);
  assert.is(sum, count);
  assert.is(Math.max(...stage.together), SENDS_AT_ONCE);
  // Steps come in sixty-fours; each time some calls are full, and one may not be.
  assert.ok(stage.together.length <= count / SENDS_AT_ONCE + 5, `${stage.together}`);
});

everywhere(
  'the longest goes with others, a longer one goes by itself, and an empty one not at all',
  async (setup, opened) => {
    const lengths = [LONGEST_SEND, LONGEST_SEND + 1, 0, 1];
    const stage = new Stage(setup, opened, { send: 'round' });
    await play(
      stage,
      setup,
      writers(lengths.length, (at) => Buffer.alloc(lengths[at] as number, 'x')),
    );
    assertWritten(stage, lengths.length, (at) => 'x'.repeat(lengths[at] as number));
    const sum = stage.together.reduce((all, one) => all + one, 0);
    assert.equal([stage.sends, sum], [1, 2]);
  },
);

everywhere('small parts are one short write, and go with others', async (setup, opened) => {
  const stage = new Stage(setup, opened, { send: 'round' });
  await play(stage, setup, function* (_, tasks) {
    for (const name of ['one', 'two']) {
      const [stream] = stage.pair(name);
      tasks.spawn(stage.act('writer', () => stream.writev(['a', 'b', name])));
    }
  });
  assert.equal([stage.seen.one, stage.seen.two, stage.sends, stage.together], ['abone', 'abtwo', 0, [2]]);
});

everywhere(
  'a write in a select is tried at once, also one that a cancel has kept from being tried',
  async (setup, opened) => {
    inOrder();
    for (const send of SEND_MODES) {
      const stage = new Stage(setup, opened, { send });
      await play(stage, setup, function* (_, tasks) {
        const [stream] = stage.pair('peer');
        const writes = [stream.write('new '), stream.write('used')] as const;
        const cancelled = tasks.spawn(
          (function* (): Co<void> {
            yield* writes[1];
          })(),
        );
        // It runs to its first trap, which throws.
        cancelled.cancel();
        yield* pass();
        assert.is(cancelled.status, 'cancelled');
        for (const write of writes) {
          tasks.spawn(
            (function* (): Co<void> {
              for (let at = 0; at < 3; at++) yield* pass();
            })(),
          );
          const { key } = yield* select({ write, ended: cancelled.join(), pause: sleep(0) });
          stage.note('select', key);
        }
      });
      assert.equal([stage.seen.select, stage.seen.peer], [['write', 'write'], 'new used']);
      assert.equal([stage.sends, stage.together], [2, []]);
    }
  },
);

everywhere('a poller that is opened in the very round sends at its end', async (setup, opened) => {
  inOrder();
  const stage = new Stage(setup, opened, { send: 'round' });
  const [stream, peer] = stage.pair('peer');
  const [other] = stage.pair('other');
  const { scheduler } = stage;
  scheduler.spawn(
    stage.act('reader', function* () {
      yield* new ReadWait(peer);
      return String(peer.recv(10));
    }),
  );
  scheduler.spawn(stage.write('writer', stream, 'hello'));
  scheduler.spawn(stage.write('another', other, 'there'));
  await setup.run(scheduler);
  stage.drain();
  assert.equal(stage.seen, { reader: ['hello'], writer: ['done'], another: ['done'], peer: '', other: 'there' });
  assert.equal([stage.sends, stage.together], [0, [2]]);
});

everywhere('before anything was waited for, each sends for itself', async (setup, opened) => {
  const stage = new Stage(setup, opened, { send: 'round' });
  const [one] = stage.pair('one');
  const [two] = stage.pair('two');
  stage.scheduler.spawn(stage.write('first', one, '1'));
  stage.scheduler.spawn(stage.write('second', two, '2'));
  await setup.run(stage.scheduler);
  assert.equal([stage.sends, stage.together], [2, []]);
});

// Whoever gets control back finds everything sent.

everywhere(
  'a turn leaves nothing unsent',
  async (setup, opened) => {
    const stage = new Stage(setup, opened, { send: 'round' });
    const { scheduler } = stage;
    const bells = [stage.pair('a')[0], stage.pair('b')[0]];
    const all = Array.from({ length: 7 }, (_, at) => stage.pair(`peer ${at}`));
    const gate: Task<void>[] = [];
    gate.push(
      scheduler.spawn(
        (function* (): Co<void> {
          for (const bell of bells) yield* new WriteWait(bell.socket);
        })(),
      ),
    );
    all.forEach(([stream], at) => {
      scheduler.spawn(
        (function* (): Co<void> {
          yield* (gate[0] as Task<void>).join();
          yield* stream.write(`first ${at}`);
          yield* stream.write(', and second');
          // Nobody ever answers, and the test is over before.
          yield* stream.read();
        })(),
      );
    });
    const written = (): number => all.reduce((sum, [stream]) => sum + stream.bytesWritten, 0);
    const came = all.map(() => '');
    let before = -1;
    for (let turn = 0; turn < 1000 && before !== 7 * 19; turn++) {
      scheduler.turn();
      assert.is(scheduler.poller.transmission?.size, 0);
      all.forEach(([, peer], at) => {
        came[at] += drained(peer);
      });
      assert.is(came.join('').length, written());
      before = written();
    }
    assert.equal(
      came,
      all.map((_, at) => `first ${at}, and second`),
    );
    assert.ok(stage.together.length > 0);
    scheduler.cancel();
    while (true) {
      try {
        if (!scheduler.turn()) break;
      } catch (error) {
        assert.ok(isCancelled(error), String(error));
        break;
      }
    }
  },
  ['blocking', 'embedded'],
);

each(
  'rule 40: a guest has sent all when Node’s loop turns, whoever waits on',
  async (setup, opened) => {
    const stage = new Stage(setup, opened, { send: 'round' });
    const { scheduler } = stage;
    const pairs = Array.from({ length: 4 }, (_, at) => stage.pair(`peer ${at}`));
    scheduler.spawn(
      (function* (): Co<void> {
        yield* stage.awake();
        yield* group(function* (tasks): Co<void> {
          for (const [stream] of pairs) {
            tasks.spawn(
              (function* (): Co<void> {
                yield* stream.write('ask');
                stage.note('answers', String(yield* stream.readExactly(3)));
              })(),
            );
          }
        });
      })(),
    );
    const run = scheduler.run();
    const missing = new Map(pairs.map(([, peer]) => [peer, '']));
    while (missing.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      assert.is(scheduler.pollerIfOpen?.transmission?.size ?? 0, 0);
      for (const [peer, text] of missing) {
        const now = text + drained(peer);
        missing.set(peer, now);
        if (now === 'ask') {
          missing.delete(peer);
          peer.send('yes');
        }
      }
    }
    await run;
    assert.equal(stage.seen.answers, ['yes', 'yes', 'yes', 'yes']);
    assert.equal(stage.together, [4]);
  },
  ['guest'],
);

// As room comes.

for (const receive of ['wait', 'task'] as const satisfies ReceiveMode[]) {
  everywhere(
    `an echo of views goes back as it came, where there is no room at first, or little (${receive})`,
    async (setup, opened) => {
      const count = 12;
      const stage = new Stage(setup, opened, { send: 'round', receive });
      const answers: Answer[][] = [['EAGAIN'], [3, 'EAGAIN', 2], [], [1, 'EAGAIN', 1, 1, 'EAGAIN']];
      const clients = Array.from({ length: count }, (_, at) => {
        const [stream, peer] = stage.pair(`peer ${at}`, ...(answers[at % 4] as Answer[]));
        peer.send(`the text of ${at}: ${String.fromCharCode(97 + at).repeat(at * 10)}`);
        peer.shutdown('write');
        return stream;
      });
      await play(stage, setup, function* (_, tasks) {
        for (const stream of clients) {
          tasks.spawn(
            (function* (): Co<void> {
              for (;;) {
                const view = yield* stream.readView();
                if (view === null) return;
                yield* stream.write(view);
              }
            })(),
          );
        }
      });
      for (let at = 0; at < count; at++) {
        assert.is(stage.seen[`peer ${at}`], `the text of ${at}: ${String.fromCharCode(97 + at).repeat(at * 10)}`);
      }
      assert.ok(stage.together.length > 0);
    },
  );
}

each('over TCP with full buffers each peer gets its bytes, in order, and no others', async (setup, opened) => {
  const stage = new Stage(setup, opened, { send: 'round' });
  const { scheduler } = stage;
  const total = 300_000;
  const pairs = inside(stage.sys, () =>
    Array.from({ length: 3 }, () => {
      const { client, server } = connection(opened);
      return [opened.keep(new TcpStream(client, { sendBuffer: 8_192 })), opened.keep(new TcpStream(server))] as const;
    }),
  );
  const byte = (which: number, at: number): number => (at * 7 + which * 31 + (at >> 8)) & 0xff;
  function* write(which: number, stream: Stream): Co<void> {
    const chunk = Buffer.alloc(LONGEST_SEND);
    for (let gone = 0; gone < total; ) {
      const length = Math.min(1 + ((gone * 13) % LONGEST_SEND), total - gone);
      for (let at = 0; at < length; at++) chunk[at] = byte(which, gone + at);
      yield* stream.write(chunk.subarray(0, length));
      gone += length;
    }
    stream.end();
  }
  function* read(which: number, stream: Stream): Co<number> {
    let come = 0;
    for (;;) {
      const view = yield* stream.readView();
      if (view === null) return come;
      for (let at = 0; at < view.length; at++) {
        if (view[at] !== byte(which, come + at)) throw new Error(`byte ${come + at} of ${which} is wrong`);
      }
      come += view.length;
      // Slower than the writers.
      for (let pause = 0; pause < 3; pause++) yield* pass();
    }
  }
  const readers = pairs.map(([client, server], which) => {
    scheduler.spawn(write(which, client));
    return scheduler.spawn(read(which, server));
  });
  await setup.run(scheduler);
  assert.equal(
    readers.map(({ outcome }) => outcome),
    [total, total, total],
  );
  assert.equal(
    pairs.map(([client]) => client.bytesWritten),
    [total, total, total],
  );
  assert.ok(
    stage.together.some((count) => count > 1),
    'they went together',
  );
});

// The scheduler is closed by one of its tasks.

alike(
  'a scheduler that a task closes has sent what was written before',
  { writer: ['done'], closer: ['done'], peer: 'hello' },
  function* (stage, tasks) {
    const [stream] = stage.pair('peer');
    tasks.spawn(stage.write('writer', stream, 'hello'));
    tasks.spawn(
      stage.act('closer', function* () {
        stage.scheduler.close();
      }),
    );
  },
  ['guest', 'embedded'],
);

// Who chooses.

test('the option, else the environment, says who sends; a way that there is not is refused when the scheduler is made', async () => {
  const before = process.env[SEND_VARIABLE];
  const setup = simulated();
  const text = (at: number): string => `${at}`;
  const calls = async (options: SchedulerOptions): Promise<unknown> => {
    const opened = new Opened();
    try {
      const stage = new Stage(setup, opened, options);
      await inside(setup.sys, () => play(stage, setup, writers(2, text)));
      assertWritten(stage, 2, text);
      return [stage.sends, stage.together];
    } finally {
      opened.close();
    }
  };
  try {
    delete process.env[SEND_VARIABLE];
    assert.equal(await calls({}), [0, [2]]);
    process.env[SEND_VARIABLE] = 'task';
    assert.equal(await calls({}), [2, []]);
    assert.equal(await calls({ send: 'round' }), [0, [2]]);
    process.env[SEND_VARIABLE] = 'never';
    assert.equal(await calls({ send: 'task' }), [2, []]);
    const refusal = (options: SchedulerOptions): Error => {
      try {
        new Scheduler(options);
      } catch (error) {
        return error as Error;
      }
      throw new Error('it was taken');
    };
    assert.instance(refusal({}), RangeError);
    assert.is(refusal({}).message, "no way to send 'never' (from GENLOOP_SEND); there are: round, task");
    assert.instance(refusal({ send: 'x' as SendMode }), RangeError);
    assert.is(refusal({ send: 'x' as SendMode }).message, "no way to send 'x'; there are: round, task");
  } finally {
    if (before === undefined) delete process.env[SEND_VARIABLE];
    else process.env[SEND_VARIABLE] = before;
  }
});

test.run();
