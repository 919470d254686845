/** One run of a program, from the first descriptor to the last, with a witness. */

import { InternalError } from 'genloop/kernel';
import { enterSys, POLL_ROW } from 'genloop/os';
import { Scheduler } from 'genloop/scheduler';
import { type ErrorFault, SimulatedSystem } from 'genloop/testing';
import { Actor } from './actor.ts';
import { readToTheEnds } from './epilogue.ts';
import { breakOff, isStuck, kernelOf, round, settle, silence } from './inside.ts';
import type { Program, Room } from './program.ts';
import { readyTest, Stage } from './stage.ts';
import { type States, stateOf } from './states.ts';
import { type Violation, Witness } from './witness.ts';

const FOREVER = -1;
/** Far more than any program needs. */
const MOST_ROUNDS = 3000;
/** Rounds in a row in which nothing runs and no time passes. */
const MOST_IDLE = 60;
/** What such a round takes, as a processor would be busy meanwhile. */
const IDLE_MS = 25;
/** What sockets keep, in bytes: the first is soon full. */
const ROOM: Record<Room, { sendBuffer: number; receiveBuffer: number }> = {
  small: { sendBuffer: 1000, receiveBuffer: 3000 },
  large: { sendBuffer: 16_384, receiveBuffer: 20_000 },
  huge: { sendBuffer: 600_000, receiveBuffer: 600_000 },
};
/** How many packets take time, where any does. */
const DELAYED = 0.5;

/** What came of a run. */
export interface Outcome {
  readonly violation: Violation | null;
  readonly steps: number;
  /** How many writes went together, at most. */
  readonly together: number;
}

/** Runs a program; the states that it goes through are counted, if there is somebody who counts. */
export function runProgram(program: Program, states: States | null = null): Outcome {
  const system = new SimulatedSystem({
    seed: program.seed >>> 0,
    ...ROOM[program.room ?? 'small'],
    faults: {
      ...(program.delay > 0 ? { delay: { probability: DELAYED, most: program.delay } } : {}),
      spurious: program.spurious,
      shortReads: program.short,
      shortWrites: program.short,
      errors: program.errors === 0 ? [] : errors(program.errors),
    },
  });
  const scheduler = new Scheduler({
    sys: system,
    backend: program.backend,
    receive: program.receive ?? 'task',
    send: program.send ?? 'task',
    asyncContext: false,
    onError: program.fragile ? 'cancel' : () => {},
    ...(program.shuffled ? { seed: program.seed } : {}),
  });
  silence(kernelOf(scheduler));
  const witness = new Witness(scheduler, {
    shuffled: program.shuffled,
    isReady: readyTest(system, program.backend),
    trusting: program.spurious > 0,
    embedded: program.drive === 'turn',
  });
  const run = new Run(program, { system, scheduler, witness });
  if (states !== null) witness.onStep = () => states.add(stateOf(scheduler, witness));
  try {
    run.toTheEnd();
  } catch (error) {
    witness.violate('no internal error', error instanceof InternalError ? `${error.cause}` : `${error}`);
  }
  return { violation: witness.violation, steps: run.steps, together: run.together };
}

function errors(probability: number): ErrorFault[] {
  return [
    { call: 'recv', code: 'ECONNRESET', probability },
    { call: 'read', code: 'EIO', probability },
    { call: 'send', code: 'EPIPE', probability },
    { call: 'write', code: 'EIO', probability },
    { call: 'dup', code: 'EMFILE', probability },
    { call: 'close', code: 'EIO', probability },
    { call: 'epollCtl', code: 'ENOMEM', probability },
  ];
}

/** What a function throws: none, or one. */
function thrownBy(act: () => void): unknown[] {
  try {
    act();
    return [];
  } catch (error) {
    return [error];
  }
}

/** A loop of somebody else's: it watches the scheduler's descriptor, and takes a turn when that is readable. */
class Embedding {
  /** What came out of the last turn. */
  thrown: readonly unknown[] = [];
  private readonly run: Run;
  private readonly rows = new Int32Array(POLL_ROW);

  constructor(run: Run) {
    this.run = run;
    const { system, witness } = run;
    const { epollWait } = system;
    system.epollWait = (...given) => {
      witness.asking();
      return epollWait(...given);
    };
  }

  round(): void {
    const { run, rows } = this;
    const { scheduler, system, witness } = run;
    rows[0] = scheduler.fd;
    rows[1] = system.constants.POLLIN as number;
    const before = system.now();
    system.poll(rows, 1, FOREVER);
    if (run.hangs) return;
    witness.slept(before);
    witness.beforeRound();
    const stepsBefore = witness.steps;
    this.thrown = thrownBy(() => scheduler.turn());
    const [error] = this.thrown;
    if (error instanceof InternalError) throw error;
    witness.afterRound(witness.steps - stepsBefore);
  }
}

interface Parts {
  readonly system: SimulatedSystem;
  readonly scheduler: Scheduler;
  readonly witness: Witness;
}

class Run {
  readonly system: SimulatedSystem;
  readonly scheduler: Scheduler;
  readonly witness: Witness;
  /** A wait would not have ended. */
  hangs = false;
  private readonly program: Program;
  private readonly stage: Stage;
  private readonly actor: Actor;
  /** What ended a run that could not end by itself. */
  private readonly end = new Error('nothing more can happen');
  private broken = false;
  /** How many writes went together, at most. */
  together = 0;

  constructor(program: Program, { system, scheduler, witness }: Parts) {
    this.program = program;
    this.system = system;
    this.scheduler = scheduler;
    this.witness = witness;
    const before = enterSys(system);
    try {
      this.stage = new Stage(program, system, witness);
    } finally {
      enterSys(before);
    }
    this.actor = new Actor(scheduler, system, this.stage, witness);
    const { sendEach } = system;
    system.sendEach = (rows, count, bytes) => {
      this.together = Math.max(this.together, count);
      return sendEach.call(system, rows, count, bytes);
    };
  }

  toTheEnd(): void {
    const { program, scheduler, system, witness } = this;
    program.tasks.forEach((body, number) => {
      this.actor.spawn(number, body);
    });
    system.onHang = () => {
      this.hangs = true;
    };
    const drive = program.drive === 'turn' ? new Embedding(this) : null;
    let idle = 0;
    for (; scheduler.size > 0 && witness.violation === null; this.hangs = false) {
      if (witness.rounds === MOST_ROUNDS) witness.violate('it ends', `it is still busy after ${MOST_ROUNDS} rounds`);
      const before = system.now();
      const stepsBefore = witness.steps;
      if (drive === null) this.round();
      else drive.round();
      if (this.hangs) this.breakOff();
      else if (witness.steps === stepsBefore && kernelOf(scheduler).ready === 0 && system.now() === before) {
        if (++idle > MOST_IDLE) witness.violate('no spinning', `${idle} waits in a row ended at once, and woke nobody`);
        system.advance(IDLE_MS);
      } else idle = 0;
    }
    system.onHang = null;
    if (witness.violation === null) this.finish(drive?.thrown ?? null);
  }

  get steps(): number {
    return this.witness.steps;
  }

  /** A round that waits by itself. */
  private round(): void {
    const { scheduler, witness } = this;
    if (isStuck(scheduler)) this.breakOff();
    witness.beforeRound();
    const steps = round(scheduler, FOREVER);
    if (!this.hangs) witness.afterRound(steps);
  }

  /** Nothing will happen by itself: who waits must have a reason, and then all are cancelled. */
  private breakOff(): void {
    const { scheduler, witness } = this;
    witness.quiescent();
    if (witness.violation !== null) return;
    if (this.broken) witness.violate('it ends', `${scheduler.size} tasks were cancelled, and do not end`);
    this.broken = true;
    breakOff(scheduler, this.end);
  }

  /** `told`: what the last turn threw, if it was a turn. */
  private finish(told: readonly unknown[] | null): void {
    const { scheduler, system, witness } = this;
    witness.finish();
    this.checkThrown(told ?? thrownBy(() => settle(scheduler)));
    if (witness.violation === null) readToTheEnds(this.stage.streams, system, this.program, witness);
    this.stage.clear();
    const { descriptors } = system;
    if (descriptors.length > 0) {
      const list = descriptors.map(({ fd, kind, call }) => `${kind} ${fd} of ${call}`).join(', ');
      witness.violate('descriptors back', `still open: ${list}`);
    }
  }

  private checkThrown(thrown: readonly unknown[]): void {
    const { failures } = this.actor;
    const [error] = thrown;
    const [expected] = this.program.fragile && failures.length > 0 ? failures : this.broken ? [this.end] : [];
    if (error === expected) return;
    // It had been broken off before the first failure.
    if (this.broken && error === this.end) return;
    this.witness.violate('first failure', `the run threw ${String(error)}, and not ${String(expected)}`);
  }
}
