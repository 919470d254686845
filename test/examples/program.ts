/**
 * A program under test: started as a user would start it, waited for by what it prints, and ended on every path
 * (`await using`).
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
/** How long a program may take to say something, in milliseconds: far more than it needs, as the machine may be busy. */
const PATIENCE_MS = 60_000;

/** Node's own arguments for a program in TypeScript, from source. */
export const NODE: readonly string[] = [
  process.execPath,
  '--conditions=genloop-source',
  '--import',
  import.meta.resolve('tsx'),
];

/** How a program ended. */
export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  /** Comes before `node …`: `['sh', '-c', 'umask 077; exec "$@"', 'sh']`. */
  wrapper?: string[];
  env?: Record<string, string>;
  /** Written to its standard input, which is then closed. */
  input?: string | Uint8Array;
  /** Keeps its standard input open, for {@link Program.type}. */
  interactive?: boolean;
}

/**
 * What is being waited for, with its time limit. One interval looks after all: a timer for each wait would be found by the
 * tests' own search for handles that were left behind.
 */
const waits = new Map<() => void, number>();
const watchdog = setInterval(() => {
  for (const [giveUp, deadline] of waits) if (performance.now() > deadline) giveUp();
}, 1000);
watchdog.unref();

/** A child process with its output. */
export class Program implements AsyncDisposable {
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;
  private readonly command: string;
  private readonly listeners = new Set<() => void>();
  private end: End | null = null;
  private failure: Error | null = null;

  constructor(command: string[], options: ProgramOptions = {}) {
    const [file, ...args] = command as [string, ...string[]];
    // Its backend is what the test says, and a compiled copy of the sources saves it half its start.
    const { GENLOOP_BACKEND: _, TSX_DISABLE_CACHE: __, ...inherited } = process.env;
    const env = { ...inherited, ...options.env };
    const { input, interactive = input !== undefined } = options;
    this.command = command.join(' ');
    this.child = spawn(file, args, {
      cwd: ROOT,
      env,
      stdio: [interactive ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.tell();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.tell();
    });
    this.child.on('error', (error) => {
      this.failure = error;
      this.tell();
    });
    this.child.on('close', (code, signal) => {
      this.end = { code, signal, stdout: this.stdout, stderr: this.stderr };
      this.tell();
    });
    // A program may end before it has read all.
    this.child.stdin?.on('error', () => {});
    if (input !== undefined) this.child.stdin?.end(input);
  }

  /** Starts `examples/<name>` with arguments. */
  static example(name: string, args: string[] = [], options: ProgramOptions = {}): Program {
    return Program.typescript(`examples/${name}`, args, options);
  }

  /** Starts a program in TypeScript. */
  static typescript(file: string, args: string[] = [], options: ProgramOptions = {}): Program {
    return new Program([...(options.wrapper ?? []), ...NODE, file, ...args], options);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Waits until its standard output has this; the match. Fails if it ends without. */
  async says(pattern: RegExp | string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpMatchArray> {
    const expression = typeof pattern === 'string' ? new RegExp(literally(pattern)) : pattern;
    let found: RegExpMatchArray | null = null;
    await this.until(`said ${expression}`, () => {
      found = expression.exec(this[stream]);
      return found !== null;
    });
    return found as unknown as RegExpMatchArray;
  }

  /** The port of the n-th address that it says it serves on. */
  async port(n = 0): Promise<number> {
    const address = /(?:127\.0\.0\.1|\[::1\]):(\d+)/g;
    let matches: RegExpMatchArray[] = [];
    await this.until(`named ${n + 1} addresses`, () => {
      matches = [...this.stdout.matchAll(address)];
      // The last line may be half of one.
      return matches.length > n && this.stdout.endsWith('\n');
    });
    return Number(matches[n]?.[1]);
  }

  /** Writes to its standard input. */
  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Closes the pipe of its standard output: what it prints from now on fails with EPIPE. */
  deafen(): void {
    this.child.stdout?.destroy();
  }

  /**
   * Lets it have no more descriptors than this, from now on. The same limit before its start would hit the reading of its
   * source files too, of which many are open at a time.
   */
  limit(descriptors: number): void {
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(this.pid), `--nofile=${descriptors}`], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`prlimit says ${status}: ${stderr}`);
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): this {
    this.child.kill(signal);
    return this;
  }

  /** Waits for its end. */
  async ended(): Promise<End> {
    await this.until('ended', () => this.end !== null);
    return this.end as End;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.end !== null || this.failure !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }

  private until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        waits.delete(giveUp);
        this.listeners.delete(check);
      };
      const check = (): void => {
        const success = holds();
        if (!success && this.end === null && this.failure === null) return;
        stop();
        if (success) resolve();
        else reject(this.report(`ended and had not ${what}`));
      };
      const giveUp = (): void => {
        stop();
        reject(this.report(`has not ${what} in ${PATIENCE_MS / 1000} s`));
      };
      waits.set(giveUp, performance.now() + PATIENCE_MS);
      this.listeners.add(check);
      check();
    });
  }

  private report(what: string): Error {
    const { end, failure } = this;
    const how = end === null ? '' : `\nexit code ${end.code}, signal ${end.signal}`;
    return new Error(`${this.command} ${what}${failure ?? ''}${how}\n${this.stdout}\n${this.stderr}`);
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Whether this machine has a command. */
export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

/** Runs a command to its end, with an input; fails if it fails. What it printed. */
export async function output(command: string[], input: string | Uint8Array = ''): Promise<string> {
  await using program = new Program(command, { input });
  const { code, stdout, stderr } = await program.ended();
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

/** Runs clients of echo_client.py, one after the other, against the server on this port. */
export async function echoClients(port: number, ...names: string[]): Promise<void> {
  const said = await output(['python3', 'test/examples/echo_client.py', '127.0.0.1', String(port), ...names]);
  const expected = names.map((name) => `${name}: fine\n`).join('');
  if (said !== expected) throw new Error(`the echo clients said ${said}`);
}

/** The ways in which the server programs can run here: drive and backend. */
export const MODES: readonly (readonly [label: string, args: string[]])[] = [
  ['as a guest', []],
  ...(process.platform === 'linux' ? ['epoll', 'poll', 'select'] : ['kqueue', 'poll', 'select']).map(
    (backend): [string, string[]] => [`blocking, ${backend}`, ['--sync', '--backend', backend]],
  ),
];
