/** epoll in the simulated system and in the real one: the rows of the kernel facts that concern the set itself. */

import { type Descriptor, Epoll, open, pipe, Socket } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { onNumber } from '../../support/backends.ts';
import { type Opened, pairOf, pipeEnds } from '../../support/situations.ts';
import { suite } from '../../support/suite.ts';
import { constant, inside } from '../../support/systems.ts';
import { onBoth, said } from './both.ts';

const test = suite('simulation: epoll');
const { IN, OUT, HUP } = Readiness;
const ONESHOT = constant('EPOLLONESHOT');

function set(opened: Opened): Epoll {
  return opened.keep(Epoll.create());
}

/** What a look finds: `[events, datum]`. */
function look(epoll: Epoll): [number, number][] {
  return epoll.wait(0).map(({ events, data }) => [events, data]);
}

/** Closes the number alone, as foreign code does; the object forgets it. */
function closeNumber(descriptor: Descriptor): void {
  descriptor.sys.close(descriptor.fd);
  descriptor.detach();
}

onBoth(
  test,
  'what cannot be added, changed or removed has its errno',
  (opened) => {
    const [epoll, other] = [set(opened), set(opened)];
    const [socket] = pairOf(opened);
    const nothing = opened.keep(open('/dev/null'));
    const closed = socket.dup();
    const { fd } = closed;
    closed.close();
    epoll.add(socket, IN);
    epoll.add(other, IN);
    return [
      said(() => epoll.add(socket, OUT)),
      said(() => epoll.modify(nothing, IN)),
      said(() => epoll.add(nothing, IN)),
      said(() => epoll.add(epoll, IN)),
      said(() => other.add(epoll, IN)),
      said(() => epoll.add(fd, IN)),
      said(() => other.modify(socket, IN)),
      said(() => other.remove(socket)),
      said(() => epoll.sys.epollCtl(epoll.fd, 77, socket.fd, IN, 0, 0)),
      said(() => epoll.sys.epollCtl(socket.fd, constant('EPOLL_CTL_ADD'), other.fd, IN, 0, 0)),
      said(() => epoll.sys.epollWait(socket.fd, new Int32Array(3), 0)),
      said(() => epoll.sys.epollWait(epoll.fd, new Int32Array(2), 0)),
    ];
  },
  ['EEXIST', 'EPERM', 'EPERM', 'EINVAL', 'ELOOP', 'EBADF', 'ENOENT', 'ENOENT', -22, -22, -22, -22],
);

onBoth(
  test,
  'one shot is fired once, for both directions, and not even a hang-up comes after it; a change arms it again',
  (opened) => {
    const epoll = set(opened);
    const [one, other] = Socket.pair();
    opened.keep(one);
    epoll.add(one, IN | OUT | ONESHOT, 1);
    const first = look(epoll);
    other.send('x');
    other.close();
    const silent = look(epoll);
    epoll.modify(one, OUT | ONESHOT, 2);
    return [first, silent, look(epoll), look(epoll)];
  },
  [[[OUT, 1]], [], [[OUT | HUP, 2]], []],
);

onBoth(
  test,
  'what is removed, or asks for nothing, is silent; what asks for nothing still hears a hang-up',
  (opened) => {
    const epoll = set(opened);
    const { reader, writer } = pipe();
    opened.keep(reader);
    epoll.add(reader, IN, 1);
    writer.write('x');
    const heard = look(epoll);
    epoll.modify(reader, 0, 2);
    const nothing = look(epoll);
    writer.close();
    const end = look(epoll);
    epoll.remove(reader);
    return [heard, nothing, end, look(epoll)];
  },
  [[[IN, 1]], [], [[HUP, 2]], []],
);

onBoth(
  test,
  'a closed number goes on being reported while a dup lives, cannot be removed, and ends with the dup',
  (opened) => {
    const epoll = set(opened);
    const { reader, writer } = pipeEnds(opened);
    writer.write('x');
    const copy = opened.keep(reader.dup());
    epoll.add(reader, IN, 1);
    const { fd } = reader;
    closeNumber(reader);
    const ghost = look(epoll);
    const removed = said(() => epoll.remove(fd));
    const next = onNumber(fd, () => opened.keep(Socket.unix()));
    const unknown = [said(() => epoll.modify(next, OUT, 2)), said(() => epoll.add(next, OUT, 2))];
    const both = look(epoll).sort(([, one], [, other]) => one - other);
    copy.close();
    return [ghost, removed, unknown, both, look(epoll)];
  },
  [
    [[IN, 1]],
    'EBADF',
    ['ENOENT', undefined],
    [
      [IN, 1],
      [OUT | HUP, 2],
    ],
    [[OUT | HUP, 2]],
  ],
);

onBoth(
  test,
  'the same file brought back onto its number is there already, and can be changed; one shot ends a ghost',
  (opened) => {
    const epoll = set(opened);
    const { reader, writer } = pipeEnds(opened);
    writer.write('x');
    const copy = opened.keep(reader.dup());
    epoll.add(reader, IN | ONESHOT, 1);
    const { fd } = reader;
    closeNumber(reader);
    const ghost = [look(epoll), look(epoll)];
    const again = onNumber(fd, () => opened.keep(copy.dup()));
    return [ghost, said(() => epoll.add(again, IN, 2)), said(() => epoll.modify(again, IN, 3)), look(epoll)];
  },
  [[[[IN, 1]], []], 'EEXIST', undefined, [[IN, 3]]],
);

onBoth(
  test,
  'the last number closed takes the entry with it, without a word; the set itself may be closed first',
  (opened) => {
    const [epoll, gone] = [set(opened), Epoll.create()];
    const { reader, writer } = pipeEnds(opened);
    writer.write('x');
    epoll.add(reader, IN);
    gone.add(reader, IN);
    gone.close();
    const before = look(epoll).length;
    reader.close();
    return [before, look(epoll)];
  },
  [1, []],
);

onBoth(
  test,
  'a set is ready while something in it is, in a set of sets as well, but five deep is the end',
  (opened) => {
    const sets = Array.from({ length: 6 }, () => set(opened));
    const { reader, writer } = pipeEnds(opened);
    (sets[0] as Epoll).add(reader, IN, 7);
    const results = sets.slice(1).map((outer, n) => said(() => outer.add(sets[n] as Epoll, IN, n)));
    const silent = look(sets[3] as Epoll);
    writer.write('x');
    const ready = look(sets[3] as Epoll);
    reader.read();
    return [results, silent, ready, look(sets[3] as Epoll)];
  },
  [[undefined, undefined, undefined, undefined, 'ELOOP'], [], [[IN, 2]], []],
);

onBoth(
  test,
  'if not all fit, each has its turn',
  (opened) => {
    const epoll = set(opened);
    for (let n = 0; n < 7; n++) {
      const [one] = pairOf(opened);
      epoll.add(one, OUT, n);
    }
    const rounds = Array.from({ length: 7 }, () => epoll.wait(0, 3).map(({ data }) => data));
    return Array.from({ length: 7 }, (_, n) => rounds.flat().filter((each) => each === n).length);
  },
  [3, 3, 3, 3, 3, 3, 3],
);

test('edges and exclusive wake-ups are not simulated, and refused', () => {
  inside(new SimulatedSystem(), () => {
    const epoll = Epoll.create();
    const socket = Socket.unix();
    assert.is(
      said(() => epoll.add(socket, IN | constant('EPOLLET'))),
      'EINVAL',
    );
    assert.is(
      said(() => epoll.add(socket, IN | constant('EPOLLEXCLUSIVE'))),
      'EINVAL',
    );
    assert.equal(look(epoll), []);
  });
});

test.run();
