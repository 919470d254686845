/** One run of a program, from the first descriptor to the last, with a witness. */

import { InternalError } from 'genloop/kernel';
import { enterSys } from 'genloop/os';
import { Scheduler } from 'genloop/scheduler';
import { type ErrorFault, SimulatedSystem } from 'genloop/testing';
import { Actor } from './actor.ts';
import { breakOff, isStuck, kernelOf, round, settle, silence } from './inside.ts';
import type { Program } from './program.ts';
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
/** Soon full. */
const SEND_BUFFER = 1000;

/** What came of a run. */
export interface Outcome {
  readonly violation: Violation | null;
  readonly steps: number;
}

/** Runs a program; the states that it goes through are counted, if there is somebody who counts. */
export function runProgram(program: Program, states: States | null = null): Outcome {
  const system = new SimulatedSystem({
    seed: program.seed >>> 0,
    sendBuffer: SEND_BUFFER,
    faults: {
      spurious: program.spurious,
      shortReads: program.short,
      shortWrites: program.short,
      errors: program.errors === 0 ? [] : errors(program.errors),
    },
  });
  const scheduler = new Scheduler({
    sys: system,
    backend: program.backend,
    asyncContext: false,
    onError: program.fragile ? 'cancel' : () => {},
    ...(program.shuffled ? { seed: program.seed } : {}),
  });
  silence(kernelOf(scheduler));
  const witness = new Witness(scheduler, {
    shuffled: program.shuffled,
    isReady: readyTest(system, program.backend),
    trusting: program.spurious > 0,
  });
  const run = new Run(program, { system, scheduler, witness });
  if (states !== null) witness.onStep = () => states.add(stateOf(scheduler, witness));
  try {
    run.drive();
  } catch (error) {
    witness.violate('no internal error', error instanceof InternalError ? `${error.cause}` : `${error}`);
  }
  return { violation: witness.violation, steps: run.steps };
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

interface Parts {
  readonly system: SimulatedSystem;
  readonly scheduler: Scheduler;
  readonly witness: Witness;
}

class Run {
  steps = 0;
  private readonly program: Program;
  private readonly system: SimulatedSystem;
  private readonly scheduler: Scheduler;
  private readonly witness: Witness;
  private readonly stage: Stage;
  private readonly actor: Actor;
  /** What ended a run that could not end by itself. */
  private readonly end = new Error('nothing more can happen');
  private broken = false;

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
  }

  drive(): void {
    const { program, scheduler, system, witness } = this;
    program.tasks.forEach((body, number) => {
      this.actor.spawn(number, body);
    });
    let hangs = false;
    system.onHang = () => {
      hangs = true;
    };
    let idle = 0;
    for (let rounds = 0; scheduler.size > 0 && witness.violation === null; rounds++) {
      if (rounds === MOST_ROUNDS) witness.violate('it ends', `it is still busy after ${rounds} rounds`);
      if (isStuck(scheduler)) this.breakOff();
      const before = system.now();
      witness.beforeRound();
      const steps = round(scheduler, FOREVER);
      if (!hangs) witness.afterRound(steps);
      this.steps += steps;
      if (hangs) this.breakOff();
      else if (steps === 0 && kernelOf(scheduler).ready === 0 && system.now() === before) {
        if (++idle > MOST_IDLE) witness.violate('no spinning', `${idle} waits in a row ended at once, and woke nobody`);
        system.advance(IDLE_MS);
      } else idle = 0;
      hangs = false;
    }
    system.onHang = null;
    if (witness.violation === null) this.finish();
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

  private finish(): void {
    const { scheduler, system, witness } = this;
    witness.finish();
    const thrown: unknown[] = [];
    try {
      settle(scheduler);
    } catch (error) {
      thrown.push(error);
    }
    this.checkThrown(thrown);
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
