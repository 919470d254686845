/** Clients that stop in the middle: the task that serves one waits, its deadline ends it, and nobody else notices. */

import { type Co, failAfter, group, sleep, TimeoutError } from 'genloop';
import { serve, type UnixStream } from 'genloop/net';
import { realSys } from 'genloop/os';
import * as assert from 'uvu/assert';
import { unixClient, unixListener } from '../net/clients.ts';
import { VirtualClock } from '../support/seeded.ts';
import { Opened } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { inside } from '../support/systems.ts';

const test = suite('clients that stop');
const LIMIT_MS = 5_000;
/** More than fits into any socket. */
const MUCH = new Uint8Array(16 << 20);

/** What each of them does after it has said its name; its handler has {@link LIMIT_MS} for it. */
const CLIENTS: Readonly<Record<string, (client: UnixStream) => Co<void>>> = {
  *'never reads'(): Co<void> {},
  *'never says more'(): Co<void> {},
  *'says a byte now and then, and never a line'(client): Co<void> {
    for (let n = 0; n < 5; n++) {
      yield* sleep(900);
      yield* client.write('x');
    }
  },
  *'reads a byte now and then'(client): Co<void> {
    for (let n = 0; n < 5; n++) {
      yield* sleep(900);
      yield* client.read(1);
    }
  },
};

for (const [name, acts] of Object.entries(CLIENTS)) {
  test(`a client that ${name} is closed when its time is up, to the millisecond, and delays nobody`, () => {
    const clock = new VirtualClock({ sys: realSys() });
    const place = new Opened();
    const ended: [string, number][] = [];
    function* handler(stream: UnixStream): Co<void> {
      const began = clock.now;
      const who = yield* stream.readLine();
      if (who === 'quick') {
        yield* stream.write('served');
        return;
      }
      try {
        yield* failAfter(LIMIT_MS, function* (): Co<void> {
          if (name.includes('reads')) yield* stream.write(MUCH);
          else yield* stream.readLine();
        });
      } finally {
        ended.push([String(who), clock.now - began]);
      }
    }
    try {
      inside(clock.sys, () => {
        const scheduler = clock.scheduler();
        const listener = unixListener(place);
        const errors: unknown[] = [];
        const streams: UnixStream[] = [];
        scheduler.spawn(
          group(function* (g): Co<void> {
            const onError = (error: unknown, stream: UnixStream): void => {
              errors.push(error);
              streams.push(stream);
            };
            const server = yield* g.start(serve(listener, handler, { onError }));
            const client = unixClient(place, server);
            yield* client.write('slow\n');
            g.spawn(acts(client));
            for (let n = 0; n < 4; n++) {
              yield* sleep(1_000);
              const began = clock.now;
              const quick = unixClient(place, server);
              yield* quick.write('quick\n');
              assert.is(String(yield* quick.read()), 'served');
              assert.is(clock.now, began);
              quick.close();
            }
            assert.equal(ended, []);
            yield* sleep(LIMIT_MS);
            assert.is(server.counters.active, 0);
            assert.equal(ended, [['slow', LIMIT_MS]]);
            assert.is(errors.length, 1);
            assert.instance(errors[0], TimeoutError);
            assert.ok(streams[0]?.socket.closed);
            client.close();
            server.stop();
          }),
        );
        scheduler.runSync();
      });
    } finally {
      place.close();
    }
  });
}

test.run();
