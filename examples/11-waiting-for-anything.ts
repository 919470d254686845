/**
 * No sockets: `ReadWait` takes any descriptor that can be waited for. Here a pipe from a child process, an eventfd, a FIFO and
 * a terminal; and a regular file, which says why it cannot.
 *
 * The waiting is the same for all of them, and that is the point: "readable" means the same whatever is behind the number.
 *
 *   node --import tsx examples/11-waiting-for-anything.ts          (and press Enter when asked)
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Co, currentTask, type Descriptor, ReadWait, Scheduler, SystemError, sleep, type Task } from 'genloop';
import { EventFd, open, pipe } from 'genloop/os';

const PATIENCE = 5000;

/** Prints what comes, until the end. */
function* print(name: string, descriptor: Descriptor): Co<void> {
  using source = descriptor;
  for (;;) {
    yield new ReadWait(source);
    const data = source.read(4096);
    if (data === undefined) continue;
    if (data.length === 0) break;
    console.log(`${name}: ${JSON.stringify(String(data))}`);
  }
  console.log(`${name}: the end`);
}

/** A child process writes into our pipe. We close our copy of the writing end, or the reader would never see the end. */
function* child(): Co<void> {
  const { reader, writer } = pipe();
  spawn('sh', ['-c', 'echo one; sleep 0.1; echo two'], { stdio: ['ignore', writer.fd, 'inherit'] });
  writer.close();
  yield* print('child', reader);
}

/** A counter in the kernel: several signals, one wake-up. A timer of Node gives them, to show that Node's loop goes on. */
function* eventfd(): Co<void> {
  using counter = EventFd.create();
  setTimeout(() => {
    counter.signal(2);
    counter.signal(1);
  }, 50);
  yield new ReadWait(counter);
  console.log(`eventfd: signalled ${counter.take()} times`);
}

/** A pipe with a name, for programs that do not know each other. */
function* fifo(): Co<void> {
  const folder = mkdtempSync(join(tmpdir(), 'genloop-'));
  const path = join(folder, 'fifo');
  try {
    execFileSync('mkfifo', [path]);
    const source = open(path); // returns at once, whether somebody writes or not: it is non-blocking
    spawn('sh', ['-c', 'echo from far away > "$0"', path], { stdio: 'inherit' });
    yield* print('fifo', source);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A terminal gives whole lines. Who takes too long is cancelled: the wait is undone, the descriptor closed. */
function* terminal(): Co<void> {
  using tty = open('/dev/tty');
  const limit = scheduler.spawn(cancelLater(currentTask()));
  console.log('terminal: press Enter');
  yield new ReadWait(tty);
  console.log(`terminal: ${JSON.stringify(String(tty.read()))}`);
  limit.cancel();
}

function* cancelLater(task: Task): Co<void> {
  yield sleep(PATIENCE);
  console.log('terminal: never mind');
  task.cancel();
}

/** A file on a disk is always "readable", so that waiting for it means nothing. The system says so, and so do we. */
function* regularFile(): Co<void> {
  using file = open(fileURLToPath(import.meta.url));
  try {
    yield new ReadWait(file);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    console.log(`regular file: ${error.message}`);
  }
}

const scheduler = new Scheduler();
for (const task of [child(), eventfd(), fifo(), regularFile()]) scheduler.spawn(task);
if (process.stdin.isTTY) scheduler.spawn(terminal());
await scheduler.run();
