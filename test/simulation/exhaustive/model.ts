/**
 * The small model: three tasks, two descriptors, and a world in which each descriptor becomes ready once and is closed once, each task is
 * cancelled once, and time passes. One run of it, in which somebody else decides what happens next: which ready task takes a step, whether
 * readiness is asked for, whether timers fire, or what the world does.
 */

import type { Task } from 'genloop/kernel';
import { enterSys } from 'genloop/os';
import type { ReceiveMode, SendMode } from 'genloop/poller';
import { Scheduler } from 'genloop/scheduler';
import { SimulatedSystem } from 'genloop/testing';
import { Actor } from '../actor.ts';
import {
  dueOf,
  kernelOf,
  leftIn,
  openPoller,
  pollerOf,
  readerOf,
  readinessOf,
  registrationsOf,
  scopeOf,
  timersOf,
  writerOf,
} from '../inside.ts';
import type { Program, Statement, Wait } from '../program.ts';
import { readyTest, Stage } from '../stage.ts';
import { type Violation, Witness } from '../witness.ts';

/** What a task may wait for. */
export type Target = 'first' | 'second' | 'either';

/** How long the tasks wait at most, in milliseconds. */
const PATIENCE = 10;
/** How often time may pass: a task that begins late has its deadline later. */
const MOST_PASSES = 1;
/** The ends that are waited for; what is sent at the next one arrives here. */
const ENDS = [0, 2] as const;

/**
 * What is waited for: two descriptors; or two streams that are read, and received for by the wait, or by their tasks; or two that are
 * written to, by the round, or by their tasks.
 */
export type Over = 'descriptors' | ReceiveMode | `writes by the ${SendMode}`;

/** Of such a write. One fits, and of two not all. */
const WRITTEN = 2;
const ROOM = 3;

function isWritten(over: Over): over is `writes by the ${SendMode}` {
  return over.startsWith('writes');
}

function waitFor(target: Target, over: Over): Statement {
  const [first, second] = ENDS.map((end): Wait => {
    if (isWritten(over)) return { do: 'transmit', end, bytes: WRITTEN };
    return over === 'descriptors' ? { do: 'read', end } : { do: 'receive', how: 'any', end, size: 1 };
  }) as [Wait, Wait];
  return target === 'either' ? { do: 'select', of: [first, second] } : target === 'first' ? first : second;
}

/** What can happen next, in words: `'step 1'`, `'close 0'`. */
export type Action = string;

/** The program of three tasks: each waits within a time limit, and has a `finally`. */
export function programOf(targets: readonly Target[], over: Over = 'descriptors'): Program {
  const tasks = targets.map((target): Statement[] => [
    {
      do: 'try',
      body: [{ do: 'block', kind: 'moveOnAfter', scope: 0, ms: PATIENCE, body: [waitFor(target, over)] }],
      last: [{ do: 'put', queue: 0 }],
    },
  ]);
  const world = {
    seed: 0,
    backend: 'epoll',
    drive: 'round',
    shuffled: true,
    fragile: false,
    spurious: 0,
    short: 0,
    delay: 0,
    receive: over === 'wait' ? 'wait' : 'task',
    send: over === 'writes by the round' ? 'round' : 'task',
    room: 'small',
    errors: 0,
  } as const;
  const kind = over === 'descriptors' ? 'socket' : 'unixStream';
  return { ...world, pairs: [kind, kind], tasks };
}

/** One run. */
export class Model {
  private readonly system: SimulatedSystem;
  private readonly written: boolean;
  private readonly scheduler: Scheduler;
  private readonly witness: Witness;
  private readonly stage: Stage;
  private readonly tasks: Task<unknown>[];
  private readonly began: boolean[];
  private readonly done = new Set<Action>();
  private passes = 0;
  private choice = 0;

  constructor(targets: readonly Target[], over: Over = 'descriptors') {
    const program = programOf(targets, over);
    this.written = isWritten(over);
    this.system = new SimulatedSystem({
      faults: { order: false },
      ...(this.written ? { sendBuffer: ROOM, receiveBuffer: ROOM } : {}),
    });
    this.scheduler = new Scheduler({
      sys: this.system,
      backend: 'epoll',
      receive: program.receive,
      send: program.send,
      seed: 0,
      asyncContext: false,
      onError: () => {},
    });
    const kernel = kernelOf(this.scheduler);
    // The kernel draws the place of the next task: here it is told.
    kernel.host.random = () => (this.choice + 0.5) / kernel.ready;
    this.witness = new Witness(this.scheduler, {
      shuffled: true,
      isReady: readyTest(this.system, 'epoll'),
      trusting: false,
    });
    const before = enterSys(this.system);
    this.stage = new Stage(program, this.system, this.witness);
    enterSys(before);
    const actor = new Actor(this.scheduler, this.system, this.stage, this.witness);
    for (const [number, body] of program.tasks.entries()) actor.spawn(number, body);
    this.tasks = [...kernel.tasks];
    this.began = this.tasks.map(() => false);
    // Without one nothing goes together.
    if (this.written) openPoller(this.scheduler);
  }

  /** What was violated. */
  get violation(): Violation | null {
    return this.witness.violation;
  }

  /** What can happen now; nothing once all have ended. */
  actions(): Action[] {
    const kernel = kernelOf(this.scheduler);
    if (this.scheduler.size === 0) return [];
    const actions = this.tasks.flatMap((task, index) => (task.status === 'ready' ? [`step ${index}`] : []));
    // What was left to be sent goes before readiness is asked for, and that before timers fire.
    if (leftIn(this.scheduler).length > 0) actions.push('flush');
    else {
      if (this.isAnythingReported) actions.push('ask');
      if (kernel.timers.next <= this.system.now()) actions.push('fire');
    }
    for (const end of ENDS) {
      const closed = this.stage.descriptor(end)?.closed === true;
      if (!closed) actions.push(`ready ${end}`, `close ${end}`);
    }
    actions.push(...this.tasks.flatMap((task, index) => (task.ended ? [] : [`cancel ${index}`])));
    if (this.passes < MOST_PASSES) actions.push('pass');
    return actions.filter((action) => !this.done.has(action));
  }

  /** Lets it happen. */
  perform(action: Action): void {
    const kernel = kernelOf(this.scheduler);
    const [verb, number] = action.split(' ') as [string, string?];
    const index = Number(number);
    switch (verb) {
      case 'step':
        this.choice = kernel.readyTasks.indexOf(this.tasks[index] as Task<unknown>);
        this.began[index] = true;
        kernel.run(1);
        break;
      case 'ask':
        this.witness.asks(() => pollerOf(this.scheduler)?.wait(0));
        break;
      case 'fire':
        kernel.timers.fire(this.system.now());
        this.witness.passed();
        break;
      case 'flush':
        pollerOf(this.scheduler)?.transmission?.flush();
        this.witness.checkLeft();
        break;
      case 'ready':
        this.done.add(action);
        if (this.written) this.makeRoom(index + 1);
        else this.stage.send(index + 1, 1);
        break;
      case 'close':
        this.stage.close(index);
        break;
      case 'cancel':
        this.done.add(action);
        this.tasks[index]?.cancel();
        break;
      default:
        this.passes++;
        this.system.advance(PATIENCE);
    }
  }

  /** Nothing can happen any more: who waits must have a reason, and if nobody does, nothing may be left. */
  finish(): void {
    const { witness, scheduler } = this;
    if (scheduler.size > 0) {
      witness.quiescent();
      return;
    }
    witness.finish();
    scheduler.close();
    this.stage.clear();
    if (this.system.descriptors.length > 0) witness.violate('descriptors back', 'a descriptor is still open');
  }

  /**
   * All that decides what can happen from here on, as text: two runs with the same are in the same state. It tells more apart than it has to
   * (holes in the poller's table say what was registered once), never less.
   */
  key(): string {
    const kernel = kernelOf(this.scheduler);
    const now = this.system.now();
    const tasks = this.tasks.map((task, index) => {
      if (task.ended) return 'ended';
      const { inbox, failing, callers } = task as unknown as {
        inbox: unknown;
        failing: boolean;
        callers: unknown[] | null;
      };
      const handed =
        inbox instanceof Error ? inbox.name : typeof inbox === 'object' ? JSON.stringify(inbox) : String(inbox);
      const { remaining, cancelCalled } = scopeOf(task);
      const due = dueOf(task);
      const cause = due === null ? '-' : due === (task as unknown as { error: unknown }).error ? 'own' : 'inner';
      const asked = this.done.has(`cancel ${index}`);
      const wait = [callers?.length ?? 0, task.waitsFor, remaining, cancelCalled];
      return [this.began[index], asked, cause, failing, handed, ...wait].join();
    });
    const parks = [...this.witness.parks].map(({ task, purpose, stage }) => {
      return `${task.id}${purpose.kind}${(purpose.target as { fd: number }).fd}${stage}`;
    });
    const poller = pollerOf(this.scheduler);
    const registrations = (poller === null ? [] : registrationsOf(poller)).map((each) =>
      each === undefined ? '' : `${each.fd}:${each.armed}:${each.wanted}`,
    );
    const ends = ENDS.map((end) => {
      const fd = this.stage.descriptor(end)?.fd ?? -1;
      if (fd < 0) return 'closed';
      const stream = this.stage.stream(end);
      const inside =
        stream === undefined ? '' : `:${stream.taken}:${(this.written ? writerOf : readerOf)(stream.stream)}`;
      return `${readinessOf(this.system, fd)}${this.done.has(`ready ${end}`)}${inside}`;
    });
    const timers = timersOf(kernel).map(({ deadline }) => deadline - now);
    return [...tasks, parks.sort(), registrations, ends, timers.sort(), this.passes, leftIn(this.scheduler)].join('|');
  }

  /** The other side takes all that has come. */
  private makeRoom(end: number): void {
    const fd = this.stage.descriptor(end)?.fd ?? -1;
    this.system.recv(fd, Buffer.alloc(ROOM * 4), 0, ROOM * 4, 0);
  }

  /** Whether the kernel set has anything to tell. */
  private get isAnythingReported(): boolean {
    const poller = pollerOf(this.scheduler);
    return poller !== null && readinessOf(this.system, poller.fd) !== 0;
  }
}
