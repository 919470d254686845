/** `ReceiveWait`: what a parked reader waited for is in its receiver when it runs, and stays there when it does not run because of it. */

import { type Co, group, isCancelled, moveOnAfter, select, sleep } from 'genloop/kernel';
import type { Socket } from 'genloop/os';
import type { ReceiveMode, Receiver } from 'genloop/poller';
import { ReceiveWait } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { eachSetup, thrownBy } from '../support/drives.ts';
import { pairOf } from '../support/situations.ts';
import { suite } from '../support/suite.ts';

const test = suite('receiving for a task');
const over = eachSetup(test);

/** A receiver of text. Where nobody receives for the task, it does so itself. */
class Inbox implements Receiver {
  text = '';
  ended = false;
  error = 0;

  received(bytes: Uint8Array, offset: number, result: number): void {
    if (result > 0) this.text += Buffer.from(bytes.subarray(offset, offset + result)).toString();
    else if (result === 0) this.ended = true;
    else this.error = result;
  }

  settle(): void {}
}

/** Reads until so much has come. */
function* gather(socket: Socket, inbox: Inbox, length: number): Co<string> {
  const readable = new ReceiveWait(socket, inbox);
  while (inbox.text.length < length && !inbox.ended) {
    const before = inbox.text.length;
    yield* readable;
    if (inbox.text.length > before || inbox.ended) continue;
    const data = socket.recv(100);
    if (data !== undefined) inbox.received(data, 0, data.length);
  }
  return inbox.text;
}

for (const receive of ['wait', 'task'] as const satisfies ReceiveMode[]) {
  over(`a task reads what the wait has received, or receives itself (${receive})`, async (setup, opened) => {
    const [mine, theirs] = pairOf(opened);
    const scheduler = setup.make({ receive });
    const inbox = new Inbox();
    const reader = scheduler.spawn(gather(mine, inbox, 9));
    scheduler.spawn(
      (function* (): Co<void> {
        for (const text of ['one', 'two', 'six']) {
          theirs.send(text);
          yield;
        }
      })(),
    );
    await setup.run(scheduler);
    assert.is(reader.outcome, 'onetwosix');
  });

  over(
    `what came for a task that had been cancelled, or lost a race, is not lost (${receive})`,
    async (setup, opened) => {
      const [mine, theirs] = pairOf(opened);
      const [bell, ring] = pairOf(opened);
      const scheduler = setup.make({ receive });
      const [inbox, ringing] = [new Inbox(), new Inbox()];
      const main = scheduler.spawn(
        (function* (): Co<string> {
          for (let round = 0; round < 20; round++) {
            // Both are ready in the same wait: one of them wins, and the loser's bytes have been received as well.
            theirs.send('m');
            ring.send('r');
            yield* select({ mine: new ReceiveWait(mine, inbox), bell: new ReceiveWait(bell, ringing) });
            // Cut off at once, before or after it was received for.
            yield* moveOnAfter(0, function* (): Co<void> {
              yield* new ReceiveWait(mine, inbox);
            });
          }
          yield* gather(mine, inbox, 20);
          yield* gather(bell, ringing, 20);
          return inbox.text + ringing.text;
        })(),
      );
      await setup.run(scheduler);
      assert.is(main.outcome, 'm'.repeat(20) + 'r'.repeat(20));
    },
  );

  over(`a close by another task ends the wait, also when bytes are there (${receive})`, async (setup, opened) => {
    const [mine, theirs] = pairOf(opened);
    const scheduler = setup.make({ receive });
    const inbox = new Inbox();
    const reader = scheduler.spawn(gather(mine, inbox, 1));
    scheduler.spawn(
      (function* (): Co<void> {
        yield;
        theirs.send('late');
        mine.close();
      })(),
    );
    const error = await thrownBy(setup.run(scheduler));
    assert.is((error as { code?: string }).code, 'ERR_GENLOOP_CLOSED');
    assert.is(reader.status, 'failed');
    assert.is(inbox.text, '');
  });

  over(`the end wakes the reader, and a cancel reaches it (${receive})`, async (setup, opened) => {
    const [mine, theirs] = pairOf(opened);
    const [silent] = pairOf(opened);
    const scheduler = setup.make({ receive });
    let cancelled = false;
    const main = scheduler.spawn(
      group(function* (tasks): Co<string> {
        const waiting = tasks.spawn(
          (function* (): Co<void> {
            try {
              yield* gather(silent, new Inbox(), 1);
            } catch (error) {
              cancelled = isCancelled(error);
              throw error;
            }
          })(),
        );
        theirs.send('all');
        theirs.close();
        const text = yield* gather(mine, new Inbox(), 1_000);
        yield* sleep(0);
        waiting.cancel();
        return text;
      }),
    );
    await setup.run(scheduler);
    assert.is(main.outcome, 'all');
    assert.is(cancelled, true);
  });
}

test('a way to receive that there is not is refused when the scheduler is made', async () => {
  const { Scheduler } = await import('../support/seeded.ts');
  assert.throws(() => new Scheduler({ receive: 'never' as ReceiveMode }), /no way to receive 'never'/);
});

test.run();
