/**
 * The poller against a model that a child could check: thousands of random steps over socket pairs and their duplicates (wait, take back, withdraw,
 * write, read, close, duplicate), and after each wait exactly those waiters have been told whose descriptor is ready. Numbers
 * are reused all the time.
 */

import { Socket, SystemError } from 'genloop/os';
import { BusyError, type Direction, Readiness, Registration } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../src/scheduler/random.ts';
import { type Bench, EVERYWHERE, Recorder, withPoller } from '../support/backends.ts';
import { suite } from '../support/suite.ts';

const { IN, OUT } = Readiness;
const STEPS = 3_000;
const SEEDS = [1, 20_251_121, 0x5eed];
const MOST_HANDLES = 24;

interface Parked {
  readonly waiter: Recorder;
  readonly registration: Registration;
}

/** One open file: an end of a pair. */
interface End {
  readonly handles: Set<Handle>;
  /** Bytes that have been sent to it and not read. */
  unread: number;
  peer: End;
}

/** One number for it. */
interface Handle {
  readonly socket: Socket;
  readonly end: End;
  readonly parked: Map<Direction, Parked>;
}

/** The same steps in every run. */
function randomFrom(seed: number): (below: number) => number {
  const random = seededRandom(seed);
  return (below) => Math.floor(random() * below);
}

class Model {
  readonly handles: Handle[] = [];
  private readonly bench: Bench;
  private readonly random: (below: number) => number;

  constructor(bench: Bench, seed: number) {
    this.bench = bench;
    this.random = randomFrom(seed);
  }

  step(): void {
    if (this.handles.length < 2) this.openPair();
    const handle = this.handles[this.random(this.handles.length)] as Handle;
    const direction = this.random(2) === 0 ? IN : OUT;
    const choice = this.random(20);
    if (choice < 6) this.park(handle, direction);
    else if (choice < 8) this.takeBack(handle, direction);
    else if (choice < 10) this.write(handle);
    else if (choice < 12) this.drain(handle);
    else if (choice < 13) this.close(handle);
    else if (choice < 14) this.duplicate(handle);
    else if (choice < 15) this.openPair();
    else if (choice < 16) this.withdraw(handle);
    else this.wait();
  }

  clear(): void {
    for (const handle of [...this.handles]) this.close(handle);
  }

  private openPair(): void {
    if (this.handles.length >= MOST_HANDLES) return;
    const [one, other] = Socket.pair();
    const end = (): End => ({ handles: new Set(), unread: 0 }) as unknown as End;
    const [left, right] = [end(), end()];
    left.peer = right;
    right.peer = left;
    this.add(one, left);
    this.add(other, right);
  }

  private add(socket: Socket, end: End): void {
    const handle: Handle = { socket, end, parked: new Map() };
    end.handles.add(handle);
    this.handles.push(handle);
  }

  private park(handle: Handle, direction: Direction): void {
    const waiter = new Recorder();
    if (handle.parked.has(direction)) {
      assert.throws(
        () => this.bench.poller.park(handle.socket, direction, waiter),
        (error: unknown) => error instanceof BusyError,
      );
      return;
    }
    const registration = this.bench.poller.park(handle.socket, direction, waiter);
    handle.parked.set(direction, { waiter, registration });
  }

  private takeBack(handle: Handle, direction: Direction): void {
    const parked = handle.parked.get(direction);
    if (parked === undefined) return;
    assert.is(this.bench.poller.unpark(parked.registration, direction, parked.waiter), true);
    assert.is(parked.waiter.told, 0);
    handle.parked.delete(direction);
  }

  private withdraw({ socket, parked }: Handle): void {
    const { watcher } = socket;
    if (watcher instanceof Registration) assert.is(this.bench.poller.withdraw(watcher), parked.size === 0);
    else assert.is(watcher, null);
  }

  private write({ socket, end }: Handle): void {
    // Far from full: a writer is always ready here.
    if (end.peer.handles.size === 0 || end.peer.unread > 100) return;
    assert.is(socket.send('x'), 1);
    end.peer.unread++;
  }

  private drain({ socket, end }: Handle): void {
    for (;;) {
      let data: Buffer | undefined;
      try {
        data = socket.recv(1000);
      } catch (error) {
        // The peer closed with something unread.
        assert.is((error as SystemError).code, 'ECONNRESET');
        assert.instance(error, SystemError);
        continue;
      }
      if (data === undefined || data.length === 0) {
        assert.is(data !== undefined, end.peer.handles.size === 0);
        break;
      }
      end.unread -= data.length;
    }
    assert.is(end.unread, 0);
  }

  private duplicate(handle: Handle): void {
    if (this.handles.length >= MOST_HANDLES) return;
    this.add(Socket.adopt(handle.socket.dup().detach()), handle.end);
  }

  private close(handle: Handle): void {
    handle.socket.close();
    for (const { waiter } of handle.parked.values()) {
      assert.equal(
        waiter.errors.map((error) => (error as { code?: string }).code),
        ['ERR_GENLOOP_CLOSED'],
      );
      assert.is(waiter.flags.length, 0);
    }
    handle.end.handles.delete(handle);
    this.handles.splice(this.handles.indexOf(handle), 1);
  }

  private wait(): void {
    const expected = this.handles.flatMap((handle) =>
      [...handle.parked].map(([direction, { waiter }]) => ({
        handle,
        direction,
        waiter,
        ready: isReady(handle, direction),
      })),
    );
    this.bench.poller.wait(0);
    for (const { handle, direction, waiter, ready } of expected) {
      const what = `${direction === IN ? 'reader' : 'writer'} of ${handle.socket}, unread ${handle.end.unread}, peer ${handle.end.peer.handles.size}`;
      assert.is(waiter.flags.length, ready ? 1 : 0, what);
      assert.is(waiter.errors.length, 0, what);
      if (ready) handle.parked.delete(direction);
    }
    const parked = this.handles.reduce((sum, handle) => sum + handle.parked.size, 0);
    assert.is(this.bench.poller.waiting, parked);
  }
}

function isReady({ end }: Handle, direction: Direction): boolean {
  return direction === OUT || end.unread > 0 || end.peer.handles.size === 0;
}

for (const subject of EVERYWHERE) {
  const test = suite(`the poller and its model, over ${subject.title}`);
  for (const seed of SEEDS) {
    test(
      `agree for ${STEPS} random steps from seed ${seed}`,
      withPoller(subject, (bench) => {
        const model = new Model(bench, seed);
        try {
          for (let step = 0; step < STEPS; step++) model.step();
        } finally {
          model.clear();
        }
        assert.is(bench.poller.waiting, 0);
        assert.is(bench.poller.wait(0), 0);
        assert.equal([bench.poller.counters.stale, bench.poller.counters.rebuilds], [0, 0]);
      }),
    );
  }
  test.run();
}
