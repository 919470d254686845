/** The poller's policy while nothing goes wrong: who is woken, what stays armed, what is disarmed, and who is refused. */

import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClosedError, type Descriptor, EventFd, open, poll, Socket, SystemError } from 'genloop/os';
import { BusyError, Poller, Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { PATIENCE, Recorder, SETS, SUBJECTS, withPoller } from '../support/backends.ts';
import { connection, fill, Opened, pipeEnds, thrown } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { constant, inside } from '../support/systems.ts';

const { IN, OUT, PRI } = Readiness;

for (const subject of SUBJECTS) {
  const test = suite(`the poller over ${subject.title}`);

  test(
    'wakes a reader once there is data, with the flags, and only once',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const reader = new Recorder();
      poller.park(one, IN, reader);
      assert.is(poller.waiting, 1);
      assert.is(poller.wait(0), 0);
      other.send('x');
      until(reader);
      assert.equal(reader.flags, [IN]);
      assert.is(poller.waiting, 0);
      poller.wait(0);
      assert.is(reader.told, 1);
    }),
  );

  test(
    'makes no control call in a read loop after the first',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      for (let round = 0; round < 20; round++) {
        const reader = new Recorder();
        poller.park(one, IN, reader);
        other.send('x');
        until(reader);
        assert.is(one.recv(10)?.toString(), 'x');
      }
      assert.is(poller.counters.controls, 1);
      assert.is(poller.counters.spurious, 0);
    }),
  );

  test(
    'disarms what nobody waits for when an event finds nobody, and not before',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const reader = new Recorder();
      poller.park(one, IN, reader);
      other.send('x');
      until(reader);
      assert.is(poller.counters.controls, 1);
      assert.is(poller.wait(0), 1, 'the event that finds nobody');
      assert.is(poller.counters.controls, 2);
      assert.is(poller.counters.spurious, 1);
      assert.is(poller.wait(0), 0, 'silence');
      const again = new Recorder();
      poller.park(one, IN, again);
      until(again);
      assert.equal(again.flags, [IN]);
    }),
  );

  test(
    'hears nothing of what was withdrawn, and everything again once somebody waits',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      for (let round = 1; round <= 3; round++) {
        const reader = new Recorder();
        const registration = poller.park(one, IN, reader);
        assert.is(poller.withdraw(registration), false);
        other.send('x');
        until(reader);
        assert.equal(reader.flags, [IN]);
        assert.is(poller.withdraw(registration), true);
        assert.is(poller.wait(0), 0, 'there is data, and nobody in the set');
        assert.is(one.recv(10)?.toString(), 'x');
        assert.is(poller.counters.controls, 2 * round);
      }
      // What came meanwhile is told as soon as somebody waits.
      other.send('y');
      const last = new Recorder();
      poller.park(one, IN, last);
      until(last);
      assert.equal([last.flags, poller.counters.spurious], [[IN], 0]);
    }),
  );

  test(
    'disarms an idle writer and leaves the parked reader armed',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const [reader, writer] = [new Recorder(), new Recorder()];
      poller.park(one, IN, reader);
      poller.park(one, OUT, writer);
      until(writer);
      assert.is(reader.told, 0);
      assert.is(poller.wait(0), 1, 'the idle writer is found');
      assert.is(poller.wait(0), 0, 'and disarmed');
      const { controls } = poller.counters;
      other.send('x');
      until(reader);
      assert.is(poller.counters.controls, controls, 'the reader needed no arming');
    }),
  );

  test(
    'falls silent about a peer that is gone once nobody waits',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair();
      keep(one);
      const reader = new Recorder();
      poller.park(one, IN, reader);
      other.close();
      until(reader);
      // One event may still find nobody, and a bare one-shot owes one more.
      for (let owed = 0; owed < 3; owed++) poller.wait(0);
      for (let wait = 0; wait < 5; wait++) assert.is(poller.wait(0), 0);
      const again = new Recorder();
      poller.park(one, IN, again);
      until(again);
      assert.is(again.told, 1);
    }),
  );

  test(
    'wakes everyone who waits on a descriptor that hangs up',
    withPoller(subject, ({ poller, keep }) => {
      const opened = keep(new Opened());
      const { reader, writer } = pipeEnds(opened);
      const waiters = [IN, OUT, PRI].map((direction) => {
        const waiter = new Recorder();
        // On the writing end, whose reader goes away: ERR.
        poller.park(writer, direction as typeof IN, waiter);
        return waiter;
      });
      fill(writer);
      poller.wait(0);
      const before = waiters.map((waiter) => waiter.told);
      reader.close();
      for (let wait = 0; wait < 2; wait++) poller.wait(0);
      if (subject.name === 'select') {
        // It knows neither: an error is "readable" and "writable" there.
        assert.equal(
          waiters.map((waiter) => waiter.told),
          [1, 1, 0],
        );
      } else {
        assert.equal(before, [0, 0, 0]);
        assert.equal(
          waiters.map((waiter) => waiter.told),
          [1, 1, 1],
        );
        assert.is(poller.waiting, 0);
      }
    }),
  );

  test(
    'refuses a second waiter in one direction, and leaves the first undisturbed',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const [first, second, writer] = [new Recorder(), new Recorder(), new Recorder()];
      poller.park(one, IN, first);
      const error = thrown(() => poller.park(one, IN, second));
      assert.instance(error, BusyError);
      assert.is(error.code, 'ERR_GENLOOP_BUSY');
      assert.match(error.message, `Socket ${one.fd}`);
      assert.instance(
        thrown(() => poller.park(one.fd, IN, second)),
        BusyError,
      );
      poller.park(one, OUT, writer);
      assert.is(poller.waiting, 2);
      other.send('x');
      until(first);
      assert.is(first.flags[0], subject.name === 'kqueue' ? IN : IN | OUT);
      assert.is(second.told, 0);
    }),
  );

  test(
    'refuses a descriptor that another poller watches, by its name, until that one is closed',
    withPoller(subject, ({ poller, keep, sys, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const elsewhere = new Poller(sys, subject.name, { name: 'the first scheduler' });
      try {
        const first = new Recorder();
        elsewhere.park(one, IN, first);
        const error = thrown(() => poller.park(one, OUT, new Recorder()));
        assert.instance(error, BusyError);
        assert.match(error.message, 'the first scheduler');
        elsewhere.close();
        assert.instance(first.errors[0], ClosedError);
        const second = new Recorder();
        poller.park(one, IN, second);
        other.send('x');
        until(second);
      } finally {
        elsewhere.close();
      }
    }),
  );

  test(
    'gives one answer for regular files and directories: EPERM, and what to do',
    withPoller(subject, ({ poller, keep }) => {
      const folder = mkdtempSync(join(tmpdir(), 'genloop-poller-'));
      try {
        const path = join(folder, 'file');
        closeSync(openSync(path, 'w'));
        for (const target of [path, folder]) {
          const file = keep(open(target));
          for (const pollable of [file, file.fd, { fd: file.fd }, { fileno: () => file.fd }]) {
            const error = thrown(() => poller.park(pollable, IN, new Recorder()));
            assert.instance(error, SystemError);
            assert.is(error.code, 'EPERM');
            assert.is(error.errno, -constant('EPERM'));
            assert.is(error.fd, file.fd);
            assert.match(error.message, /regular files and directories .* node:fs/);
          }
        }
        assert.is(poller.waiting, 0);
        assert.is(poller.wait(0), 0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
  );

  test(
    'refuses what is no descriptor, or a closed one, before anything is watched',
    withPoller(subject, ({ poller }) => {
      const [one, other] = Socket.pair();
      const { fd } = one;
      one.close();
      other.close();
      assert.is(thrown(() => poller.park(one, IN, new Recorder())).code, 'ERR_GENLOOP_CLOSED');
      assert.is(thrown(() => poller.park(fd, IN, new Recorder())).code, 'EBADF');
      for (const wrong of [undefined, null, {}, -1, 1.5, Number.NaN, '3', 3n, () => 3]) {
        assert.instance(
          thrown(() => poller.park(wrong as number, IN, new Recorder())),
          TypeError,
        );
      }
      assert.is(poller.waiting, 0);
    }),
  );

  test(
    'wakes nobody for a wait that was taken back, and a new wait works',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const first = new Recorder();
      const registration = poller.park(one, IN, first);
      assert.is(poller.unpark(registration, OUT, first), false, 'not there');
      assert.is(poller.unpark(registration, IN, new Recorder()), false, 'not this one');
      assert.is(poller.unpark(registration, IN, first), true);
      assert.is(poller.unpark(registration, IN, first), false, 'only once');
      assert.is(poller.waiting, 0);
      other.send('x');
      for (let wait = 0; wait < 3; wait++) poller.wait(0);
      assert.is(first.told, 0);
      const second = new Recorder();
      poller.park(one, IN, second);
      until(second);
      assert.equal(second.flags, [IN]);
      assert.is(first.told, 0);
    }),
  );

  test(
    'waits for urgent data apart from ordinary data',
    withPoller(subject, ({ poller, keep, until }) => {
      const { client, server } = connection(keep(new Opened()));
      const [urgent, reader] = [new Recorder(), new Recorder()];
      poller.park(client, PRI, urgent);
      poller.park(client, IN, reader);
      server.send('data');
      until(reader);
      assert.is(urgent.told, 0);
      assert.is(client.recv(10)?.toString(), 'data');
      server.send('!', 0, 1, constant('MSG_OOB'));
      until(urgent);
      assert.ok((urgent.flags[0] as number) & PRI);
    }),
  );

  test(
    'survives a waiter that closes the descriptor from its wake, without waking the other again',
    withPoller(subject, ({ poller, keep }) => {
      const [one, other] = Socket.pair();
      keep(other);
      const writer = new Recorder();
      const reader = {
        wake: () => {
          one.close();
          return true;
        },
        fail: () => false,
      };
      poller.park(one, IN, reader);
      poller.park(one, OUT, writer);
      other.send('x');
      // kqueue may tell of the writer first.
      for (let wait = 0; wait < 2; wait++) poller.wait(0);
      assert.is(one.closed, true);
      assert.is(writer.told, 1);
      assert.is(poller.waiting, 0);
      assert.is(poller.wait(0), 0);
    }),
  );

  test(
    'tells of a signal that interrupted the wait by zero events',
    withPoller(subject, ({ poller, sys }) => {
      const signal = constant('SIGUSR2');
      assert.ok(sys.signalOpen(signal) >= 0);
      // Nobody knows when the wait has begun, so the signal comes again and again.
      const child = spawn('/bin/sh', ['-c', `while kill -USR2 ${process.pid}; do sleep 0.02; done`]);
      try {
        assert.is(poller.wait(PATIENCE), 0);
      } finally {
        process.kill(child.pid as number, 'SIGKILL');
        // Its last signal may be under way: until it is dead, the handler has to stay.
        child.once('exit', () => sys.signalClose(signal));
      }
    }),
  );

  test(
    'fails all waiters when it is closed, and leaves their descriptors open and unwatched',
    withPoller(subject, ({ poller, keep, sys }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const [reader, writer, bare] = [new Recorder(), new Recorder(), new Recorder()];
      poller.park(one, IN, reader);
      poller.park(one, OUT, writer);
      poller.park(other.fd, IN, bare);
      poller.close();
      for (const waiter of [reader, writer, bare]) {
        assert.equal(
          waiter.errors.map((error) => (error as ClosedError).code),
          ['ERR_GENLOOP_CLOSED'],
        );
        assert.is(waiter.flags.length, 0);
      }
      assert.is(poller.waiting, 0);
      assert.is(one.watcher, null);
      assert.is(one.closed, false);
      assert.is(one.send('still open'), 10);
      using next = new Poller(sys, subject.name);
      next.park(one, OUT, new Recorder());
    }),
  );

  test(
    'refuses everything once closed, and touches no number again',
    withPoller(subject, ({ poller, keep }) => {
      poller.close();
      // This gets the number that the set had.
      const successor = keep(EventFd.create(1));
      poller.close();
      assert.is(successor.take(), 1);
      assert.is(poller.fd, -1);
      assert.is(thrown(() => poller.park(successor, IN, new Recorder())).code, 'ERR_GENLOOP_CLOSED');
      assert.is(thrown(() => poller.park(successor.fd, IN, new Recorder())).code, 'ERR_GENLOOP_CLOSED');
      assert.is(thrown(() => poller.wait(0)).code, 'ERR_GENLOOP_CLOSED');
      assert.is(successor.watcher, null);
    }),
  );

  test('wakes all of more than a thousand that are ready at once', () => {
    // select cannot watch so many.
    const count = subject.name === 'select' ? 400 : 1500;
    withPoller(subject, ({ poller, keep }) => {
      const waiters = Array.from({ length: count }, () => {
        const descriptor: Descriptor = keep(EventFd.create(1));
        const waiter = new Recorder();
        poller.park(descriptor, IN, waiter);
        return waiter;
      });
      let waits = 0;
      while (poller.waiting > 0 && waits < 100) {
        poller.wait(0);
        waits++;
      }
      assert.ok(waiters.every((waiter) => waiter.flags.length === 1 && waiter.flags[0] === IN));
      if (subject.name === 'epoll') assert.ok(waits > 1, 'more than fit into one wait');
    })();
  });

  test('does not let the noisy starve the quiet', () => {
    const count = subject.name === 'select' ? 400 : 1500;
    withPoller(subject, ({ poller, keep }) => {
      const noisy = Array.from({ length: count }, () => keep(EventFd.create(1)));
      const quiet = keep(EventFd.create(1));
      const park = (descriptor: EventFd): void => {
        poller.park(descriptor, IN, {
          wake: () => {
            parkAgain.push(descriptor);
            return true;
          },
          fail: () => true,
        });
      };
      const parkAgain: EventFd[] = [];
      for (const descriptor of noisy) park(descriptor);
      const waiter = new Recorder();
      poller.park(quiet, IN, waiter);
      for (let wait = 0; wait < 100 && waiter.told === 0; wait++) {
        poller.wait(0);
        for (const descriptor of parkAgain.splice(0)) park(descriptor);
      }
      assert.is(waiter.told, 1);
    })();
  });

  test(
    'counts waits, events and control calls',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const reader = new Recorder();
      poller.park(one, IN, reader);
      poller.wait(0);
      other.send('x');
      until(reader);
      one.close();
      assert.equal(poller.counters, { waits: 2, events: 1, stale: 0, spurious: 0, controls: 2, rebuilds: 0 });
      assert.is(poller.backendName, subject.name);
    }),
  );

  test.run();
}

for (const subject of SETS) {
  const test = suite(`the kernel set of ${subject.title}`);

  test(
    'has a descriptor that is readable exactly while something is ready',
    withPoller(subject, ({ poller, keep, until }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      const readable = (): boolean => poll([[poller.fd, IN]], 0).length > 0;
      const reader = new Recorder();
      poller.park(one, IN, reader);
      assert.is(readable(), false);
      other.send('x');
      assert.is(readable(), true);
      until(reader);
      one.recv();
      assert.is(readable(), false);
    }),
  );

  test(
    'can be waited for by another poller',
    withPoller(subject, ({ poller, keep, sys }) => {
      const [one, other] = Socket.pair().map(keep) as [Socket, Socket];
      using outer = new Poller(sys, subject.name);
      const [inside, outside] = [new Recorder(), new Recorder()];
      poller.park(one, IN, inside);
      outer.park(poller.fd, IN, outside);
      assert.is(outer.wait(0), 0);
      other.send('x');
      outer.wait(PATIENCE);
      assert.ok((outside.flags[0] as number) & IN);
      poller.wait(0);
      assert.is(inside.told, 1);
    }),
  );

  test.run();
}

const selectTest = suite('the poller over select, beyond FD_SETSIZE');
selectTest('fails that one wait, and says which backend to use', () => {
  const opened = new Opened();
  const { sys, name } = SUBJECTS.find((subject) => subject.name === 'select') as (typeof SUBJECTS)[0];
  inside(sys, () => {
    try {
      const limit = constant('FD_SETSIZE');
      const [one, other] = Socket.pair();
      opened.keep(one);
      opened.keep(other);
      const poller = opened.keep(new Poller(sys, name));
      let far: Descriptor = opened.keep(EventFd.create(1));
      while (far.fd < limit) far = opened.keep(EventFd.create(1));
      const reader = new Recorder();
      poller.park(one, IN, reader);
      for (const pollable of [far, far.fd]) {
        const error = thrown(() => poller.park(pollable, IN, new Recorder()));
        assert.is(error.code, 'EINVAL');
        assert.is(error.syscall, 'select');
        assert.match(error.message, `FD_SETSIZE is ${limit}; use poll or epoll`);
      }
      assert.is(poller.waiting, 1);
      other.send('x');
      poller.wait(PATIENCE);
      assert.equal(reader.flags, [IN]);
    } finally {
      opened.close();
    }
  });
});
selectTest.run();
