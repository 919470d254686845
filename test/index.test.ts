/** The main entry: whatever a program of tasks needs comes from one import. */

import * as genloop from 'genloop';
import { type Co, connect, group, type Handler, listen, type SocketAddress, serve, type TcpStream } from 'genloop';
import * as net from 'genloop/net';
import { simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.ts';

const test = suite('the main entry');

test('all of genloop/net is there, under its own names', () => {
  const here = genloop as Readonly<Record<string, unknown>>;
  // A name that another layer had taken would hide the one of the network.
  for (const [name, value] of Object.entries(net)) assert.ok(here[name] === value, `${name} is another`);
  assert.ok(Object.hasOwn(here, 'serve') && Object.hasOwn(here, 'run'));
});

test('a server and its client need no other import', () => {
  const answer: Handler<TcpStream> = function* (client): Co<void> {
    const line = yield* client.readLine();
    yield* client.writev([String(line).toUpperCase(), '\n']);
  };
  function* ask({ address: host, port }: SocketAddress): Co<string | null> {
    using client = yield* connect({ host, port });
    yield* client.write('hello\n');
    return yield* client.readLine();
  }
  const heard = simulate(1, function* () {
    return yield* group(function* (tasks): Co<string | null> {
      const server = yield* tasks.start(serve(yield* listen({ port: 0 }), answer));
      const said = yield* ask(server.address);
      server.stop();
      return said;
    });
  });
  assert.is(heard, 'HELLO');
});

test.run();
