/**
 * An SMTP server that delivers to nowhere (RFC 5321, as far as a sink needs it): for programs that send mail, to be tried against.
 *
 * One task a client, which reads top to bottom as a session does. `delay` makes each answer take as long as if the server were far away.
 */

import { type Co, group, isCancelled, ReadWait, type Socket, sleep } from 'genloop';
import { LimitError, TcpStream, UnexpectedEndError } from 'genloop/net';

/** A mail that was taken in. */
export interface Delivered {
  readonly from: string;
  readonly to: readonly string[];
  /** Head and body, with CR LF at the end of each line. */
  readonly data: string;
}

/** How a sink behaves. */
export interface SinkOptions {
  /** Called for each mail. */
  deliver?: (mail: Delivered) => void;
  /** Milliseconds before each answer; default 0. */
  delay?: number;
}

/** RFC 5321, section 4.5.3.1.6, with the line end. */
const LINE_LIMIT = 1000;
const MAIL_LIMIT = 10 * 1024 * 1024;
/** Clients accepted before other tasks get their turn. */
const BATCH = 64;

/** Takes in mail until it is cancelled. The listener stays the caller's. */
export function* mailSink(listener: Socket, options: SinkOptions = {}): Co<void> {
  yield* group(
    function* (g): Co<void> {
      for (;;) {
        yield new ReadWait(listener);
        for (let n = 0; n < BATCH; n++) {
          const socket = listener.accept();
          if (socket === undefined) break;
          g.spawn(attend(new TcpStream(socket), options), { name: 'smtp session' });
        }
      }
    },
    // A client that breaks off is its own affair.
    { onError: () => {} },
  );
}

function* attend(client: TcpStream, options: SinkOptions): Co<void> {
  using stream = client;
  try {
    yield* new Session(stream, options).run();
  } catch (error) {
    if (isCancelled(error)) throw error;
    if (error instanceof LimitError) yield* stream.write('500 that line is too long\r\n');
    else if (!(error instanceof UnexpectedEndError)) throw error;
  }
}

/** One client's session. */
class Session {
  private readonly stream: TcpStream;
  private readonly options: SinkOptions;
  private from: string | null = null;
  private to: string[] = [];

  constructor(stream: TcpStream, options: SinkOptions) {
    this.stream = stream;
    this.options = options;
  }

  *run(): Co<void> {
    yield* this.say('220 sink.invalid delivers to nowhere');
    for (;;) {
      const line = yield* this.stream.readLine({ limit: LINE_LIMIT });
      if (line === null) return;
      const [verb = ''] = line.split(' ', 1);
      switch (verb.toUpperCase()) {
        case 'HELO':
          this.reset();
          yield* this.say('250 sink.invalid');
          break;
        case 'EHLO':
          this.reset();
          yield* this.say(`250-sink.invalid\r\n250-8BITMIME\r\n250 SIZE ${MAIL_LIMIT}`);
          break;
        case 'MAIL':
          yield* this.sender(pathIn(line, 'FROM'));
          break;
        case 'RCPT':
          yield* this.recipient(pathIn(line, 'TO'));
          break;
        case 'DATA':
          yield* this.data();
          break;
        case 'RSET':
          this.reset();
          yield* this.say('250 forgotten');
          break;
        case 'NOOP':
          yield* this.say('250 nothing done');
          break;
        case 'VRFY':
          yield* this.say('252 nobody is known here, and anybody may get mail');
          break;
        case 'QUIT':
          yield* this.say('221 goodbye');
          return;
        default:
          yield* this.say('500 no such command');
      }
    }
  }

  private *sender(path: string | null): Co<void> {
    if (path === null) return yield* this.say('501 the form is MAIL FROM:<address>');
    if (this.from !== null) return yield* this.say('503 there is a sender already');
    this.from = path;
    yield* this.say('250 sender noted');
  }

  private *recipient(path: string | null): Co<void> {
    if (this.from === null) return yield* this.say('503 first MAIL FROM');
    if (path === null || path === '') return yield* this.say('501 the form is RCPT TO:<address>');
    this.to.push(path);
    yield* this.say('250 recipient noted');
  }

  private *data(): Co<void> {
    const { from, to } = this;
    if (from === null || to.length === 0) return yield* this.say('503 first MAIL FROM and RCPT TO');
    yield* this.say('354 go on; a dot alone ends it');
    const lines: string[] = [];
    let size = 0;
    for (;;) {
      const line = yield* this.stream.readLine({ limit: LINE_LIMIT });
      if (line === null) return;
      if (line === '.') break;
      size += line.length + 2;
      // What begins with a dot was sent with one more.
      if (size <= MAIL_LIMIT) lines.push(line.startsWith('.') ? line.slice(1) : line);
    }
    this.reset();
    if (size > MAIL_LIMIT) return yield* this.say('552 that is more than was agreed');
    this.options.deliver?.({ from, to, data: lines.map((line) => `${line}\r\n`).join('') });
    yield* this.say('250 delivered to nowhere');
  }

  private *say(answer: string): Co<void> {
    const { delay = 0 } = this.options;
    if (delay > 0) yield* sleep(delay);
    yield* this.stream.write(`${answer}\r\n`);
  }

  private reset(): void {
    this.from = null;
    this.to = [];
  }
}

/** The address in `MAIL FROM:<address> SIZE=7`; `null` if there is none. */
function pathIn(line: string, word: string): string | null {
  const found = new RegExp(`^\\S+ ${word}: ?<([^<>]*)>( .*)?$`, 'i').exec(line);
  return found === null ? null : (found[1] as string);
}
