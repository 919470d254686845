/** A system that consists of a clock: no descriptors, so no addon. Whatever else is asked of it is refused by name. */

import { MisuseError } from '../kernel/index.ts';
import type { Backend, BackendName, Constants, Sys } from '../os/index.ts';
import type { VirtualClock } from './clock.ts';

const EBADF = 9;

/** An object that has what it was given, and answers for everything else. */
function answering<T>(own: Partial<T>, answer: (name: string) => unknown): T {
  const prototype = new Proxy(
    {},
    // Nobody asks for a symbol but those who print it.
    { get: (target, name) => (typeof name === 'symbol' || name in target ? Reflect.get(target, name) : answer(name)) },
  );
  return Object.assign(Object.create(prototype) as object, own) as T;
}

/** A system without descriptors on this clock. */
export function nowhere(clock: VirtualClock): Sys {
  return answering<Sys>(
    {
      platform: 'simulated',
      // What a poller asks for at its close.
      constants: answering<Constants>({ EBADF }, (name) => refusal(name)()),
      now: () => clock.now,
      backend: (name) => new Nothing(clock, name),
    },
    refusal,
  );
}

/** A backend in which nothing is ever ready: its waits are jumps. */
class Nothing implements Backend {
  readonly name: BackendName;
  readonly fd: number = -1;
  readonly rows: Int32Array = new Int32Array(0);
  readonly change: () => never = refusal('change');
  readonly remove: () => never = refusal('remove');
  private readonly clock: VirtualClock;

  constructor(clock: VirtualClock, name: BackendName) {
    this.clock = clock;
    this.name = name;
  }

  wait(timeout: number): number {
    if (timeout < 0) throw new MisuseError('a wait without a timeout would never end: there are no descriptors');
    this.clock.advance(timeout);
    return 0;
  }

  close(): void {
    // Nothing was opened.
  }
}

function refusal(what: string): () => never {
  return () => {
    throw new MisuseError(
      `${what}: this clock has no descriptors; give it a system that has, { sys: realSys() } of genloop/os`,
    );
  };
}
