/**
 * A server: listeners, a task for each connection, and the two levels of its end.
 *
 * A listener's task waits for its turn, accepts what there is, and spawns. It accepts only while there is room (rule 22), so that a
 * limit is never exceeded, however many listeners there are. A stop needs no task: it can be asked for in a callback of Node's,
 * and when it returns nobody new gets in. Those who have connected by then are accepted, as room for them gets free.
 */

import { inGroup } from '../kernel/group.ts';
import {
  type CancelScope,
  type Co,
  Op,
  PENDING,
  runningTask,
  type SpawnOptions,
  sleep,
  type Task,
  type Timer,
  WaitQueue,
  type Waker,
} from '../kernel/index.ts';
import { printAs } from '../kernel/printing.ts';
import { isRoutineCall } from '../kernel/routine.ts';
import { checkDuration } from '../kernel/scope.ts';
import { ClosedError, DEFAULT_BACKLOG, type SocketAddress } from '../os/index.ts';
import { type Accepted, Arrival } from './accept.ts';
import { isExhausted } from './accept-errors.ts';
import { Connections } from './connections.ts';
import { isIdle, standsIn, unwatchIdle, watchIdle } from './idle.ts';
import type { Listener } from './listener.ts';
import type { Handler, ServeOptions, ServerCounters, StopOptions } from './serve-options.ts';
import { reportFailure, reportPause } from './serve-reports.ts';

/** Connections accepted before other tasks get their turn. */
const BATCH = 64;
/** How long the kernel's queue is left alone when there is nothing to accept with, in milliseconds. Rule 22. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 1000;
/** What a stop leaves to the connections if it is not told, in milliseconds. */
const DEFAULT_GRACE = 5000;

const SHUTDOWN = 'the server was stopped';

/** A server that runs. Made by `serve`; handlers get it, and so does whoever starts it. */
export class Server<S extends Accepted = Accepted> {
  /** Where it listens, in the order in which the listeners were given. */
  readonly addresses: readonly SocketAddress[];
  /** @internal The group of all its tasks. */
  readonly scope: CancelScope;
  private readonly connections: Connections<S>;
  private readonly listeners: readonly Listener<S>[];
  private readonly handler: Handler<S>;
  private readonly options: ServeOptions<S>;
  private readonly limit: number;
  /** One object for all spawns; and one for routines, which have a name of their own. */
  private readonly spawning: SpawnOptions;
  private readonly spawningRoutines: SpawnOptions;
  private readonly acceptors = new Set<Task<unknown>>();
  private readonly room = new WaitQueue('room for one more connection');
  private readonly idled = new WaitQueue('a connection that idles');
  private readonly ends = new Set<Waker<void>>();
  private stage: 'running' | 'stopping' | 'ended' = 'running';
  private graceOver: Timer | null = null;
  /** Whether a task has begun to idle since the last look. */
  private news = false;
  /** When the last pause ended. */
  private paused = Number.NEGATIVE_INFINITY;
  private accepted = 0;
  private errors = 0;
  private pauses = 0;

  /** @internal */
  constructor(listeners: readonly Listener<S>[], handler: Handler<S>, options: ServeOptions<S>) {
    const task = runningTask();
    this.listeners = listeners;
    this.addresses = listeners.map(({ address }) => address);
    this.handler = handler;
    this.options = options;
    this.limit = options.maxConnections ?? Number.POSITIVE_INFINITY;
    const { name, asyncContext = true } = options;
    this.spawning = { name: name ?? (handler.name || 'connection'), asyncContext };
    this.spawningRoutines = name === undefined ? { asyncContext } : this.spawning;
    this.connections = new Connections(task.kernel, task, () => this.room.wake(), {
      onError: (error, failed) => this.failed(error, failed),
    });
    this.scope = this.connections;
  }

  /** Where it listens: the first of its addresses. */
  get address(): SocketAddress {
    return this.addresses[0] as SocketAddress;
  }

  /** Whether it has been told to stop, or has ended: a handler that could go on for ever looks here. */
  get stopping(): boolean {
    return this.stage !== 'running';
  }

  /** What it has done so far. */
  get counters(): ServerCounters {
    const { accepted, errors, pauses, connections, listeners } = this;
    const rejected = listeners.reduce((sum, { arrivals }) => sum + arrivals.skipped, 0);
    return { accepted, active: connections.count, rejected, errors, pauses };
  }

  /**
   * Stops it, and never waits: `serve` returns once all has ended, and {@link Server.ended} waits for that. From anywhere, also from a
   * callback of Node's. When it returns, nobody new gets in; those who had connected by then are served. Waits that are marked
   * `idle` are cut, with the tasks that wait, unless what they wait for has come. After the grace all others are cancelled. Of several stops the
   * nearest end holds. Throws `RangeError` and `TypeError` for what is no duration. Rule 23.
   */
  stop(options: StopOptions = {}): void {
    const { grace = DEFAULT_GRACE } = options;
    checkDuration('grace', grace);
    if (this.stage === 'ended') return;
    if (this.stage === 'running') {
      this.stage = 'stopping';
      for (const listener of this.listeners) this.drain(listener);
      watchIdle(this);
      // A daemon: nobody waits for it.
      this.connections.spawn(this.cutting(), { name: 'the end of a server', daemon: true });
    }
    this.endAfter(grace);
  }

  /** Waits until the server has ended: no listener, no connection, no task of it is left. */
  ended(): Op<void> {
    return new ServerEnd(this.ends, () => this.stage === 'ended', String(this));
  }

  /** `server on 127.0.0.1:15000`. */
  toString(): string {
    return `server on ${this.addresses.join(', ')}`;
  }

  /** @internal A task of it waits, marked as idle, while it stops. */
  idles(): void {
    this.news = true;
    this.idled.wake();
  }

  /** @internal Runs until it has been stopped. */
  *run(ready: ((server: Server<S>) => void) | undefined): Co<void> {
    const { options, connections } = this;
    const { grace = 0, onReady } = options;
    const outside = runningTask().scope;
    const stop = () => this.stop({ grace });
    try {
      if (grace > 0) {
        connections.shielded = true;
        outside.signal.addEventListener('abort', stop);
      }
      // Cancelled before it began: the signal tells that nobody any more.
      const late = grace > 0 && outside.inForce !== null ? stop : undefined;
      yield inGroup(connections, () => this.start(ready, onReady, late));
    } finally {
      if (grace > 0) outside.signal.removeEventListener('abort', stop);
      this.finish();
    }
    // The end was not its own: whoever cancelled it hears so, although all is done.
    if (outside.inForce !== null) throw outside.inForce;
  }

  // biome-ignore lint/correctness/useYield: the body of its group, which goes on with the tasks
  private *start(...told: (((server: Server<S>) => void) | undefined)[]): Co<void> {
    for (const listener of this.listeners) {
      const task = this.connections.spawn(this.accepting(listener), { name: `accept on ${listener.address}` });
      this.acceptors.add(task);
    }
    for (const tell of told) tell?.(this);
  }

  private get hasRoom(): boolean {
    return this.connections.count < this.limit;
  }

  /** The task of a listener. */
  private *accepting(listener: Listener<S>): Co<void> {
    const { arrivals } = listener;
    const arrival = new Arrival(arrivals);
    for (let pause = SHORTEST_PAUSE; ; ) {
      try {
        let count = 0;
        while (count < BATCH && this.hasRoom) {
          const stream = this.stopping ? arrivals.next() : arrivals.take();
          if (stream === undefined) break;
          this.serve(stream);
          count++;
          pause = SHORTEST_PAUSE;
        }
        if (!this.hasRoom) {
          yield* this.room.wait();
          continue;
        }
        if (count === BATCH) {
          yield;
          continue;
        }
        // There is room, and nobody here: the turn of the next listener.
        this.room.wake();
        if (this.stopping) {
          listener.close();
          return;
        }
        yield* arrival;
      } catch (error) {
        if (error instanceof ClosedError && listener.closed) return;
        // Anything else is the listener's own: it was shut down, say. Trying again would fail for ever.
        if (!isExhausted(error)) throw error;
        const { host } = this.connections.kernel;
        if (host.now() - this.paused > LONGEST_PAUSE) {
          this.pauses++;
          reportPause(error, this, this.options.onPause);
        }
        yield* sleep(pause);
        this.paused = host.now();
        pause = Math.min(pause * 2, LONGEST_PAUSE);
      }
    }
  }

  /** A task for a connection. */
  private serve(stream: S): void {
    const { connections } = this;
    this.accepted++;
    try {
      const body = this.handler(stream, this);
      const options = isRoutineCall(body) ? this.spawningRoutines : this.spawning;
      connections.entrust(connections.spawn(body, options), stream);
    } catch (error) {
      // It was no generator function, or one that throws before it is one.
      this.report(error, stream);
      stream.close();
    }
  }

  /** The policy of the group: a connection's failure is reported, a listener's ends the server. */
  private failed(error: unknown, task: Task<unknown>): void {
    const stream = this.connections.streamOf(task);
    if (stream === undefined) throw error;
    this.report(error, stream);
  }

  private report(error: unknown, stream: S): void {
    this.errors++;
    reportFailure(error, stream, this, this.options.onError);
  }

  /** Takes in who has connected, as far as there is room, and closes the listener. */
  private drain(listener: Listener<S>): void {
    if (listener.closed) return;
    const shut = listener.shut();
    let left = true;
    try {
      // Where the door cannot be shut they come for ever: no more than can be in the queue.
      for (let count = 0; left && count <= DEFAULT_BACKLOG && this.hasRoom; count++) {
        const stream = listener.arrivals.next();
        if (stream === undefined) left = false;
        else this.serve(stream);
      }
    } catch (error) {
      if (!isExhausted(error)) left = false;
    }
    // What is left is accepted by the listener's task, when there is room or a descriptor for it again.
    if (!left || !shut) listener.close();
    else this.room.wakeAll();
  }

  /** The task that cuts idle waits. */
  private *cutting(): Co<never> {
    for (;;) {
      this.news = false;
      // What has come by now is asked for before the timer fires: who has got something to do does not idle.
      yield* sleep(0);
      const { connections } = this;
      const idle = [...connections.kernel.tasks].filter((task) => isIdle(task) && standsIn(task, connections));
      for (const task of idle) task.cancelFor('shutdown', 'the server stops');
      while (!this.news) yield* this.idled.wait();
    }
  }

  private endAfter(grace: number): void {
    if (grace === Number.POSITIVE_INFINITY) return;
    if (grace === 0) {
      this.cut();
      return;
    }
    const { timers, host } = this.connections.kernel;
    const deadline = host.now() + grace;
    if (this.graceOver !== null) {
      if (this.graceOver.deadline <= deadline) return;
      timers.cancel(this.graceOver);
    }
    this.graceOver = timers.set(deadline, () => this.cut());
  }

  /** Cancels everything. */
  private cut(): void {
    this.graceOver = null;
    for (const listener of this.listeners) listener.close();
    this.connections.cancelFor('shutdown', SHUTDOWN);
  }

  private finish(): void {
    this.stage = 'ended';
    unwatchIdle(this);
    for (const listener of this.listeners) listener.close();
    if (this.graceOver !== null) this.connections.kernel.timers.cancel(this.graceOver);
    for (const waker of this.ends) waker.wake();
    this.ends.clear();
  }
}

printAs(Server, String);

/** Waits for the end of a server. */
class ServerEnd extends Op<void> {
  private readonly wakers: Set<Waker<void>>;
  private readonly isOver: () => boolean;
  private readonly server: string;

  constructor(wakers: Set<Waker<void>>, isOver: () => boolean, server: string) {
    super();
    this.wakers = wakers;
    this.isOver = isOver;
    this.server = server;
  }

  override try(): undefined | typeof PENDING {
    return this.isOver() ? undefined : PENDING;
  }

  override park(waker: Waker<void>): void {
    this.wakers.add(waker);
  }

  override abort(waker: Waker<void>): boolean {
    return this.wakers.delete(waker) || true;
  }

  override describe(): string {
    return `the end of the ${this.server}`;
  }
}
