/** examples/12-chat.ts: what one says, the others read, whatever one of them does. */

import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { Client } from './client.ts';
import { Program } from './program.ts';

const test = suite('chat');

async function join(port: number, name: string): Promise<Client> {
  const client = new Client(port);
  await client.gets('Your name? ');
  await client.send(`${name}\n`).gets(`Hello ${name}.`);
  return client;
}

test('what one says all others read, in lines, and who comes and goes is told', async () => {
  await using program = Program.example('12-chat.ts', ['0']);
  const port = await program.port();
  await using ada = await join(port, 'Ada');
  await using bob = await join(port, 'Bob');
  await ada.gets('* Bob has come\n');
  await using cyd = await join(port, 'Cyd');
  await ada.gets('* Cyd has come\n');
  ada.send('héllo\nhow are ');
  await bob.gets('Ada: héllo\n');
  ada.send('you?\r\n');
  await bob.gets('Ada: how are you?\n');
  await cyd.gets('Ada: how are you?\n');
  cyd.reset();
  await bob.gets('* Cyd has left\n');
  await ada.gets('* Cyd has left\n');
  // Nothing of one's own came back.
  assert.is(ada.received, '');
  await ada.finish();
  await bob.gets('* Ada has left\n');
  const { code, stdout, stderr } = await program.kill('SIGINT').ended();
  assert.is(stderr, '');
  assert.match(stdout, /\nended\n$/);
  assert.is(code, 130);
});

test('a line without an end is no way to fill its memory, and one who does not read is put out', async () => {
  await using program = Program.example('12-chat.ts', ['0']);
  const port = await program.port();
  await using ada = await join(port, 'Ada');
  await using endless = await join(port, 'Endless');
  await ada.gets('* Endless has come\n');
  endless.send('x'.repeat(200_000));
  await ada.gets('* Endless has left\n');
  await using deaf = await join(port, 'Deaf');
  await ada.gets('* Deaf has come\n');
  deaf.socket.pause();
  const line = `${'y'.repeat(900)}\n`;
  const talk = (): void => {
    while (!ada.received.includes('Deaf has left') && ada.socket.write(line.repeat(64)));
  };
  ada.socket.on('drain', talk);
  talk();
  await ada.gets('* Deaf has left\n');
  ada.socket.off('drain', talk);
  await using bob = await join(port, 'Bob');
  await ada.gets('* Bob has come\n');
  await program.kill('SIGTERM').ended();
  await bob.finish();
});

test.run();
