/** What the epoll backend asks of the system, call by call, and what it makes of the answers. The system is a script. */

import { BACKEND_ROW, type BackendRegistration, NOT_ARMED, realSys, type Sys } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { EpollBackend, EVENTS_PER_WAIT } from '../../src/poller/epoll.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('the epoll backend');

const { IN, OUT, PRI, RDHUP } = Readiness;
const SET = 77;
/** Linux's. */
const CONSTANTS = {
  ...realSys().constants,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  EPOLLONESHOT: 1 << 30,
};
const { ENOENT, EEXIST, EBADF, EPERM, EINTR, EMFILE } = CONSTANTS as unknown as Record<string, number>;
const ADD = CONSTANTS.EPOLL_CTL_ADD;
const REMOVE = CONSTANTS.EPOLL_CTL_DEL;
const MODIFY = CONSTANTS.EPOLL_CTL_MOD;

/** A call of epoll_ctl(2): set, what, number, events, and the datum's two halves. */
type Control = [number, number, number, number, number, number];

/** A system that writes down the calls of epoll_ctl, and answers them as it is told. */
function scripted(...answers: number[]): { sys: Sys; calls: Control[]; closed: number[] } {
  const calls: Control[] = [];
  const closed: number[] = [];
  const sys = overriding(realSys(), {
    constants: CONSTANTS,
    epollCreate: () => SET,
    epollCtl: (...call) => {
      calls.push(call as Control);
      return answers.shift() ?? 0;
    },
    close: (fd) => closed.push(fd) - closed.length,
  });
  return { sys, calls, closed };
}

function registration(interest: number, armed: number = NOT_ARMED): BackendRegistration {
  return { fd: 5, generation: 31, interest, armed };
}

test('is the set that the system gave, also number 0, and closes it', () => {
  const { sys, closed } = scripted();
  const backend = new EpollBackend(sys);
  assert.equal([backend.name, backend.fd], ['epoll', SET]);
  assert.is(backend.rows.length, EVENTS_PER_WAIT * BACKEND_ROW);
  backend.close();
  assert.equal(closed, [SET]);
  assert.is(new EpollBackend(overriding(sys, { epollCreate: () => 0 })).fd, 0);
});

test('a system without a descriptor for it is an error that names the call', () => {
  const { sys } = scripted();
  assert.throws(
    () => new EpollBackend(overriding(sys, { epollCreate: () => -(EMFILE as number) })),
    (error: { code: string; syscall: string }) => error.code === 'EMFILE' && error.syscall === 'epoll_create1',
  );
});

test('adds what is new, modifies what is known, and writes "nothing" as a bare one-shot; the peer s half-close comes with IN', () => {
  const { sys, calls } = scripted();
  const backend = new EpollBackend(sys);
  const cases = [
    [IN, NOT_ARMED, ADD, IN | RDHUP],
    [OUT, NOT_ARMED, ADD, OUT],
    [IN | OUT, OUT, MODIFY, IN | OUT | RDHUP],
    [PRI, 0, MODIFY, PRI],
    [0, IN, MODIFY, CONSTANTS.EPOLLONESHOT],
    [0, NOT_ARMED, ADD, CONSTANTS.EPOLLONESHOT],
  ] as const;
  for (const [interest, armed] of cases) {
    const one = registration(interest, armed);
    assert.is(backend.change(one), 0);
    assert.is(one.armed, interest);
  }
  assert.equal(
    calls,
    cases.map(([, , what, events]) => [SET, what, 5, events, 5, 31]),
  );
});

test('an entry that is there already is modified, and one that is gone is added, if anything is wanted of it', () => {
  const gone = -(ENOENT as number);
  const there = -(EEXIST as number);
  for (const [interest, armed, answers, asked] of [
    [OUT, NOT_ARMED, [there, 0], [ADD, MODIFY]],
    [OUT, NOT_ARMED, [there, gone], [ADD, MODIFY]],
    [OUT, IN, [gone, 0], [MODIFY, ADD]],
    [OUT, 0, [gone, -(EPERM as number)], [MODIFY, ADD]],
    [0, IN, [gone], [MODIFY]],
    [OUT, NOT_ARMED, [gone], [ADD]],
    [OUT, IN, [-(EBADF as number)], [MODIFY]],
  ] as const) {
    const { sys, calls } = scripted(...answers);
    const one = registration(interest, armed);
    const result = new EpollBackend(sys).change(one);
    assert.is(result, answers.at(-1));
    assert.is(one.armed, result === 0 ? interest : armed);
    assert.equal(
      calls,
      asked.map((what) => [SET, what, 5, interest === 0 ? CONSTANTS.EPOLLONESHOT : OUT, 5, 31]),
    );
  }
});

test('removes by number, and says what the system says', () => {
  const { sys, calls } = scripted(0, -(EBADF as number));
  const backend = new EpollBackend(sys);
  for (const expected of [0, -(EBADF as number)]) {
    const one = registration(IN, IN);
    assert.is(backend.remove(one), expected);
    assert.is(one.armed, NOT_ARMED);
  }
  assert.equal(calls, [
    [SET, REMOVE, 5, 0, 0, 0],
    [SET, REMOVE, 5, 0, 0, 0],
  ]);
});

test('events come up as number, generation and flags, and no others are touched', () => {
  const asked: unknown[] = [];
  const sys = overriding(scripted().sys, {
    epollWait: (set, rows, timeout) => {
      asked.push([set, timeout]);
      rows.set([IN, 5, 31, OUT, 6, 32, 1, 2, 3]);
      return 2;
    },
  });
  const backend = new EpollBackend(sys);
  assert.is(backend.wait(1.5), 2);
  assert.equal([...backend.rows.subarray(0, 3 * BACKEND_ROW)], [5, 31, IN, 6, 32, OUT, 1, 2, 3]);
  assert.equal(asked, [[SET, 1.5]]);
  const interrupted = new EpollBackend(overriding(sys, { epollWait: () => -(EINTR as number) }));
  assert.is(interrupted.wait(0), -(EINTR as number));
});

test.run();
