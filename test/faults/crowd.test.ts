/** More that is ready at once than fits into one answer of the kernel (1,024): each has its turn before anybody has a second one. */

import { spawnSync } from 'node:child_process';
import { type Co, group, ReadWait } from 'genloop';
import { serve, TcpListener, type TcpStream } from 'genloop/net';
import { EventFd, type Socket } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { connectedTo, until } from '../net/clients.ts';
import { untilReady } from '../support/backends.ts';
import { eachSetup, type Setup } from '../support/drives.ts';
import { inFewOrders, inOrder } from '../support/seeds.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('crowds');
const each = eachSetup(test);
const CROWD = 15_000;
/** Descriptors for everything else. */
const BESIDES = 200;
/** select has no larger number, and the imitation of kqueue asks for each by itself. */
const FEW = 300;
const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout.replace(/\D+/, '') || '1e9');
const crowd = Math.min(CROWD, limit - BESIDES);
if (crowd < CROWD) notRun(`${CROWD} descriptors that are ready at once: the limit is ${limit}, so there are ${crowd}`);

/** How many this backend can have. */
function numberFor({ title, backend }: Setup, wanted: number): number {
  return backend === 'select' || title.includes('*') ? FEW : wanted;
}

each(
  'fifteen thousand are ready at once, and stay so: each is served three times, and none a third time before all have been served once',
  async (setup, place) => {
    inOrder();
    const count = numberFor(setup, crowd);
    const TURNS = 3;
    const scheduler = setup.make();
    /** How many have been served so often. */
    const served = new Int32Array(TURNS + 1);
    let least = 0;
    const early: number[] = [];
    function* client(ready: EventFd): Co<void> {
      for (let turn = 1; turn <= TURNS; turn++) {
        yield new ReadWait(ready);
        served[turn] = (served[turn] as number) + 1;
        if (turn === 1) least++;
        if (turn === TURNS && least < count) early.push(ready.fd);
      }
    }
    for (let n = 0; n < count; n++) scheduler.spawn(client(place.keep(EventFd.create(1))));
    await setup.run(scheduler);
    assert.equal([...served], [0, count, count, count]);
    assert.equal(early, []);
  },
);

each(
  'clients that all ask at once, more than the kernel tells in one answer, are all answered, once',
  async (setup, place) => {
    inFewOrders();
    const count = numberFor(setup, Math.min(1_500, Math.floor(crowd / 3)));
    const listener = place.keep(TcpListener.open({ backlog: 4_096 }));
    const answered: number[] = [];
    function* handler(stream: TcpStream): Co<void> {
      const asked = yield* stream.read();
      answered.push(Number(asked));
      yield* stream.write(asked as Uint8Array);
    }
    const scheduler = setup.make();
    scheduler.spawn(
      group(function* (g): Co<void> {
        const server = yield* g.start(serve(listener, handler));
        const clients: Socket[] = [];
        while (clients.length < count) {
          clients.push(connectedTo(place, server.address));
          // The queue of a listener has an end, which the system may have set low.
          if (clients.length % 100 === 0) yield* until(() => server.counters.active === clients.length);
        }
        yield* until(() => server.counters.active === count);
        for (const [n, client] of clients.entries()) client.send(`${n}`);
        yield* until(() => server.counters.active === 0);
        for (const [n, client] of clients.entries()) {
          untilReady(client, Readiness.IN);
          assert.is(String(client.recv()), `${n}`);
        }
        assert.is(new Set(answered).size, count);
        server.stop({ grace: 0 });
      }),
    );
    await setup.run(scheduler);
  },
);

test.run();
