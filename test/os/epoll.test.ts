/** epoll(7) call by call, with what the kernel does where file and number part. */

import { constants, Epoll, EventFd, open, pipe, realSys, Socket } from 'genloop/os';
import * as assert from 'uvu/assert';
import { abandon, closeBehind, onNumber, PATIENCE } from '../support/backends.ts';
import { codeOf, Opened, reset } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const test = suite('epoll');
const sys = realSys();

interface Scene {
  epoll: Epoll;
  opened: Opened;
  /** Both ends of a Unix stream. */
  pair(): [Socket, Socket];
}

function scene(body: (scene: Scene) => void): () => void {
  return () => {
    const opened = new Opened();
    const pair = (): [Socket, Socket] => {
      const [one, other] = Socket.pair();
      return [opened.keep(one), opened.keep(other)];
    };
    try {
      body({ epoll: opened.keep(Epoll.create()), opened, pair });
    } finally {
      opened.close();
    }
  };
}

if ('EPOLLIN' in constants) {
  const IN = constant('EPOLLIN');
  const OUT = constant('EPOLLOUT');
  const ONESHOT = constant('EPOLLONESHOT');
  const ET = constant('EPOLLET');
  const EXCLUSIVE = constant('EPOLLEXCLUSIVE');
  const RDHUP = constant('EPOLLRDHUP');
  const ERR = constant('EPOLLERR');
  const HUP = constant('EPOLLHUP');

  test(
    'tells what is ready, with the datum, as long as it is',
    scene(({ epoll, pair }) => {
      const [one, other] = pair();
      epoll.add(one, IN, -77);
      assert.equal(epoll.wait(0), []);
      other.send('x');
      assert.equal(epoll.wait(), [{ data: -77, events: IN }]);
      assert.equal(epoll.wait(0), [{ data: -77, events: IN }]);
      one.recv();
      assert.equal(epoll.wait(0), []);
    }),
  );

  test(
    'uses the number as the datum unless told otherwise',
    scene(({ epoll, pair }) => {
      const [one] = pair();
      epoll.add(one, OUT);
      assert.equal(epoll.wait(0), [{ data: one.fd, events: OUT }]);
      epoll.modify(one, OUT, 5);
      assert.equal(epoll.wait(0), [{ data: 5, events: OUT }]);
      epoll.remove(one);
      assert.equal(epoll.wait(0), []);
    }),
  );

  test(
    'refuses to add twice, to change what it does not know, itself, and a cycle',
    scene(({ epoll, opened, pair }) => {
      const [one, other] = pair();
      epoll.add(one, IN);
      assert.is(
        codeOf(() => epoll.add(one, IN)),
        'EEXIST',
      );
      assert.is(
        codeOf(() => epoll.modify(other, IN)),
        'ENOENT',
      );
      assert.is(
        codeOf(() => epoll.remove(other)),
        'ENOENT',
      );
      assert.is(
        codeOf(() => epoll.add(epoll, IN)),
        'EINVAL',
      );
      assert.is(
        codeOf(() => epoll.add(999_999, IN)),
        'EBADF',
      );
      const inner = opened.keep(Epoll.create());
      epoll.add(inner, IN);
      assert.is(
        codeOf(() => inner.add(epoll, IN)),
        'ELOOP',
      );
    }),
  );

  test(
    'refuses regular files, directories and /dev/null, which can be read all the same',
    scene(({ epoll, opened }) => {
      for (const path of ['/', import.meta.filename, '/dev/null']) {
        assert.is(
          codeOf(() => epoll.add(opened.keep(open(path)), IN)),
          'EPERM',
        );
      }
      assert.ok((opened.keep(open(import.meta.filename)).read(10)?.length ?? 0) > 0);
    }),
  );

  test(
    'tells an edge once',
    scene(({ epoll, pair }) => {
      const [one, other] = pair();
      epoll.add(one, IN | ET);
      other.send('x');
      assert.is(epoll.wait(PATIENCE).length, 1);
      assert.equal(epoll.wait(0), []);
      other.send('y');
      assert.is(epoll.wait(PATIENCE).length, 1);
    }),
  );

  test(
    'disarms both directions after a one-shot, until it is modified',
    scene(({ epoll, pair }) => {
      const [one, other] = pair();
      epoll.add(one, IN | OUT | ONESHOT);
      assert.equal(epoll.wait(0), [{ data: one.fd, events: OUT }]);
      other.send('x');
      assert.equal(epoll.wait(0), []);
      epoll.modify(one, IN | ONESHOT);
      assert.equal(epoll.wait(0), [{ data: one.fd, events: IN }]);
    }),
  );

  test(
    'tells ERR and HUP even where nothing is asked for',
    scene(({ epoll, opened }) => {
      const socket = reset(opened);
      epoll.add(socket, 0);
      assert.equal(epoll.wait(0), [{ data: socket.fd, events: ERR | HUP }]);
      epoll.modify(socket, ONESHOT);
      assert.is(epoll.wait(0).length, 1);
      assert.equal(epoll.wait(0), [], 'a bare one-shot ends it');
    }),
  );

  test(
    'drops an event that was pending when its descriptor was removed',
    scene(({ epoll, pair }) => {
      const [one, other] = pair();
      epoll.add(one, IN);
      other.send('x');
      epoll.remove(one);
      assert.equal(epoll.wait(0), []);
    }),
  );

  test(
    'forgets a descriptor without a word when its last number is closed',
    scene(({ epoll, pair }) => {
      const [one, other] = pair();
      epoll.add(one, IN);
      other.send('x');
      one.close();
      assert.equal(epoll.wait(0), []);
    }),
  );

  test(
    'goes on about a closed number while a duplicate lives, and cannot be stopped by that number',
    scene(({ epoll, opened, pair }) => {
      const [one, other] = pair();
      const copy = opened.keep(one.dup());
      epoll.add(one, IN);
      const { fd } = one;
      one.close();
      other.send('x');
      for (let wait = 0; wait < 3; wait++) assert.equal(epoll.wait(0), [{ data: fd, events: IN }]);
      assert.is(
        codeOf(() => epoll.remove(fd)),
        'EBADF',
      );
      const newcomer = opened.keep(onNumber(fd, () => EventFd.create(1)));
      epoll.add(newcomer, IN);
      assert.equal(
        epoll.wait(0),
        [
          { data: fd, events: IN },
          { data: fd, events: IN },
        ],
        'old and new look alike',
      );
      copy.close();
      assert.is(epoll.wait(0).length, 1);
    }),
  );

  test(
    'knows a file that came back onto its number',
    scene(({ epoll, opened, pair }) => {
      const [one, other] = pair();
      const copy = opened.keep(one.dup());
      epoll.add(one, IN);
      const fd = closeBehind(one);
      abandon(one);
      const back = opened.keep(onNumber(fd, () => copy.dup()));
      assert.is(
        codeOf(() => epoll.add(back, IN)),
        'EEXIST',
      );
      epoll.modify(back, IN, 9);
      other.send('x');
      assert.equal(epoll.wait(0), [{ data: 9, events: IN }]);
    }),
  );

  test(
    'lets a stale one-shot fire once',
    scene(({ epoll, opened, pair }) => {
      const [one, other] = pair();
      opened.keep(one.dup());
      epoll.add(one, IN | ONESHOT);
      one.close();
      other.send('x');
      assert.is(epoll.wait(0).length, 1);
      other.send('y');
      assert.equal(epoll.wait(0), []);
    }),
  );

  test(
    'rotates fairly when more is ready than is asked for',
    scene(({ epoll, opened }) => {
      for (let index = 0; index < 10; index++) epoll.add(opened.keep(EventFd.create(1)), IN, index);
      const seen = new Set<number>();
      for (let wait = 0; wait < 5; wait++) {
        const events = epoll.wait(0, 2);
        assert.is(events.length, 2);
        for (const { data } of events) seen.add(data);
      }
      assert.is(seen.size, 10);
    }),
  );

  test(
    'refuses EPOLLEXCLUSIVE with what does not go with it',
    scene(({ epoll, pair }) => {
      const [one] = pair();
      assert.is(
        codeOf(() => epoll.add(one, IN | EXCLUSIVE | ONESHOT)),
        'EINVAL',
      );
      assert.is(
        codeOf(() => epoll.add(one, IN | EXCLUSIVE | RDHUP)),
        'EINVAL',
      );
      epoll.add(one, IN | EXCLUSIVE);
      assert.is(
        codeOf(() => epoll.modify(one, IN)),
        'EINVAL',
      );
    }),
  );

  test(
    'watches another set, which is ready while something in it is',
    scene(({ epoll, opened, pair }) => {
      const [one, other] = pair();
      const inner = opened.keep(Epoll.create());
      inner.add(one, IN);
      epoll.add(inner, IN);
      assert.equal(epoll.wait(0), []);
      other.send('x');
      assert.is(epoll.wait(0).length, 1);
      assert.is(epoll.wait(0).length, 1);
      one.recv();
      assert.equal(epoll.wait(0), []);
    }),
  );

  test(
    'goes on after a signal, with what is left of the time',
    scene(({ opened }) => {
      const remaining: number[] = [];
      const deadline = sys.now() + 15;
      const interrupted = overriding(sys, {
        epollWait(epfd, rows, timeout) {
          remaining.push(timeout);
          return remaining.length <= 2 ? -constant('EINTR') : sys.epollWait(epfd, rows, timeout);
        },
      });
      inside(interrupted, () => {
        const epoll = opened.keep(Epoll.create());
        assert.equal(epoll.wait(15), []);
        assert.ok(sys.now() >= deadline);
        assert.is(remaining.length, 3);
        assert.ok((remaining[2] as number) <= (remaining[0] as number));
      });
    }),
  );

  test(
    'never returns early, fractions of a millisecond included',
    scene(({ epoll }) => {
      for (const timeout of [0.05, 0.5, 1, 3.7]) {
        const deadline = sys.now() + timeout;
        assert.equal(epoll.wait(timeout), []);
        assert.ok(sys.now() >= deadline);
      }
    }),
  );

  test(
    'refuses timeouts and numbers of events that are none',
    scene(({ epoll }) => {
      for (const timeout of [-1, Number.NaN, '5' as unknown as number, null as unknown as number]) {
        assert.throws(() => epoll.wait(timeout), /a timeout is a number of milliseconds/);
      }
      for (const most of [0, -1, 1.5, Number.NaN])
        assert.throws(() => epoll.wait(0, most), /maxEvents must be a positive integer/);
      const { reader, writer } = pipe();
      reader.close();
      assert.is(
        codeOf(() => epoll.add(reader, IN)),
        'ERR_GENLOOP_CLOSED',
      );
      writer.close();
      epoll.close();
      assert.is(
        codeOf(() => epoll.wait(0)),
        'ERR_GENLOOP_CLOSED',
      );
      assert.is(
        codeOf(() => epoll.add(0, IN)),
        'ERR_GENLOOP_CLOSED',
      );
    }),
  );
} else {
  notRun('no epoll on this system');
}

test('is refused by name where there is none', () => {
  inside(overriding(sys, { epollCreate: () => -constant('ENOSYS') }), () => {
    assert.throws(() => Epoll.create(), /epoll_create1 ENOSYS: this system has no such call/);
  });
});

test.run();
