/**
 * Looking inside a program: what its tasks are doing (`ps`, `where`), and what they have done (`startTrace`).
 *
 * @module inspect
 */

export { type InstallOptions, installPs } from './install.ts';
export { type PsOptions, ps, where } from './ps.ts';
export type { Frame, Parent, TaskRow } from './row.ts';
export { type FormatOptions, formatPs, formatWhere } from './table.ts';
export { startTrace, type Trace, type TraceOptions } from './trace.ts';
