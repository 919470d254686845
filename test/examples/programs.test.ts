/** examples/chat-server.ts, port-forwarder.ts and netcat.ts, with clients that know nothing of this library. */

import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { chatted, joined } from './chatters.ts';
import { Client } from './client.ts';
import { has, output, Program } from './program.ts';

const test = suite('programs');
const python = has('python3');

test('chat: what one says all others read, in lines, and who comes and goes is told', async () => {
  await using program = Program.example('chat-server.ts', ['0']);
  const port = await program.port();
  const [ada, bob] = await chatted(port);
  if (has('nc')) {
    const said = await output(['nc', '-N', '127.0.0.1', String(port)], 'Netcat\ngood morning\n');
    assert.match(said, /^Your name\? Hello Netcat\. Others here: 2\n/);
    await bob.gets('Netcat: good morning\n');
  } else notRun('the chat server with nc: not installed');
  const { stderr } = await program.kill('SIGINT').ended();
  assert.is(stderr, '');
  // They were idle: the end comes without a grace.
  await ada.finish();
  await bob.finish();
});

test('chat: who does not read is put out, as is a line without an end, and nobody waits for them', async () => {
  await using program = Program.example('chat-server.ts', ['0']);
  const port = await program.port();
  await using ada = await joined(port, 'Ada');
  await using bob = await joined(port, 'Bob');
  await ada.gets('* Bob has come\n');
  await using endless = await joined(port, 'Endless');
  await ada.gets('* Endless has come\n');
  endless.send('x'.repeat(200_000));
  await ada.gets('* Endless has left\n');
  await using deaf = await joined(port, 'Deaf');
  await ada.gets('* Deaf has come\n');
  deaf.socket.pause();
  const lines = `${'y'.repeat(900)}\n`.repeat(64);
  let left = false;
  for (let round = 0; !left; round++) {
    ada.send(`${lines}round ${round}\n`);
    // Who reads is not behind, however busy this machine is.
    await bob.until(new RegExp(`Ada: round ${round}\\n`));
    left = bob.received.includes('* Deaf has left\n');
    bob.received = '';
  }
  await ada.send('are you there?\n');
  await bob.gets('Ada: are you there?\n');
  await program.kill('SIGTERM').ended();
});

/** A server in Python that does as told with one client, and prints what it has read. */
const PYTHON_SERVER = `
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
client, _ = listener.accept()
def rest():
    return b"".join(iter(lambda: client.recv(65536), b""))
if sys.argv[1] == "answers":
    client.sendall(rest().upper())
else:
    client.sendall(b"that is all from me")
    client.shutdown(socket.SHUT_WR)
    print(rest().decode(), flush=True)
client.close()
`;

/** Hears all, and speaks only then. */
const PYTHON_LISTENER = `
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    heard = b"".join(iter(lambda: s.recv(65536), b""))
    s.sendall(b"I heard: " + heard)
`;

test('port forwarder: each direction ends by itself', async () => {
  if (!python) return notRun('the port forwarder: no python3 to stand at its ends');
  for (const kind of ['answers', 'speaks first']) {
    await using there = new Program(['python3', '-c', PYTHON_SERVER, kind]);
    await using program = Program.example('port-forwarder.ts', ['0', `localhost:${await there.port()}`]);
    const port = String(await program.port());
    if (kind === 'answers') {
      const long = 'all of it comes through. '.repeat(40_000);
      if (has('nc')) assert.ok((await output(['nc', '-N', '127.0.0.1', port], long)) === long.toUpperCase());
      else notRun('the port forwarder with nc: not installed');
    } else {
      await output(['python3', '-c', PYTHON_LISTENER, port]);
      await there.says('I heard: that is all from me\n');
    }
    await program.kill('SIGINT').ended();
    assert.is(program.stderr, '');
  }
});

test('port forwarder: where nobody answers its client sees the end, and it says why', async () => {
  await using nobody = Program.example('serve-echo.ts', ['--port', '0']);
  const closed = await nobody.port();
  await nobody.kill('SIGINT').ended();
  await using program = Program.example('port-forwarder.ts', ['0', `127.0.0.1:${closed}`]);
  await using client = new Client(await program.port());
  assert.is(await client.finish(), '');
  await program.says(/^127\.0\.0\.1:\d+: .*ECONNREFUSED/m, 'stderr');
  await program.kill('SIGTERM').ended();
});

test('netcat: talks to a server until that ends, and its own end is heard', async () => {
  if (!has('socat')) return notRun('netcat against socat: not installed');
  await using server = new Program(['socat', '-d', '-d', 'TCP-LISTEN:0,bind=127.0.0.1', 'EXEC:cat']);
  const [, port = ''] = await server.says(/listening on AF=2 127\.0\.0\.1:(\d+)/, 'stderr');
  await using program = Program.example('netcat.ts', ['127.0.0.1', port], { input: 'hello\nand goodbye\n' });
  assert.equal(await program.ended(), { code: 0, signal: null, stdout: 'hello\nand goodbye\n', stderr: '' });
});

test('netcat: ends with the other side, although somebody could still type', async () => {
  if (!python) return notRun('netcat against Python: no python3');
  await using server = new Program(['python3', '-c', PYTHON_SERVER, 'speaks first']);
  const port = String(await server.port());
  await using program = Program.example('netcat.ts', ['localhost', port], { interactive: true });
  await program.says('that is all from me');
  const { code, stdout } = await program.ended();
  assert.equal([code, stdout], [0, 'that is all from me']);
  await server.ended();
});

test('netcat: listens, for one', async () => {
  if (!has('nc')) return notRun('netcat that listens: no nc to talk to it');
  await using program = Program.example('netcat.ts', ['-l', '0'], { input: 'from here' });
  const [, port = ''] = await program.says(/listening on 127\.0\.0\.1:(\d+)/, 'stderr');
  assert.is(await output(['nc', '-N', '127.0.0.1', port], 'from there'), 'from here');
  assert.equal((await program.ended()).stdout, 'from there');
});

test('what they cannot do is said in a sentence', async () => {
  for (const [example, args, sentence, status] of [
    ['netcat.ts', ['127.0.0.1'], /^usage: netcat HOST PORT \| netcat -l PORT \| netcat PATH\n$/, 2],
    ['netcat.ts', ['/nowhere/at/all'], /ENOENT.*\/nowhere\/at\/all'?.*\n$/, 1],
    ['port-forwarder.ts', ['15000'], /^usage: port-forwarder PORT HOST:PORT; /, 2],
  ] as const) {
    await using program = Program.example(example, [...args]);
    const { code, stderr } = await program.ended();
    assert.match(stderr, sentence);
    assert.is(stderr.split('\n').length, 2);
    assert.is(code, status);
  }
});

test.run();
