/**
 * What the server programs share and what teaches nothing: their command line, a sentence instead of a stack where something
 * is in the way, and an end without noise.
 */

import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Co, Scheduler, wasInterrupted } from 'genloop';
import { leave } from './open.ts';

/** What a server program was told. `Ports` names its options for ports. */
export interface Settings<Ports extends string> {
  host: string;
  ports: Record<Ports, number[]>;
  backend: string | undefined;
  /** The blocking drive: the scheduler owns the thread. */
  sync: boolean;
  quiet: boolean;
}

const MISUSE_EXIT = 2;
const LARGEST_PORT = 65535;
/** These have no descriptor that Node could watch, so they can only own the thread. */
const BLIND_BACKENDS: readonly (string | undefined)[] = ['select', 'poll'];

/**
 * Prints a line, at once. In the blocking drive nothing of Node runs, and what `console.log` cannot write to a slow pipe
 * would stay in memory until the end.
 */
export function say(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // Nobody reads, or not fast enough: a server has better things to do than to wait for its log.
  }
}

/** Reads the command line: `--host`, the options for ports with their defaults, `--backend`, `--sync`, `--quiet`. */
export function settings<Ports extends string>(program: string, defaults: Record<Ports, number[]>): Settings<Ports> {
  const names = Object.keys(defaults) as Ports[];
  const usage = [
    `usage: ${program} [--host ADDRESS] ${names.map((name) => `[--${name} N]...`).join(' ')}`,
    '         [--backend epoll|kqueue|poll|select] [--sync] [--quiet]',
    '',
    '  --host     numeric address to serve on, 127.0.0.1 if absent',
    ...names.map(
      (name) => `  --${name.padEnd(8)} ${defaults[name].join(', ')} if absent; 0 lets the system choose; repeatable`,
    ),
    '  --backend  which call asks for readiness; the best of this system if absent',
    '  --sync     own the thread (blocking drive) instead of living in Node’s loop',
    '  --quiet    no line for each connection',
  ].join('\n');
  try {
    const { values } = parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        backend: { type: 'string' },
        sync: { type: 'boolean', default: false },
        quiet: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        ...Object.fromEntries(names.map((name) => [name, { type: 'string', multiple: true } as const])),
      },
    });
    if (values.help) {
      say(usage);
      process.exit(0);
    }
    const given = values as Partial<Record<string, unknown>> as Partial<Record<Ports, string[]>>;
    const ports = Object.fromEntries(
      names.map((name) => [name, given[name]?.map((text) => portOf(name, text)) ?? defaults[name]]),
    ) as Record<Ports, number[]>;
    const { host, backend, quiet } = values;
    const asked = backend ?? process.env.GENLOOP_BACKEND;
    const sync = values.sync || BLIND_BACKENDS.includes(asked);
    if (sync && !values.sync) say(`${asked} cannot live in Node's loop, so the scheduler owns the thread (--sync)`);
    return { host, ports, backend, sync, quiet };
  } catch (error) {
    return leave(`${program}: ${(error as Error).message}\n\n${usage}`, MISUSE_EXIT);
  }
}

function portOf(option: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= LARGEST_PORT) return port;
  throw new Error(`--${option} takes a number from 0 to ${LARGEST_PORT}, not '${text}'`);
}

/** A scheduler on the chosen backend, or the end of the program with a sentence. */
export function schedulerFor(backend: string | undefined): Scheduler {
  try {
    return new Scheduler(backend === undefined ? {} : { backend: backend as 'epoll' });
  } catch (error) {
    return leave((error as Error).message, MISUSE_EXIT);
  }
}

/** Announces once all tasks of the scheduler have begun to wait: whoever then connects, or types Ctrl-C, is heard. */
function* announcement(lines: readonly string[]): Co<void> {
  yield;
  for (const line of lines) say(line);
}

/** Runs until Ctrl-C. The lines are printed once the servers serve. */
export async function serve(scheduler: Scheduler, sync: boolean, ...lines: string[]): Promise<void> {
  scheduler.spawn(announcement(lines), { name: 'announcement' });
  try {
    if (sync) {
      // The blocking drive hears the two signals itself: nothing of Node runs meanwhile.
      scheduler.runSync();
    } else {
      // The first Ctrl-C cancels the tasks, which close what they hold; a second one ends the program.
      const stop = (signal: string): void => scheduler.cancel(signal, 'signal');
      process.once('SIGINT', stop).once('SIGTERM', stop);
      await scheduler.run();
    }
  } catch (error) {
    if (!wasInterrupted(error)) leave(String(error));
  }
  process.exitCode = 0;
  say('\nended');
}
