/** examples/12-chat.ts: what one says, the others read, whatever one of them does. */

import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { chatted, joined } from './chatters.ts';
import { Program } from './program.ts';

const test = suite('chat');

test('what one says all others read, in lines, and who comes and goes is told', async () => {
  await using program = Program.example('12-chat.ts', ['0']);
  const port = await program.port();
  const [ada, bob] = await chatted(port);
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
  await using ada = await joined(port, 'Ada');
  await using endless = await joined(port, 'Endless');
  await ada.gets('* Endless has come\n');
  endless.send('x'.repeat(200_000));
  await ada.gets('* Endless has left\n');
  await using deaf = await joined(port, 'Deaf');
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
  await using bob = await joined(port, 'Bob');
  await ada.gets('* Bob has come\n');
  await program.kill('SIGTERM').ended();
  await bob.finish();
});

test.run();
