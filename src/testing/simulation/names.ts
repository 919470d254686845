/** The names of the simulated world: a table that the test writes, in the place of name servers and of /etc/hosts. */

import { ADDRESS_SLOT_SIZE, LOOKUP_HEADER } from '../../os/index.ts';
import { packInternet } from './address.ts';
import { CONSTANTS, Numbers } from './constants.ts';
import { Errno, LookupErrno } from './errno.ts';

const { AF_UNSPEC, AF_INET, AF_INET6 } = Numbers;
const SLOT_HEADER = 2;
const LOCALHOST: SimulatedName = { addresses: ['127.0.0.1', '::1'] };

/** What becomes of looking up a name. */
export interface SimulatedName {
  /** Its numeric addresses, the one to try first first. */
  addresses?: readonly string[];
  /** The error instead, by its name: `'EAI_AGAIN'`. */
  code?: string;
  /** How long the answer takes, in milliseconds; default 0. `Infinity`: it never comes. */
  after?: number;
}

/** Names, each with its addresses, or with what becomes of looking it up. */
export type SimulatedNames = Readonly<Record<string, readonly string[] | SimulatedName>>;

/** An answer, in the bytes of the contract, and how long it takes. */
export interface NameAnswer {
  readonly bytes: Uint8Array;
  readonly after: number;
}

/** The table. */
export class Names {
  private readonly table = new Map<string, SimulatedName>([['localhost', LOCALHOST]]);

  /** Throws `RangeError` for an address that is not numeric, an unknown error, and a duration that is none. */
  constructor(names: SimulatedNames) {
    for (const [name, given] of Object.entries(names)) {
      const entry: SimulatedName = 'length' in given ? { addresses: given as readonly string[] } : given;
      check(name, entry);
      this.table.set(keyOf(name), entry);
    }
  }

  /** What getaddrinfo finds. */
  answer(host: string, family: number): NameAnswer {
    if (family !== AF_UNSPEC && family !== AF_INET && family !== AF_INET6) return failure('EAI_FAMILY', 0);
    const entry = this.table.get(keyOf(host)) ?? { addresses: slotOf(host) === null ? [] : [host] };
    const { addresses = [], code, after = 0 } = entry;
    if (code !== undefined) return failure(code, after);
    const slots = addresses.map((address) => slotOf(address) as Uint8Array);
    const wanted = slots.filter((slot) => family === AF_UNSPEC || slot[SLOT_HEADER] === family);
    if (wanted.length === 0) return failure(slots.length === 0 ? 'EAI_NONAME' : 'EAI_NODATA', after);
    const bytes = new Uint8Array(LOOKUP_HEADER + wanted.reduce((sum, slot) => sum + slot.length, 0));
    let at = LOOKUP_HEADER;
    for (const slot of wanted) {
      bytes.set(slot, at);
      at += slot.length;
    }
    return { bytes, after };
  }
}

/** Case does not matter in names, nor does the dot of the root. */
function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function failure(code: string, after: number): NameAnswer {
  return { bytes: new Uint8Array(Int32Array.of(-(CONSTANTS[code] as number)).buffer), after };
}

/** A slot as long as its address; `null` for what is no numeric address. */
function slotOf(address: string): Uint8Array | null {
  const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
  if (packInternet(slot, address, 0, 0) < 0) return null;
  return slot.slice(0, SLOT_HEADER + (slot[0] as number));
}

function check(name: string, { addresses = [], code, after = 0 }: SimulatedName): void {
  for (const address of addresses) {
    if (slotOf(address) === null) throw new RangeError(`names: '${address}', of '${name}', is no numeric address`);
  }
  if (code !== undefined && !(code in LookupErrno || code in Errno)) {
    throw new RangeError(`names: the error of '${name}' is a name like 'EAI_AGAIN', not '${code}'`);
  }
  if (!(after >= 0)) throw new RangeError(`names: '${name}' takes a number of milliseconds from 0 on, not ${after}`);
}
