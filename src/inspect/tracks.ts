/**
 * The lines of the picture. A scheduler is a process of the format, so that its tasks stand together, and a task is a
 * thread of it; the first thread is the scheduler's own, for what happens between steps.
 */

import type { Kernel, Task } from '../kernel/index.ts';
import { process } from '../platform/node.ts';
import type { Scheduler } from '../scheduler/index.ts';
import type { TraceWriter, Track } from './trace-writer.ts';

/** An arrow whose start is known: it ends at the step to which it leads. */
export interface Arrow {
  readonly id: number;
  readonly name: string;
}

/** The start of an arrow, written after the slice in which it lies. */
export interface ArrowStart extends Arrow {
  readonly time: number;
}

/** A task's line, and what it is doing since when. */
export interface TaskTrack extends Track {
  state: 'unknown' | 'ready' | 'running' | 'waiting';
  /** When that began. */
  since: number;
  /** What it waits for, or has waited for in this step. */
  waitsFor: string | null;
  /** What made it ready. */
  arrow: Arrow | null;
  /** How it has ended. */
  ending: string | null;
}

/** A scheduler's own line: rounds, and what comes from outside. */
export interface LoopTrack extends Track {
  /** The slice under way: since when, until when as far as is known, and whether it asks for readiness. */
  open: { start: number; end: number; polls: boolean; readonly arrows: ArrowStart[] } | null;
  /** Whether its scheduler is known. */
  named: boolean;
}

/** Makes tracks, and names them in the trace. Numbers are of this trace alone. */
export class Tracks {
  readonly tasks: Map<Task<unknown>, TaskTrack> = new Map();
  readonly loops: Map<Kernel, LoopTrack> = new Map();
  private readonly writer: TraceWriter;
  private program: Track | null = null;
  private last = 0;

  constructor(writer: TraceWriter) {
    this.writer = writer;
  }

  /** The line of a task; it may be one that has been there before the trace. */
  ofTask(task: Task<unknown>): TaskTrack {
    const known = this.tasks.get(task);
    if (known !== undefined) return known;
    const { pid } = this.ofKernel(task.kernel);
    const track: TaskTrack = {
      pid,
      tid: ++this.last,
      state: 'unknown',
      since: 0,
      waitsFor: null,
      arrow: null,
      ending: null,
    };
    this.tasks.set(task, track);
    this.writer.name('thread_name', track, `${task.name} (${task.id})`);
    this.writer.order(track, task.id);
    return track;
  }

  /** The line of what happens between steps. */
  ofKernel(kernel: Kernel): LoopTrack {
    const known = this.loops.get(kernel);
    if (known !== undefined) return known;
    const number = ++this.last;
    const track: LoopTrack = { pid: number, tid: number, open: null, named: false };
    this.loops.set(kernel, track);
    this.writer.name('thread_name', track, 'between steps');
    this.writer.order(track, 0);
    return track;
  }

  /** A kernel's scheduler is known once it runs. Whether that is news. */
  introduce(scheduler: Scheduler): boolean {
    const track = this.ofKernel(scheduler.kernel);
    if (track.named) return false;
    track.named = true;
    this.writer.name('process_name', track, `${scheduler.name} of process ${process.pid}`);
    return true;
  }

  /** The line of what the program does outside of any scheduler. */
  get outside(): Track {
    if (this.program === null) {
      const number = ++this.last;
      this.program = { pid: number, tid: number };
      this.writer.name('process_name', this.program, `process ${process.pid}`);
      this.writer.name('thread_name', this.program, 'outside of tasks');
    }
    return this.program;
  }

  /** A task has ended, and so does its line. */
  forget(task: Task<unknown>): void {
    this.tasks.delete(task);
  }
}
