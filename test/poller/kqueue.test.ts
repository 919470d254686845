/**
 * What the kqueue backend asks of the system, row by row, and what it makes of the answers. The system is a script here, so that this runs
 * where there is no kqueue, and whatever a kernel may answer can be answered.
 */

import { BACKEND_ROW, type BackendRegistration, KEVENT_ROW, NOT_ARMED, realSys, type Sys } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { KqueueBackend } from '../../src/poller/kqueue.ts';
import { KQUEUE } from '../support/kqueue-over-poll.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('the kqueue backend');

const { IN, OUT, PRI, HUP, RDHUP, ERR } = Readiness;
const QUEUE = 77;
const FOREVER = -1;
const LARGE = 1024;
const CONSTANTS = { ...realSys().constants, ...KQUEUE };
const { ENOENT, EPIPE, EBADF, EINTR, ENOTSUP, EMFILE } = CONSTANTS as unknown as Record<string, number>;
const ON = CONSTANTS.EV_ADD | CONSTANTS.EV_ENABLE | CONSTANTS.EV_RECEIPT;
const OFF = CONSTANTS.EV_DISABLE | CONSTANTS.EV_RECEIPT;
const GONE = CONSTANTS.EV_DELETE | CONSTANTS.EV_RECEIPT;

/** A kevent row, by name. */
interface Row {
  ident?: number;
  filter?: number;
  flags?: number;
  fflags?: number;
  data?: number;
  udata?: number;
}

/** One call of kevent(2), as the backend made it. */
interface Call {
  queue: number;
  changes: Row[];
  /** How many rows there is room for. */
  room: number;
  timeout: number;
}

/** A system that writes down the calls of kevent and answers with rows, or with a number below zero. */
class Script {
  readonly calls: Call[] = [];
  readonly closed: number[] = [];
  readonly sys: Sys;
  private readonly answers: (number | Row[])[];

  constructor(answers: (number | Row[])[], constants: Record<string, number | undefined> = CONSTANTS) {
    this.answers = answers;
    this.sys = overriding(realSys(), {
      constants: constants as Sys['constants'],
      kqueue: () => QUEUE,
      close: (fd) => this.closed.push(fd) - this.closed.length,
      kevent: (queue, changes, count, events, timeout) => {
        const rows = Array.from({ length: count }, (_, index) => rowAt(changes, index));
        this.calls.push({ queue, changes: rows, room: events.length / KEVENT_ROW, timeout });
        const answer = this.answers.shift() ?? 0;
        if (typeof answer === 'number') return answer;
        answer.forEach((row, index) => {
          const { ident = 0, filter = 0, flags = 0, fflags = 0, data = 0, udata = 0 } = row;
          events.set([ident, filter, flags, fflags, data, 0, udata], index * KEVENT_ROW);
        });
        return answer.length;
      },
    });
  }
}

function rowAt(rows: Int32Array, index: number): Row {
  const [ident, filter, flags, fflags, data, , udata] = rows.subarray(index * KEVENT_ROW, (index + 1) * KEVENT_ROW);
  return { ident, filter, flags, fflags, data, udata } as Row;
}

function registration(interest: number, armed: number = NOT_ARMED): BackendRegistration & { interest: number } {
  return { fd: 5, generation: 31, interest, armed };
}

function change(filter: number, flags: number, fflags = 0): Row {
  return { ident: 5, filter, flags, fflags, data: 0, udata: 31 };
}

const READ = CONSTANTS.EVFILT_READ;
const WRITE = CONSTANTS.EVFILT_WRITE;
const EXCEPT = CONSTANTS.EVFILT_EXCEPT;

test('is the queue that the system gave, also number 0, and closes it', () => {
  const script = new Script([]);
  const backend = new KqueueBackend(script.sys);
  assert.equal([backend.name, backend.fd], ['kqueue', QUEUE]);
  assert.is(backend.rows.length, LARGE * BACKEND_ROW);
  backend.close();
  assert.equal(script.closed, [QUEUE]);
  assert.is(new KqueueBackend(overriding(script.sys, { kqueue: () => 0 })).fd, 0);
});

test('a system without a descriptor for it is an error that names the call', () => {
  const { sys } = new Script([]);
  assert.throws(
    () => new KqueueBackend(overriding(sys, { kqueue: () => -(EMFILE as number) })),
    (error: { code: string; syscall: string }) => error.code === 'EMFILE' && error.syscall === 'kqueue',
  );
});

test('adds a filter for each direction of interest, with number and generation, and asks for receipts without waiting', () => {
  const script = new Script([[{}], [{}, {}, {}]]);
  const backend = new KqueueBackend(script.sys);
  const one = registration(IN);
  assert.is(backend.change(one), 0);
  assert.is(one.armed, IN);
  const all = registration(IN | OUT | PRI);
  assert.is(backend.change(all), 0);
  assert.is(all.armed, IN | OUT | PRI);
  assert.equal(script.calls, [
    { queue: QUEUE, changes: [change(READ, ON)], room: 1, timeout: 0 },
    {
      queue: QUEUE,
      changes: [change(READ, ON), change(WRITE, ON), change(EXCEPT, ON, CONSTANTS.NOTE_OOB)],
      room: 3,
      timeout: 0,
    },
  ]);
});

test('disables what is armed and not wanted any more, and leaves alone what never was', () => {
  const script = new Script([[{}, {}], [{}]]);
  const backend = new KqueueBackend(script.sys);
  const writer = registration(OUT, IN | OUT);
  assert.is(backend.change(writer), 0);
  assert.is(writer.armed, OUT);
  const nobody = registration(0, IN);
  assert.is(backend.change(nobody), 0);
  assert.is(nobody.armed, 0);
  assert.is(backend.change(registration(0)), 0);
  assert.equal(
    script.calls.map(({ changes }) => changes),
    [[change(READ, OFF), change(WRITE, ON)], [change(READ, OFF)]],
  );
});

test('removes all filters, and takes those that were never there for granted', () => {
  const script = new Script([[{}, { data: ENOENT as number }, { data: ENOENT as number }]]);
  const backend = new KqueueBackend(script.sys);
  const one = registration(IN, IN);
  assert.is(backend.remove(one), 0);
  assert.is(one.armed, NOT_ARMED);
  assert.equal(script.calls[0]?.changes, [
    change(READ, GONE),
    change(WRITE, GONE),
    change(EXCEPT, GONE, CONSTANTS.NOTE_OOB),
  ]);
});

test('what a receipt says against a filter is the result, and nothing is noted as armed; EPIPE is said of one that was added', () => {
  const said = (answer: number | Row[], armed: number = NOT_ARMED, interest: number = IN | OUT): [number, number] => {
    const one = registration(interest, armed);
    const result = new KqueueBackend(new Script([answer]).sys).change(one);
    return [result, one.armed];
  };
  assert.equal(said([{}, { data: EBADF as number }]), [-(EBADF as number), NOT_ARMED]);
  assert.equal(said([{ data: EBADF as number }, {}]), [-(EBADF as number), NOT_ARMED]);
  assert.equal(said([{ data: ENOENT as number }, {}]), [-(ENOENT as number), NOT_ARMED]);
  assert.equal(said([{ data: EPIPE as number }, { data: EPIPE as number }]), [0, IN | OUT]);
  // Of one that is switched off: not there is as good, a pipe is no excuse.
  assert.equal(said([{ data: ENOENT as number }], IN, 0), [0, 0]);
  assert.equal(said([{ data: EPIPE as number }], IN, 0), [-(EPIPE as number), IN]);
  assert.equal(said(-(EINTR as number)), [-(EINTR as number), NOT_ARMED]);
});

test('a system without a filter for urgent data says ENOTSUP to who waits for it, and only then', () => {
  const constants = { ...CONSTANTS, EVFILT_EXCEPT: undefined, NOTE_OOB: undefined };
  const script = new Script([[{}, {}], [{}]], constants);
  const backend = new KqueueBackend(script.sys);
  assert.is(backend.change(registration(IN | PRI)), -(ENOTSUP as number));
  assert.equal(script.calls, []);
  assert.is(backend.change(registration(IN | OUT)), 0);
  const one = registration(IN, IN);
  assert.is(backend.remove(one), 0);
  assert.is(script.calls[1]?.changes.length, 2);
});

test('events come up as number, generation and flags; how a direction has ended, or failed, is told', () => {
  const { EV_EOF, EV_ERROR, EVFILT_TIMER } = CONSTANTS;
  const events = [
    [{ filter: READ }, IN],
    [{ filter: WRITE }, OUT],
    [{ filter: EXCEPT }, PRI],
    [{ filter: READ, flags: EV_EOF }, IN | RDHUP],
    [{ filter: EXCEPT, flags: EV_EOF }, PRI | RDHUP],
    [{ filter: WRITE, flags: EV_EOF }, OUT | HUP],
    [{ filter: READ, flags: EV_EOF, fflags: 104 }, IN | RDHUP | ERR],
    // Without an end those are no error.
    [{ filter: READ, fflags: 104 }, IN],
    [{ filter: READ, flags: EV_ERROR }, IN | ERR],
    // One that nobody asked for.
    [{ filter: -99 }, 0],
  ] as const;
  const rows: Row[] = events.map(([event], index) => ({ ident: 100 + index, udata: 200 + index, data: 7, ...event }));
  // The alarm is none of them.
  rows.splice(3, 0, { ident: 1, filter: EVFILT_TIMER, udata: 9 });
  const script = new Script([rows, -(EINTR as number), 0]);
  const backend = new KqueueBackend(script.sys);
  assert.is(backend.wait(1.5), events.length);
  events.forEach(([, flags], index) => {
    const row = [...backend.rows.subarray(index * BACKEND_ROW, (index + 1) * BACKEND_ROW)];
    assert.equal(row, [100 + index, 200 + index, flags], `event ${index}`);
  });
  assert.is(backend.wait(FOREVER), -(EINTR as number));
  assert.is(backend.wait(0), 0);
  assert.equal(
    script.calls,
    [1.5, FOREVER, 0].map((timeout) => ({ queue: QUEUE, changes: [], room: LARGE, timeout })),
  );
});

test('an alarm is a timer that rings once, rounded up; none takes it away, also if there was none', () => {
  const { EVFILT_TIMER, EV_ADD, EV_ONESHOT, EV_DELETE } = CONSTANTS;
  const script = new Script([[{}], 0, 0, 0, -(ENOENT as number), -(EBADF as number)]);
  const backend = new KqueueBackend(script.sys);
  // What a change has left behind does not get into it.
  backend.change(registration(PRI));
  assert.is(backend.alarm(2.1), 0);
  assert.is(backend.alarm(0), 0);
  assert.is(backend.alarm(Number.POSITIVE_INFINITY), 0);
  assert.is(backend.alarm(Number.POSITIVE_INFINITY), 0);
  assert.is(backend.alarm(5), -(EBADF as number));
  const row = (flags: number, data: number): Call => ({
    queue: QUEUE,
    changes: [{ ident: 0, filter: EVFILT_TIMER, flags, fflags: 0, data, udata: 0 }],
    room: 0,
    timeout: 0,
  });
  assert.equal(script.calls.slice(1), [
    row(EV_ADD | EV_ONESHOT, 3),
    row(EV_ADD | EV_ONESHOT, 0),
    row(EV_DELETE, 0),
    row(EV_DELETE, 0),
    row(EV_ADD | EV_ONESHOT, 5),
  ]);
});

test.run();
