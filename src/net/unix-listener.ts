/**
 * Listening for connections on a Unix socket: a path, or on Linux an abstract name, which is no file.
 *
 * A path outlives its listener. So it is removed at the close, if it is still the one that was made here; and one that a process has
 * left behind which ended without a close is told from one that is in use, by knocking.
 */

import { DEFAULT_BACKLOG, Socket, type Sys, SystemError } from '../os/index.ts';
import { chmodSync, lstatSync, resolve, unlinkSync } from '../platform/node.ts';
import { Listener } from './listener.ts';
import { checkOptions } from './options.ts';
import type { BufferOptions } from './socket-stream.ts';
import { UnixStream } from './unix-stream.ts';

/** Where and how to listen for connections on a Unix socket. */
export interface UnixListenOptions {
  /** The path of the socket file, which must not exist; or, on Linux, an abstract name: `'\0name'`, which needs no file. */
  path: string;
  /** How many connections the kernel keeps that were not accepted yet. Default 4096; it cuts it to its own limit (somaxconn). */
  backlog?: number;
  /** Takes the place of a socket file to which nobody listens any more. Default false: that is an error which says so. */
  replace?: boolean;
  /** The permissions of the socket file, set before anybody can connect: `0o600` for this user alone. Default: as the umask has it. */
  mode?: number;
  /** For the streams that it accepts. */
  stream?: BufferOptions;
}

/** What is found at a path that is in use. */
type Found = 'dead' | 'alive' | 'foreign' | 'hidden';

const HINTS: Readonly<Record<Found, string>> = {
  dead: 'nobody listens there: a process has left it behind; remove the file, or listen with { replace: true }',
  alive: 'another process listens there; end it, or choose another path',
  foreign: 'that is no socket, and is not touched; choose another path',
  hidden: 'somebody else’s, to which this user has no right; choose another path',
};

/** Accepts connections on a Unix socket. */
export class UnixListener extends Listener<UnixStream> {
  /** The path, absolute, or the abstract name. */
  readonly path: string;
  /** Which file it was that was made here; `null` where it is none. */
  private file: string | null;

  /**
   * Listens, outside of a task too (`listen` does the same). Throws `SystemError`: `EADDRINUSE` with what was found at the path
   * and what to do, `EACCES`, `ENOENT` (no such folder), `ENAMETOOLONG`.
   */
  static open(options: UnixListenOptions): UnixListener {
    checkOptions('UnixListener.open', '{ path }', options);
    const { path, mode, backlog = DEFAULT_BACKLOG } = options;
    if (typeof path !== 'string' || path === '')
      throw new TypeError('path must be a path, or a name that begins with \\0');
    const socket = Socket.unix();
    let file: string | null = null;
    try {
      claim(socket, options);
      file = identityOf(socket.sys, path);
      if (file !== null && mode !== undefined) chmodSync(path, mode);
      socket.listen(backlog);
      return new UnixListener(socket, file === null ? path : resolve(path), file, options.stream);
    } catch (error) {
      if (file !== null) removeIfThere(path);
      socket.close();
      throw error;
    }
  }

  /** Takes possession of a socket that listens already. Its file, if it has one, stays at the close. */
  static adopt(socket: Socket, options?: BufferOptions): UnixListener {
    return new UnixListener(socket, socket.localAddress.address, null, options);
  }

  private constructor(socket: Socket, path: string, file: string | null, options: BufferOptions | undefined) {
    super(socket, (accepted) => new UnixStream(accepted, options));
    this.path = path;
    this.file = file;
  }

  /** @internal */
  override shut(): boolean {
    this.leave();
    try {
      // Who knocks from now on is refused, and who is in the queue is still accepted.
      this.socket.shutdown('read');
      return true;
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }

  /** @internal */
  protected override leave(): void {
    const { file, path } = this;
    this.file = null;
    if (file === null) return;
    try {
      // As long as our socket is open, no other file can have its number.
      if (identityOf(this.socket.sys, path) === file) unlinkSync(path);
    } catch {
      // Its folder is out of reach. That must not keep the socket open; the next start is told what lies there.
    }
  }
}

/** Binds the socket to its path. */
function claim(socket: Socket, { path, replace = false }: UnixListenOptions): void {
  try {
    socket.bind({ path });
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE' || !isFile(socket.sys, path)) throw error;
    const found = find(path);
    if (found === 'dead' && replace) {
      unlinkSync(path);
      socket.bind({ path });
      return;
    }
    throw new SystemError(socket.sys, 'bind', error.errno, { path, hint: HINTS[found], cause: error });
  }
}

/** What is at a path. Knocks, if it is a socket. */
function find(path: string): Found {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) return 'foreign';
  using visitor = Socket.unix();
  try {
    visitor.connect({ path });
    return 'alive';
  } catch (error) {
    const { code } = error as SystemError;
    // Gone since: as good as dead.
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'dead';
    // A queue that is full (EAGAIN), or a socket of another type (EPROTOTYPE), has somebody behind it.
    return code === 'EACCES' ? 'hidden' : 'alive';
  }
}

/** Removes a file after something else went wrong: that is what is told. */
function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Then it stays.
  }
}

/** Whether a name is that of a file. Those of a simulated system are not: nothing of it may touch the real ones. */
function isFile(sys: Sys, path: string): boolean {
  return !path.startsWith('\0') && sys.platform !== 'simulated';
}

/** Which file is at a path: the same text for the same file. `null` if there is none. */
function identityOf(sys: Sys, path: string): string | null {
  if (!isFile(sys, path)) return null;
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
