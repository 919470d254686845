/** Sending for many in one crossing: what goes, in which order, who is told what, and what makes it go before the round ends. */

import { SEND_ROW, Socket, type Sys } from 'genloop/os';
import {
  chooseMode,
  LONGEST_SEND,
  Readiness,
  SEND_MODES,
  SEND_VARIABLE,
  SENDS_AT_ONCE,
  type Sender,
  type Transmission,
} from 'genloop/poller';
import * as assert from 'uvu/assert';
import { type Bench, EVERYWHERE, onNumber, Recorder, withPoller } from '../support/backends.ts';
import { fill } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { constant } from '../support/systems.ts';

const { IN, OUT } = Readiness;

/** A sender that writes down what it is told, and looks at the bytes while they are there. */
class Outbox implements Sender {
  readonly told: (number | string | undefined)[] = [];
  readonly errors: unknown[] = [];
  /** The text from the offset on, as long as the write was. */
  readonly seen: string[] = [];
  private readonly length: number;

  constructor(length = 0) {
    this.length = length;
  }

  gone(count: number, bytes: Uint8Array, offset: number): void {
    this.told.push(count);
    this.seen.push(Buffer.from(bytes.subarray(offset, offset + this.length)).toString());
  }

  refused(error: unknown): void {
    this.told.push((error as { code?: string }).code);
    this.errors.push(error);
  }
}

function pair({ keep }: Bench): [Socket, Socket] {
  return Socket.pair().map(keep) as [Socket, Socket];
}

function transmissionOf({ poller }: Bench): Transmission {
  assert.ok(poller.transmission !== null);
  return poller.transmission;
}

/** Leaves a text to be sent. */
function leave(bench: Bench, socket: Socket, text: string): Outbox {
  const outbox = new Outbox(Buffer.byteLength(text));
  transmissionOf(bench).add(socket, Buffer.from(text), outbox);
  return outbox;
}

/** What has come, without waiting for more. */
function come(socket: Socket): string | undefined {
  return socket.recv(100_000)?.toString();
}

/** Calls for many, as they are made, and those for one; `sendEach` instead of the system's own. */
function counting(sys: Sys, sendEach: Sys['sendEach'] = (...given) => sys.sendEach(...given)) {
  const counts: number[] = [];
  const rows: number[][] = [];
  const calls: Partial<Sys> = {
    sendEach: (table, count, buffer) => {
      counts.push(count);
      rows.push([...table.subarray(0, count * SEND_ROW)]);
      return sendEach(table, count, buffer);
    },
  };
  return { calls, counts, rows };
}

for (const subject of EVERYWHERE) {
  const test = suite(`sending together, over ${subject.title}`);
  const { sys } = subject;

  test('what is left goes in one call, in its order, and each is told its own', () => {
    const { calls, counts } = counting(sys);
    const body = (bench: Bench): void => {
      const transmission = transmissionOf(bench);
      const [mine, theirs] = pair(bench);
      const [other, others] = pair(bench);
      const outboxes = [leave(bench, mine, 'one '), leave(bench, other, 'of the other'), leave(bench, mine, 'two')];
      assert.is(transmission.size, 3);
      assert.equal([come(theirs), come(others), counts], [undefined, undefined, []]);
      transmission.flush();
      assert.equal([come(theirs), come(others)], ['one two', 'of the other']);
      assert.equal(
        outboxes.map(({ told }) => told),
        [[4], [12], [3]],
      );
      assert.equal(
        outboxes.map(({ seen }) => seen),
        [['one '], ['of the other'], ['two']],
      );
      assert.equal([transmission.size, counts], [0, [3]]);
      // Nothing left is no call.
      transmission.flush();
      assert.equal(counts, [3]);
    };
    withPoller(subject, body, { calls })();
  });

  test(
    'a socket without room is told that nothing has gone, or a part, and where the bytes are',
    withPoller(subject, (bench) => {
      const [full] = pair(bench);
      const [mine, theirs] = pair(bench);
      fill(full);
      const outboxes = [leave(bench, full, 'no room'), leave(bench, mine, 'room')];
      transmissionOf(bench).flush();
      assert.equal([outboxes[0]?.told, outboxes[0]?.seen], [[0], ['no room']]);
      assert.equal([outboxes[1]?.told, come(theirs)], [[4], 'room']);
    }),
  );

  test('a part is a part', () => {
    const { calls } = counting(sys, (rows, count, buffer) => {
      rows[2] = 3;
      return sys.sendEach(rows, count, buffer);
    });
    const body = (bench: Bench): void => {
      const [mine, theirs] = pair(bench);
      const [other, others] = pair(bench);
      const [partly, whole] = [leave(bench, mine, 'abcdef'), leave(bench, other, 'whole')];
      transmissionOf(bench).flush();
      assert.equal([partly.told, partly.seen, come(theirs)], [[3], ['abcdef'], 'abc']);
      assert.equal([whole.told, come(others)], [[5], 'whole']);
    };
    withPoller(subject, body, { calls })();
  });

  test(
    'a broken connection is the error of its own writer, and the others go on',
    withPoller(subject, (bench) => {
      const [before, toBefore] = pair(bench);
      const [broken, gone] = pair(bench);
      const [after, toAfter] = pair(bench);
      gone.close();
      const outboxes = [before, broken, broken, after].map((socket, at) => leave(bench, socket, `to ${at}`));
      transmissionOf(bench).flush();
      assert.equal(
        outboxes.map(({ told }) => told),
        [[4], ['EPIPE'], ['EPIPE'], [4]],
      );
      const error = outboxes[1]?.errors[0] as { syscall?: string; message: string };
      // As the task's own call would have said.
      let own: unknown;
      try {
        broken.send('x');
      } catch (raised) {
        own = raised;
      }
      assert.is(error.syscall, 'send');
      assert.is(error.message, (own as Error).message);
      assert.equal([come(toBefore), come(toAfter)], ['to 0', 'to 3']);
    }),
  );

  test(
    'of one that was closed nothing goes, and least of all to whoever has got its number',
    withPoller(subject, (bench) => {
      const [closed, peer] = pair(bench);
      const [mine, theirs] = pair(bench);
      const outboxes = [leave(bench, closed, 'for nobody'), leave(bench, mine, 'for somebody')];
      const { fd } = closed;
      // Nobody has ever waited for it, so nobody hears of its close.
      closed.close();
      const opened: Socket[] = [];
      bench.keep(
        onNumber(fd, () => {
          const [one, other] = Socket.pair();
          opened.push(bench.keep(other));
          return one;
        }),
      );
      transmissionOf(bench).flush();
      assert.equal([outboxes[0]?.told, outboxes[1]?.told], [['ERR_GENLOOP_CLOSED'], [12]]);
      assert.equal([come(theirs), peer.recv(10)?.length], ['for somebody', 0]);
      assert.is(come(opened.at(-1) as Socket), undefined);
    }),
  );

  test('as many as go at once go as soon as they are there', () => {
    const { calls, counts } = counting(sys);
    const body = (bench: Bench): void => {
      const transmission = transmissionOf(bench);
      const pairs = Array.from({ length: 2 * SENDS_AT_ONCE + 1 }, () => pair(bench));
      const outboxes = pairs.map(([mine], at) => leave(bench, mine, `${at}`));
      assert.equal([counts, transmission.size], [[SENDS_AT_ONCE, SENDS_AT_ONCE], 1]);
      assert.equal(outboxes.at(-1)?.told, []);
      transmission.flush();
      assert.equal(counts, [SENDS_AT_ONCE, SENDS_AT_ONCE, 1]);
      for (const [at, [, theirs]] of pairs.entries()) {
        assert.is(come(theirs), `${at}`);
        assert.equal(outboxes[at]?.told, [`${at}`.length]);
      }
    };
    withPoller(subject, body, { calls })();
  });

  test(
    'bytes that change afterwards go as they were; of the longest there is room for all',
    withPoller(subject, (bench) => {
      const transmission = transmissionOf(bench);
      const letters = Array.from({ length: SENDS_AT_ONCE }, (_, at) => String.fromCharCode(97 + at));
      const pairs = letters.map(() => pair(bench));
      // Twice: where the bytes of the round before were is free again.
      for (let round = 0; round < 2; round++) {
        const bytes = Buffer.alloc(LONGEST_SEND);
        const outboxes = letters.map((letter, at) => {
          bytes.fill(letter);
          const outbox = new Outbox(LONGEST_SEND);
          transmission.add((pairs[at] as [Socket, Socket])[0], bytes, outbox);
          return outbox;
        });
        bytes.fill('!');
        assert.is(transmission.size, 0);
        for (const [at, letter] of letters.entries()) {
          assert.equal(outboxes[at]?.told, [LONGEST_SEND]);
          assert.is(outboxes[at]?.seen[0], letter.repeat(LONGEST_SEND));
          assert.is(come((pairs[at] as [Socket, Socket])[1]), letter.repeat(LONGEST_SEND));
        }
      }
    }),
  );

  test('what the poller has received is sent from where it is', () => {
    const { calls, rows } = counting(sys);
    const body = (bench: Bench): void => {
      const { poller } = bench;
      const transmission = transmissionOf(bench);
      const [mine, theirs] = pair(bench);
      const reader = new Recorder();
      let lent = new Uint8Array();
      poller.parkReceiver(mine, reader, {
        received: (bytes, offset, length) => {
          lent = bytes.subarray(offset, offset + length) as Uint8Array<ArrayBuffer>;
        },
        settle: () => {},
      });
      theirs.send('there and back');
      bench.until(reader);
      const [view, copy] = [new Outbox(14), new Outbox(4)];
      transmission.add(mine, lent, view);
      transmission.add(mine, Buffer.from('copy'), copy);
      transmission.flush();
      assert.is(come(theirs), 'there and backcopy');
      assert.equal([view.told, view.seen, copy.told, copy.seen], [[14], ['there and back'], [4], ['copy']]);
      const [row = []] = rows;
      assert.is(row[1], lent.byteOffset);
      // Behind all that can be received.
      assert.ok((row[SEND_ROW + 1] as number) > lent.byteOffset + lent.length);
    };
    withPoller(subject, body, { calls })();
  });

  for (const [code, told] of [
    ['ENOMEM', 'ENOMEM'],
    ['EAGAIN', 0],
  ] as const) {
    test(
      `a call that fails as a whole is the result of each (${code})`,
      withPoller(
        subject,
        (bench) => {
          const [mine, theirs] = pair(bench);
          const outboxes = ['a', 'b'].map((text) => leave(bench, mine, text));
          transmissionOf(bench).flush();
          assert.equal(
            outboxes.map((outbox) => outbox.told),
            [[told], [told]],
          );
          assert.equal([transmissionOf(bench).size, come(theirs)], [0, undefined]);
        },
        { calls: { sendEach: () => -constant(code) } },
      ),
    );
  }

  test(
    'a call that throws, as that of a replay does which went another way, is the error of each',
    withPoller(
      subject,
      (bench) => {
        const [mine] = pair(bench);
        const outboxes = Array.from({ length: SENDS_AT_ONCE }, () => leave(bench, mine, 'x'));
        assert.equal(
          outboxes.map(({ errors }) => String(errors)),
          outboxes.map(() => 'Error: another way'),
        );
        assert.is(transmissionOf(bench).size, 0);
      },
      {
        calls: {
          sendEach: () => {
            throw new Error('another way');
          },
        },
      },
    ),
  );

  test('a wait sends first, and does not wait where it has told somebody', () => {
    const { calls, counts } = counting(sys);
    const body = (bench: Bench): void => {
      const [mine, theirs] = pair(bench);
      const [silent] = pair(bench);
      const nobody = new Recorder();
      bench.poller.park(silent, IN, nobody);
      const outbox = leave(bench, mine, 'before the wait');
      // For ever, if it waited.
      bench.poller.wait(-1);
      assert.equal([outbox.told, counts, nobody.told], [[15], [1], 0]);
      assert.is(come(theirs), 'before the wait');
    };
    withPoller(subject, body, { calls })();
  });

  test(
    'what is left goes before the wait writes over the bytes that were received',
    withPoller(subject, (bench) => {
      const { poller } = bench;
      const [mine, theirs] = pair(bench);
      const lent: Uint8Array[] = [];
      const receive = (text: string): void => {
        const reader = new Recorder();
        poller.parkReceiver(mine, reader, {
          received: (bytes, offset, length) => lent.push(bytes.subarray(offset, offset + length)),
          settle: () => {},
        });
        theirs.send(text);
        bench.until(reader);
      };
      receive('first');
      transmissionOf(bench).add(mine, lent[0] as Uint8Array, new Outbox());
      receive('other');
      assert.is(come(theirs), 'first');
    }),
  );

  for (const leaves of ['close', 'detach'] as const) {
    test(
      `a ${leaves} of one that the poller knows sends what was left for it, and for others`,
      withPoller(subject, (bench) => {
        const [known, peer] = pair(bench);
        const [mine, theirs] = pair(bench);
        const waiter = new Recorder();
        bench.poller.park(known, OUT, waiter);
        bench.until(waiter);
        const outboxes = [leave(bench, known, 'last words'), leave(bench, mine, 'others')];
        const fd = known[leaves]();
        assert.equal(
          outboxes.map(({ told }) => told),
          [[10], [6]],
        );
        assert.equal([come(peer), come(theirs)], ['last words', 'others']);
        if (typeof fd === 'number') bench.sys.close(fd);
      }),
    );
  }

  test(
    'of one that is being closed an error is that of the call',
    withPoller(subject, (bench) => {
      const [known, peer] = pair(bench);
      const waiter = new Recorder();
      bench.poller.park(known, OUT, waiter);
      bench.until(waiter);
      peer.close();
      const outbox = leave(bench, known, 'too late');
      known.close();
      assert.equal(outbox.told, ['EPIPE']);
    }),
  );

  test('a poller that is closed forgets what was left, and tells nobody', () => {
    const { calls, counts } = counting(sys);
    const body = (bench: Bench): void => {
      const [mine, theirs] = pair(bench);
      const transmission = transmissionOf(bench);
      const outbox = leave(bench, mine, 'never');
      bench.poller.close();
      assert.is(transmission.size, 0);
      transmission.flush();
      assert.equal([outbox.told, counts, come(theirs)], [[], [], undefined]);
    };
    withPoller(subject, body, { calls })();
  });

  test(
    "with send: 'task' there is nowhere to leave anything",
    withPoller(subject, (bench) => assert.is(bench.poller.transmission, null), { poller: { send: 'task' } }),
  );

  test.run();
}

const test = suite('who sends');

test('the mode is the one asked for, else that of the environment, else the round; another is refused by name', () => {
  const before = process.env[SEND_VARIABLE];
  const choose = (asked?: string) => chooseMode('send', SEND_MODES, SEND_VARIABLE, asked);
  try {
    delete process.env[SEND_VARIABLE];
    assert.is(choose(), 'round');
    process.env[SEND_VARIABLE] = 'task';
    assert.is(choose(), 'task');
    assert.is(choose('round'), 'round');
    process.env[SEND_VARIABLE] = 'never';
    assert.throws(
      () => choose(),
      (error: Error) =>
        error instanceof RangeError &&
        error.message === "no way to send 'never' (from GENLOOP_SEND); there are: round, task",
    );
    assert.throws(() => choose('x'), /^no way to send 'x'; there are: round, task$/);
  } finally {
    if (before === undefined) delete process.env[SEND_VARIABLE];
    else process.env[SEND_VARIABLE] = before;
  }
});

test.run();
