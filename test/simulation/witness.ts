/**
 * The witness of a run: it keeps a model of its own of who is ready, who waits for what and what was put where, and says where the kernel
 * differs from it. Each thing that is checked has a name, under which violations are counted.
 */

import { CancelError, type CancelScope, type Kernel, type Task } from 'genloop/kernel';
import type { Descriptor } from 'genloop/os';
import type { Scheduler } from 'genloop/scheduler';
import { Claims, isTimed } from './claims.ts';
import { dueOf, inForceIn, kernelOf, observe, pollerOf, scopeOf } from './inside.ts';
import { type GroupRecord, Ledger } from './ledger.ts';
import { Lendings } from './lendings.ts';
import type { Park, Purpose } from './park.ts';
import type { StreamEnd } from './stream-end.ts';
import { Reading, Writing } from './transfers.ts';

/** What is checked. */
export type Invariant =
  | 'nobody woken twice'
  | 'no wake lost'
  | 'no needless wake'
  | 'one outcome'
  | 'one abort'
  | 'first in, first out'
  | 'never early'
  | 'cancels reach all'
  | 'shields hold'
  | 'no value lost'
  | 'one taker'
  | 'bytes once, in order'
  | 'views hold'
  | 'the end is the end'
  | 'one reader, one writer'
  | 'finally once'
  | 'groups wait'
  | 'first failure'
  | 'outcomes'
  | 'starvation bounded'
  | 'no spinning'
  | 'no waiter leaked'
  | 'descriptors back'
  | 'it ends'
  | 'no internal error';

/** Something that should not have happened. */
export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

/** A task may complete so many operations in one step (rule 40). */
const MOST_COMPLETIONS = 32;
/** So many steps may be run without asking for readiness, unless one answer made more tasks ready (rule 40). */
const MOST_STEPS = 64;

/** Looks at one run. */
export class Witness {
  /** The first violation; what comes after it is of no interest. */
  violation: Violation | null = null;
  /** Parks that are neither completed nor undone. */
  readonly parks: Set<Park> = new Set();
  readonly ledger: Ledger;
  private readonly lendings: Lendings;
  private readonly handed = new Map<Task<unknown>, { readonly reading: Reading; readonly bytes: Buffer | null }>();
  private readonly looking = new Map<Task<unknown>, StreamEnd>();
  /** The ready tasks, the next first, as they should be. */
  readonly ring: Task<unknown>[] = [];
  /** Called after each step, by whoever counts states. */
  onStep: (() => void) | null = null;
  /** Undone, and not over. */
  private readonly loose: Set<Park> = new Set();
  private readonly kernel: Kernel;
  private readonly scheduler: Scheduler;
  private readonly shuffled: boolean;
  private readonly claims: Claims;
  /** How many rounds have begun. */
  rounds = 0;
  /** How many steps there were. */
  steps = 0;
  /** When readiness was last asked for, which is when timers fire. */
  private askedAt = 0;
  private readonly embedded: boolean;
  private completions = 0;
  private cancels = 0;
  private allowed = MOST_STEPS;
  /** Whether a write was left in this round, to be sent with others: whoever goes on with that has its step in the same round. */
  leaves = false;

  constructor(
    scheduler: Scheduler,
    options: {
      shuffled: boolean;
      isReady: (end: Descriptor, purpose: Purpose) => boolean;
      trusting: boolean;
      embedded?: boolean;
    },
  ) {
    const kernel = kernelOf(scheduler);
    this.kernel = kernel;
    this.scheduler = scheduler;
    this.shuffled = options.shuffled;
    this.embedded = options.embedded ?? false;
    this.ledger = new Ledger(this);
    this.lendings = new Lendings(this);
    this.claims = new Claims(this, options.isReady, options.trusting);
    observe(kernel, {
      spawned: (task) => this.becomesReady(task),
      stepping: (task) => this.stepping(task),
      stepped: (task) => this.stepped(task),
      cancelled: () => this.cancels++,
      ended: (task) => this.ledger.ended(task),
    });
    const { resume } = kernel;
    kernel.resume = (task, waker, value, failing): boolean => {
      const accepted = resume.call(kernel, task, waker, value, failing);
      if (accepted) this.becomesReady(task);
      return accepted;
    };
  }

  /** Notes a violation, if it is the first. */
  violate(invariant: Invariant, what: string): void {
    this.violation ??= { invariant, what };
  }

  /** The time. */
  get now(): number {
    return this.kernel.host.now();
  }

  /** A trap was reached: the cancel in force there would have kept it from being tried. */
  tried(kernel: Kernel, { kind, target }: Purpose): void {
    const task = kernel.current as Task<unknown>;
    this.lendings.check(task);
    if (this.cancels > 0 && inForceIn(scopeOf(task)) !== null) {
      this.violate('cancels reach all', `${task}, which is cancelled, may wait for ${kind} ${String(target)}`);
    }
  }

  /** A trap threw this. */
  threw(task: Task<unknown>, error: unknown): void {
    if (!(error instanceof CancelError)) return;
    const due = inForceIn(scopeOf(task));
    if (due === error) return;
    const what = due === null ? 'none is in force' : `that of ${due.message} is in force`;
    this.violate('shields hold', `${task} got a cancel (${error.message}) where ${what}`);
  }

  /** A trap was completed without a park. */
  completed({ kind, target }: Purpose, value: unknown): void {
    if (kind === 'next') this.ledger.next(target as GroupRecord, value);
    if (++this.completions > MOST_COMPLETIONS) {
      this.violate('starvation bounded', `${this.kernel.current} completes ${this.completions} operations in one step`);
    }
  }

  /** A task was lent this view, which holds until its next trap. */
  lend(view: Uint8Array, task: Task<unknown>): void {
    this.lendings.add(view, task);
  }

  /** A task was woken, and is to look at this end of a stream as soon as it runs. */
  looks(task: Task<unknown>, end: StreamEnd): void {
    this.looking.set(task, end);
  }

  /** A task was handed what it reads, and has not run since: a copy of it, `null` for the end. */
  handsOver(task: Task<unknown>, reading: Reading, bytes: Buffer | null): void {
    this.handed.set(task, { reading, bytes });
  }

  /** The task goes on with it: what it was; `undefined` if nothing was handed to it for this. */
  handedOver(task: Task<unknown>, reading: Reading): Buffer | null | undefined {
    const found = this.handed.get(task);
    if (found?.reading !== reading) return undefined;
    this.handed.delete(task);
    return found.bytes;
  }

  /** Whether somebody was woken to look there, and has not run since. */
  isLookedAt(end: StreamEnd): boolean {
    for (const each of this.looking.values()) if (each === end) return true;
    return false;
  }

  parked(park: Park): void {
    this.parks.add(park);
    this.claims.parked(park);
  }

  refused(park: Park, error: unknown): void {
    this.claims.refused(park, error);
    park.stage = 'over';
    this.parks.delete(park);
  }

  /** A park is over with an error, which its task will be thrown. */
  fails({ purpose: { target } }: Park, error: unknown): void {
    if (target instanceof Reading) target.threw(error);
  }

  claimed(park: Park, value: unknown, accepted: boolean): void {
    this.claims.claimed(park, value, accepted);
    this.parks.delete(park);
  }

  undone(park: Park): void {
    this.claims.undone(park);
    this.parks.delete(park);
    if (park.purpose.kind === 'careless') this.loose.add(park);
  }

  /** A park that was over was completed once more. */
  late(park: Park): void {
    this.loose.delete(park);
  }

  /** The waiters of an event go to the end of another one's. */
  moved(from: unknown, to: unknown): void {
    this.claims.moved(from, to);
  }

  /** How many tasks wait for an event. */
  waitingFor(target: unknown): number {
    return this.claims.waitingFor(target);
  }

  /** The writes that were left to be sent with others, and were not tried yet. */
  get left(): Writing[] {
    return [...this.parks].flatMap(({ purpose: { target } }) =>
      target instanceof Writing && target.isLeft ? [target] : [],
    );
  }

  /** Readiness is asked for, or the round is over: whatever was left has been tried. */
  checkLeft(): void {
    for (const writing of this.left) this.violate('no wake lost', `${writing} was left, and the round ends without it`);
  }

  /** A round is about to begin. What it must have done when it ends. */
  beforeRound(): void {
    this.rounds++;
    if (this.kernel.ready === 0) this.claims.expect(this.parks);
  }

  /** A round has ended after so many steps. */
  afterRound(steps: number): void {
    // A turn runs what was ready before it asks, and what its answer has made ready.
    const allowed = this.embedded ? this.allowed + Math.max(MOST_STEPS, this.kernel.tasks.size) : this.allowed;
    const more = this.leaves ? (this.embedded ? 2 : 1) * MOST_STEPS : 0;
    this.leaves = false;
    if (steps > allowed + more) {
      this.violate('starvation bounded', `${steps} steps without asking for readiness, ${allowed + more} are allowed`);
    }
    this.allowed = Math.max(MOST_STEPS, this.kernel.ready);
    this.claims.met();
    this.passed();
    this.checkLeft();
    this.checkReady();
    this.checkCancels();
  }

  /** Readiness is asked for now. */
  asking(): void {
    this.checkLeft();
    this.askedAt = this.now;
  }

  /** Somebody else's loop has slept since then: over nothing whose time it should have been told of. */
  slept(since: number): void {
    const { now } = this;
    for (const park of this.parks) {
      if (!isTimed(park) || park.deadline < since || park.deadline >= now) continue;
      this.violate('no wake lost', `${park} ends at ${park.deadline}, and the loop was not told until ${now}`);
    }
  }

  /** By which time what time ends must have ended. A turn fires timers, and goes on. */
  get dueBy(): number {
    return this.embedded ? this.askedAt : this.now;
  }

  /** Whether what began in this round may have begun after the timers had fired. */
  isLater(round: number): boolean {
    return this.embedded && round === this.rounds;
  }

  /** For whoever asks for readiness by itself: what is ready is told by one question. */
  asks(ask: () => void): void {
    this.claims.expect(this.parks);
    ask();
    this.claims.met();
    this.checkReady();
  }

  /** The timers have fired: whatever was due by now has happened. */
  passed(): void {
    this.claims.timely(this.parks);
    this.ledger.review();
  }

  /** Nothing more will happen by itself: whoever waits must have a reason. */
  quiescent(): void {
    for (const task of this.kernel.tasks) {
      if (task.status !== 'parked') this.violate('no wake lost', `${task} is ${task.status}, and never runs`);
    }
    for (const park of this.parks) {
      if (this.claims.isSatisfied(park)) this.violate('no wake lost', `${park} is there, and nobody is told`);
      if (isTimed(park)) this.violate('no wake lost', `${park} ends at ${park.deadline}, and nobody will tell`);
    }
    this.ledger.quiescent();
  }

  /** All tasks have ended. */
  finish(): void {
    // What could not be stopped goes on behind everybody's back, with its timer.
    let unstoppable = this.loose.size;
    for (const park of this.parks) {
      if (park.stage === 'asked') unstoppable++;
      else this.violate('no waiter leaked', `${park} was neither completed nor undone`);
    }
    this.claims.finish();
    for (const [task, { reading }] of this.handed) {
      this.violate('no value lost', `${reading} was handed to ${task}, which never got it`);
    }
    this.ledger.finish();
    const timers = this.kernel.timers.size - unstoppable;
    if (timers > 0) this.violate('no waiter leaked', `${timers} timers are left`);
    const waiting = pollerOf(this.scheduler)?.waiting ?? 0;
    if (waiting !== 0) this.violate('no waiter leaked', `the poller counts ${waiting} waiters`);
    if (this.ring.length > 0) this.violate('no wake lost', `${this.ring[0]} was ready, and never ran`);
  }

  /** A cancel was asked for. */
  asked(scope: CancelScope): void {
    if (!scope.cancelCalled) this.violate('cancels reach all', `${scope} was cancelled, and does not know it`);
  }

  private becomesReady(task: Task<unknown>): void {
    if (this.ring.includes(task)) this.violate('nobody woken twice', `${task} was woken while it was ready`);
    else this.ring.push(task);
  }

  private stepping(task: Task<unknown>): void {
    if (this.looking.size > 0) this.looking.delete(task);
    const place = this.ring.indexOf(task);
    if (place < 0) this.violate('nobody woken twice', `${task} runs, and nothing has woken it`);
    if (place > 0 && !this.shuffled) this.violate('first in, first out', `${task} runs before ${this.ring[0]}`);
    if (place >= 0) this.ring.splice(place, 1);
    this.completions = 0;
  }

  private stepped(task: Task<unknown>): void {
    this.lendings.check(task);
    if (task.ended || task.status === 'parked') {
      if (this.ring.includes(task)) this.violate('nobody woken twice', `${task} was woken, and is ${task.status}`);
    } else if (!this.ring.includes(task)) {
      // It gave way.
      this.ring.push(task);
    }
    this.checkReady();
    this.checkCancels();
    this.steps++;
    this.onStep?.();
  }

  private checkReady(): void {
    const { ready } = this.kernel;
    if (ready === this.ring.length) return;
    const invariant = ready < this.ring.length ? 'no wake lost' : 'nobody woken twice';
    this.violate(invariant, `${ready} tasks are ready, and ${this.ring.length} should be`);
  }

  /** What holds around a task holds in it, and its wait is undone. */
  private checkCancels(): void {
    if (this.cancels === 0) return;
    for (const task of this.kernel.tasks) {
      const due = inForceIn(scopeOf(task));
      if (due === dueOf(task)) continue;
      const isKept = due === null;
      this.violate(
        isKept ? 'shields hold' : 'cancels reach all',
        `${task} ${isKept ? 'got' : 'was not told of'} a cancel`,
      );
    }
    for (const park of this.parks) {
      if (park.stage === 'parked' && dueOf(park.task) !== null && park.task.status === 'parked') {
        this.violate('cancels reach all', `${park} is cancelled, and goes on waiting`);
      }
    }
  }
}
