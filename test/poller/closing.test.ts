/**
 * Close, duplicate, reuse: what happens to waiters when a number and a file part. About a third of all complaints about
 * comparable libraries come from here.
 */

import { type ClosedError, Descriptor, EventFd, open, Socket, SystemError } from 'genloop/os';
import { Poller, Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import {
  abandon,
  closeBehind,
  EVERYWHERE,
  onNumber,
  PATIENCE,
  Recorder,
  SUBJECTS,
  type Subject,
  withPoller,
} from '../support/backends.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';

const { IN, OUT, NVAL } = Readiness;

const isSet = ({ name }: Subject): boolean => name === 'epoll' || name === 'kqueue';

/** The codes of what it was failed with. */
function codes(waiter: Recorder): unknown[] {
  return waiter.errors.map((error) => (error as ClosedError | SystemError).code);
}

for (const subject of EVERYWHERE) {
  const test = suite(`closing, over ${subject.title}`);

  test(
    'a close wakes all waiters with a ClosedError, while the number is still taken',
    withPoller(subject, ({ poller, keep, sys }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const { fd } = one;
      const seen: number[] = [];
      const recorder = new Recorder();
      const waiter = {
        wake: () => false,
        fail(error: unknown): boolean {
          seen.push(sys.fstat(fd));
          return recorder.fail(error);
        },
      };
      poller.park(one, IN, waiter);
      poller.park(one, OUT, waiter);
      one.close();
      assert.equal(codes(recorder), ['ERR_GENLOOP_CLOSED', 'ERR_GENLOOP_CLOSED']);
      assert.match((recorder.errors[0] as Error).message, `Socket ${fd} was closed while a task waited for it`);
      assert.ok(seen.every((mode) => mode > 0));
      assert.is(poller.waiting, 0);
      one.close();
      assert.is(poller.wait(0), 0);
      assert.is(recorder.told, 2);
    }),
  );

  test(
    'giving the number away wakes all waiters, and the file is watched no more',
    withPoller(subject, ({ poller, keep }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const waiter = new Recorder();
      poller.park(one, IN, waiter);
      const again = keep(Descriptor.adopt(one.detach()));
      assert.equal(codes(waiter), ['ERR_GENLOOP_CLOSED']);
      other.send('x');
      assert.is(poller.wait(0), 0);
      const next = new Recorder();
      poller.park(again, IN, next);
      poller.wait(PATIENCE);
      assert.equal(next.flags, [IN]);
    }),
  );

  test(
    'an event for a number that was closed and reused in the same batch reaches nobody',
    withPoller(subject, ({ poller, keep }) => {
      const pairs = [Socket.pair(), Socket.pair()];
      for (const [, other] of pairs) keep(other);
      const newcomers: { descriptor: Descriptor; waiter: Recorder }[] = [];
      const owner = (index: number): Socket => pairs[index]?.[0] as Socket;
      const woken: number[] = [];
      for (const index of [0, 1]) {
        poller.park(owner(index), IN, {
          wake: () => {
            woken.push(index);
            // The other one's event is in the same batch, behind this.
            const victim = owner(1 - index);
            const { fd } = victim;
            victim.close();
            const descriptor = onNumber(fd, () => EventFd.create(0));
            const waiter = new Recorder();
            poller.park(descriptor, IN, waiter);
            newcomers.push({ descriptor, waiter });
            return true;
          },
          fail: () => true,
        });
      }
      for (const [, other] of pairs) other.send('x');
      assert.is(poller.wait(PATIENCE), 2, 'both in one batch');
      assert.is(woken.length, 1);
      const [newcomer] = newcomers;
      assert.is(newcomer?.waiter.told, 0, 'the new owner of the number hears nothing');
      assert.is(poller.counters.stale, 1);
      poller.wait(0);
      assert.is(poller.counters.rebuilds, 0, 'once is ordinary');
      const counter = newcomer?.descriptor as EventFd | undefined;
      counter?.signal();
      poller.wait(PATIENCE);
      assert.equal(newcomer?.waiter.flags, [IN]);
      counter?.close();
      for (const [one] of pairs) one.close();
    }),
  );

  test(
    'a close with a duplicate alive leaves no ghost',
    withPoller(subject, ({ poller, keep }) => {
      const [one, other] = Socket.pair();
      keep(other);
      keep(one.dup());
      const waiter = new Recorder();
      poller.park(one, IN, waiter);
      one.close();
      assert.equal(codes(waiter), ['ERR_GENLOOP_CLOSED']);
      other.send('x');
      assert.is(poller.wait(0), 0);
      assert.is(poller.counters.stale, 0);
    }),
  );

  test(
    'a duplicate and its original are waited for apart',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const copy = keep(one.dup());
      const [first, second] = [new Recorder(), new Recorder()];
      poller.park(one, IN, first);
      poller.park(copy, IN, second);
      one.close();
      other.send('x');
      until(second);
      assert.equal(codes(first), ['ERR_GENLOOP_CLOSED']);
      assert.equal(second.flags, [IN]);
    }),
  );

  test(
    'a number closed behind our back: poll and select tell its waiters, the others stay cancellable',
    withPoller(subject, ({ poller, keep }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const [reader, bystander] = [new Recorder(), new Recorder()];
      const registration = poller.park(one, IN, reader);
      const counter = keep(EventFd.create(0));
      poller.park(counter, IN, bystander);
      closeBehind(one);
      poller.wait(0);
      if (isSet(subject)) {
        assert.is(reader.told, 0);
        assert.is(poller.unpark(registration, IN, reader), true);
      } else {
        assert.equal(reader.flags, [NVAL]);
        for (let wait = 0; wait < 3; wait++) poller.wait(0);
        assert.is(poller.wait(0), 0, 'and then there is silence');
      }
      counter.signal();
      poller.wait(PATIENCE);
      assert.equal(bystander.flags, [IN]);
      abandon(one);
    }),
  );

  test(
    'a number closed behind our back that is given to another descriptor: the old waiters fail, the new one waits for its own file',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const old = new Recorder();
      const registration = poller.park(one, IN, old);
      const fd = closeBehind(one);
      const newcomer = keep(onNumber(fd, () => EventFd.create(0)));
      const waiter = new Recorder();
      poller.park(newcomer, IN, waiter);
      assert.equal(codes(old), ['ERR_GENLOOP_CLOSED']);
      assert.match((old.errors[0] as Error).message, 'behind our back');
      assert.is(poller.unpark(registration, IN, old), false);
      assert.is(poller.waiting, 1);
      assert.is(one.watcher, null);
      assert.is(poller.wait(0), 0);
      newcomer.signal();
      until(waiter);
      assert.equal(waiter.flags, [IN]);
      assert.is(poller.counters.stale, 0);
      abandon(one);
    }),
  );

  test(
    'the same file brought back onto its number by a duplicate is watched again',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const copy = one.dup();
      const old = new Recorder();
      poller.park(one, IN, old);
      const fd = closeBehind(one);
      const back = keep(onNumber(fd, () => copy.dup()));
      const waiter = new Recorder();
      poller.park(back, IN, waiter);
      copy.close();
      assert.equal(codes(old), ['ERR_GENLOOP_CLOSED']);
      other.send('x');
      until(waiter);
      assert.equal(waiter.flags, [IN]);
      assert.is(poller.counters.stale, 0);
      abandon(one);
    }),
  );

  test(
    'the kernel set recovers when it knows what we do not (EEXIST), and when it does not know what we do (ENOENT)',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const copy = keep(one.dup());
      poller.park(one, IN, new Recorder());
      const fd = closeBehind(one);
      // Its registration cannot be taken out any more: the number is nobody's.
      abandon(one);
      const back = keep(onNumber(fd, () => copy.dup()));
      const first = new Recorder();
      poller.park(back, IN, first);
      other.send('x');
      until(first);
      assert.equal(first.flags, [IN]);
      // The number, still in the same hands as far as we know, becomes another file.
      const number = closeBehind(back);
      const stranger = keep(onNumber(number, () => EventFd.create(0)));
      const second = new Recorder();
      poller.park(back, OUT, second);
      until(second);
      assert.equal(second.flags, [OUT]);
      abandon(back);
      assert.is(stranger.closed, false);
    }),
  );

  test.run();
}

const ghosts = suite('a file that outlives its number in an epoll set');
const epoll = SUBJECTS.find(({ name }) => name === 'epoll');

if (epoll !== undefined) {
  /** A ghost: readable for ever, under a number that another descriptor has. */
  const haunted =
    (body: (parts: { poller: Poller; newcomer: EventFd; time: { now: number }; told: number[] }) => void) => () => {
      const time = { now: epoll.sys.now() };
      const sys = overriding(epoll.sys, { now: () => time.now });
      inside(sys, () => {
        const told: number[] = [];
        const poller: Poller = new Poller(sys, 'epoll', { onRebuild: () => told.push(poller.fd) });
        const [one, other] = Socket.pair();
        const copy = one.dup();
        poller.park(one, IN, new Recorder());
        const newcomer = onNumber(closeBehind(one), () => EventFd.create(0));
        try {
          poller.park(newcomer, IN, new Recorder());
          other.send('x');
          body({ poller, newcomer, time, told });
        } finally {
          newcomer.close();
          abandon(one);
          poller.close();
          copy.close();
          other.close();
        }
      });
    };

  ghosts(
    'is dropped and counted, and the set is built anew when it comes a second time',
    haunted(({ poller, newcomer, told }) => {
      const before = poller.fd;
      assert.is(poller.wait(PATIENCE), 1);
      assert.equal([poller.counters.stale, poller.counters.rebuilds], [1, 0]);
      poller.wait(PATIENCE);
      assert.equal([poller.counters.stale, poller.counters.rebuilds], [2, 1]);
      assert.equal(told, [poller.fd]);
      assert.is.not(poller.fd, before);
      assert.is(poller.wait(0), 0, 'silence');
      assert.is(poller.waiting, 1, 'the waiter of another descriptor is still there');
      newcomer.signal();
      poller.wait(PATIENCE);
      assert.is(poller.waiting, 0);
    }),
  );

  ghosts(
    'does not make the poller rebuild more than once a second',
    haunted(({ poller, time, newcomer }) => {
      poller.wait(PATIENCE);
      poller.wait(PATIENCE);
      assert.is(poller.counters.rebuilds, 1);
      // A second ghost, at once.
      const [one, other] = Socket.pair();
      const copy = one.dup();
      poller.park(one, IN, new Recorder());
      const second = onNumber(closeBehind(one), () => EventFd.create(0));
      poller.park(second, IN, new Recorder());
      other.send('x');
      for (let wait = 0; wait < 5; wait++) assert.is(poller.wait(PATIENCE), 1);
      assert.is(poller.counters.rebuilds, 1);
      time.now += 1000;
      poller.wait(PATIENCE);
      assert.is(poller.counters.rebuilds, 2);
      assert.is(poller.wait(0), 0);
      for (const descriptor of [second, copy, other]) descriptor.close();
      abandon(one);
      assert.is(newcomer.closed, false);
    }),
  );

  ghosts('goes on being counted where no new set can be had, and nobody is harmed', () => {
    let refuse = false;
    const sys = overriding(epoll.sys, {
      epollCreate: () => (refuse ? -(epoll.sys.constants.EMFILE as number) : epoll.sys.epollCreate()),
    });
    inside(sys, () => {
      using poller = new Poller(sys, 'epoll');
      const [one, other] = Socket.pair();
      using copy = one.dup();
      poller.park(one, IN, new Recorder());
      using newcomer = onNumber(closeBehind(one), () => EventFd.create(0));
      const waiter = new Recorder();
      poller.park(newcomer, IN, waiter);
      other.send('x');
      refuse = true;
      for (let wait = 0; wait < 4; wait++) assert.is(poller.wait(PATIENCE), 1);
      assert.equal([poller.counters.stale, poller.counters.rebuilds], [4, 0]);
      newcomer.signal();
      assert.is(poller.wait(PATIENCE), 2);
      assert.equal(waiter.flags, [IN]);
      other.close();
      abandon(one);
      assert.is(copy.closed, false);
    });
  });

  ghosts('fails the waiter of the number that is closed when the set is built anew, and only that one', () => {
    inside(epoll.sys, () => {
      using poller = new Poller(epoll.sys, 'epoll');
      const [one, other] = Socket.pair();
      const copy = one.dup();
      using bystander = EventFd.create(0);
      const [reader, writer, waiter] = [new Recorder(), new Recorder(), new Recorder()];
      poller.park(bystander, IN, waiter);
      poller.park(one, IN, reader);
      closeBehind(one);
      other.send('x');
      // The event is still ours as far as anybody can see: the reader is told, and would get EBADF from its read.
      poller.wait(PATIENCE);
      assert.equal(reader.flags, [IN]);
      const error = (() => {
        try {
          poller.park(one, OUT, writer);
          return undefined;
        } catch (raised) {
          return raised as SystemError;
        }
      })();
      assert.is(error?.code, 'EBADF');
      for (let wait = 0; wait < 3; wait++) poller.wait(0);
      assert.is(poller.counters.rebuilds, 1);
      assert.is(poller.wait(0), 0);
      bystander.signal();
      poller.wait(PATIENCE);
      assert.equal(waiter.flags, [IN]);
      abandon(one);
      copy.close();
      other.close();
    });
  });
}
ghosts.run();

for (const subject of EVERYWHERE) {
  const test = suite(`bare numbers, over ${subject.title}`);

  test(
    'are watched while somebody waits, and let go at once',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const waiter = new Recorder();
      poller.park(one.fd, IN, waiter);
      other.send('x');
      until(waiter);
      assert.equal(waiter.flags, [IN]);
      assert.is(poller.counters.controls, 2, 'added, removed');
      assert.is(poller.wait(0), 0);
      assert.is(one.watcher, null);
    }),
  );

  test(
    'keep one waiter when the other is woken or taken back',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const [reader, writer, again] = [new Recorder(), new Recorder(), new Recorder()];
      poller.park(one.fd, IN, reader);
      poller.park(one.fd, OUT, writer);
      until(writer);
      assert.is(reader.told, 0);
      assert.is(poller.wait(0), 0, 'writing is not watched any more');
      const registration = poller.park(one.fd, OUT, again);
      assert.is(poller.unpark(registration, OUT, again), true);
      assert.is(poller.wait(0), 0);
      other.send('x');
      until(reader);
      assert.is(poller.waiting, 0);
      assert.is(again.told, 0);
    }),
  );

  test(
    'taken back leave nothing behind',
    withPoller(subject, ({ poller, keep }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const waiter = new Recorder();
      poller.unpark(poller.park(one.fd, IN, waiter), IN, waiter);
      other.send('x');
      assert.is(poller.wait(0), 0);
      assert.is(poller.waiting, 0);
      assert.is(waiter.told, 0);
    }),
  );

  test(
    'that get an owner meanwhile keep their waiter, who may be woken, taken back, or hear of the close',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      for (const ending of ['woken', 'taken back', 'closed']) {
        const target = ending === 'closed' ? one : keep(one.dup());
        const [first, second] = [new Recorder(), new Recorder()];
        const registration = poller.park(target.fd, IN, first);
        poller.park(target, OUT, second);
        assert.is(poller.waiting, 2);
        until(second);
        assert.is(first.told, 0, ending);
        if (ending === 'woken') {
          other.send('x');
          until(first);
          one.recv();
        } else if (ending === 'taken back') {
          assert.is(poller.unpark(registration, IN, first), true);
          assert.is(first.told, 0);
          const third = new Recorder();
          poller.park(target, IN, third);
          other.send('y');
          until(third);
          one.recv();
        } else {
          target.close();
          assert.equal(codes(first), ['ERR_GENLOOP_CLOSED']);
        }
        target.close();
        assert.is(poller.waiting, 0, ending);
        for (let wait = 0; wait < 2; wait++) assert.is(poller.wait(0), 0, ending);
      }
      assert.is(poller.counters.stale, 0);
    }),
  );

  test(
    'closed and reused behind a waiter serve the number’s new owner',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const old = new Recorder();
      const registration = poller.park(one.fd, IN, old);
      const fd = closeBehind(one);
      abandon(one);
      const newcomer = keep(onNumber(fd, () => EventFd.create(0)));
      const waiter = new Recorder();
      poller.park(newcomer, OUT, waiter);
      until(waiter);
      assert.equal(waiter.flags, [OUT]);
      assert.is(poller.unpark(registration, IN, old), true);
      assert.is(old.told, 0);
    }),
  );

  test(
    'of a device that is always ready are ready',
    withPoller(subject, ({ poller, keep }) => {
      const device = keep(open('/dev/null', 'w'));
      const waiter = new Recorder();
      // A real kqueue takes it; the imitation stands on epoll.
      if (subject.title === 'kqueue*') return;
      if (subject.name === 'epoll') {
        assert.throws(
          () => poller.park(device, OUT, waiter),
          (error: SystemError) => error instanceof SystemError && error.code === 'EPERM',
        );
      } else {
        poller.park(device, OUT, waiter);
        assert.is(poller.wait(PATIENCE), 1);
        assert.ok((waiter.flags[0] as number) & OUT);
      }
    }),
  );

  test.run();
}
