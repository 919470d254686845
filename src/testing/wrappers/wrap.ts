/**
 * A system around a system: every call passes one function, which lets it happen, or does not. Platform and constants
 * are those of the system inside. So wrappers stack in any order, and a program that uses none pays nothing.
 */

import type { Backend, BackendName, BackendRegistration, Sys } from '../../os/index.ts';
import { type AnyCallName, type BackendCallName, CALL_NAMES } from './calls.ts';

/** Decides what becomes of a call: `happen` makes it, with the arguments as they then are, and gives its result. */
export type Around = (name: AnyCallName, args: readonly unknown[], happen: () => unknown, backend?: Backend) => unknown;

/** Told when the system's own backend was opened; what it returns stands for it in the calls. */
export type AroundBackend = (name: BackendName, open: () => Backend) => Backend;

/** `sys` with `around` around each of its calls. */
export function wrapCalls(sys: Sys, around: Around, aroundBackend: AroundBackend = (_, open) => open()): Sys {
  const calls: Record<string, unknown> = {};
  for (const name of CALL_NAMES) {
    // Looked up at each call, as a method: the system inside may be of any make.
    const inner = sys as unknown as Record<string, (...args: unknown[]) => unknown>;
    calls[name] = (...args: unknown[]) => around(name, args, () => inner[name]?.(...args));
  }
  const wrapper = withSystem(calls, sys);
  if (sys.backend !== undefined) {
    wrapper.backend = (name) =>
      wrapBackend(
        aroundBackend(name, () => sys.backend?.(name) as Backend),
        around,
      );
  }
  return wrapper;
}

/** What a system says of itself. */
type About = Pick<Sys, 'platform' | 'constants' | 'unwatchable'>;

/** Calls made into a system, with what another says of itself. */
export function withSystem(calls: Record<string, unknown>, system: About): Sys {
  for (const key of ['platform', 'constants', 'unwatchable'] as const) {
    Object.defineProperty(calls, key, { get: () => system[key], enumerable: true });
  }
  return calls as unknown as Sys;
}

/** What the calls of a backend tell of a registration. */
export function registrationArguments(registration: BackendRegistration): unknown[] {
  const { fd, generation, interest, armed } = registration;
  return [fd, generation, interest, armed, registration];
}

/** The registration that such arguments are about. */
export function registrationIn(args: readonly unknown[]): BackendRegistration {
  return args[4] as BackendRegistration;
}

function wrapBackend(backend: Backend, around: Around): Backend {
  const call = (name: BackendCallName, args: unknown[], happen: () => unknown): number =>
    around(name, args, happen, backend) as number;
  return {
    name: backend.name,
    get fd() {
      return backend.fd;
    },
    get rows() {
      return backend.rows;
    },
    change: (registration) =>
      call('backend.change', registrationArguments(registration), () => backend.change(registration)),
    remove: (registration) =>
      call('backend.remove', registrationArguments(registration), () => backend.remove(registration)),
    wait: (timeout) => {
      const args = [timeout];
      return call('backend.wait', args, () => backend.wait(args[0] as number));
    },
    ...(backend.alarm === undefined
      ? {}
      : { alarm: (delay: number) => call('backend.alarm', [delay], () => backend.alarm?.(delay)) }),
    close: () => {
      call('backend.close', [], () => backend.close());
    },
  };
}
