/** What a simulated system can be told, and what it is if it is told nothing. */

import type { Faults } from './faults.ts';
import type { SimulatedNames } from './names.ts';
import type { SimulatedSystem } from './system.ts';

const LARGEST_SEED = 0xffff_ffff;
/** As Linux has them for TCP. */
const SEND_BUFFER = 16_384;
const RECEIVE_BUFFER = 131_072;
const MOST_DESCRIPTORS = 65_536;

/** How a {@link SimulatedSystem} is set up. */
export interface SimulatedSystemOptions {
  /** What all chance is drawn from: an integer from 0 to 2³² − 1; default 0. */
  seed?: number;
  /** What goes wrong, and how often; default: nothing, but what is ready comes in any order. */
  faults?: Faults;
  /** Numeric addresses besides the loopback's that can be bound and reached: `['10.0.0.1', '10.0.0.2']`. */
  hosts?: readonly string[];
  /**
   * The names that can be looked up besides `localhost`, each with its numeric addresses, or with what becomes of it. Any other is
   * `ENOTFOUND`.
   */
  names?: SimulatedNames;
  /** How long each packet takes at least, in milliseconds; default 0: what is sent is there at once. */
  latency?: number;
  /** The time at which its clock starts, in milliseconds; default 0. */
  start?: number;
  /** SO_SNDBUF of a new socket, in bytes; default 16,384. */
  sendBuffer?: number;
  /** SO_RCVBUF of a new socket, in bytes; default 131,072. */
  receiveBuffer?: number;
  /** How many descriptors may be open at once (RLIMIT_NOFILE); default 65,536. One more is `EMFILE`. */
  descriptors?: number;
}

/** All options, with what was left out. Throws `RangeError` for what cannot be. */
export function complete(options: SimulatedSystemOptions): Required<SimulatedSystemOptions> {
  const all = {
    seed: 0,
    faults: {},
    hosts: [],
    names: {},
    latency: 0,
    start: 0,
    sendBuffer: SEND_BUFFER,
    receiveBuffer: RECEIVE_BUFFER,
    descriptors: MOST_DESCRIPTORS,
    ...options,
  };
  if (!Number.isInteger(all.seed) || all.seed < 0 || all.seed > LARGEST_SEED) {
    throw new RangeError(`a seed is an integer from 0 to ${LARGEST_SEED}, not ${String(all.seed)}`);
  }
  if (!Number.isFinite(all.start)) throw new RangeError(`start is a time in milliseconds, not ${all.start}`);
  if (!(all.latency >= 0)) throw new RangeError(`latency is a number of milliseconds from 0 on, not ${all.latency}`);
  for (const name of ['sendBuffer', 'receiveBuffer', 'descriptors'] as const) {
    if (all[name] >= 1) continue;
    throw new RangeError(`${name} is a number from 1 on, not ${all[name]}`);
  }
  return all;
}
