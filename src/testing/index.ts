/**
 * Tests of programs made of tasks: a clock that jumps instead of waiting, orders that a seed repeats, and assertions
 * about when a task lets others run, and systems whose calls fail, are traced, recorded or replayed. Plain functions that throw, for any test runner (uvu, `node:test`, …).
 *
 * @module testing
 */

export { waitAllBlocked } from './blocked.ts';
export { assertCheckpoint, assertNoCheckpoint } from './checkpoint.ts';
export { VirtualClock, type VirtualClockOptions } from './clock.ts';
export { HangError } from './hang.ts';
export { runTest, type TestMain, type TestOptions } from './run.ts';
export { type EachSeedOptions, eachSeed, SEED_VARIABLE, SeedError } from './seeds.ts';
export { Sequencer } from './sequencer.ts';
export { LeakError, SimulationError } from './simulation/errors.ts';
export type { DelayFault, ErrorFault, FallibleCall, Faults, PartitionFault } from './simulation/faults.ts';
export type { SimulatedName, SimulatedNames } from './simulation/names.ts';
export { type SimulatedMain, type SimulateOptions, simulate } from './simulation/simulate.ts';
export { SimulatedSystem } from './simulation/system.ts';
export type { SimulatedSystemOptions } from './simulation/system-options.ts';
export type { OpenDescriptor } from './simulation/table.ts';
export { type StreamCheck, type StreamSubject, streamChecks } from './streams/conformance.ts';
export { type MemoryPairOptions, MemoryStream, memoryPair } from './streams/memory.ts';
export type { AnyCallName, BackendCallName, CallName } from './wrappers/calls.ts';
export {
  type EachFailureOptions,
  eachFailure,
  type FailureReport,
  type FailureRun,
} from './wrappers/each-failure.ts';
export { type Errno, PLAUSIBLE_ERRNOS } from './wrappers/errnos.ts';
export { type FailingCallName, type FailingSys, failing, type Nth } from './wrappers/failing.ts';
export { type FormatOptions, formatCall } from './wrappers/format.ts';
export { SysLog } from './wrappers/log.ts';
export { type Recording, recorded } from './wrappers/recorded.ts';
export { ReplayError, type ReplayedSys, type ReplayOptions, replayed } from './wrappers/replayed.ts';
export { type TracedCall, type TraceOptions, traced } from './wrappers/traced.ts';
export type { LeakedDescriptor } from './wrappers/trial.ts';
