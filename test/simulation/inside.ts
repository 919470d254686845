/**
 * What the witness knows of the kernel's and the poller's insides. It looks, and computes for itself what should be there: a rule that is
 * checked by asking those who keep it is not checked.
 */

import type { CancelScope, Kernel, Observer, Task } from 'genloop/kernel';
import type { Stream } from 'genloop/net';
import type { Poller } from 'genloop/poller';
import type { Scheduler } from 'genloop/scheduler';
import type { SimulatedSystem } from 'genloop/testing';

interface ScopeInside {
  readonly error: Error | null;
  readonly shielded: boolean;
  readonly hard: boolean;
  readonly parent: CancelScope | null;
}

/** A registration, as the state of a poller shows it. */
export interface RegistrationInside {
  readonly fd: number;
  readonly armed: number;
  readonly wanted: number;
}

interface TimersInside {
  readonly heap: readonly { readonly deadline: number }[];
}

/** The kernel of a scheduler. */
export function kernelOf(scheduler: Scheduler): Kernel {
  return (scheduler as unknown as { kernel: Kernel }).kernel;
}

/** The poller of a scheduler, if it has one by now. */
export function pollerOf(scheduler: Scheduler): Poller | null {
  return (scheduler as unknown as { pollerIfOpen: Poller | null }).pollerIfOpen;
}

/** The registrations of a poller, by number; holes are numbers that it does not know. */
export function registrationsOf(poller: Poller): readonly (RegistrationInside | undefined)[] {
  return (poller as unknown as { registry: { table: readonly (RegistrationInside | undefined)[] } }).registry.table;
}

/** The timers of a kernel, as they stand in its heap. */
export function timersOf(kernel: Kernel): readonly { readonly deadline: number }[] {
  return (kernel.timers as unknown as TimersInside).heap;
}

/** Has a kernel report to this observer, whoever else is set. */
export function observe(kernel: Kernel, observer: Observer): void {
  Object.defineProperty(kernel, 'observer', { get: () => observer, set: () => {}, configurable: true });
}

/** Has a kernel keep the failures to itself that it would print: they are planned. */
export function silence(kernel: Kernel): void {
  Object.defineProperty(kernel, 'report', { value: () => {}, configurable: true });
}

/** The innermost scope in which a task stands. */
export function scopeOf(task: Task<unknown>): CancelScope {
  return (task as unknown as { scope: CancelScope }).scope;
}

/** What the kernel would throw at the task's next trap. */
export function dueOf(task: Task<unknown>): Error | null {
  return (task as unknown as { due: Error | null }).due;
}

/**
 * What should be in force in a scope: the cancel of the outermost cancelled scope around it that no shield keeps away, or its own. Computed
 * from the outside to the inside, and not as the kernel does it.
 */
export function inForceIn(scope: CancelScope): Error | null {
  let hard = false;
  return descend(scope as unknown as ScopeInside);

  function descend(inside: ScopeInside): Error | null {
    const around = inside.parent === null ? null : descend(inside.parent as unknown as ScopeInside);
    const open = hard || !inside.shielded;
    hard = inside.hard || (open && hard);
    return (open ? around : null) ?? inside.error;
  }
}

interface SystemInside {
  readonly table: { get(fd: number): { readiness(): number } | undefined };
}

/** What is true of a number in a simulated system, as poll(2) would tell it, without asking it by a call. */
export function readinessOf(system: SimulatedSystem, fd: number): number {
  return (system as unknown as SystemInside).table.get(fd)?.readiness() ?? 0;
}

/** What has come for a stream and is not read yet, and whether nothing more will come. */
export function inputOf(stream: Stream): { readonly length: number; readonly ended: boolean } {
  return (stream as unknown as { readingSide: { input: { length: number; ended: boolean } } }).readingSide.input;
}

/** All that decides what the reader of a stream does next, as text. */
export function readerOf(stream: Stream): string {
  const { readingSide } = stream as unknown as { readingSide: Record<string, unknown> & { input: object } };
  const { promising, woken, inStep, waker, burst, later, input } = readingSide;
  const { length, ended, delivered, filled, borrowed } = input as unknown as Record<string, unknown>;
  return [
    promising,
    woken,
    inStep,
    waker === null,
    burst,
    later === null,
    length,
    ended,
    delivered,
    filled,
    borrowed,
  ].join();
}

/** All that decides what becomes of the write of a stream, as text. */
export function writerOf(stream: Stream): string {
  const { writingSide } = stream as unknown as { writingSide: Record<string, unknown> };
  const { waker, operation, later, failure, sent, ended } = writingSide;
  const write = operation as { sent: number; left: boolean; tired: boolean } | null;
  return [waker === null, write?.sent, write?.left, write?.tired, later === null, `${failure}`, sent, ended].join();
}

/** The writes that are left to be sent together, in their order: the descriptors. */
export function leftIn(scheduler: Scheduler): number[] {
  const transmission = pollerOf(scheduler)?.transmission ?? null;
  if (transmission === null) return [];
  const { sockets, size } = transmission as unknown as { sockets: readonly { fd: number }[]; size: number };
  return sockets.slice(0, size).map(({ fd }) => fd);
}

/** Opens the poller of a scheduler, as the first wait for a descriptor would. */
export function openPoller(scheduler: Scheduler): Poller {
  return (scheduler as unknown as { poller: Poller }).poller;
}

/** Ends a run that cannot go on: the tasks get a cancel that passes every shield. */
export function breakOff(scheduler: Scheduler, error: unknown): void {
  (scheduler as unknown as { breakOff(error: unknown): void }).breakOff(error);
}

/** One round of a scheduler: how many steps it took. */
export function round(scheduler: Scheduler, limit: number): number {
  return (scheduler as unknown as { round(limit: number): number }).round(limit);
}

/** Whether nothing but an outside callback could make any task go on. */
export function isStuck(scheduler: Scheduler): boolean {
  return (scheduler as unknown as { stuck: boolean }).stuck;
}

/** Ends a run: throws what came of it. */
export function settle(scheduler: Scheduler): void {
  (scheduler as unknown as { settle(): void }).settle();
}
