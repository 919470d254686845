/** Ten thousand mails, in small: that each arrives once, that no more are on their way than were allowed, and that a sink is what mail programs expect. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Co, group, ReadWait, Socket } from 'genloop';
import { connect, TcpStream } from 'genloop/net';
import { type Faults, simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { type Mail, Progress, RefusedError, sendInTurn, sendMail, sendTogether } from '../../examples/mail/send.ts';
import { type Delivered, mailSink } from '../../examples/mail/sink.ts';
import { notRun, suite } from '../support/suite.ts';
import { has, Program } from './program.ts';

const test = suite('mails');
const PORT = 25;
const NAMES = { 'mail.example': ['fd00::25', '10.0.0.25'] };
const HOSTS = ['10.0.0.25'];
const SEEDS = 20;

function* mails(count: number): Generator<Mail, void> {
  for (let n = 1; n <= count; n++) {
    yield { from: 'me@x.invalid', to: `${n}@y.invalid`, subject: `${n}`, body: `number ${n}\n.\n..and a dot\n` };
  }
}

/** A sink in a simulated world, and a task that talks to it. */
function* withSink(deliver: (mail: Delivered) => void, body: Co<void>): Co<void> {
  using listener = Socket.listener({ host: '10.0.0.25', port: PORT });
  yield* group(function* (g): Co<void> {
    g.spawn(mailSink(listener, { deliver, delay: 5 }), { daemon: true });
    yield* body;
  });
}

interface Sent {
  readonly delivered: readonly Delivered[];
  readonly progress: Progress;
  /** The virtual time that it took. */
  readonly took: number;
}

function send(seed: number, count: number, atOnce: number, faults: Faults = {}): Sent {
  const delivered: Delivered[] = [];
  const progress = new Progress();
  const took = simulate(
    seed,
    function* (system): Co<number> {
      const delivery = {
        server: { host: 'mail.example', port: PORT },
        mails: mails(count),
        progress,
        onFailure: (error: unknown) => {
          throw error;
        },
      };
      const sending = atOnce === 1 ? sendInTurn(delivery) : sendTogether(delivery, atOnce);
      yield* withSink((mail) => delivered.push(mail), sending);
      return system.now();
    },
    { hosts: HOSTS, names: NAMES, faults },
  );
  return { delivered, progress, took };
}

test('each mail arrives once, whatever the network does, and no more are on their way than were allowed', () => {
  const faults: Faults = { shortReads: 0.3, shortWrites: 0.3, spurious: 0.1, delay: { probability: 0.3, most: 50 } };
  for (let seed = 0; seed < SEEDS; seed++) {
    const { delivered, progress } = send(seed, 30, 7, faults);
    const { sent, failed, underWay, most } = progress;
    assert.equal({ sent, failed, underWay, most }, { sent: 30, failed: 0, underWay: 0, most: 7 });
    const numbers = delivered.map(({ to }) => Number.parseInt(to[0] ?? '', 10)).sort((a, b) => a - b);
    assert.equal(
      numbers,
      Array.from({ length: 30 }, (_, n) => n + 1),
    );
    for (const { from, to, data } of delivered) {
      const n = Number.parseInt(to[0] ?? '', 10);
      assert.is(from, 'me@x.invalid');
      const head = `From: <me@x.invalid>\r\nTo: <${n}@y.invalid>\r\nSubject: ${n}\r\n\r\n`;
      assert.is(data, `${head}number ${n}\r\n.\r\n..and a dot\r\n`);
    }
  }
});

test('one after the other takes as long as all of them; ten at once a tenth', () => {
  const inTurn = send(1, 50, 1);
  const together = send(1, 50, 10);
  assert.equal([inTurn.progress.most, together.progress.most], [1, 10]);
  assert.equal([inTurn.delivered.length, together.delivered.length], [50, 50]);
  assert.is(inTurn.took, together.took * 10);
});

test('a mail that is refused is told, with what was answered, and the others go on', () => {
  const failures: unknown[] = [];
  const delivered: Delivered[] = [];
  const progress = new Progress();
  const wrong = { from: 'me@x.invalid', to: 'no<address', subject: 'x', body: 'x' };
  const [first, second] = mails(2) as Iterable<Mail> as [Mail, Mail];
  simulate(
    1,
    withSink(
      (mail) => delivered.push(mail),
      sendTogether(
        {
          server: { host: 'mail.example', port: PORT },
          mails: [first, wrong, second],
          progress,
          onFailure: (error) => failures.push(error),
        },
        2,
      ),
    ) as never,
    { hosts: HOSTS, names: NAMES },
  );
  assert.equal([progress.sent, progress.failed, delivered.length], [2, 1, 2]);
  assert.instance(failures[0], RefusedError);
  assert.is((failures[0] as RefusedError).status, 501);
  assert.is(
    String(failures[0]),
    "RefusedError: the mail server answered '501 the form is RCPT TO:<address>' to RCPT TO:<no<address>",
  );
});

test('a server that hangs up in the middle is an error, and not a wait', () => {
  const error = simulate(1, function* (): Co<unknown> {
    using listener = Socket.listener({ port: PORT });
    return yield* group(function* (g): Co<unknown> {
      g.spawn(
        (function* (): Co<void> {
          yield new ReadWait(listener);
          using stream = new TcpStream(listener.accept() as Socket);
          yield* stream.write('220 hello\r\n');
          yield* stream.readLine();
        })(),
      );
      try {
        return yield* sendMail({ port: PORT }, [...mails(1)][0] as Mail);
      } catch (thrown) {
        return thrown;
      }
    });
  });
  assert.is(
    String(error),
    "RefusedError: the mail server answered '(the connection has ended)' to EHLO client.invalid",
  );
});

test('the sink answers each command as RFC 5321 says, in order or not', () => {
  const delivered: Delivered[] = [];
  const dialog: readonly (readonly [string, RegExp])[] = [
    ['HELO x', /^250 /],
    ['RCPT TO:<a@b>', /^503 first MAIL FROM/],
    ['DATA', /^503 first MAIL FROM and RCPT TO/],
    ['MAIL a@b', /^501 /],
    ['mail from:<a@b> SIZE=10', /^250 /],
    ['MAIL FROM:<a@b>', /^503 there is a sender already/],
    ['RCPT TO:<>', /^501 /],
    ['RSET', /^250 forgotten/],
    ['MAIL FROM:<>', /^250 /],
    ['RCPT TO:<c@d>', /^250 /],
    ['RCPT TO:<e@f>', /^250 /],
    ['DATA', /^354 /],
    ['Subject: x\r\n\r\n..\r\ntext\r\n.', /^250 delivered/],
    ['NOOP', /^250 /],
    ['VRFY a', /^252 /],
    ['NONSENSE', /^500 /],
    ['', /^500 /],
    ['QUIT', /^221 /],
  ];
  simulate(
    1,
    withSink(
      (mail) => delivered.push(mail),
      (function* (): Co<void> {
        using stream = yield* connect({ host: '10.0.0.25', port: PORT });
        assert.match((yield* stream.readLine()) ?? '', /^220 /);
        for (const [line, answer] of dialog) {
          yield* stream.write(`${line}\r\n`);
          assert.match((yield* stream.readLine()) ?? '', answer, line);
        }
        assert.is(yield* stream.readLine(), null);
        using second = yield* connect({ host: '10.0.0.25', port: PORT });
        yield* second.readLine();
        yield* second.write(`HELO ${'x'.repeat(2000)}\r\n`);
        assert.match((yield* second.readLine()) ?? '', /^500 that line is too long/);
      })(),
    ) as never,
    { hosts: HOSTS },
  );
  assert.equal(delivered, [{ from: '', to: ['c@d', 'e@f'], data: 'Subject: x\r\n\r\n.\r\ntext\r\n' }]);
});

test('the program sends them together, tells how far it is, and how many have arrived', async () => {
  await using program = Program.example('mails.ts', ['--mails', '300', '--at-once', '20', '--delay', '1']);
  const { code, stdout, stderr } = await program.ended();
  assert.equal([code, stderr], [0, '']);
  assert.match(
    stdout,
    /\r300 of 300 sent, 0 on their way {3}\n\d+\.\d s, \d+ mails a second, at most 20 at once\nthe sink has 300\n$/,
  );
});

test('the program sends them in turn, to a sink that runs elsewhere', async () => {
  await using sink = Program.example('mail-sink.ts', ['--port', '0']);
  const port = await sink.port();
  await using program = Program.example('mails.ts', ['--mails', '20', '--in-turn', '--port', String(port)]);
  const { code, stdout, stderr } = await program.ended();
  assert.equal([code, stderr], [0, '']);
  assert.match(stdout, /\r20 of 20 sent, 0 on their way {3}\n.* at most 1 at once\n$/);
  await sink.says(/^from me@client\.invalid to you\+20@sink\.invalid: \d+ bytes$/m);
  assert.is((await sink.kill('SIGINT').ended()).code, 0);
});

test('where nobody listens, it says so and how many failed', async () => {
  using nobody = Socket.tcp({ port: 0 });
  const { port } = nobody.localAddress;
  await using program = Program.example('mails.ts', ['--mails', '3', '--port', String(port)]);
  const { code, stdout } = await program.ended();
  assert.is(code, 1);
  assert.match(stdout, /0 of 3 sent, 0 on their way, 3 failed/);
  assert.match(stdout, /the first that failed: SystemError: connect ECONNREFUSED: connection refused 127\.0\.0\.1:\d+/);
});

test('what it cannot do it says, and how it is used', async () => {
  for (const args of [['--mails', 'many'], ['--at-once', '0'], ['--nonsense']]) {
    await using program = Program.example('mails.ts', args);
    const { code, stderr } = await program.ended();
    assert.is(code, 2);
    assert.match(stderr, /^mails: .*\n\nusage: mails /);
  }
});

if (has('python3')) {
  test('smtplib of Python delivers to the sink', async () => {
    await using sink = Program.example('mail-sink.ts', ['--port', '0']);
    const port = await sink.port();
    const script = fileURLToPath(new URL('mail_client.py', import.meta.url));
    const { status, stdout, stderr } = spawnSync('python3', [script, '127.0.0.1', String(port)], { encoding: 'utf8' });
    assert.equal([status, stdout], [0, 'delivered: fine\nrefused: fine\nmany: fine\n'], stderr);
    await sink.says(/^from ada@x\.invalid to bob@y\.invalid, cyd@y\.invalid: \d+ bytes$/m);
    await sink.kill('SIGINT').ended();
  });
} else {
  notRun('mails from Python: no python3');
}

test.run();
