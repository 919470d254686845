/** Receiving for parked readers in the wait: what arrives, for whom, in how many calls, and that nothing is lost when somebody changes his mind. */

import { RECV_ROW, realSys, Socket, type Sys } from 'genloop/os';
import {
  BusyError,
  chooseMode,
  Poller,
  RECEIVE_MODES,
  RECEIVE_VARIABLE,
  RECEPTION_BYTES,
  Readiness,
  type Receiver,
  type Registration,
} from 'genloop/poller';
import * as assert from 'uvu/assert';
import { EVENTS_PER_WAIT } from '../../src/poller/epoll.ts';
import { type Bench, EVERYWHERE, PATIENCE, Recorder, withPoller } from '../support/backends.ts';
import { suite } from '../support/suite.ts';
import { constant } from '../support/systems.ts';

const { IN, OUT } = Readiness;

/** A receiver that copies what it gets, as one must that does not take it in its next step. */
class Inbox implements Receiver {
  readonly results: number[] = [];
  text = '';
  settled = 0;
  private lent: Uint8Array | null = null;

  received(bytes: Uint8Array, offset: number, result: number): void {
    this.results.push(result);
    if (result > 0) this.lent = bytes.subarray(offset, offset + result);
  }

  settle(): void {
    this.settled++;
    this.take();
  }

  /** What has come so far. */
  take(): string {
    if (this.lent !== null) this.text += Buffer.from(this.lent).toString();
    this.lent = null;
    return this.text;
  }
}

/** A reader that is parked with a receiver. */
class Party extends Recorder {
  readonly inbox = new Inbox();
  /** What a waker answers whose task has gone elsewhere. */
  answer = true;
  /** What the receiver had when the reader was woken. */
  readonly seen: number[][] = [];

  override wake(flags: number): boolean {
    super.wake(flags);
    this.seen.push([...this.inbox.results]);
    return this.answer;
  }
}

function pair({ keep }: Bench): [Socket, Socket] {
  return Socket.pair().map(keep) as [Socket, Socket];
}

/** A system that counts how often it is asked to receive for many, and for how many each time. */
function counting(sys: Sys): { calls: Partial<Sys>; counts: number[] } {
  const counts: number[] = [];
  const recvEach: Sys['recvEach'] = (rows, count, buffer, each) => {
    counts.push(count);
    return sys.recvEach(rows, count, buffer, each);
  };
  return { calls: { recvEach }, counts };
}

for (const subject of EVERYWHERE) {
  const test = suite(`receiving in the wait, over ${subject.title}`);
  const { sys } = subject;

  test(
    'the receiver has the bytes before the reader is woken, and the next park receives what comes next',
    withPoller(subject, (bench) => {
      const [mine, theirs] = pair(bench);
      const party = new Party();
      for (const [round, text] of ['one', 'three', 'x'.repeat(100)].entries()) {
        bench.poller.parkReceiver(mine, party, party.inbox);
        theirs.send(text);
        while (party.told === round) bench.poller.wait(PATIENCE);
        assert.equal(party.seen[round]?.at(-1), text.length);
        party.inbox.take();
      }
      assert.is(party.inbox.text, `onethree${'x'.repeat(100)}`);
      assert.equal(party.errors, []);
      assert.is(bench.poller.waiting, 0);
    }),
  );

  const { calls, counts } = counting(sys);
  test(
    'all that are ready in a wait are received for in one call, as many as fit; each gets its own',
    withPoller(
      subject,
      (bench) => {
        counts.length = 0;
        // More than one call takes.
        const parties = Array.from({ length: 300 }, (_, index) => {
          const [mine, theirs] = pair(bench);
          const party = new Party();
          bench.poller.parkReceiver(mine, party, party.inbox);
          theirs.send(`for ${index}`);
          return party;
        });
        while (parties.some(({ told }) => told === 0)) bench.poller.wait(PATIENCE);
        for (const [index, party] of parties.entries()) {
          assert.is(party.inbox.take(), `for ${index}`);
          assert.is(party.told, 1);
        }
        assert.is(
          counts.reduce((sum, count) => sum + count, 0),
          300,
        );
        assert.is(Math.max(...counts) <= 256, true, `${counts}`);
        const fit = subject.name === 'epoll' ? EVENTS_PER_WAIT : 256;
        if (sys === realSys()) assert.is(counts.length, Math.ceil(300 / fit));
      },
      { calls },
    ),
  );

  test(
    'after a wait with many a wait with few: each is settled once, and nobody who was served before is touched again',
    withPoller(subject, (bench) => {
      const parties = Array.from({ length: 8 }, () => {
        const [mine, theirs] = pair(bench);
        return { mine, theirs, party: new Party() };
      });
      const exchange = (some: typeof parties): void => {
        const before = some.map(({ party }) => party.told);
        for (const { mine, party } of some) bench.poller.parkReceiver(mine, party, party.inbox);
        for (const { theirs } of some) theirs.send('x');
        while (some.some(({ party }, index) => party.told === before[index])) bench.poller.wait(PATIENCE);
      };
      exchange(parties);
      const few = parties.slice(2, 4);
      for (let round = 0; round < 3; round++) exchange(few);
      // Gone, with bytes that nobody takes: neither is received for again.
      for (const { mine } of parties.slice(4)) mine.close();
      exchange(few);
      for (const { party } of parties) {
        const rounds = few.some((other) => other.party === party) ? 5 : 1;
        assert.is(party.inbox.take(), 'x'.repeat(rounds));
        assert.equal(party.inbox.results, Array(rounds).fill(1));
        assert.is(party.told, rounds);
        assert.equal(party.errors, []);
        if (rounds === 1) assert.is(party.inbox.settled, 1);
      }
      assert.is(bench.poller.waiting, 0);
    }),
  );

  test(
    'what is lent is settled before the next bytes come, and not lost if its reader has gone elsewhere',
    withPoller(subject, (bench) => {
      const [mine, theirs] = pair(bench);
      const [party, later] = [new Party(), new Party()];
      party.answer = false;
      bench.poller.parkReceiver(mine, party, party.inbox);
      theirs.send('kept');
      while (party.told === 0) bench.poller.wait(PATIENCE);
      assert.is(party.inbox.settled, 0);
      bench.poller.parkReceiver(mine, later, later.inbox);
      theirs.send('other bytes, in the same place');
      while (later.told === 0) bench.poller.wait(PATIENCE);
      assert.is(party.inbox.settled, 1);
      assert.is(party.inbox.text, 'kept');
      assert.is(later.inbox.take(), 'other bytes, in the same place');
    }),
  );

  test(
    'the end is a result of 0; data that came before it comes first',
    withPoller(subject, (bench) => {
      const [mine, theirs] = pair(bench);
      const party = new Party();
      theirs.send('last words');
      theirs.close();
      for (const expected of [10, 0, 0]) {
        const before = party.told;
        bench.poller.parkReceiver(mine, party, party.inbox);
        while (party.told === before) bench.poller.wait(PATIENCE);
        assert.is(party.inbox.results.at(-1), expected);
      }
      assert.is(party.inbox.take(), 'last words');
    }),
  );

  test(
    'an error of the connection is a negative result, once',
    withPoller(subject, (bench) => {
      const listener = bench.keep(Socket.listener({ port: 0 }));
      const theirs = bench.keep(Socket.tcp());
      theirs.connect(listener.localAddress);
      let mine: Socket | undefined;
      while (mine === undefined) mine = listener.accept();
      bench.keep(mine);
      const party = new Party();
      bench.poller.parkReceiver(mine, party, party.inbox);
      // A reset instead of an end.
      theirs.setOption('SOL_SOCKET', 'SO_LINGER', Buffer.from(new Int32Array([1, 0]).buffer));
      theirs.close();
      while (party.told === 0) bench.poller.wait(PATIENCE);
      assert.equal(party.inbox.results, [-constant('ECONNRESET')]);
      bench.poller.parkReceiver(mine, party, party.inbox);
      while (party.told === 1) bench.poller.wait(PATIENCE);
      assert.equal(party.inbox.results, [-constant('ECONNRESET'), 0]);
    }),
  );

  let empty = 0;
  test(
    'one that has nothing after all stays parked, is counted, and gets what comes then',
    withPoller(
      subject,
      (bench) => {
        empty = 2;
        const [mine, theirs] = pair(bench);
        const party = new Party();
        bench.poller.parkReceiver(mine, party, party.inbox);
        theirs.send('here');
        const before = bench.poller.counters.spurious;
        while (party.told === 0) bench.poller.wait(PATIENCE);
        assert.is(bench.poller.counters.spurious - before, 2);
        assert.is(party.inbox.take(), 'here');
        assert.equal(party.inbox.results, [4]);
      },
      {
        calls: {
          recvEach: (rows, count, buffer, each) => {
            if (empty === 0) return sys.recvEach(rows, count, buffer, each);
            empty--;
            for (let at = 0; at < count; at++) rows[at * RECV_ROW + 1] = -constant('EAGAIN');
            return 0;
          },
        },
      },
    ),
  );

  test(
    'a call that fails as a whole is the result of each, and nobody waits on',
    withPoller(
      subject,
      (bench) => {
        const parties = ['a', 'b'].map((text) => {
          const [mine, theirs] = pair(bench);
          const party = new Party();
          bench.poller.parkReceiver(mine, party, party.inbox);
          theirs.send(text);
          return party;
        });
        while (parties.some(({ told }) => told === 0)) bench.poller.wait(PATIENCE);
        for (const { inbox } of parties) assert.equal(inbox.results, [-constant('ENOMEM')]);
      },
      { calls: { recvEach: () => -constant('ENOMEM') } },
    ),
  );

  test(
    'a reader taken back before the wait is not received for: the bytes stay in the kernel for the next',
    withPoller(subject, (bench) => {
      const [mine, theirs] = pair(bench);
      const [gone, next] = [new Party(), new Recorder()];
      const registration = bench.poller.parkReceiver(mine, gone, gone.inbox);
      theirs.send('for whoever comes');
      assert.is(bench.poller.unpark(registration, IN, gone), true);
      // Without a receiver of its own: it must not inherit one.
      bench.poller.park(mine, IN, next);
      bench.until(next);
      assert.is(gone.told, 0);
      assert.equal(gone.inbox.results, []);
      assert.is(mine.recv(100)?.toString(), 'for whoever comes');
    }),
  );

  test(
    'whoever is closed or taken back by a listener of the same wait is not received for',
    withPoller(subject, (bench) => {
      const { poller, sys: system } = bench;
      const [closed, toClosed] = pair(bench);
      const [cancelled, toCancelled] = pair(bench);
      const [bell, ring] = pair(bench);
      const [one, other] = [new Party(), new Party()];
      poller.parkReceiver(closed, one, one.inbox);
      const registration = poller.parkReceiver(cancelled, other, other.inbox);
      poller.listen(bell, () => {
        bell.recv(1);
        closed.close();
        poller.unpark(registration, IN, other);
      });
      for (const socket of [toClosed, toCancelled, ring]) socket.send('!');
      // Simulated datagrams and bytes take their time, and a wait may tell of one thing only.
      const end = system.now() + PATIENCE;
      while (!closed.closed && system.now() < end) poller.wait(PATIENCE);
      // Told of its close, or of what came in a wait before; never both.
      assert.is(one.told, 1);
      assert.is(one.errors.length + one.inbox.results.length, 1);
      assert.is(other.inbox.results.length, other.told);
      if (other.told === 0) assert.is(cancelled.recv(10)?.toString(), '!');
    }),
  );

  test(
    'a reader that is taken back by the wake of another in the same wait is not woken; its bytes are its receiver’s',
    withPoller(subject, (bench) => {
      const { poller } = bench;
      const [first, toFirst] = pair(bench);
      const [second, toSecond] = pair(bench);
      const parties = [new Party(), new Party()];
      // As a select does: whoever wins takes the other back.
      const registrations = [first, second].map((socket, at) => {
        const party = parties[at] as Party;
        const wake = party.wake.bind(party);
        party.wake = (flags) => {
          const other = 1 - at;
          poller.unpark(registrations[other] as Registration, IN, parties[other] as Party);
          return wake(flags);
        };
        return poller.parkReceiver(socket, party, party.inbox);
      });
      for (const socket of [toFirst, toSecond]) socket.send('mine');
      while (parties.every(({ told }) => told === 0)) poller.wait(PATIENCE);
      assert.is(parties[0]?.told === 1 ? parties[1]?.told : parties[0]?.told, 0);
      assert.is(poller.waiting, 0);
      for (const [at, socket] of [first, second].entries()) {
        const { inbox } = parties[at] as Party;
        if (inbox.results.length === 0) assert.is(socket.recv(100)?.toString(), 'mine');
        else assert.is(inbox.take(), 'mine');
      }
    }),
  );

  test(
    'a writer on the same socket is woken beside the reader, and a second reader is refused',
    withPoller(subject, (bench) => {
      const [mine, theirs] = pair(bench);
      const [party, writer, second] = [new Party(), new Recorder(), new Party()];
      bench.poller.parkReceiver(mine, party, party.inbox);
      bench.poller.park(mine, OUT, writer);
      assert.throws(
        () => bench.poller.parkReceiver(mine, second, second.inbox),
        (error: unknown) => error instanceof BusyError,
      );
      theirs.send('in');
      while (party.told === 0 || writer.told === 0) bench.poller.wait(PATIENCE);
      assert.is(party.inbox.take(), 'in');
      assert.equal([writer.told, second.told], [1, 0]);
      assert.is(bench.poller.waiting, 0);
    }),
  );

  test(
    'one that fills its share gets the rest at the next park',
    withPoller(subject, (bench) => {
      const [mine, theirs] = pair(bench);
      const party = new Party();
      const sent = Buffer.from(Array.from({ length: 3 * RECEPTION_BYTES }, (_, at) => 97 + (at % 23)));
      let gone = 0;
      while (party.inbox.text.length < sent.length) {
        if (gone < sent.length) gone += theirs.send(sent, gone) ?? 0;
        const before = party.told;
        bench.poller.parkReceiver(mine, party, party.inbox);
        while (party.told === before) bench.poller.wait(PATIENCE);
        party.inbox.take();
      }
      assert.is(party.inbox.text, sent.toString());
      assert.ok(party.inbox.results.every((result) => result > 0 && result <= RECEPTION_BYTES));
    }),
  );

  test(
    "with receive: 'task' the reader is woken by readiness alone",
    withPoller(
      subject,
      (bench) => {
        const [mine, theirs] = pair(bench);
        const party = new Party();
        bench.poller.parkReceiver(mine, party, party.inbox);
        theirs.send('mine to fetch');
        bench.until(party);
        assert.equal(party.inbox.results, []);
        assert.is(mine.recv(100)?.toString(), 'mine to fetch');
      },
      { poller: { receive: 'task' } },
    ),
  );

  test.run();
}

const test = suite('who receives');

test('the buffer in which views are lent cannot be sent away to another thread with one of them', () => {
  const [mine, theirs] = Socket.pair();
  using poller = new Poller(realSys(), 'poll');
  let lent: Uint8Array = new Uint8Array();
  const receiver: Receiver = {
    received: (bytes) => {
      lent = bytes;
    },
    settle: () => {},
  };
  const party = new Party();
  poller.parkReceiver(mine, party, receiver);
  theirs.send('x');
  while (party.told === 0) poller.wait(PATIENCE);
  const { port1, port2 } = new MessageChannel();
  try {
    // Node 20 sends a copy instead, a later one throws.
    try {
      port1.postMessage(lent, [lent.buffer as ArrayBuffer]);
    } catch (error) {
      assert.is((error as Error).name, 'DataCloneError');
    }
    assert.ok(lent.byteLength > 0);
  } finally {
    port1.close();
    port2.close();
  }
  for (const socket of [mine, theirs]) socket.close();
});

test('the mode is the one asked for, else that of the environment, else the wait; another is refused by name', () => {
  const before = process.env[RECEIVE_VARIABLE];
  try {
    delete process.env[RECEIVE_VARIABLE];
    assert.is(chooseMode('receive', RECEIVE_MODES, RECEIVE_VARIABLE), 'wait');
    process.env[RECEIVE_VARIABLE] = 'task';
    assert.is(chooseMode('receive', RECEIVE_MODES, RECEIVE_VARIABLE), 'task');
    assert.is(chooseMode('receive', RECEIVE_MODES, RECEIVE_VARIABLE, 'wait'), 'wait');
    process.env[RECEIVE_VARIABLE] = 'never';
    assert.throws(
      () => chooseMode('receive', RECEIVE_MODES, RECEIVE_VARIABLE),
      (error: Error) =>
        error instanceof RangeError &&
        error.message === "no way to receive 'never' (from GENLOOP_RECEIVE); there are: wait, task",
    );
    assert.throws(
      () => chooseMode('receive', RECEIVE_MODES, RECEIVE_VARIABLE, 'x'),
      /^no way to receive 'x'; there are/,
    );
  } finally {
    if (before === undefined) delete process.env[RECEIVE_VARIABLE];
    else process.env[RECEIVE_VARIABLE] = before;
  }
});

test.run();
