/**
 * TCP echo as one writes it with the streams: `serve`, and a handler that reads and writes.
 *
 *   serve-echo [--sync] [--read view|owned|into] [--size BYTES] [--burn MS]
 *
 * `--read view` borrows the bytes (readView), `owned` gets its own (read), `into` reads into one buffer for each connection, of
 * `--size` bytes (readInto). `--burn` works that long for every message that asks for it with its first byte.
 */

import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Co, run, runSync } from 'genloop';
import { listen, serve, type TcpStream } from 'genloop/net';

const { values } = parseArgs({
  options: {
    sync: { type: 'boolean', default: false },
    read: { type: 'string', default: 'view' },
    size: { type: 'string', default: '16384' },
    burn: { type: 'string' },
  },
});
const size = Number(values.size);
const burning = Number(values.burn ?? 0);

function* view(client: TcpStream): Co<void> {
  for (;;) {
    const data = yield* client.readView();
    if (data === null) return;
    yield* client.write(data);
  }
}

function* owned(client: TcpStream): Co<void> {
  for (;;) {
    const data = yield* client.read();
    if (data === null) return;
    yield* client.write(data);
  }
}

function* into(client: TcpStream): Co<void> {
  const buffer = Buffer.allocUnsafeSlow(size);
  for (;;) {
    const count = yield* client.readInto(buffer);
    if (count === null) return;
    yield* client.write(buffer.subarray(0, count));
  }
}

function* burner(client: TcpStream): Co<void> {
  for (;;) {
    const data = yield* client.readView();
    if (data === null) return;
    if (data[0] === 1) for (const end = performance.now() + burning; performance.now() < end; );
    yield* client.write(data);
  }
}

const handlers = { view, owned, into };
const handler = burning > 0 ? burner : handlers[values.read as keyof typeof handlers];

function* main(): Co<void> {
  // A client that breaks off is the load's affair.
  const onError = (): void => {};
  const onReady = ({ address }: { address: unknown }): void => void writeSync(1, `listening ${address}\n`);
  yield* serve(yield* listen(), handler, { onError, onReady });
}

if (values.sync) runSync(main);
else await run(main);
