/**
 * Names to addresses, without holding up the thread. As a guest Node's resolver is asked, whose results its users know (and may
 * have replaced); in the other drives, where Node cannot call back, a thread of the addon's. On a system that is not the real one the question
 * goes to that system, in every drive.
 *
 * Numeric addresses and `localhost` are answered here: most programs of a machine's own need no resolver at all.
 */

import {
  type Co,
  type Kernel,
  Op,
  PENDING,
  routine,
  runningTask,
  type Spawnable,
  type Waker,
} from '../kernel/index.ts';
import {
  ADDRESS_SLOT_SIZE,
  currentSys,
  type DecodedAddress,
  NameLookup,
  SocketAddress,
  type Sys,
  SystemError,
} from '../os/index.ts';
import { isRealSys } from '../os/native.ts';
import { checkName } from '../os/resolve.ts';
import { dns } from '../platform/node.ts';
import { type PollingHost, ReadWait } from '../scheduler/index.ts';

/** A numeric address that a name stands for. */
export interface ResolvedAddress {
  /** Which kind. */
  family: 'IPv4' | 'IPv6';
  /** The address as text. */
  address: string;
  /** IPv6 only, and only if it is not 0: the interface. */
  scopeid?: number;
}

/** Options of {@link resolve}. */
export interface ResolveOptions {
  /** Addresses of one family only. Default: of both. */
  family?: 'IPv4' | 'IPv6';
}

/** What stands in for {@link resolve}: gets the name, and makes what gives its addresses, the one to try first first. */
export type Resolver = (host: string, options: ResolveOptions) => Spawnable<readonly ResolvedAddress[]>;

/** `localhost` and what is below it is this machine, without asking (RFC 6761). IPv4 first: our own listeners stand there. */
const LOCALHOST = /^(.+\.)?localhost\.?$/i;
const LOOPBACK: readonly ResolvedAddress[] = [
  { family: 'IPv4', address: '127.0.0.1' },
  { family: 'IPv6', address: '::1' },
];
const ASCII = /^[ -~]*$/;
const NO_NAME = /[/\\?#@\s]/;

/**
 * Waits for the addresses of a name, the one to try first first; of a numeric address, for itself. Throws `SystemError` with `hostname`:
 * `ENOTFOUND` (no such name, or none of that family), `EAI_AGAIN` (no name server has answered), other `EAI_…` of getaddrinfo(3),
 * `ENAMETOOLONG`, `EMFILE`; `TypeError` for what is no name. A cancel abandons the request, and waits for nobody.
 *
 * As a guest this is `dns.lookup` of Node, which keeps the process alive until the resolver has answered; otherwise getaddrinfo(3) on a
 * thread of ours, which does not.
 *
 * @example
 * const [first] = yield* resolve('localhost'); // { family: 'IPv4', address: '127.0.0.1' }
 */
export const resolve: (host: string, options?: ResolveOptions) => Op<ResolvedAddress[]> = routine(function* resolve(
  host: string,
  options: ResolveOptions = {},
): Co<ResolvedAddress[]> {
  const sys = currentSys();
  const { family } = options;
  checkFamily(family);
  checkName(sys, host);
  const known = local(sys, host);
  const found = known ?? (yield* ask(sys, toAscii(host), options));
  const wanted = family === undefined ? found : found.filter((address) => address.family === family);
  if (wanted.length > 0) return wanted;
  throw new SystemError(sys, 'getaddrinfo', -(sys.constants.EAI_NODATA as number), { hostname: host });
});

function* ask(sys: Sys, host: string, options: ResolveOptions): Co<ResolvedAddress[]> {
  const { attached } = runningTask().kernel.host as Partial<PollingHost>;
  if (attached === true && isRealSys(sys)) return yield* new HostLookup(sys, host, options);
  using lookup = NameLookup.start(host, options);
  for (;;) {
    yield new ReadWait(lookup);
    const addresses = lookup.answer();
    if (addresses !== undefined) return addresses.map((address) => plain(address.toJSON()));
  }
}

/** What needs no resolver; `undefined` for a name that does. */
function local(sys: Sys, host: string): ResolvedAddress[] | undefined {
  if (LOCALHOST.test(host)) return LOOPBACK.map((address) => ({ ...address }));
  const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
  const result = sys.packAddress(slot, host, 0, 0);
  if (result === 0) return [plain(sys.unpackAddress(slot))];
  if (result !== -(sys.constants.EINVAL as number))
    throw new SystemError(sys, 'if_nametoindex', result, { hostname: host });
  return undefined;
}

/** @internal Throws `TypeError` for what is neither a family nor `undefined`. */
export function checkFamily(family: ResolveOptions['family']): void {
  if (family === undefined || family === 'IPv4' || family === 'IPv6') return;
  throw new TypeError(`family must be 'IPv4' or 'IPv6', not '${String(family)}'`);
}

/** The name as name servers know it. Throws `TypeError` for what cannot be one, and says what was meant. */
function toAscii(host: string): string {
  if (NO_NAME.test(host)) throw noName(host, 'give the name alone, as in { host: "example.org", port: 80 }');
  if (host.includes('[')) throw noName(host, 'an IPv6 address has no brackets here');
  if (host.includes(':')) throw noName(host, 'it is no IPv6 address, and a port is given apart');
  if (ASCII.test(host)) return host;
  try {
    return new URL(`http://${host}`).hostname;
  } catch (error) {
    throw Object.assign(noName(host, 'it has characters that no name can have'), { cause: error });
  }
}

function noName(host: string, hint: string): TypeError {
  return new TypeError(`'${host}' is no host (${hint})`);
}

function plain({ family, address, scopeid }: DecodedAddress): ResolvedAddress {
  const base = { family: family as ResolvedAddress['family'], address };
  return scopeid === undefined ? base : { ...base, scopeid };
}

const FAMILY_NUMBERS = { IPv4: 4, IPv6: 6 } as const;

/** Node's resolver. It cannot be stopped; whom it answers late is gone. */
class HostLookup extends Op<ResolvedAddress[]> {
  private readonly sys: Sys;
  private readonly host: string;
  private readonly options: ResolveOptions;

  constructor(sys: Sys, host: string, options: ResolveOptions) {
    super();
    this.sys = sys;
    this.host = host;
    this.options = options;
  }

  override try(_kernel: Kernel): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<ResolvedAddress[]>): void {
    const { sys, host, options } = this;
    const family = options.family === undefined ? 0 : FAMILY_NUMBERS[options.family];
    dns.lookup(host, { all: true, family }, (error, addresses) => {
      if (error !== null) waker.fail(failure(sys, host, error));
      else waker.wake(addresses.map(({ address }) => plain(SocketAddress.from({ host: address }, sys).toJSON())));
    });
  }

  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return `the addresses of '${this.host}'`;
  }
}

/** Node's error with our fields; what is none of the resolver's is left as it is. */
function failure(sys: Sys, hostname: string, error: NodeJS.ErrnoException): Error {
  if (typeof error.errno !== 'number') return error;
  return new SystemError(sys, 'getaddrinfo', error.errno, { hostname, cause: error });
}
