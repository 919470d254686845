/**
 * Programs drawn from a seed. Small ones: what two or three tasks can do to each other in a dozen statements is nearly all that there is,
 * and many small programs see more of it than a few large ones.
 */

import type { BackendName } from 'genloop/os';
import { seededRandom } from '../../src/scheduler/random.ts';
import { type Draws, STREAM_PAIRS, streamIdiom, streamWait } from './draw-streams.ts';
import {
  type BlockKind,
  type Drive,
  type PairKind,
  type Program,
  QUEUES,
  type Room,
  SCOPES,
  type Statement,
  TASKS,
  type Together,
  type Wait,
} from './program.ts';

const DEEPEST = 3;
/** Statements of one program. */
const FEWEST = 4;
const MOST = 18;
/** With a fraction, since a deadline that is rounded is wrong only then. */
const DURATIONS = [0, 0.5, 1, 1, 2, 2.5, 3, 5] as const;
const BLOCKS: readonly BlockKind[] = ['cancelScope', 'failAfter', 'moveOnAfter', 'cleanup'];
const TOGETHER: readonly Together[] = ['all', 'allSettled', 'race', 'firstSuccess'];
const BACKENDS = ['epoll', 'epoll', 'epoll', 'poll', 'select'] as const;
/** More than a task may complete at once. */
const LONG_BURST = 40;
const PAIRS: readonly (readonly PairKind[])[] = [
  ...([['socket'], ['socket'], ['socket'], ['tcp'], ['udp'], ['pipe']] satisfies PairKind[][]),
  ...([
    ['socket', 'pipe'],
    ['socket', 'socket'],
    ['tcp', 'pipe'],
    ['udp', 'tcp'],
  ] satisfies PairKind[][]),
];
/** Of a packet, in milliseconds. */
const LONGEST_DELAY = 3;
/** More steps than may be run without asking for readiness. */
const MANY_PASSES = 70;

/** The program of this seed. */
export function programOf(seed: number): Program {
  return new Author(seed).program();
}

/** How many programs have streams, and how many of their waits are of those. */
const WITH_STREAMS = 0.4;
const AT_STREAMS = 0.5;
const ROOMS: readonly Room[] = ['small', 'small', 'large', 'large', 'large', 'huge'];

class Author implements Draws {
  private readonly seed: number;
  private readonly random: () => number;
  private left = 0;
  private tasks = 0;
  private streamed = false;
  room: Room = 'small';
  ends = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.random = seededRandom(Math.imul(seed, 0x9e37_79b1));
  }

  program(): Program {
    this.left = FEWEST + this.below(MOST - FEWEST);
    const count = 1 + this.below(4);
    this.tasks = count;
    const calm = this.chance(0.7);
    const errors = this.chance(0.1) ? 0.1 : 0;
    const backend = this.one(BACKENDS);
    this.streamed = this.chance(WITH_STREAMS);
    if (this.streamed) this.room = this.one(ROOMS);
    const pairs = this.one(this.streamed ? STREAM_PAIRS : PAIRS);
    this.ends = 2 * pairs.length;
    return {
      seed: this.seed,
      backend,
      shuffled: this.chance(0.5),
      fragile: this.chance(0.3),
      drive: this.driveOver(backend, errors),
      spurious: calm ? 0 : 0.2,
      short: calm ? 0 : 0.3,
      errors,
      receive: this.chance(0.5) ? 'wait' : 'task',
      send: this.chance(0.5) ? 'round' : 'task',
      room: this.room,
      pairs,
      delay: this.chance(0.3) ? LONGEST_DELAY : 0,
      tasks: Array.from({ length: count }, () => this.list(1 + this.below(5), DEEPEST)),
    };
  }

  /** Only an epoll set can be watched by another loop, which does not like it if that cannot be had. */
  private driveOver(backend: BackendName, errors: number): Drive {
    return backend === 'epoll' && errors === 0 && this.chance(0.3) ? 'turn' : 'round';
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  private list(length: number, depth: number): Statement[] {
    const list: Statement[] = [];
    while (list.length < length && this.left > 0) {
      this.left--;
      if (this.streamed && depth > 0 && this.chance(0.22)) list.push(...streamIdiom(this, this.below(SCOPES)));
      else if (this.chance(0.05)) list.push(...this.idiom(depth));
      else list.push(this.statement(depth));
    }
    return list;
  }

  private statement(depth: number): Statement {
    const kind = this.below(100);
    if (kind < 34) return this.wait();
    if (kind < 41) return { do: 'select', of: Array.from({ length: 2 + this.below(2) }, () => this.wait()) };
    if (kind < 43) return { do: 'loud', wait: this.wait() };
    if (kind < 66 || depth === 0) return this.action();
    const inner = depth - 1;
    const body = (): Statement[] => this.list(1 + this.below(3), inner);
    if (kind < 76) return { do: 'spawn', task: this.fresh(), daemon: this.chance(0.3), body: body() };
    if (kind < 84) {
      return { do: 'block', kind: this.one(BLOCKS), scope: this.below(SCOPES), ms: this.one(DURATIONS), body: body() };
    }
    if (kind < 89) {
      const group = { scope: this.below(SCOPES), isolate: this.chance(0.2), keep: this.chance(0.4) };
      return { do: 'group', ...group, body: body() };
    }
    if (kind < 91) return this.start(inner);
    if (kind < 93) return { do: 'together', how: this.one(TOGETHER), body: this.list(2 + this.below(2), inner) };
    if (kind < 98) return { do: 'try', body: body(), last: this.list(1 + this.below(2), inner) };
    return { do: 'swallow', body: body() };
  }

  private start(depth: number): Statement {
    const [body, last] = [this.list(this.below(2), depth), this.list(1 + this.below(2), depth)];
    return { do: 'start', task: this.fresh(), daemon: this.chance(0.2), body, last };
  }

  /** Statements that mean little by themselves, and something after each other. */
  private idiom(depth: number): Statement[] {
    const kind = this.below(7);
    const end = this.end();
    const spawned = (body: Statement): Statement => {
      return { do: 'spawn', task: this.fresh(), daemon: false, body: [body] };
    };
    if (kind === 0) {
      // The number comes back while the file behind it lives on, and is still in the kernel's set.
      return [
        { do: 'send', end: end ^ 1, bytes: 1 },
        { do: 'read', end },
        { do: 'ghost', end },
        { do: 'open', pair: end >> 1 },
        { do: 'read', end },
      ];
    }
    if (kind === 1 && depth > 0) {
      // Whoever waits goes on to another line.
      const waiting = Array.from({ length: 2 }, () => spawned({ do: 'await', event: 0 }));
      return [...waiting, { do: 'sleep', ms: 1 }, { do: 'move', event: 0, to: 1 }, { do: 'wake', event: 1, count: 1 }];
    }
    if (kind === 2 && depth > 0) {
      const failing = Array.from({ length: 2 }, () => spawned({ do: 'fail' }));
      const body = [...failing, this.wait()];
      return [{ do: 'group', scope: this.below(SCOPES), isolate: false, keep: false, body }];
    }
    if (kind === 3 && depth > 0) {
      // Only in a group can a task be started, or the next one be waited for.
      const next: Statement = { do: 'next' };
      const inside: Statement[] = this.chance(0.5)
        ? [this.start(depth - 1), spawned(this.wait()), next, this.wait()]
        : // Two ask, of whom the group does not wait for one; and there is one answer.
          [{ do: 'spawn', task: this.fresh(), daemon: true, body: [next] }, spawned(this.wait()), { do: 'pass' }, next];
      return [{ do: 'group', scope: this.below(SCOPES), isolate: this.chance(0.5), keep: true, body: inside }];
    }
    if (kind === 4 && depth > 0) {
      const scope = this.below(SCOPES);
      const intruder: Statement = { do: 'intrude', scope, task: this.fresh(), body: [this.wait()] };
      const waiting: Statement = { do: 'sleep', ms: this.one(DURATIONS) };
      return [
        { do: 'spawn', task: this.fresh(), daemon: false, body: [waiting, intruder] },
        { do: 'group', scope, isolate: false, keep: this.chance(0.5), body: [waiting] },
      ];
    }
    if (kind === 5 && depth > 0) {
      // What time would end last is followed by something that ends sooner, and begins later.
      const later: Statement[] = [
        { do: 'read', end },
        { do: 'sleep', ms: 1 },
      ];
      return [spawned({ do: 'sleep', ms: 5 }), { do: 'send', end: end ^ 1, bytes: 1 }, ...later];
    }
    // Two who want the same.
    const wait = this.wait();
    return depth > 0 ? [spawned(wait), wait] : [wait];
  }

  private wait(): Wait {
    if (this.streamed && this.chance(AT_STREAMS)) return streamWait(this);
    const kind = this.below(20);
    if (kind < 2) return { do: 'pass' };
    if (kind < 5) return { do: 'sleep', ms: this.one(DURATIONS) };
    if (kind < 6) return { do: this.chance(0.5) ? 'stubborn' : 'careless', ms: this.one(DURATIONS) };
    if (kind < 9) return { do: 'take', queue: this.below(QUEUES) };
    if (kind < 12) return { do: 'await', event: this.below(QUEUES) };
    if (kind < 16) return { do: 'read', end: this.end() };
    if (kind < 18) return { do: 'write', end: this.end() };
    if (this.chance(0.15)) return { do: 'next' };
    return { do: 'join', task: this.below(TASKS) };
  }

  private action(): Statement {
    const kind = this.below(40);
    if (kind < 7) return { do: 'put', queue: this.below(QUEUES) };
    if (kind < 12)
      return { do: 'wake', event: this.below(QUEUES), count: this.one([1, 1, 2, Number.MAX_SAFE_INTEGER]) };
    if (kind < 13) return { do: 'move', event: 0, to: 1 };
    if (kind < 14) return { do: 'break', event: this.below(QUEUES) };
    if (kind < 20) return { do: 'send', end: this.end(), bytes: this.one([1, 3, 300, 70_000]) };
    if (kind < 22) return { do: 'drain', end: this.end() };
    if (kind < 25) return { do: 'close', end: this.end() };
    if (kind < 26) return { do: 'shutdown', end: this.end() };
    if (kind < 28) return { do: 'ghost', end: this.end() };
    if (kind < 29) return { do: 'open', pair: this.below(2) };
    if (kind < 31) return { do: 'compute', ms: this.one(DURATIONS) };
    if (kind < 32) return this.chance(0.2) ? this.long() : { do: 'burst', count: 2 };
    if (kind < 33) return { do: 'fail' };
    if (kind < 36) return { do: 'cancel', task: this.below(TASKS) };
    if (kind < 39) {
      const scope = this.below(SCOPES);
      return this.chance(0.3)
        ? { do: 'cancelScope', scope, cleanup: this.one(DURATIONS) }
        : { do: 'cancelScope', scope };
    }
    return { do: 'expire', scope: this.below(SCOPES), ms: this.one(DURATIONS) };
  }

  private long(): Statement {
    return this.chance(0.5) ? { do: 'burst', count: LONG_BURST } : { do: 'passes', count: MANY_PASSES };
  }

  end(): number {
    // Mostly of the first pair: two tasks shall meet there.
    return this.chance(0.7) ? this.below(2) : this.below(4);
  }

  fresh(): number {
    return this.tasks++ % TASKS;
  }
}
