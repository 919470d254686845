/**
 * A chat server. What one says, all others read; who does not read delays nobody.
 *
 *   node --import tsx examples/chat-server.ts 15000
 *   nc 127.0.0.1 15000             (from two terminals or more)
 *
 * Each client has two tasks: one hears what it says, the other sends what it is to read, from a list that belongs to the client. So nobody
 * waits for anybody else's network; and whoever is too far behind has to go, since its list would fill the memory.
 */

import { ClosedError, type Co, group, run, SystemError, WaitQueue, wasInterrupted } from 'genloop';
import { idle, LimitError, listen, serve, type TcpStream, UnexpectedEndError } from 'genloop/net';
import { leave } from './servers/open.ts';

const LONGEST_NAME = 40;
const LONGEST_LINE = 1000;
/** So many characters may wait for a client that does not read. */
const LONGEST_BACKLOG = 65_536;

/** Somebody who is here. */
class Member {
  private readonly client: TcpStream;
  private readonly news = new WaitQueue('something to read');
  private backlog = '';

  constructor(client: TcpStream) {
    this.client = client;
  }

  /** Hands over a text, and never waits. */
  tell(text: string): void {
    this.backlog += text;
    // Its tasks wake with a ClosedError.
    if (this.backlog.length > LONGEST_BACKLOG) this.client.close();
    this.news.wake();
  }

  /** The task that sends. */
  *deliver(): Co<never> {
    for (;;) {
      while (this.backlog === '') yield* this.news.wait();
      const text = this.backlog;
      this.backlog = '';
      yield* this.client.write(text);
    }
  }
}

const members = new Set<Member>();

function tellOthers(from: Member, text: string): void {
  for (const member of members) if (member !== from) member.tell(text);
}

/** The task that hears what one says. */
function* session(client: TcpStream): Co<void> {
  yield* client.write('Your name? ');
  const name = (yield* idle(client.readLine({ limit: LONGEST_NAME })))?.trim();
  if (!name) return;
  const member = new Member(client);
  yield* group(function* (g): Co<void> {
    g.spawn(member.deliver(), { name: `to ${name}`, daemon: true });
    member.tell(`Hello ${name}. Others here: ${members.size}\n`);
    members.add(member);
    tellOthers(member, `* ${name} has come\n`);
    try {
      for (;;) {
        const line = yield* idle(client.readLine({ limit: LONGEST_LINE }));
        if (line === null) return;
        if (line.trim() !== '') tellOthers(member, `${name}: ${line}\n`);
      }
    } finally {
      members.delete(member);
      tellOthers(member, `* ${name} has left\n`);
    }
  });
}

/** A client that breaks off, does not read, or sends lines without an end has left, no more. Anything else is a bug. */
function failed(error: unknown): void {
  const ordinary = [SystemError, ClosedError, LimitError, UnexpectedEndError];
  if (!ordinary.some((type) => error instanceof type)) console.error(error);
}

function* chat(): Co<void> {
  const listener = yield* listen({ port: Number(process.argv[2] ?? 15000) });
  console.log(`chat on ${listener.address}`);
  yield* serve(listener, session, { grace: 1000, onError: failed });
}

try {
  await run(chat);
} catch (error) {
  if (!wasInterrupted(error)) leave((error as Error).message);
}
