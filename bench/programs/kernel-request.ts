/**
 * One proxied request: a deadline, a group, and three calls of backends in tasks of their own, whose answers are added up. What goes
 * wrong in any of them would end the others, and nothing runs on when the request has ended. Prints nanoseconds per request.
 *
 *   kernel-request named|inline
 *
 * `named`: the generator functions are made once, as those of the peers are. `inline`: the group's body is written where it is used, and so is
 * made anew for each request, which costs in V8 what it costs: each generator function brings a prototype and a hidden class of its own.
 */

import { type Co, failAfter, type Group, group, Op, PENDING, Scheduler, type Waker } from 'genloop';
import { Batches } from './batches.ts';
import { Backends, print } from './kernel-kit.ts';

const TIMEOUT_MS = 30_000;

/** Answers the backends' calls in a turn of its own; a poller would do that. */
class Bell extends Op<void> {
  private waker: Waker<void> | null = null;

  ring(): void {
    this.waker?.wake();
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    this.waker = waker;
  }

  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return 'a question to a backend';
  }
}

const bell = new Bell();
let answer: () => void = () => {};
const backends = new Backends((answering) => {
  answer = answering;
  bell.ring();
});

class Call extends Op<number> {
  private readonly question: number;

  constructor(question: number) {
    super();
    this.question = question;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<number>): void {
    backends.ask(this.question, (answer) => waker.wake(answer));
  }

  // An answer that comes later finds its waker used up.
  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return `the answer to ${this.question}`;
  }
}

function* fetchOne(question: number): Co<number> {
  return yield* new Call(question);
}

function* fetchAll(g: Group): Co<number> {
  const a = g.spawn(fetchOne(1));
  const b = g.spawn(fetchOne(2));
  const c = g.spawn(fetchOne(3));
  return (yield* a.join()) + (yield* b.join()) + (yield* c.join());
}

function named(): Op<number> {
  return failAfter(TIMEOUT_MS, () => group(fetchAll));
}

function inline(): Op<number> {
  return failAfter(TIMEOUT_MS, () =>
    group(function* (g): Co<number> {
      const a = g.spawn(fetchOne(1));
      const b = g.spawn(fetchOne(2));
      const c = g.spawn(fetchOne(3));
      return (yield* a.join()) + (yield* b.join()) + (yield* c.join());
    }),
  );
}

function* answering(): Co<void> {
  for (;;) {
    yield* bell;
    answer();
  }
}

function* main(): Co<void> {
  if ((yield* request()) !== 6) throw new Error('an answer is wrong');
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* request();
  }
  print(batches.median());
}

const request = process.argv[2] === 'inline' ? inline : named;
const scheduler = new Scheduler({ backend: 'epoll' });
scheduler.spawn(answering());
scheduler.spawn(main());
scheduler.runSync();
