/** What every section is given, and what it gives back. */

import type { Cores } from './machine.ts';

/** Something outside of the benchmark went wrong: the message says it all, a stack would say nothing. */
export class Failure extends Error {}

/** The options of a run. */
export interface Context {
  rounds: number;
  /** Length of one measurement. */
  seconds: number;
  /** The same if somebody asked for it: for what takes a minute otherwise. */
  asked: number | undefined;
  /** Fewer cases, for a look in between. */
  quick: boolean;
  /** Only this case of the sections that have several: `512x64`. */
  only: string | undefined;
  cores: Cores;
  /** Says what is going on. */
  progress(text: string): void;
}

/** A figure that the project has promised, and what was measured. */
export interface Verdict {
  what: string;
  wanted: number;
  /** `>=`: at least `wanted`. `<=`: at most. */
  bound: '>=' | '<=';
  measured: number;
  met: boolean;
}

/** The outcome of a section. */
export interface SectionResult {
  /** For people. */
  text: string;
  /** For programs. */
  data: unknown;
  verdicts: Verdict[];
  /** "label: why" of everything that was left out. */
  notRun: string[];
}

/** A section of the benchmark. */
export type Section = (context: Context) => Promise<SectionResult>;

/** Compares a figure with what was promised; NaN (not measured) is not met. */
export function verdict(what: string, measured: number, bound: '>=' | '<=', wanted: number): Verdict {
  return { what, wanted, bound, measured, met: bound === '>=' ? measured >= wanted : measured <= wanted };
}
