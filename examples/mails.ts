/**
 * Ten thousand mails: one after the other, or one task a mail and at most a hundred connections at once.
 *
 *   node --import tsx examples/mails.ts                            (10,000, 100 at once, to a sink of its own)
 *   node --import tsx examples/mails.ts --mails 500 --in-turn
 *   node --import tsx examples/mails.ts --port 2525                (to a server that runs already)
 */

import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Co, every, group, run, Socket } from 'genloop';
import { type Mail, type MailServer, Progress, sendInTurn, sendTogether } from './mail/send.ts';
import { mailSink } from './mail/sink.ts';
import { leave } from './servers/open.ts';
import { say } from './servers/program.ts';

const PROGRESS_MS = 200;
const MISUSE_EXIT = 2;
const USAGE = `usage: mails [--mails N] [--at-once N] [--in-turn] [--delay MS] [--port N [--host HOST]]

  --mails    how many; 10000 if absent
  --at-once  how many connections at most; 100 if absent
  --in-turn  one after the other
  --delay    milliseconds that the sink takes for each answer, as if it were far away; 2 if absent
  --port     of a mail server that runs already; otherwise a sink of its own`;

function options(): { mails: number; atOnce: number; delay: number; server: MailServer | null } {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({
      options: { mails: text, 'at-once': text, delay: text, port: text, host: text, 'in-turn': { type: 'boolean' } },
    });
    const number = (name: 'mails' | 'at-once' | 'delay' | 'port', absent: number): number => {
      const given = values[name] ?? String(absent);
      if (!/^\d+$/.test(given)) throw new Error(`--${name} takes a whole number, not '${given}'`);
      return Number(given);
    };
    const atOnce = values['in-turn'] === true ? 0 : number('at-once', 100);
    if (values['in-turn'] !== true && atOnce < 1) throw new Error('--at-once takes a number from 1 on');
    const host = values.host === undefined ? {} : { host: values.host };
    const server = values.port === undefined ? null : { ...host, port: number('port', 0) };
    return { mails: number('mails', 10_000), delay: number('delay', 2), atOnce, server };
  } catch (error) {
    return leave(`mails: ${(error as Error).message}\n\n${USAGE}`, MISUSE_EXIT);
  }
}

const { mails: count, atOnce, delay, server } = options();

function* mails(): Generator<Mail, void> {
  for (let n = 1; n <= count; n++) {
    yield { from: 'me@client.invalid', to: `you+${n}@sink.invalid`, subject: `Mail ${n}`, body: `This is mail ${n}.` };
  }
}

function line({ sent, failed, underWay }: Progress): string {
  return `${sent} of ${count} sent, ${underWay} on their way${failed > 0 ? `, ${failed} failed` : ''}`;
}

/** A line that writes over itself. It ends with the group that it belongs to. */
function* tell(progress: Progress): Co<void> {
  const beat = every(PROGRESS_MS);
  for (;;) {
    yield* beat;
    writeSync(1, `\r${line(progress)}   `);
  }
}

function* sendAll(target: MailServer): Co<void> {
  const progress = new Progress();
  let first: unknown;
  const onFailure = (error: unknown): void => {
    first ??= error;
  };
  const delivery = { server: target, mails: mails(), progress, onFailure };
  const started = performance.now();
  yield* group(function* (g): Co<void> {
    g.spawn(tell(progress), { daemon: true, name: 'progress' });
    yield* atOnce === 0 ? sendInTurn(delivery) : sendTogether(delivery, atOnce);
  });
  const seconds = (performance.now() - started) / 1000;
  say(`\r${line(progress)}   `);
  say(`${seconds.toFixed(1)} s, ${Math.round(count / seconds)} mails a second, at most ${progress.most} at once`);
  if (first !== undefined) {
    say(`the first that failed: ${first}`);
    process.exitCode = 1;
  }
}

await run(function* main(): Co<void> {
  if (server !== null) return yield* sendAll(server);
  using listener = Socket.listener({ port: 0 });
  let delivered = 0;
  const deliver = (): void => {
    delivered++;
  };
  yield* group(function* (g): Co<void> {
    g.spawn(mailSink(listener, { deliver, delay }), { daemon: true, name: 'mail sink' });
    yield* sendAll({ port: listener.localAddress.port });
  });
  say(`the sink has ${delivered}`);
});
