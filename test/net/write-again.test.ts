/** A write that is waited for once more, in another way: it goes as if nothing were left to the round. */

import { type CancelScope, type Co, cancelScope, pass, select } from 'genloop/kernel';
import { UnixStream } from 'genloop/net';
import { enterSys, Socket } from 'genloop/os';
import { SEND_MODES } from 'genloop/poller';
import { Scheduler } from 'genloop/scheduler';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';

const test = suite('a write that is waited for again');

for (const send of SEND_MODES) {
  test(`one that was cancelled before it was tried goes at once in a select, sent by the ${send}`, () => {
    const sys = new SimulatedSystem();
    const before = enterSys(sys);
    const [one, other] = Socket.pair().map((socket) => new UnixStream(socket)) as [UnixStream, UnixStream];
    enterSys(before);
    const scheduler = new Scheduler({ sys, send });
    let won = -1;
    let come: unknown = null;
    scheduler.spawn(
      (function* (): Co<void> {
        // Whoever waits for a descriptor opens the poller, without which nothing is left to the round.
        come = yield* other.read();
      })(),
    );
    scheduler.spawn(
      (function* (): Co<void> {
        yield* pass();
        const write = one.write('now');
        yield cancelScope(function* (scope: CancelScope): Co<void> {
          scope.cancel();
          yield* write;
        });
        // Else there would be nobody with whom to send it.
        scheduler.spawn(pass());
        won = (yield* select([write, pass()])).key;
      })(),
    );
    scheduler.runSync();
    assert.is(won, 0);
    assert.is(String(come), 'now');
    one.close();
    other.close();
  });
}

test.run();
