/** Writes to sockets that nobody reads from, in a process that hears SIGPIPE: Node ignores it otherwise. */

import { UnixStream } from 'genloop/net';
import { Socket } from 'genloop/os';
import { runSync } from 'genloop/scheduler';

let signals = 0;
process.on('SIGPIPE', () => signals++);

function broken(): UnixStream {
  const [one, other] = Socket.pair();
  other.close();
  return new UnixStream(one);
}

const codes = runSync(function* () {
  const all: unknown[] = [];
  for (const parts of [['x'], [new Uint8Array(2000), new Uint8Array(2000)]]) {
    using stream = broken();
    try {
      yield* stream.writev(parts);
    } catch (error) {
      all.push((error as { code?: unknown }).code);
    }
  }
  return all;
});

// Signals are heard in their order: any of the writes' would have been heard before this one.
// Hearing a signal keeps no process alive.
const alive = setInterval(() => {}, 1000);
const last = new Promise((resolve) => process.once('SIGHUP', resolve));
process.kill(process.pid, 'SIGHUP');
await last;
clearInterval(alive);
console.log(`${codes.join(' ')}, signals: ${signals}`);
