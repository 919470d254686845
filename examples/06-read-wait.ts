/**
 * genloop's `Scheduler` with `ReadWait` and `WriteWait`, at its smallest: two tasks that talk over a pair of sockets.
 *
 * Every call is the system's own and never blocks: `recv` and `send` say `undefined` for "would block". So a task waits first.
 * What it waits for is an object that it yields; which task runs meanwhile is the scheduler's business.
 *
 *   node --import tsx examples/06-read-wait.ts
 */

import { type Co, ReadWait, Scheduler, Socket, WriteWait } from 'genloop';

function* ping(socket: Socket, times: number): Co<void> {
  using _socket = socket; // closed when the task ends, however it ends
  for (let n = 1; n <= times; n++) {
    yield new WriteWait(socket);
    socket.send(`ping ${n}`);
    yield new ReadWait(socket);
    console.log(String(socket.recv()));
  }
}

function* pong(socket: Socket): Co<void> {
  using _socket = socket;
  for (;;) {
    yield new ReadWait(socket);
    const message = socket.recv();
    if (message === undefined) continue; // readiness is a hint: wait again
    if (message.length === 0) return; // the other end has closed
    console.log(String(message));
    yield new WriteWait(socket);
    socket.send(`     pong ${String(message).slice('ping '.length)}`);
  }
}

const [one, other] = Socket.pair();
const scheduler = new Scheduler();
scheduler.spawn(ping(one, 3));
scheduler.spawn(pong(other));

// Inside Node's loop: timers, promises and servers of Node go on. `scheduler.runSync()` owns the thread instead.
await scheduler.run();
console.log('both have ended');
