/**
 * Tests of programs made of tasks: a clock that jumps instead of waiting, orders that a seed repeats, and assertions
 * about when a task lets others run. Plain functions that throw, for any test runner (uvu, `node:test`, …).
 *
 * @module testing
 */

export { waitAllBlocked } from './blocked.ts';
export { assertCheckpoint, assertNoCheckpoint } from './checkpoint.ts';
export { VirtualClock, type VirtualClockOptions } from './clock.ts';
export { runTest, type TestMain, type TestOptions } from './run.ts';
export { type EachSeedOptions, eachSeed, SEED_VARIABLE, SeedError } from './seeds.ts';
export { Sequencer } from './sequencer.ts';
export { HangError, LeakError, SimulationError } from './simulation/errors.ts';
export type { DelayFault, ErrorFault, FallibleCall, Faults, PartitionFault } from './simulation/faults.ts';
export { type SimulatedMain, type SimulateOptions, simulate } from './simulation/simulate.ts';
export { SimulatedSystem } from './simulation/system.ts';
export type { SimulatedSystemOptions } from './simulation/system-options.ts';
export type { OpenDescriptor } from './simulation/table.ts';
