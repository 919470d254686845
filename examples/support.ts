/**
 * What the two server programs share and what teaches nothing: their command line, a sentence instead of a stack when a port
 * is in use, and an end without noise.
 */

import { parseArgs } from 'node:util';
import { type Scheduler, Socket, wasInterrupted } from 'genloop';

/** What a server was told. */
export interface ServerOptions {
  host: string;
  ports: number[];
  backend: 'epoll' | 'kqueue' | 'poll' | 'select' | undefined;
  /** The blocking drive: the scheduler owns the thread. */
  sync: boolean;
  quiet: boolean;
}

const MISUSE_EXIT = 2;

function leave(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

/** Reads the command line; a mistake in it ends the program with a sentence. */
export function options(program: string, defaultPorts: number[]): ServerOptions {
  const usage = `usage: ${program} [--host ADDRESS] [--port N]... [--backend epoll|kqueue|poll|select] [--sync] [--quiet]`;
  try {
    const { values } = parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', multiple: true },
        backend: { type: 'string' },
        sync: { type: 'boolean', default: false },
        quiet: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const ports = values.port?.map((text) => {
      const port = Number(text);
      if (/^\d+$/.test(text) && port <= 65535) return port;
      throw new Error(`--port takes a number from 0 to 65535, not '${text}'`);
    });
    const { host, quiet } = values;
    const backend = (values.backend ?? (process.env.GENLOOP_BACKEND || undefined)) as ServerOptions['backend'];
    // select and poll have no descriptor that Node could watch, so they can only own the thread.
    const sync = values.sync || backend === 'select' || backend === 'poll';
    if (sync && !values.sync && !quiet) console.log(`${backend} works only with --sync, so this is what you get`);
    return { host, ports: ports ?? defaultPorts, backend, sync, quiet };
  } catch (error) {
    return leave(`${program}: ${(error as Error).message}\n${usage}`, MISUSE_EXIT);
  }
}

/** A bound (and for TCP listening) socket, or the end of the program with a sentence. */
export function listenOrExplain(kind: 'tcp' | 'udp', host: string, port: number): Socket {
  try {
    return kind === 'tcp' ? Socket.listener({ host, port }) : Socket.udp({ host, port });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const advice: Record<string, string> = {
      EADDRINUSE: `port ${port} on ${host} is in use: end the program that has it, or choose another with --port`,
      EACCES: `port ${port} is not allowed for this user: choose one above 1023 with --port`,
      EADDRNOTAVAIL: `${host} is no address of this machine`,
    };
    return leave(advice[code ?? ''] ?? message, 1);
  }
}

/** Prints a line, unless quiet. */
export function log(quiet: boolean, line: string): void {
  if (!quiet) console.log(line);
}

/** Runs until Ctrl-C. */
export async function runServer(scheduler: Scheduler, sync: boolean): Promise<void> {
  try {
    if (sync) {
      scheduler.runSync();
    } else {
      // The first Ctrl-C ends the tasks, which close what they hold; a second one ends the program.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => scheduler.cancel(signal, 'signal'));
      }
      await scheduler.run();
    }
  } catch (error) {
    if (!wasInterrupted(error)) return leave(String((error as Error).message), 1);
  }
  process.exitCode = 0;
  console.log('\nended');
}
