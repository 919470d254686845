/**
 * A running program under `strace`: which calls its main thread makes, and calls that fail because strace says so.
 *
 * strace is attached once the program serves, so that what Node does at its start is neither counted nor hit; and without
 * `-f`, so that Node's other threads are left alone.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { has, Program } from '../examples/program.ts';

/** Why nothing can be traced here; `undefined` if it can. */
export function untraceable(): string | undefined {
  if (process.platform !== 'linux' || !has('strace')) return 'no strace';
  const attach = ['-c', 'sleep 5 & strace -o /dev/null -e trace=none -p $! & sleep 0.3; kill $!; wait $!; kill %1'];
  const { stderr } = spawnSync('sh', attach, { encoding: 'utf8', timeout: 10_000 });
  return stderr.includes(' attached') ? undefined : `strace may not trace: ${stderr.trim().split('\n')[0]}`;
}

/** What strace wrote about a program that is under way. */
export class Trace implements AsyncDisposable {
  private readonly folder = mkdtempSync(join(tmpdir(), 'genloop-strace-'));
  private readonly strace: Program;

  private constructor(pid: number, args: readonly string[]) {
    this.strace = new Program(['strace', '-o', this.file, ...args, '-p', String(pid)]);
  }

  /** Attaches with these arguments: `-e trace=…`, `-e inject=…`. */
  static async attach(program: Program, ...args: string[]): Promise<Trace> {
    const trace = new Trace(program.pid, args);
    await trace.strace.says(' attached', 'stderr');
    return trace;
  }

  /** The lines about one call, of a program that has ended. */
  async calls(name: string): Promise<string[]> {
    return (await this.lines()).filter((line) => line.startsWith(`${name}(`));
  }

  /** The names of the calls between the writing of two texts, of a program that has ended. */
  async between(first: string, last: string): Promise<string[]> {
    const lines = await this.lines();
    const from = lines.findIndex((line) => line.includes(first));
    const to = lines.findIndex((line) => line.includes(last));
    if (from < 0 || to < from) throw new Error(`strace has not seen ${first} and ${last}:\n${lines.join('\n')}`);
    return lines.slice(from + 1, to).map((line) => line.slice(0, line.indexOf('(')));
  }

  private async lines(): Promise<string[]> {
    await this.strace.ended();
    return readFileSync(this.file, 'utf8').split('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.strace[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get file(): string {
    return join(this.folder, 'trace');
  }
}
