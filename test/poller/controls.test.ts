/**
 * Which control calls the poller makes, one by one, and its words: over a backend that is a script. That what they ask for is also what
 * a kernel needs is shown over the real ones, in the other files.
 */

import {
  BACKEND_ROW,
  type Backend,
  type BackendRegistration,
  ClosedError,
  Descriptor,
  NOT_ARMED,
  realSys,
  type Sys,
} from 'genloop/os';
import { BusyError, Poller, Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { Alarm } from '../../src/poller/alarm.ts';
import { ClosedBackend } from '../../src/poller/closed.ts';
import { Recorder } from '../support/backends.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('control calls');

const { IN, OUT, PRI, HUP } = Readiness;
const NUMBER = 5;
const ROOM = 8;
const NEVER = Number.POSITIVE_INFINITY;
/** The longest that a backend is asked for. */
const LONGEST = 2 ** 31 - 1;
const { EBADF, EMFILE } = realSys().constants as Record<string, number>;

/** A backend that writes down what it is asked, and has what the test lays out for the next wait. */
class Scripted implements Backend {
  readonly name = 'epoll' as const;
  readonly fd: number = -1;
  readonly rows: Int32Array = new Int32Array(ROOM * BACKEND_ROW);
  readonly log: string[] = [];
  private readonly events: [number, number, number][] = [];

  change(registration: BackendRegistration): number {
    const known = registration.armed === NOT_ARMED ? 'add' : 'change';
    this.log.push(`${known} ${registration.fd} to ${registration.interest}`);
    registration.armed = registration.interest;
    return 0;
  }

  remove(registration: BackendRegistration): number {
    this.log.push(`remove ${registration.fd}`);
    registration.armed = NOT_ARMED;
    return 0;
  }

  wait(): number {
    const events = this.events.splice(0);
    this.rows.set(events.flat());
    return events.length;
  }

  close(): void {
    this.log.push('close');
  }

  /** The next wait has an event for this registration. */
  report({ fd, generation }: BackendRegistration, flags: number): void {
    this.events.push([fd, generation, flags]);
  }
}

/** A poller over such a backend. */
function scripted(): { poller: Poller; backend: Scripted; sys: Sys; asked: () => string[] } {
  const backend = new Scripted();
  const sys = overriding(realSys(), { backend: () => backend, close: () => 0 });
  return { poller: new Poller(sys, 'epoll'), backend, sys, asked: () => backend.log.splice(0) };
}

function messageOf(type: new (message: string) => Error, act: () => void): string {
  try {
    act();
  } catch (error) {
    assert.instance(error, type);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

test('a direction stays armed after its wake, also when another is added, so waiting again costs no call', () => {
  const { poller, backend, sys, asked } = scripted();
  const descriptor = new Descriptor(sys, NUMBER);
  const reader = new Recorder();
  const registration = poller.park(descriptor, IN, reader);
  assert.equal(asked(), [`add 5 to ${IN}`]);
  backend.report(registration, IN);
  assert.is(poller.wait(0), 1);
  assert.equal(reader.flags, [IN]);
  poller.park(descriptor, OUT, new Recorder());
  assert.equal(asked(), [`change 5 to ${IN | OUT}`]);
  poller.park(descriptor, IN, new Recorder());
  assert.equal(asked(), []);
  assert.equal([poller.counters.controls, poller.counters.spurious], [2, 0]);
  poller.close();
});

test('what nobody waits for leaves the set when asked, and the next who waits brings it back', () => {
  const { poller, backend, sys, asked } = scripted();
  const descriptor = new Descriptor(sys, NUMBER);
  const [reader, writer] = [new Recorder(), new Recorder()];
  const registration = poller.park(descriptor, IN, reader);
  poller.park(descriptor, OUT, writer);
  assert.is(poller.withdraw(registration), false, 'two wait');
  backend.report(registration, IN);
  poller.wait(0);
  assert.is(poller.withdraw(registration), false, 'one waits');
  backend.report(registration, OUT);
  poller.wait(0);
  assert.equal(asked(), [`add 5 to ${IN}`, `change 5 to ${IN | OUT}`]);
  assert.is(poller.withdraw(registration), true);
  assert.is(poller.withdraw(registration), true, 'it is out already');
  assert.equal(asked(), ['remove 5']);
  assert.is(poller.park(descriptor, IN, reader), registration);
  assert.equal(asked(), [`add 5 to ${IN}`]);
  assert.equal([poller.counters.controls, poller.counters.spurious], [4, 0]);
  assert.equal([reader.told, writer.told], [1, 1]);
  poller.close();
});

test('what cannot leave the set, as it was closed behind our back, is taken for a member still', () => {
  const { poller, backend, sys, asked } = scripted();
  const registration = poller.park(new Descriptor(sys, NUMBER), IN, new Recorder());
  backend.report(registration, IN);
  poller.wait(0);
  backend.remove = (given) => {
    given.armed = NOT_ARMED;
    return -(EBADF as number);
  };
  assert.is(poller.withdraw(registration), true);
  assert.is(registration.armed, IN);
  asked();
  // So the events of a duplicate that lives on are answered as ever.
  backend.report(registration, IN);
  poller.wait(0);
  assert.equal(asked(), ['change 5 to 0']);
  poller.close();
});

test('an event that finds nobody disarms its own direction, and one that nothing asked for is counted and not answered', () => {
  const { poller, backend, sys, asked } = scripted();
  const descriptor = new Descriptor(sys, NUMBER);
  const registration = poller.park(descriptor, IN, new Recorder());
  poller.park(descriptor, OUT, new Recorder());
  poller.park(descriptor, PRI, new Recorder());
  for (const [flags, left] of [
    [IN, IN | OUT | PRI],
    [IN, OUT | PRI],
    [PRI, OUT | PRI],
    [OUT, OUT | PRI],
    [OUT, PRI],
    [PRI, 0],
  ] as const) {
    asked();
    backend.report(registration, flags);
    poller.wait(0);
    assert.is(registration.armed, left);
  }
  assert.equal(asked(), ['change 5 to 0']);
  assert.is(poller.counters.spurious, 3);
  backend.report(registration, HUP);
  poller.wait(0);
  assert.equal(asked(), []);
  assert.is(poller.counters.spurious, 4);
  poller.close();
});

test('a bare number is asked for anew each time, under another generation, and let go with its last waiter', () => {
  const { poller, backend, asked } = scripted();
  const reader = new Recorder();
  const writer = new Recorder();
  const first = poller.park(NUMBER, IN, reader);
  assert.is(poller.park(NUMBER, OUT, writer), first);
  assert.equal(asked(), [`add 5 to ${IN}`, `change 5 to ${IN | OUT}`]);
  backend.report(first, IN);
  poller.wait(0);
  assert.equal(asked(), [`change 5 to ${OUT}`]);
  assert.ok(poller.unpark(first, OUT, writer));
  assert.equal(asked(), ['remove 5']);
  const second = poller.park(NUMBER, IN, reader);
  assert.is.not(second, first);
  assert.is(second.generation, first.generation - 1);
  assert.ok(second.generation < 0, 'generations of descriptors count up from 0');
  backend.report(first, IN);
  poller.wait(0);
  assert.equal([reader.flags.length, poller.counters.stale], [1, 1]);
  poller.close();
});

test('a bare number that gets an owner is told to the kernel again, and whoever waits goes on waiting', () => {
  const { poller, backend, sys, asked } = scripted();
  const reader = new Recorder();
  const registration = poller.park(NUMBER, IN, reader);
  const descriptor = new Descriptor(sys, NUMBER);
  assert.is(poller.park(descriptor, OUT, new Recorder()), registration);
  assert.equal(asked(), [`add 5 to ${IN}`, `change 5 to ${IN}`, `change 5 to ${IN | OUT}`]);
  assert.is(registration.generation, descriptor.generation);
  backend.report(registration, IN);
  poller.wait(0);
  assert.equal(reader.flags, [IN]);
  poller.close();
});

test('who is refused is told who waits already, who watches, and that the poller is closed', () => {
  const { poller, sys } = scripted();
  const verbs = { [IN]: 'reads', [OUT]: 'writes', [PRI]: 'waits for urgent data' };
  const descriptor = new Descriptor(sys, NUMBER + 1);
  const waiting = new Recorder();
  for (const direction of [IN, OUT, PRI] as const) {
    for (const [target, name] of [
      [NUMBER, `descriptor ${NUMBER}`],
      [descriptor, String(descriptor)],
    ] as const) {
      poller.park(target, direction, waiting);
      const message = messageOf(BusyError, () => poller.park(target, direction, new Recorder()));
      assert.is(message, `another task already ${verbs[direction]} on ${name}; one waiter for each direction`);
    }
  }
  const other = scripted().poller;
  assert.is(
    messageOf(BusyError, () => other.park(descriptor, IN, new Recorder())),
    `${descriptor} is watched by a poller; a descriptor belongs to one at a time`,
  );
  other.close();
  poller.close();
  assert.equal(
    waiting.errors.map((error) => (error as Error).message),
    Array(6).fill('the scheduler that waited for this descriptor has ended'),
  );
  for (const act of [
    () => poller.wait(0),
    () => poller.park(NUMBER, IN, waiting),
    () => poller.park(descriptor, IN, waiting),
  ]) {
    assert.is(messageOf(ClosedError, act), 'this poller has been closed');
  }
});

test('a closed poller keeps the name of its backend, and refuses everything', () => {
  const closed = new ClosedBackend(realSys(), 'select');
  assert.equal([closed.name, closed.fd, closed.rows.length], ['select', -1, 0]);
  assert.equal([closed.change(), closed.remove(), closed.wait()], Array(3).fill(-(EBADF as number)));
  closed.close();
});

/** An alarm over a backend that has one of its own, at a time that the test sets. */
function alarmed(answer: () => number = () => 0): {
  alarm: Alarm;
  backend: Backend;
  asked: () => number[];
  at: (ms: number) => void;
} {
  let now = 0;
  const log: number[] = [];
  const backend: Backend = Object.assign(new Scripted(), {
    alarm(delay: number): number {
      log.push(delay);
      return answer();
    },
  });
  const sys = overriding(realSys(), { now: () => now });
  const alarm = new Alarm(sys, () => {
    throw new Error('no timer is needed');
  });
  const at = (ms: number): void => {
    now = ms;
  };
  return { alarm, backend, asked: () => log.splice(0), at };
}

test('an alarm is moved to an earlier time only, and set again once its time has come', () => {
  const { alarm, backend, asked, at } = alarmed();
  alarm.set(backend, NEVER);
  assert.equal(asked(), []);
  alarm.set(backend, 100);
  alarm.set(backend, 100);
  alarm.set(backend, 200);
  alarm.set(backend, NEVER);
  assert.equal(asked(), [100]);
  at(10);
  alarm.set(backend, 50);
  assert.equal(asked(), [40]);
  at(49);
  alarm.set(backend, 80);
  assert.equal(asked(), []);
  at(50);
  alarm.set(backend, 80);
  assert.equal(asked(), [30]);
  at(90);
  alarm.set(backend, NEVER);
  alarm.set(backend, NEVER);
  assert.equal(asked(), [NEVER]);
  alarm.set(backend, 70);
  assert.equal(asked(), [0]);
});

test('an alarm that is too far away is asked for in parts', () => {
  const { alarm, backend, asked, at } = alarmed();
  const far = LONGEST + 1000;
  alarm.set(backend, far);
  assert.equal(asked(), [LONGEST]);
  at(LONGEST - 1);
  alarm.set(backend, far);
  assert.equal(asked(), []);
  at(LONGEST);
  alarm.set(backend, far);
  assert.equal(asked(), [1000]);
});

test('a new kernel set is told of the alarm that is set, with what is left of it, and of none if there is none', () => {
  const { alarm, backend, asked, at } = alarmed();
  alarm.moved(backend);
  assert.equal(asked(), []);
  alarm.set(backend, 100);
  at(30);
  alarm.moved(backend);
  assert.equal(asked(), [100, 70]);
  alarm.close();
  alarm.moved(backend);
  assert.equal(asked(), []);
  // A set without an alarm has a timer among its descriptors, which moves with them.
  alarm.moved(new Scripted());
});

test('an alarm that the kernel refuses is not taken to be set', () => {
  let result = -(EMFILE as number);
  const { alarm, backend, asked } = alarmed(() => result);
  assert.throws(
    () => alarm.set(backend, 100),
    (error: { code: string }) => error.code === 'EMFILE',
  );
  result = 0;
  alarm.set(backend, 100);
  assert.equal(asked(), [100, 100]);
});

test.run();
