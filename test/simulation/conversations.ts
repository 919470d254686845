/**
 * Ten tasks in many orders by the public `simulate(seed, program)`: a scheduler and a whole system for each, and sockets between the tasks.
 * The program's own assertions look, as those of a user's program would: that each answer is the one to its question, that no item is
 * lost or taken twice, and that all tasks end. That every descriptor was closed is looked after by `simulate`.
 */

import { type Co, group, runningTask, select, sleep, type Task } from 'genloop/kernel';
import { Socket } from 'genloop/os';
import { ReadWait, WriteWait } from 'genloop/scheduler';
import { simulate } from 'genloop/testing';
import { ItemQueue, Take } from './operations.ts';
import { type Schedules, stopwatch } from './schedules.ts';
import { Hash } from './states.ts';

const QUESTIONS = 2;
const ITEMS = 4;
const PAUSE_MS = 5;
/** Tells apart which task noted what. */
const MOST_TASKS = 16;

/** How the two ends come together: as a pair of Unix sockets, or over TCP with a listener. */
export type Meeting = 'pair' | 'tcp';

/** Runs it under the seeds 1 to `count`. */
export function runConversations(count: number, meeting: Meeting): Schedules {
  const took = stopwatch();
  const orders = new Set<number>();
  const violations: string[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const run = new Conversation();
    try {
      const problem = simulate(seed, meeting === 'tcp' ? run.overTcp() : run.overPair());
      if (problem !== null) violations.push(`schedule ${seed}: ${problem}`);
    } catch (error) {
      violations.push(String(error));
    }
    orders.add(run.order);
  }
  return { runs: count, distinct: orders.size, ...took(), violations };
}

class Conversation {
  private readonly hash = new Hash();
  private readonly queue = new ItemQueue('the queue');
  private readonly taken: number[] = [];
  private readonly answers: number[] = [];
  private put = 0;

  /** The order in which the tasks ran, as a hash. */
  get order(): number {
    return this.hash.result;
  }

  *overPair(): Co<string | null> {
    const [near, far] = Socket.pair();
    return yield* this.meet(this.client(near), this.server(far));
  }

  *overTcp(): Co<string | null> {
    const listener = Socket.listener();
    return yield* this.meet(this.visitor(listener.localAddress.port), this.host(listener));
  }

  /** Ten tasks with the one that runs this: what is wrong, or `null`. */
  private *meet(client: Co<void>, server: Co<void>): Co<string | null> {
    const self = this;
    yield* group(function* (g): Co<void> {
      g.spawn(server);
      const asking = g.spawn(client);
      for (let each = 0; each < 2; each++) g.spawn(self.producer());
      for (let each = 0; each < 2; each++) g.spawn(self.taker());
      const sleeper = g.spawn(self.sleeper());
      g.spawn(self.canceller(sleeper));
      g.spawn(self.joiner(asking));
    });
    const all = [...this.taken, ...this.queue.items].sort((one, other) => one - other);
    if (all.length !== this.put || all.some((item, at) => item !== at + 1))
      return `of ${this.put} items there are ${all}`;
    const wrong = this.answers.length !== QUESTIONS || this.answers.some((answer, at) => answer !== at + 1);
    return wrong ? `${QUESTIONS} questions were answered by ${this.answers}` : null;
  }

  private *visitor(port: number): Co<void> {
    const socket = Socket.tcp();
    socket.connect({ port });
    yield new WriteWait(socket);
    yield* this.client(socket);
  }

  private *host(listener: Socket): Co<void> {
    using _ = listener;
    yield new ReadWait(listener);
    yield* this.server(listener.accept() as Socket);
  }

  private *client(socket: Socket): Co<void> {
    using _ = socket;
    for (let each = 0; each < QUESTIONS; each++) {
      this.note(1);
      socket.send(Uint8Array.of(each));
      yield new ReadWait(socket);
      this.answers.push(...(socket.recv() ?? []));
    }
  }

  private *server(socket: Socket): Co<void> {
    using _ = socket;
    for (;;) {
      yield new ReadWait(socket);
      this.note(2);
      const question = socket.recv() as Uint8Array;
      if (question.length === 0) return;
      socket.send(Uint8Array.of((question[0] as number) + 1));
    }
  }

  private *producer(): Co<void> {
    this.note(9);
    for (let each = 0; each < ITEMS / 2; each++) {
      this.note(3);
      this.queue.put(++this.put);
      yield;
    }
  }

  private *taker(): Co<void> {
    this.note(10);
    for (let each = 0; each < ITEMS / 2; each++) {
      const got = yield* select({ item: new Take(this.queue), pause: sleep(PAUSE_MS) });
      this.note(got.key === 'item' ? 4 : 5);
      if (got.key === 'item') this.taken.push(got.value);
    }
  }

  private *sleeper(): Co<void> {
    this.note(11);
    try {
      yield sleep(Number.POSITIVE_INFINITY);
    } finally {
      this.note(6);
    }
  }

  private *canceller(target: Task<unknown>): Co<void> {
    this.note(12);
    yield;
    this.note(7);
    target.cancel();
  }

  private *joiner(target: Task<unknown>): Co<void> {
    this.note(13);
    yield* target.join();
    this.note(8);
  }

  private note(what: number): void {
    this.hash.add(what * MOST_TASKS + runningTask().id);
  }
}
