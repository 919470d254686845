/**
 * What may go wrong, and how often. A program that works while every read is whole, every packet arrives at once and no call ever
 * fails has been tested in the one case that a network does not offer.
 */

import type { Sys } from '../../os/index.ts';

/** The calls of a system that can be made to fail: those that return a result or `-errno`. */
export type FallibleCall = {
  [Name in keyof Sys]-?: Exclude<Sys[Name], undefined> extends (...given: never[]) => number ? Name : never;
}[Exclude<keyof Sys, 'now' | 'backend' | 'packAddress' | 'packPath' | 'own' | 'disown'>];

/** Packets that take time. */
export interface DelayFault {
  /** How likely it is that one does, from 0 to 1. */
  probability: number;
  /** The longest delay in milliseconds. Delays are drawn evenly from 0 to this. */
  most: number;
}

/** Two addresses that lose each other for a while. */
export interface PartitionFault {
  /** Numeric addresses, as `['10.0.0.1', '10.0.0.2']`. The same one twice cuts a host off from itself. */
  between: readonly [string, string];
  /** How likely it is, at each packet between the two, that a partition begins with it. */
  probability: number;
  /** The longest partition in milliseconds. */
  most: number;
}

/** A call that fails, without having done anything. (`close` fails, and has closed all the same.) */
export interface ErrorFault {
  /** Which call. */
  call: FallibleCall;
  /** The errno's name: `'EMFILE'`. */
  code: string;
  /** Which of these calls fails, counted from 1. */
  nth?: number;
  /** How likely it is that one fails, for every call. */
  probability?: number;
}

/** What a simulated system does to a program besides what its calls say. Nothing is on but `order`. Probabilities go from 0 to 1. */
export interface Faults {
  /** Reports what is ready in an order drawn from the seed; default true. */
  order?: boolean;
  /** How likely it is that a read from a stream gives a part of what it could. */
  shortReads?: number;
  /** How likely it is that a write to a stream takes a part of what it could. Writes to a pipe of up to 4096 bytes stay whole, as POSIX demands. */
  shortWrites?: number;
  /** How likely it is that a wait reports something as ready that is not. */
  spurious?: number;
  /** Packets of TCP and UDP take time. Those of a connection stay in order, others overtake each other. */
  delay?: DelayFault;
  /** Partitions. TCP repeats what is lost, with pauses that grow, and gives up after a quarter of an hour; UDP loses it. */
  partition?: PartitionFault | readonly PartitionFault[];
  /** Calls that fail. */
  errors?: readonly ErrorFault[];
}
