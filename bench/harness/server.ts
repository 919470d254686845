/** Servers under test: started on their core, asked for their address, and ended whatever happens. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Failure } from './context.ts';
import { cxx, ROOT } from './programs.ts';

/** How long a server may take to answer a question. */
const ANSWER_LIMIT_MS = 5_000;
/** How long a server may take to print its address. */
const START_LIMIT_MS = 20_000;
/** After a polite signal, how long until the other one. */
const STOP_LIMIT_MS = 1_000;

const running = new Set<ChildProcess>();

// `exit` also follows an uncaught error; signals have to be turned into it.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143));
}

/** Starts a program on a core; it is ended with this process at the latest. */
export function start(command: readonly string[], core: number, stdin: 'pipe' | 'ignore' = 'ignore'): ChildProcess {
  const child = spawn(cxx('pin'), [String(core), ...command], { cwd: ROOT, stdio: [stdin, 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** A server that serves. */
export class Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly errors: () => string;

  private constructor(name: string, child: ChildProcess, port: number, errors: () => string) {
    this.name = name;
    this.child = child;
    this.port = port;
    this.pid = child.pid as number;
    this.errors = errors;
  }

  /** Starts it, and waits for the line that names `127.0.0.1:PORT`. */
  static async start(name: string, command: readonly string[], core: number): Promise<Server> {
    const child = start(command, core);
    let output = '';
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-2000);
    });
    const port = await new Promise<number>((resolve, reject) => {
      const refuse = (why: string): void => {
        child.kill('SIGKILL');
        reject(new Failure(`${name} ${why}\n  ${command.join(' ')}\n${errors}`));
      };
      const timer = setTimeout(() => refuse(`named no address within ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS);
      child.once('error', (error) => refuse(`could not be started: ${error.message}`));
      child.once('close', (code) => refuse(`ended with ${code} before it served`));
      // What it prints later is read too, and forgotten: a full pipe must not stop a server.
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < 10_000) output += text;
        const match = /127\.0\.0\.1:(\d+)/.exec(output);
        if (match === null) return;
        clearTimeout(timer);
        resolve(Number(match[1]));
      });
    });
    return new Server(name, child, port, () => errors);
  }

  /** Throws if it has ended. */
  check(): void {
    if (this.child.exitCode === null && this.child.signalCode === null) return;
    throw new Failure(
      `${this.name} ended on its own (${this.child.exitCode ?? this.child.signalCode}):\n${this.errors()}`,
    );
  }

  /** Sends a signal and returns the line that it prints then. */
  async ask(signal: NodeJS.Signals): Promise<string> {
    const { stdout } = this.child;
    let output = '';
    let listener: (text: string) => void = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        listener = (text) => {
          output += text;
          if (output.includes('\n')) resolve(output.slice(0, output.indexOf('\n')));
        };
        stdout?.on('data', listener);
        timer = setTimeout(() => reject(new Failure(`${this.name} did not answer to ${signal}`)), ANSWER_LIMIT_MS);
        this.child.kill(signal);
      });
    } finally {
      clearTimeout(timer);
      stdout?.off('data', listener);
    }
  }

  /** Resident memory in bytes. */
  residentMemory(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes) * 1024;
  }

  /** Ends it. */
  async stop(): Promise<void> {
    if (!running.has(this.child)) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(timer);
  }
}
