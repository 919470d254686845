/**
 * Debug mode, `GENLOOP_DEBUG=1`: finds what compiles and does nothing, or works and should not. It costs time and memory, and changes no
 * outcome. Each warning is a process warning with a code of its own (`process.on('warning')`), printed once for each place.
 *
 * - `GENLOOP_SWALLOWED_CANCEL`: a task was cancelled, caught the cancel, and went on to complete normally (rule 3).
 * - `GENLOOP_NOT_YIELDED`: an operation was made and never yielded: `client.write(x);` without `yield*`. Known when it is collected.
 * - `GENLOOP_LONG_STEP`: a step took longer than `GENLOOP_DEBUG_STEP_MS` (default 50) milliseconds (rule 47).
 * - `GENLOOP_CYCLE`: tasks wait for each other's end in a circle, told at the moment in which the circle closes (rule 44).
 *
 * A cancel has a stack here, which says who asked for it (rule 9). And an error that ends a task says where: its stack shows the user's frames, those of the subroutines that the kernel holds and the place of
 * the spawn, and none of this library.
 */

import { captureStacks } from '../kernel/errors.ts';
import { type Observer, type Op, onMade, type Spawnable, type Task } from '../kernel/index.ts';
import { process } from '../platform/node.ts';
import { Locator } from './locate.ts';
import { trimmed, userFrames } from './stack.ts';

const DEFAULT_STEP_LIMIT_MS = 50;

/** What is known of one task. */
interface Record {
  /** The frames of the spawn. */
  spawnedAt: string[];
  /** Whether a trap has thrown a cancel. */
  interrupted: boolean;
  /** Errors whose stack has been completed. */
  told: unknown;
}

/** Where warnings go. */
export type Warn = (code: string, message: string) => void;

function warnOnce(): Warn {
  const told = new Set<string>();
  return (code, message) => {
    if (told.has(message)) return;
    told.add(message);
    process.emitWarning(message, { type: 'GenloopWarning', code });
  };
}

/** Debug mode, for all schedulers of this thread. */
export class Debug implements Observer {
  private readonly records = new WeakMap<Task<unknown>, Record>();
  private readonly warn: Warn;
  private readonly limit: number;
  private readonly unyielded: FinalizationRegistry<string>;
  private stepStart = 0;

  constructor(limit: number = DEFAULT_STEP_LIMIT_MS, warn: Warn = warnOnce()) {
    this.limit = limit;
    this.warn = warn;
    this.unyielded = new FinalizationRegistry((what) => this.warn('GENLOOP_NOT_YIELDED', what));
    onMade((operation) => this.made(operation));
    captureStacks(true);
  }

  /** Ends it; for tests. */
  close(): void {
    onMade(null);
    captureStacks(false);
  }

  spawned(task: Task<unknown>, body: Spawnable<unknown>): void {
    this.unyielded.unregister(body);
    this.records.set(task, { spawnedAt: userFrames(new Error().stack), interrupted: false, told: undefined });
  }

  stepping(): void {
    this.stepStart = performance.now();
  }

  stepped(task: Task<unknown>): void {
    const took = performance.now() - this.stepStart;
    if (took <= this.limit) return;
    this.warn(
      'GENLOOP_LONG_STEP',
      `${task} held the thread for ${Math.round(took)} ms in one step; let others run with \`yield\`, or compute in a worker`,
    );
  }

  yielded(yielded: Spawnable<unknown>): void {
    this.unyielded.unregister(yielded);
  }

  parked(task: Task<unknown>): void {
    const circle: Task<unknown>[] = [];
    for (let one: Task<unknown> | null = task; one !== null; one = one.operation?.blockedBy?.() ?? null) {
      circle.push(one);
      if (one === task && circle.length > 1) {
        const names = circle.map(String).join(', which waits for ');
        this.warn('GENLOOP_CYCLE', `${names}: none of them can ever go on`);
        return;
      }
      // A circle further on, told when it closed.
      if (circle.indexOf(one) < circle.length - 1) return;
    }
  }

  interrupted(task: Task<unknown>): void {
    const record = this.records.get(task);
    if (record !== undefined) record.interrupted = true;
  }

  threw(task: Task<unknown>, error: unknown): void {
    const record = this.records.get(task);
    if (record === undefined || record.told === error || !(error instanceof Error) || task.issued(error)) return;
    record.told = error;
    const own = trimmed(error);
    if (own === undefined) return;
    const callers: string[] = [];
    if (task.callers !== null && task.callers.length > 0) {
      using locator = new Locator();
      for (const frame of [...task.callers].reverse()) {
        const place = locator.whereFrame(frame);
        if (place !== undefined && userFrames(`\n    at ${place}`).length > 0) callers.push(`    at ${place}`);
      }
    }
    error.stack = [own, ...callers, `    --- ${task} was spawned`, ...record.spawnedAt].join('\n');
  }

  ended(task: Task<unknown>): void {
    const record = this.records.get(task);
    // Its own cancel may be meant for another; only one that still holds counts.
    if (record?.interrupted !== true || task.ending !== 'done' || !task.cancelled) return;
    const where = record.spawnedAt[0]?.trim();
    this.warn(
      'GENLOOP_SWALLOWED_CANCEL',
      `${task} was cancelled, caught the cancel, and went on to its end; rethrow what isCancelled() says is one` +
        `${where === undefined ? '' : ` (spawned ${where})`}`,
    );
  }

  private made(operation: Op<unknown>): void {
    const [place] = userFrames(new Error().stack);
    // Without a place it is ours: made by an operation, or by a block of the library.
    if (place === undefined) return;
    const name = operation.constructor.name;
    const what = `an operation (${name}) was made ${place.trim()} and never yielded: \`yield*\` is missing, or the operation is not needed`;
    this.unyielded.register(operation, what, operation);
  }
}
