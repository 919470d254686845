/**
 * What a scheduler is: the textbook's own, written out, over `select`.
 *
 * A task yields what it waits for. The scheduler keeps two tables, who waits to read and who waits to write, by descriptor; when no
 * task is ready, it asks `select` about the descriptors in the tables and makes those tasks ready again. That is all.
 *
 *   node --import tsx examples/05-scheduler-from-scratch.ts [port...]
 *   echo | nc -u -w1 127.0.0.1 15000
 */

import { type Pollable, select } from 'genloop/os';
import { openSocket } from './servers/open.ts';

/** What a task may yield, besides nothing. */
class IOWait {
  readonly fileno: number;

  constructor(file: { fileno(): number }) {
    this.fileno = file.fileno();
  }
}
class ReadWait extends IOWait {}
class WriteWait extends IOWait {}

type TextbookTask = Generator<IOWait | undefined, void>;

class Scheduler {
  private tasks = 0;
  private readonly ready: TextbookTask[] = [];
  private readonly readWaiting = new Map<number, TextbookTask>();
  private readonly writeWaiting = new Map<number, TextbookTask>();

  spawn(task: TextbookTask): void {
    this.ready.push(task);
    this.tasks++;
  }

  /** Asks which of the descriptors are ready; moves their tasks to the ready list. */
  private poll(): void {
    const [readable, writable] = select(this.readWaiting.keys(), this.writeWaiting.keys(), []);
    this.wake(this.readWaiting, readable);
    this.wake(this.writeWaiting, writable);
  }

  private wake(waiting: Map<number, TextbookTask>, ready: Pollable[]): void {
    for (const fileno of ready as number[]) {
      this.ready.push(waiting.get(fileno) as TextbookTask);
      waiting.delete(fileno);
    }
  }

  run(): void {
    while (this.tasks > 0) {
      const task = this.ready.shift();
      if (task === undefined) {
        this.poll();
        continue;
      }
      const { done, value: wait } = task.next(); // runs the task to its next yield
      if (done) this.tasks--;
      else if (wait instanceof ReadWait) this.readWaiting.set(wait.fileno, task);
      else if (wait instanceof WriteWait) this.writeWaiting.set(wait.fileno, task);
      else this.ready.push(task);
    }
  }
}

function* timeServer(port: number): TextbookTask {
  const socket = openSocket('UDP', port);
  console.log(`time on ${socket.localAddress}`);
  for (;;) {
    yield new ReadWait(socket);
    const request = socket.recvFrom(8192);
    if (request === undefined) continue;
    yield new WriteWait(socket);
    socket.sendTo(`${new Date()}\n`, request.address);
  }
}

const ports = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [15000, 16000, 17000];
const scheduler = new Scheduler();
for (const port of ports) scheduler.spawn(timeServer(port));
scheduler.run();

// It is sixty lines, and these are the reasons for more. An error in one task ends all, and none can clean up. Two tasks that
// wait on one descriptor: the second silently replaces the first. A descriptor that is closed while a task waits for it hangs that
// task for ever. Nobody can wait for time, or for a task and its result, or be told to stop. While one task is
// ready, nobody's I/O is looked at. A subroutine cannot wait on behalf of its caller. genloop's `Scheduler` is this one without
// these holes: see 06, where only the import has changed.
