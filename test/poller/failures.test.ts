/** System calls that fail inside the poller: the one waiter concerned hears of it, nobody else. */

import { EventFd, Socket, type Sys, SystemError } from 'genloop/os';
import { Poller, Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { EVERYWHERE, PATIENCE, Recorder, type Subject, withPoller } from '../support/backends.ts';
import { codeOf } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const { IN, OUT } = Readiness;

/** The call by which a backend with a kernel set changes it, failing on demand. */
function failingControl(subject: Subject): { calls: Partial<Sys>; fail(errno: string | null, fd?: number): void } {
  let errno: string | null = null;
  let only: number | undefined;
  const { sys } = subject;
  const chosen = (fd: number): boolean => errno !== null && (only === undefined || only === fd);
  return {
    fail(name, fd) {
      errno = name;
      only = fd;
    },
    calls: {
      epollCtl: (epfd, operation, fd, ...rest) =>
        chosen(fd) ? -constant(errno as string) : sys.epollCtl(epfd, operation, fd, ...rest),
      kevent: (kq, changes, count, events, timeout) =>
        count > 0 && chosen(changes[0] as number)
          ? -constant(errno as string)
          : sys.kevent(kq, changes, count, events, timeout),
    },
  };
}

for (const subject of EVERYWHERE) {
  const test = suite(`failing calls, over ${subject.title}`);

  if (subject.name === 'epoll' || subject.name === 'kqueue') {
    for (const errno of ['ENOSPC', 'ENOMEM', 'EBADF', 'ELOOP']) {
      const control = failingControl(subject);
      test(
        `${errno} when arming fails that wait only, and it may be tried again`,
        withPoller(
          subject,
          ({ poller, keep, until }) => {
            const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
            const [reader, refused, bare] = [new Recorder(), new Recorder(), new Recorder()];
            poller.park(one, IN, reader);
            control.fail(errno);
            assert.is(
              codeOf(() => poller.park(one, OUT, refused)),
              errno,
            );
            assert.is(
              codeOf(() => poller.park(other, OUT, refused)),
              errno,
            );
            assert.is(poller.waiting, 1);
            control.fail(null);
            other.send('x');
            until(reader);
            poller.park(other.fd, OUT, bare);
            until(bare);
            poller.park(one, OUT, refused);
            until(refused);
            assert.equal(refused.errors, []);
          },
          { calls: control.calls },
        ),
      );
    }

    const control = failingControl(subject);
    test(
      'a bare number keeps its waiter when a second one cannot be armed',
      withPoller(
        subject,
        ({ poller, keep, until }) => {
          const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
          const reader = new Recorder();
          poller.park(one.fd, IN, reader);
          control.fail('ENOMEM');
          assert.is(
            codeOf(() => poller.park(one.fd, OUT, new Recorder())),
            'ENOMEM',
          );
          control.fail(null);
          assert.is(reader.told, 0);
          other.send('x');
          until(reader);
          assert.equal(reader.flags, [IN]);
        },
        { calls: control.calls },
      ),
    );

    const silent = failingControl(subject);
    test(
      'a bare number’s other waiter hears of it when the set cannot be changed for it',
      withPoller(
        subject,
        ({ poller, keep }) => {
          const [one] = Socket.pair().map(keep) as [Socket, Socket];
          const [reader, writer] = [new Recorder(), new Recorder()];
          poller.park(one.fd, IN, reader);
          poller.park(one.fd, OUT, writer);
          silent.fail('ENOMEM');
          poller.wait(PATIENCE);
          silent.fail(null);
          assert.is(writer.flags.length, 1);
          assert.equal(
            reader.errors.map((error) => (error as SystemError).code),
            ['ENOMEM'],
          );
          assert.is(poller.waiting, 0);
          const again = new Recorder();
          poller.park(one.fd, OUT, again);
          poller.wait(PATIENCE);
          assert.is(again.flags.length, 1);
        },
        { calls: silent.calls },
      ),
    );

    test('a set that cannot be opened is an error of the constructor', () => {
      for (const errno of ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSYS']) {
        const refuse = (): number => -constant(errno);
        const sys = overriding(subject.sys, { epollCreate: refuse, kqueue: refuse });
        assert.is(
          codeOf(() => new Poller(sys, subject.name)),
          errno,
        );
      }
    });

    test('a timer that cannot be had is an error of the alarm, which may be tried again', () => {
      let refuse = true;
      const sys = overriding(subject.sys, {
        timerfd: () => (refuse ? -constant('EMFILE') : subject.sys.timerfd()),
        kevent: (kq, changes, count, events, timeout) =>
          refuse && count > 0 ? -constant('EMFILE') : subject.sys.kevent(kq, changes, count, events, timeout),
      });
      inside(sys, () => {
        using poller = new Poller(sys, subject.name);
        assert.is(
          codeOf(() => poller.alarm(sys.now())),
          'EMFILE',
        );
        refuse = false;
        poller.alarm(sys.now());
        poller.wait(PATIENCE);
      });
    });

    const timerControl = failingControl(subject);
    if (subject.name === 'epoll') {
      test(
        'a timer that cannot be watched is closed again',
        withPoller(
          subject,
          ({ poller, sys }) => {
            timerControl.fail('ENOSPC');
            assert.is(
              codeOf(() => poller.alarm(sys.now())),
              'ENOSPC',
            );
            assert.is(
              codeOf(() => poller.alarm(sys.now())),
              'ENOSPC',
            );
            timerControl.fail(null);
            poller.alarm(sys.now());
            assert.is(poller.wait(PATIENCE), 1);
          },
          { calls: timerControl.calls },
        ),
      );
    }
  }

  const waits = (errno: string): Partial<Sys> => {
    const fail = (): number => -constant(errno);
    return {
      epollWait: fail,
      poll: fail,
      select: fail,
      kevent: (kq, changes, count, events, timeout) =>
        count > 0 ? subject.sys.kevent(kq, changes, count, events, timeout) : fail(),
    };
  };
  test(
    'an interrupted wait is no error, and no event',
    withPoller(
      subject,
      ({ poller, keep }) => {
        const waiter = new Recorder();
        poller.park(keep(EventFd.create(1)), IN, waiter);
        assert.is(poller.wait(-1), 0);
        assert.is(waiter.told, 0);
        assert.is(poller.waiting, 1);
      },
      { calls: waits('EINTR') },
    ),
  );
  const names = { epoll: 'epoll_wait', kqueue: 'kevent', poll: 'poll', select: 'select' };
  const refusalOf = (poller: Poller): SystemError => {
    try {
      poller.wait(0);
    } catch (error) {
      assert.instance(error, SystemError);
      return error as SystemError;
    }
    throw new Error('the wait was not refused');
  };
  const ownSet = subject.name === 'epoll' || subject.name === 'kqueue';

  test(
    'a wait that is refused is told at once, with the name of the call and what to do; again, in the same words',
    withPoller(
      subject,
      ({ poller, keep }) => {
        const waiter = new Recorder();
        const file = keep(EventFd.create(1));
        poller.park(file, IN, waiter);
        const { fd, sys } = poller;
        // A set that is lost is not closed, as its number may be another's; here it is not.
        if (ownSet) keep({ close: () => assert.is(sys.close(fd), 0) });
        const error = refusalOf(poller);
        assert.equal([error.syscall, error.code], [names[subject.name], 'EINVAL']);
        if (ownSet) assert.match(error.message, new RegExp(`descriptor ${fd} is the scheduler's own, and was closed`));
        if (subject.name === 'poll') assert.match(error.message, /RLIMIT_NOFILE allows; raise it/);
        assert.is(refusalOf(poller).message, error.message);
        // Nobody knows anything of the descriptor; its close ends the wait all the same.
        assert.is(waiter.told, 0);
        file.close();
        assert.is((waiter.errors[0] as { code?: string }).code, 'ERR_GENLOOP_CLOSED');
      },
      { calls: waits('EINVAL') },
    ),
  );

  test(
    'for want of memory it is tried again, after pauses that grow; and told after a second',
    withPoller(
      subject,
      ({ poller, keep }) => {
        let now = 0;
        const { sys } = poller;
        sys.now = () => now;
        const pauses: number[] = [];
        const { poll } = sys;
        sys.poll = (rows, count, timeout) => {
          if (count > 0 || timeout === 0) return poll(rows, count, timeout);
          pauses.push(timeout);
          now += timeout;
          return 0;
        };
        poller.park(keep(EventFd.create(1)), IN, new Recorder());
        let attempts = 0;
        for (; now < 1000; attempts++) assert.is(poller.wait(-1), 0);
        assert.equal(pauses.slice(0, 8), [1, 2, 4, 8, 16, 32, 50, 50]);
        const error = refusalOf(poller);
        assert.equal([error.syscall, error.code], [names[subject.name], 'ENOMEM']);
        assert.match(
          error.message,
          new RegExp(`no memory for it in ${attempts + 1} attempts within 10\\d\\d ms; free`),
        );
      },
      { calls: waits('ENOMEM') },
    ),
  );

  test(
    'a wait that would not have lasted longer is not made longer by a refusal',
    withPoller(
      subject,
      ({ poller, keep }) => {
        const pauses: number[] = [];
        const { poll } = poller.sys;
        poller.sys.poll = (rows, count, timeout) => {
          if (count > 0 || timeout === 0) return poll(rows, count, timeout);
          pauses.push(timeout);
          return 0;
        };
        poller.park(keep(EventFd.create(1)), IN, new Recorder());
        for (const timeout of [0, 0.5, 0, 0, 3]) poller.wait(timeout);
        assert.equal(pauses, [0.5, 3]);
      },
      { calls: waits('ENOMEM') },
    ),
  );
  test.run();
}
