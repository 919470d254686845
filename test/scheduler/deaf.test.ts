/** A kernel that refuses to wait: for a moment, which nobody notices, or for good, which ends the run with all clean-up. */

import { type Co, cleanup, shield, sleep } from 'genloop/kernel';
import { EventFd, Socket, type Sys, SystemError } from 'genloop/os';
import { ReadWait } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { overSetups, SETUPS, type Setup, thrownBy } from '../support/drives.ts';
import { openDescriptors } from '../support/leaks.ts';
import { suite } from '../support/suite.ts';
import { constant, overriding } from '../support/systems.ts';

const test = suite('a kernel that refuses to wait');
const CALLS = { epoll: 'epoll_wait', kqueue: 'kevent', poll: 'poll', select: 'select' };

/** The setup's system, in which the waits for which `refuses` says so (they are counted from 1) fail. */
function refusing({ sys, backend }: Setup, errno: string, refuses: (nth: number) => boolean): Sys {
  let count = 0;
  const refused = (): boolean => refuses(++count);
  const result = -constant(errno);
  const calls: Partial<Sys> = {
    epollWait: (epfd, rows, timeout) => (refused() ? result : sys.epollWait(epfd, rows, timeout)),
    select: (rows, rowCount, timeout) => (refused() ? result : sys.select(rows, rowCount, timeout)),
    kevent: (kq, changes, changeCount, rows, timeout) =>
      changeCount === 0 && refused() ? result : sys.kevent(kq, changes, changeCount, rows, timeout),
  };
  // A poll of nothing is a pause.
  if (backend === 'poll')
    calls.poll = (rows, rowCount, timeout) => (rowCount > 0 && refused() ? result : sys.poll(rows, rowCount, timeout));
  return overriding(sys, calls);
}

/** Two tasks that talk over a pair, as often as it takes for some waits to happen. */
function* conversation(log: string[]): Co<void> {
  const [one, other] = Socket.pair();
  using near = one;
  using far = other;
  for (let turn = 0; turn < 5; turn++) {
    near.send('x');
    yield* new ReadWait(far);
    log.push(String(far.recv()));
    yield* sleep(0);
  }
}

overSetups(test, 'for a moment: nobody notices', async (setup) => {
  const log: string[] = [];
  const scheduler = setup.make({ sys: refusing(setup, 'ENOMEM', (nth) => nth <= 3) });
  scheduler.spawn(conversation(log));
  await setup.run(scheduler);
  assert.is(log.join(''), 'xxxxx');
});

function* cleaningUp(log: string[], name: string, body: Co<unknown>): Co<void> {
  try {
    yield* body;
    log.push(`${name} went on`);
  } finally {
    log.push(name);
  }
}

overSetups(test, 'for good: all clean up, and the refusal comes out of the run', async (setup) => {
  const before = openDescriptors().size;
  const log: string[] = [];
  // Whatever is tried again is not tried for ever: of this errno nobody expects that it passes.
  const sys = refusing(setup, 'EFAULT', (nth) => nth > 1);
  const scheduler = setup.make({ sys });
  const [one, other] = Socket.pair();
  scheduler.spawn(cleaningUp(log, 'reader', read(one)));
  scheduler.spawn(cleaningUp(log, 'sleeper', sleep(60_000)[Symbol.iterator]() as Co<unknown>));
  scheduler.spawn(cleaningUp(log, 'shielded', shielded()));
  scheduler.spawn(cleaningUp(log, 'clean-up', lingering()));
  scheduler.spawn(soon());
  const error = (await thrownBy(setup.run(scheduler))) as SystemError;
  assert.instance(error, SystemError);
  assert.equal([error.syscall, error.code], [CALLS[setup.backend], 'EFAULT']);
  assert.equal(log.sort(), ['clean-up', 'reader', 'shielded', 'sleeper']);
  assert.is(scheduler.size, 0);
  one.close();
  other.close();
  assert.is(openDescriptors().size, before);
});

function* read(socket: Socket): Co<void> {
  yield* new ReadWait(socket);
}

function* shielded(): Co<void> {
  using _ = shield(90_000);
  yield* sleep(60_000);
}

function* lingering(): Co<void> {
  try {
    yield* sleep(60_000);
  } finally {
    yield* cleanup(60_000, sleep(30_000));
  }
}

/** Something that every drive takes turns for, until the refusal comes. */
function* soon(): Co<void> {
  for (;;) yield* sleep(1);
}

for (const setup of SETUPS) {
  // Node's loop watches the number itself: what becomes of that is between the two of them.
  if (setup.drive === 'guest' || setup.sys !== SETUPS[0]?.sys || !['epoll', 'kqueue'].includes(setup.backend)) continue;
  test(`whoever has the number of its set by now keeps it, and the run says what happened (${setup.title})`, async () => {
    const log: string[] = [];
    const scheduler = setup.make();
    const { sys } = scheduler;
    let usurper: EventFd | null = null;
    scheduler.spawn(
      cleaningUp(
        log,
        'culprit',
        (function* (): Co<void> {
          yield* sleep(1);
          const { fd } = scheduler.poller;
          assert.is(sys.close(fd), 0);
          usurper = EventFd.create(7);
          assert.is(usurper.fd, fd);
          yield* sleep(1);
        })(),
      ),
    );
    const error = (await thrownBy(setup.run(scheduler))) as SystemError;
    const file = usurper as EventFd | null;
    assert.equal([error.syscall, error.code], [CALLS[setup.backend], 'EINVAL']);
    assert.match(
      error.message,
      new RegExp(`descriptor ${file?.fd} is the scheduler's own, and was closed behind its back`),
    );
    assert.equal(log, ['culprit']);
    // It is still open, and has its count.
    assert.is(file?.take(), 7);
    file?.close();
  });
}

test.run();
