/**
 * A chat server: what one can write after the README. What one says, all others read.
 *
 * One task accepts; each client is a task that reads lines. Everything that they share is one `Map`, without locks. A client that
 * leaves, breaks its connection or does not read what it is sent is its own task's problem, and nobody else notices.
 *
 *   node --import tsx examples/12-chat.ts [port]
 *   nc 127.0.0.1 15000             (from two terminals or more)
 */

import {
  ClosedError,
  type Co,
  currentScheduler,
  ReadWait,
  run,
  type Socket,
  SystemError,
  wasInterrupted,
} from 'genloop';
import { openSocket } from './servers/open.ts';

const LONGEST_LINE = 1000;

/** Who is here, with their names. */
const clients = new Map<Socket, string>();

function sendTo(client: Socket, text: string): void {
  const bytes = Buffer.from(text);
  try {
    // A socket takes thousands of lines before a `send` would block. Whoever is that far behind does not read: it has to go.
    // Its task waits for input, and learns it from the `ClosedError` there.
    if (client.send(bytes) !== bytes.length) client.close();
  } catch {
    client.close();
  }
}

function tellOthers(from: Socket, text: string): void {
  for (const client of [...clients.keys()]) if (client !== from) sendTo(client, text);
}

/** Splits what a client sends into lines. */
class Lines {
  private readonly client: Socket;
  private readonly decoder = new TextDecoder();
  private text = '';

  constructor(client: Socket) {
    this.client = client;
  }

  /** The next line, `null` at the end. A subroutine: it waits in its caller's task. */
  *next(): Co<string | null> {
    for (;;) {
      const end = this.text.indexOf('\n');
      if (end >= 0) {
        const line = this.text.slice(0, end).trimEnd();
        this.text = this.text.slice(end + 1);
        return line;
      }
      if (this.text.length > LONGEST_LINE) return null;
      yield new ReadWait(this.client);
      const data = this.client.recv();
      if (data === undefined) continue;
      if (data.length === 0) return null;
      this.text += this.decoder.decode(data, { stream: true });
    }
  }
}

function* session(socket: Socket): Co<void> {
  using client = socket;
  const lines = new Lines(client);
  try {
    sendTo(client, 'Your name? ');
    const name = yield* lines.next();
    if (!name) return;
    clients.set(client, name);
    sendTo(client, `Hello ${name}. Here are: ${[...clients.values()].join(', ')}\n`);
    tellOthers(client, `* ${name} has come\n`);
    for (let line = yield* lines.next(); line !== null; line = yield* lines.next()) {
      tellOthers(client, `${name}: ${line}\n`);
    }
  } catch (error) {
    // A broken connection, or one that we closed, ends this session only. Anything else is a bug, or Ctrl-C.
    if (!(error instanceof SystemError || error instanceof ClosedError)) throw error;
  } finally {
    const name = clients.get(client);
    clients.delete(client);
    if (name !== undefined) tellOthers(client, `* ${name} has left\n`);
  }
}

function* chat(): Co<void> {
  using listener = openSocket('TCP', Number(process.argv[2] ?? 15000));
  console.log(`chat on ${listener.localAddress}; Ctrl-C ends`);
  for (;;) {
    yield new ReadWait(listener);
    const client = listener.accept();
    if (client !== undefined) currentScheduler().spawn(session(client), { name: 'session' });
  }
}

try {
  await run(chat);
} catch (error) {
  if (!wasInterrupted(error)) throw error;
  console.log('\nended');
}
