/** A live connection that somebody ends from outside, with `ss -K`: data first, then the error, once; and the descriptor is free. */

import { spawnSync } from 'node:child_process';
import { type Co, group, type Socket, type SystemError } from 'genloop';
import { type Server, serve, TcpListener, TcpStream } from 'genloop/net';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { has } from '../examples/program.ts';
import { connectedTo, until } from '../net/clients.ts';
import { untilReady } from '../support/backends.ts';
import { eachSetup } from '../support/drives.ts';
import { codeOf, connection, Opened } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('connections that are killed');

/** Ends the connection at the side of this socket; the other side gets a reset. Whether there was one that could be ended. */
function kill(socket: Socket): boolean {
  const { localAddress: here, remoteAddress: there } = socket;
  const which = `src 127.0.0.1:${here.port} and dst 127.0.0.1:${there?.port}`;
  const { status, stdout } = spawnSync('ss', ['-K', '-H', '-t', '-n', which], { encoding: 'utf8' });
  return status === 0 && stdout.includes(`:${here.port}`);
}

/** Why no connection can be killed here; `undefined` if one can. */
function unkillable(): string | undefined {
  if (process.platform !== 'linux' || !has('ss')) return 'no ss';
  const opened = new Opened();
  try {
    return kill(connection(opened).server) ? undefined : 'the kernel, or the lack of a right, keeps `ss -K` from it';
  } finally {
    opened.close();
  }
}

const obstacle = unkillable();
if (obstacle !== undefined) notRun(`connections that are killed from outside: ${obstacle}`);
else {
  const each = eachSetup(test);

  each(
    'a connection that is killed while data is unread: the data, then the error, once, then the end',
    async (setup, place) => {
      const { client, server } = connection(place);
      const stream = place.keep(new TcpStream(server));
      client.send('unread');
      untilReady(server, Readiness.IN);
      assert.ok(kill(server));
      const scheduler = setup.make();
      const log: (string | null)[] = [];
      scheduler.spawn(
        (function* (): Co<void> {
          log.push(String(yield* stream.read()));
          try {
            yield* stream.read();
          } catch (error) {
            log.push((error as SystemError).code);
          }
          for (let n = 0; n < 2; n++) log.push(String(yield* stream.read()));
        })(),
      );
      await setup.run(scheduler);
      assert.equal(log, ['unread', 'ECONNABORTED', 'null', 'null']);
      assert.is((stream.failure as SystemError).code, 'ECONNABORTED');
    },
  );

  each('a connection that is killed in mid-session ends its own handler, and no other', async (setup, place) => {
    const listener = place.keep(TcpListener.open());
    const errors: unknown[] = [];
    const streams = new Map<string, TcpStream>();
    const closed: boolean[] = [];
    function* handler(stream: TcpStream): Co<void> {
      for (let data = yield* stream.read(); data !== null; data = yield* stream.read()) {
        streams.set(String(data), stream);
        yield* stream.write(data);
      }
    }
    function* says(socket: Socket, words: string): Co<void> {
      const stream = new TcpStream(socket);
      yield* stream.write(words);
      assert.is(String(yield* stream.read()), words);
    }
    const scheduler = setup.make();
    scheduler.spawn(
      group(function* (g): Co<void> {
        const onError = (error: unknown, stream: TcpStream): void => {
          errors.push((error as SystemError).code);
          closed.push(stream === streams.get('one'));
        };
        const server: Server<TcpStream> = yield* g.start(serve(listener, handler, { onError }));
        const [one, other] = [connectedTo(place, server.address), connectedTo(place, server.address)];
        yield* says(one, 'one');
        yield* says(other, 'other');
        const victim = streams.get('one') as TcpStream;
        assert.ok(kill(victim.socket));
        yield* until(() => server.counters.active === 1);
        // The error is the handler's, and what it held is closed.
        assert.equal([errors, closed, victim.socket.closed], [['ECONNABORTED'], [true], true]);
        untilReady(one, Readiness.HUP);
        assert.is(
          codeOf(() => one.recv()),
          'ECONNRESET',
        );
        yield* says(other, 'still here');
        server.stop({ grace: 0 });
      }),
    );
    await setup.run(scheduler);
  });
}

test.run();
