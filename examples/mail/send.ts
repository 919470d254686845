/** Sending a mail, as one reads it: connect, say who and to whom, send it, close. And ten thousand, one after the other or a hundred at once. */

import { type Co, failAfter, map } from 'genloop';
import { connect, type TcpStream } from 'genloop/net';

/** What is sent. */
export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

/** Where a mail server listens. */
export interface MailServer {
  readonly host?: string;
  readonly port: number;
}

/** The server has answered otherwise than a mail needs it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError' as const;
  /** The number that its answer began with. */
  readonly status: number;

  constructor(command: string, answer: string) {
    super(`the mail server answered '${answer}' to ${command}`);
    this.status = Number(answer.slice(0, 3));
  }
}

/** How long one mail may take, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Sends one mail. Throws `RefusedError`, `SystemError` (`ECONNREFUSED`, …), `TimeoutError`. */
export function* sendMail(server: MailServer, mail: Mail): Co<void> {
  yield* failAfter(PATIENCE_MS, converse(server, mail));
}

function* converse(server: MailServer, { from, to, subject, body }: Mail): Co<void> {
  using stream = yield* connect(server);
  yield* expect(stream, 220, 'the connection');
  yield* command(stream, 250, 'EHLO client.invalid');
  yield* command(stream, 250, `MAIL FROM:<${from}>`);
  yield* command(stream, 250, `RCPT TO:<${to}>`);
  yield* command(stream, 354, 'DATA');
  const head = `From: <${from}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\n\r\n`;
  yield* stream.write(`${head}${linesOf(body)}.\r\n`);
  yield* expect(stream, 250, 'the mail');
  yield* command(stream, 221, 'QUIT');
}

/** A text as its lines go over the wire. A line with a dot alone would be the end, so each that begins with one gets one more. */
function linesOf(text: string): string {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  return lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('');
}

function* command(stream: TcpStream, status: number, line: string): Co<void> {
  yield* stream.write(`${line}\r\n`);
  yield* expect(stream, status, line);
}

/** Reads an answer, which may have several lines: all but the last have a dash behind the number. */
function* expect(stream: TcpStream, status: number, what: string): Co<void> {
  for (;;) {
    const line = yield* stream.readLine();
    if (line === null) throw new RefusedError(what, '(the connection has ended)');
    if (!line.startsWith(String(status))) throw new RefusedError(what, line);
    if (line[3] !== '-') return;
  }
}

/** What is going on: for a line that tells. */
export class Progress {
  sent = 0;
  failed = 0;
  /** How many are on their way just now, and how many were at most. */
  underWay = 0;
  most = 0;

  /** One mail, counted. A mail that fails is counted too, and the others go on. */
  *count(sending: Co<void>, onFailure: (error: unknown) => void): Co<void> {
    this.most = Math.max(this.most, ++this.underWay);
    try {
      yield* sending;
      // No lock: nobody else runs between two yields.
      this.sent += 1;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ABORT_ERR') throw error;
      this.failed += 1;
      onFailure(error);
    } finally {
      this.underWay--;
    }
  }
}

/** Where mails go, and who hears of them. */
export interface Delivery {
  readonly server: MailServer;
  readonly mails: Iterable<Mail>;
  readonly progress: Progress;
  readonly onFailure: (error: unknown) => void;
}

/** One after the other. */
export function* sendInTurn({ server, mails, progress, onFailure }: Delivery): Co<void> {
  for (const mail of mails) yield* progress.count(sendMail(server, mail), onFailure);
}

/** One task a mail, and at most so many at once. */
export function* sendTogether({ server, mails, progress, onFailure }: Delivery, atOnce: number): Co<void> {
  yield* map(mails, atOnce, (mail) => progress.count(sendMail(server, mail), onFailure));
}
