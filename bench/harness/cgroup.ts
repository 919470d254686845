/**
 * A limit on the memory of a server: a control group, of version 2 where the memory controller is there, else of version 1.
 * It needs the right to make one (root, or a delegated group). Version 2 counts the kernel's socket buffers as well, version 1
 * the memory of the process and the files that it has mapped.
 */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const MOUNT = '/sys/fs/cgroup';
/** A group can be removed once its last process has been gone for a moment. */
const REMOVALS = 100;
const PAUSE_MS = 10;

/** A control group with a limit. */
export class MemoryGroup {
  /** What it is, for the tables. */
  readonly title: string;
  private readonly folder: string;
  private readonly version: 1 | 2;
  private readonly atExit = (): void => this.remove();

  private constructor(folder: string, version: 1 | 2, bytes: number) {
    this.folder = folder;
    this.version = version;
    this.title = `a control group (version ${version}) of ${Math.round(bytes / 1e6)} MB`;
    process.on('exit', this.atExit);
  }

  /** Makes one, or says why there is none. */
  static make(bytes: number): MemoryGroup | { missing: string } {
    const { version, parent } = place();
    const folder = path.join(parent, `genloop-bench-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch (error) {
      return { missing: `no control group can be made here: ${(error as Error).message}` };
    }
    const group = new MemoryGroup(folder, version, bytes);
    try {
      writeFileSync(path.join(folder, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes));
      return group;
    } catch (error) {
      group.remove();
      return { missing: `a control group cannot be limited here: ${(error as Error).message}` };
    }
  }

  /** The command that runs another one inside. */
  around(command: readonly string[]): string[] {
    return ['/bin/sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', this.folder, ...command];
  }

  /** The most that was ever used since {@link MemoryGroup.forget}, in bytes; NaN where the kernel does not say. */
  peak(): number {
    const file = path.join(this.folder, this.version === 2 ? 'memory.peak' : 'memory.max_usage_in_bytes');
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  }

  /** How often the limit killed somebody, or NaN. */
  kills(): number {
    const file = path.join(this.folder, this.version === 2 ? 'memory.events' : 'memory.oom_control');
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN);
  }

  /** Removes it; its processes have ended. */
  remove(): void {
    process.off('exit', this.atExit);
    const still = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; existsSync(this.folder) && tries < REMOVALS; tries++) {
      try {
        rmdirSync(this.folder);
        return;
      } catch {
        Atomics.wait(still, 0, 0, PAUSE_MS);
      }
    }
    if (existsSync(this.folder)) console.error(`${this.folder} could not be removed: rmdir it`);
  }
}

/** The folder below which a group can be made: our own group's, so that its limits hold as well. */
function place(): { version: 1 | 2; parent: string } {
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const controllers = path.join(MOUNT, 'cgroup.controllers');
  const unified = existsSync(controllers) && readFileSync(controllers, 'utf8').includes('memory');
  const root = unified ? MOUNT : path.join(MOUNT, 'memory');
  const name = (unified ? /^0::(.*)$/m : /^\d+:(?:[\w,]*,)?memory(?:,[\w,]*)?:(.*)$/m).exec(own)?.[1] ?? '/';
  const parent = path.join(root, name);
  return { version: unified ? 2 : 1, parent: existsSync(parent) ? parent : root };
}
