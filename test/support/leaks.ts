/**
 * What a process holds open: its descriptors, and the handles in Node's event loop.
 *
 * A library that hands out raw descriptors cannot test that it gives them all back by trusting its own books, so
 * this asks the kernel (`/proc/self/fd`, or `/dev/fd`) and libuv (`process.report`). A descriptor counts as the same
 * only if its number *and* what it refers to are the same: a number closed twice and reused by somebody else shows.
 */

import { fstatSync, readdirSync, readlinkSync } from 'node:fs';

/** What was open at one moment. */
export interface Holdings {
  /** `number -> what it refers to`. */
  readonly descriptors: ReadonlyMap<number, string>;
  /** Active handles of Node's loop: `type -> how many`. */
  readonly handles: ReadonlyMap<string, number>;
}

interface ReportedHandle {
  type: string;
  is_active: boolean;
  is_referenced?: boolean;
}

/** Longest wait for closing handles and peers, in milliseconds. Reached only by a test that is about to fail. */
const SETTLE_MS: number = Number(process.env.GENLOOP_TEST_SETTLE_MS ?? 2_000);

const FD_FOLDER: string = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd';

// Node makes these at first use and keeps them, which is no leak of the test that happens to come first: the streams of
// standard output, and the loop's own signal pipe (also used to hear that a child has ended).
void process.stdout;
void process.stderr;
const unused = (): void => {};
process.on('SIGWINCH', unused);
process.off('SIGWINCH', unused);

/** One turn of Node's loop; `uv_close` needs one to complete. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The open descriptors of this process. */
export function openDescriptors(): Map<number, string> {
  const open = new Map<number, string>();
  for (const name of readdirSync(FD_FOLDER)) {
    const fd = Number(name);
    try {
      open.set(fd, describe(fd));
    } catch {
      // The descriptor that readdirSync itself used is in the list, and closed by now.
    }
  }
  return open;
}

function describe(fd: number): string {
  if (process.platform === 'linux') return readlinkSync(`${FD_FOLDER}/${fd}`);
  const stat = fstatSync(fd);
  return `mode ${stat.mode.toString(8)} device ${stat.dev} inode ${stat.ino}`;
}

/** The active handles in Node's loop, counted by type. Call it in a turn of its own ({@link turn}): the loop's idle handle is active around immediates. */
export function activeHandles(): Map<string, number> {
  const active = new Map<string, number>();
  if (process.report === undefined) return active;
  // Without this the report looks up the name of every peer's address, which can take seconds.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const { libuv } = process.report.getReport() as unknown as { libuv: ReportedHandle[] };
  for (const handle of libuv) {
    // Node 24 keeps a timer of its own for some seconds after each worker, unreferenced. The library opens none.
    const foreign = handle.type === 'loop' || (handle.type === 'timer' && handle.is_referenced === false);
    if (handle.is_active && !foreign) {
      active.set(handle.type, (active.get(handle.type) ?? 0) + 1);
    }
  }
  return active;
}

/** What is open now, seen from a fresh turn of the loop. */
export async function holdings(): Promise<Holdings> {
  await turn();
  return { descriptors: openDescriptors(), handles: activeHandles() };
}

/** The differences between two moments, one sentence each; none if nothing has leaked (or been closed that was not ours). */
export function differences(before: Holdings, now: Holdings): string[] {
  const found: string[] = [];
  for (const [fd, what] of now.descriptors) {
    const earlier = before.descriptors.get(fd);
    if (earlier === undefined) found.push(`descriptor ${fd} is still open: ${what}`);
    else if (earlier !== what) found.push(`descriptor ${fd} was ${earlier} and is now ${what}`);
  }
  for (const [fd, what] of before.descriptors) {
    if (!now.descriptors.has(fd)) found.push(`descriptor ${fd} has been closed: ${what}`);
  }
  for (const type of new Set([...before.handles.keys(), ...now.handles.keys()])) {
    const was = before.handles.get(type) ?? 0;
    const is = now.handles.get(type) ?? 0;
    if (is > was) found.push(`${is - was} more active ${type} handle(s) in Node's loop than before`);
  }
  return found;
}

/** Waits, turn by turn, until what was open before is open again and nothing else. Resolves to what still differs at the end. */
export async function settled(before: Holdings): Promise<string[]> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const found = differences(before, await holdings());
    if (found.length === 0 || performance.now() > end) return found;
  }
}
