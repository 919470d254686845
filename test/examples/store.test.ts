/** examples/13-store.ts: values come back as they were, in whatever pieces requests come. */

import { suite } from '../support/suite.ts';
import { Client } from './client.ts';
import { Program } from './program.ts';

const test = suite('the store');

test('values are kept and given, in whatever pieces requests come', async () => {
  await using program = Program.example('13-store.ts', ['0']);
  const port = await program.port();
  await using one = new Client(port);
  await using other = new Client(port);
  await one.send('GET a\r\n').gets('NOT FOUND\r\n');
  await one.send('SET a 7\r\nli').send('ne\r\nx').gets('OK\r\n');
  await other.send('GET a\r\n').gets('7\r\nline\r\nx');
  await other.send('SET a 3\r\nnewGET a\r\nGET').gets('OK\r\n3\r\nnew');
  await other.send(' a\r\n').gets('3\r\nnew');
  await one.send('what?\r\n').gets('SET name size, or GET name\r\n');
});

test('a line without an end is told so, and the others go on', async () => {
  await using program = Program.example('13-store.ts', ['0']);
  const port = await program.port();
  await using endless = new Client(port);
  await using other = new Client(port);
  await endless.send('x'.repeat(101)).gets('that line is too long\r\n');
  await other.send('SET b 1\r\n1').gets('OK\r\n');
});

test.run();
