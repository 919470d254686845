/**
 * What happened when, as a picture: a line for each task with its steps, what it waited for in between, the system calls
 * that it made, and an arrow from whatever woke it. Perfetto (ui.perfetto.dev) and `chrome://tracing` open it.
 *
 * It hangs on the kernel's observer and on the system's calls while it runs, and leaves nothing behind afterwards.
 */

import { CancelError, type CancelScope, type Observer, type Task } from '../kernel/index.ts';
import { realSys, type Sys } from '../os/index.ts';
import { process, unref } from '../platform/node.ts';
import { activeScheduler } from '../scheduler/active.ts';
import type { Scheduler } from '../scheduler/index.ts';
import { observe } from '../scheduler/observe.ts';
import { runningSchedulers } from '../scheduler/running.ts';
import { type CallListener, descriptorOf, isWait, tap } from './tap.ts';
import { TraceFile, type TraceOutput, TraceSink } from './trace-output.ts';
import { TraceWriter, type Track } from './trace-writer.ts';
import { type Arrow, type ArrowStart, type LoopTrack, type TaskTrack, Tracks } from './tracks.ts';

/** Where a trace goes: to a file or to a function, not to both. */
export interface TraceOptions {
  /** The file's path. It is a whole JSON array at any moment, and replaces what was there. */
  file?: string;
  /** Gets the text in pieces; all of them together are one JSON array. What it throws ends the trace. */
  sink?: (text: string) => void;
  /** The trace ends by itself after about so many bytes; default 268,435,456 (256 MiB). */
  limit?: number;
}

/** A trace under way. Dispose it (`using`) to end it. */
export interface Trace extends Disposable {
  /** Ends it: what is under way is written as far as it came, and the file is closed. Again: does nothing. */
  stop(): void;
}

const LIMIT = 256 * 1024 * 1024;
/** What has been gathered goes out at least as often, in milliseconds, also in a program that does nothing. */
const PULSE = 500;
/** What is under way may be no older than this, in milliseconds, when the thread goes to sleep. */
const BEFORE_SLEEP = 100;
/** What happens between steps belongs together if it is no further apart, in milliseconds. */
const TOGETHER = 0.1;
/** Added to the end of a slice so that an arrow that starts there starts inside: a microsecond. */
const INSIDE = 0.001;

/**
 * Writes what all schedulers of this thread do from now on, in the trace-event format, until the result is disposed, the
 * process ends, or the limit is reached. A step costs some microseconds more meanwhile. `GENLOOP_TRACE=file` in
 * the environment does the same without code.
 *
 * Throws `TypeError` unless there is either a file or a sink, `RangeError` for a limit below 1, and Node's error if the
 * file cannot be made (`ENOENT`, `EACCES`). An error of the output later on ends the trace with a process warning.
 *
 * @example
 * using _ = startTrace({ file: 'trace.json' });
 * await run(main);
 */
export function startTrace(options: TraceOptions): Trace {
  const { file, sink, limit = LIMIT } = options ?? {};
  if ((file === undefined) === (sink === undefined)) {
    throw new TypeError("startTrace takes either a file or a sink: startTrace({ file: 'trace.json' })");
  }
  if (file !== undefined && typeof file !== 'string') throw new TypeError('file is a path');
  if (sink !== undefined && typeof sink !== 'function') throw new TypeError('sink is a function that takes text');
  if (!(limit >= 1)) throw new RangeError(`limit is a number of bytes from 1 on, not ${String(limit)}`);
  return new Recording(sink === undefined ? new TraceFile(file as string) : new TraceSink(sink), limit);
}

class Recording implements Trace, Observer, CallListener {
  private readonly writer: TraceWriter;
  private readonly tracks: Tracks;
  private readonly taken: Disposable[] = [];
  private readonly tapped = new Set<Sys>();
  private stopped = false;
  private lastArrow = 0;
  private flushed = 0;
  /** Arrows that start in the step under way: written after it. */
  private starts: (ArrowStart & { readonly track: Track })[] = [];
  /** What woke the task whose own step is under way, if anything did. */
  private rewoken: Arrow | null = null;

  constructor(output: TraceOutput, limit: number) {
    this.writer = new TraceWriter(output, limit, (why) => {
      process.emitWarning(`the trace to ${output} has ended: ${why}`, {
        type: 'GenloopWarning',
        code: 'GENLOOP_TRACE',
      });
      this.stop();
    });
    this.tracks = new Tracks(this.writer);
    const pulse = setInterval(() => this.writer.flush(), PULSE);
    unref(pulse);
    const atExit = (): void => this.stop();
    process.on('exit', atExit);
    this.taken.push(observe(this), {
      [Symbol.dispose]: () => {
        clearInterval(pulse);
        process.off('exit', atExit);
      },
    });
    this.tapReal();
    for (const scheduler of runningSchedulers()) this.join(scheduler);
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const one of this.taken.splice(0)) one[Symbol.dispose]();
    const now = performance.now();
    for (const loop of this.tracks.loops.values()) this.closeLoop(loop, now);
    for (const track of this.tracks.tasks.values()) this.closeState(track, now, { unfinished: true });
    this.writeStarts();
    this.writer.close();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  // -- tasks -------------------------------------------------------------------------------------------------

  spawned(task: Task<unknown>): void {
    if (this.stopped) return;
    const track = this.tracks.ofTask(task);
    this.ready(track, performance.now(), this.arrowFrom(task.kernel.current, task, 'spawn'));
  }

  stepping(task: Task<unknown>): void {
    if (this.stopped) return;
    const now = performance.now();
    const scheduler = activeScheduler();
    if (scheduler !== null) this.meet(scheduler);
    this.closeLoop(this.tracks.ofKernel(task.kernel), now);
    const track = this.tracks.ofTask(task);
    this.closeState(track, now);
    track.state = 'running';
    track.since = now;
    track.waitsFor = null;
  }

  stepped(task: Task<unknown>): void {
    if (this.stopped) return;
    const now = performance.now();
    const track = this.tracks.ofTask(task);
    // Its step began before the trace.
    const seen = track.state === 'running';
    const { arrow, ending, since } = track;
    if (seen) {
      track.arrow = null;
      this.writer.slice(track, 'step', 'step', since, now, ending === null ? undefined : { ending });
      if (arrow !== null) this.writer.arrow('f', arrow.id, track, arrow.name, since);
    }
    this.writeStarts();
    if (ending !== null) {
      this.tracks.forget(task);
    } else if (task.waker !== null) {
      track.state = 'waiting';
      track.since = now;
      track.waitsFor ??= task.waitsFor;
    } else {
      // It gave way, or what it waits for was undone before its step had ended.
      track.state = 'ready';
      track.since = now;
      track.arrow = this.rewoken;
    }
    this.rewoken = null;
  }

  parked(task: Task<unknown>): void {
    if (!this.stopped) this.tracks.ofTask(task).waitsFor = task.waitsFor;
  }

  woken(task: Task<unknown>, by: Task<unknown> | null): void {
    if (this.stopped) return;
    const track = this.tracks.ofTask(task);
    const arrow = this.arrowFrom(by, task, 'wake');
    if (task.kernel.current === task) {
      this.rewoken = arrow;
      return;
    }
    const now = performance.now();
    this.closeState(track, now);
    this.ready(track, now, arrow);
  }

  ended(task: Task<unknown>): void {
    if (!this.stopped) this.tracks.ofTask(task).ending = task.ending;
  }

  cancelled(scope: CancelScope): void {
    if (this.stopped) return;
    const { task, kernel, error } = scope;
    const track = task === null || task.ended ? this.tracks.ofKernel(kernel) : this.tracks.ofTask(task);
    const source = error instanceof CancelError ? error.source : 'deadline';
    this.writer.instant(track, 'cancel', 'cancel', performance.now(), { source });
  }

  // -- system calls ------------------------------------------------------------------------------------------

  waiting(): void {
    const now = performance.now();
    if (this.stopped || now - this.flushed < BEFORE_SLEEP) return;
    this.flushed = now;
    this.writer.flush();
  }

  called(name: string, start: number, args: readonly unknown[], result: number | undefined): void {
    if (this.stopped) return;
    const end = performance.now();
    const scheduler = activeScheduler();
    // What is undefined, JSON leaves out.
    const said = { fd: descriptorOf(name, args), result };
    const current = scheduler?.kernel.current ?? null;
    let track: Track;
    if (scheduler === null) track = this.tracks.outside;
    else if (current !== null) track = this.tracks.ofTask(current);
    else {
      const loop = this.tracks.ofKernel(scheduler.kernel);
      // A question for readiness begins what belongs together: what it finds is woken next.
      if (isWait(name)) this.closeLoop(loop, start);
      this.openLoop(loop, start, end, isWait(name));
      track = loop;
    }
    this.writer.slice(track, 'syscall', name, start, end, said);
  }

  // -- what is between ---------------------------------------------------------------------------------------

  private ready(track: TaskTrack, now: number, arrow: Arrow | null): void {
    track.state = 'ready';
    track.since = now;
    track.arrow = arrow;
  }

  /** Writes what a task has been doing until now. */
  private closeState(track: TaskTrack, now: number, args?: Readonly<Record<string, unknown>>): void {
    const { state, since, waitsFor } = track;
    if (state === 'waiting') this.writer.slice(track, 'wait', waitsFor ?? 'nothing', since, now, args);
    else if (state === 'ready') this.writer.slice(track, 'ready', 'ready', since, now, args);
    else if (state === 'running') this.writer.slice(track, 'step', 'step', since, now, args);
    track.state = 'unknown';
  }

  /** Starts an arrow in the step of a task, or between steps; `null` where that step began before the trace. */
  private arrowFrom(by: Task<unknown> | null, to: Task<unknown>, name: string): Arrow | null {
    const time = performance.now();
    const start = { id: ++this.lastArrow, name, time };
    if (by !== null) {
      const track = this.tracks.ofTask(by);
      if (track.state !== 'running') return null;
      this.starts.push({ ...start, track });
    } else this.openLoop(this.tracks.ofKernel(to.kernel), time, time, false).arrows.push(start);
    return start;
  }

  private writeStarts(): void {
    const { starts } = this;
    if (starts.length === 0) return;
    this.starts = [];
    for (const { id, name, time, track } of starts) this.writer.arrow('s', id, track, name, time);
  }

  private openLoop(loop: LoopTrack, start: number, end: number, polls: boolean): NonNullable<LoopTrack['open']> {
    // Another occasion: a callback of Node's, long after the last round.
    if (loop.open !== null && start - loop.open.end > TOGETHER) this.closeLoop(loop, start);
    loop.open ??= { start, end, polls, arrows: [] };
    loop.open.end = Math.max(loop.open.end, end);
    return loop.open;
  }

  private closeLoop(loop: LoopTrack, now: number): void {
    const { open } = loop;
    if (open === null) return;
    loop.open = null;
    const end = Math.min(open.end + INSIDE, Math.max(now, open.end));
    this.writer.slice(loop, 'loop', open.polls ? 'ask for readiness' : 'wake', open.start, end);
    for (const { id, name, time } of open.arrows) this.writer.arrow('s', id, loop, name, time);
  }

  // -- whom it listens to ------------------------------------------------------------------------------------

  /** A scheduler that was there before. */
  private join(scheduler: Scheduler): void {
    this.meet(scheduler);
    const now = performance.now();
    for (const task of scheduler.kernel.tasks) {
      const track = this.tracks.ofTask(task);
      if (task.status === 'running') continue;
      track.state = task.status === 'parked' ? 'waiting' : 'ready';
      track.since = now;
      track.waitsFor = task.waitsFor;
    }
  }

  private meet(scheduler: Scheduler): void {
    if (this.tracks.introduce(scheduler)) this.listenTo(scheduler.sys);
  }

  private tapReal(): void {
    try {
      this.listenTo(realSys());
    } catch {
      // Without an addon there is a simulated system, which is heard once it runs.
    }
  }

  private listenTo(sys: Sys): void {
    if (this.tapped.has(sys)) return;
    this.tapped.add(sys);
    this.taken.push(tap(sys, this));
  }
}
