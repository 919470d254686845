/** Names: who is asked in which drive, what is answered without asking, and what the errors say. */

import nodeDns from 'node:dns';
import { type Co, failAfter, group, pass, sleep, TimeoutError } from 'genloop';
import { type ResolvedAddress, resolve } from 'genloop/net';
import { realSys, type SystemError } from 'genloop/os';
import {
  eachFailure,
  failing,
  formatCall,
  recorded,
  replayed,
  SimulatedSystem,
  type SimulateOptions,
  SysLog,
  simulate,
  type TracedCall,
  traced,
} from 'genloop/testing';
import * as assert from 'uvu/assert';
import { eachSetup, once, type Setup, thrownBy } from '../support/drives.ts';
import { Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';
import { constant, overriding } from '../support/systems.ts';

const test = suite('resolve');
const each = eachSetup(test);
/** One of its parts has more letters than DNS allows, so nobody is asked for it. */
const IMPOSSIBLE = `${'a'.repeat(64)}.invalid`;
/** A form of 127.0.0.1 that only a resolver knows, and for which it asks nobody. */
const OLD_FORM = '127.1';
const V4: ResolvedAddress = { family: 'IPv4', address: '127.0.0.1' };
const V6: ResolvedAddress = { family: 'IPv6', address: '::1' };

type Lookup = typeof nodeDns.lookup;
type Callback = (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void;

/** Puts another resolver in the place of Node's, for the time of a test. */
async function withNodeLookup(
  lookup: (host: string, options: unknown, callback: Callback) => void,
  body: () => void | Promise<void>,
): Promise<void> {
  const before = nodeDns.lookup;
  nodeDns.lookup = lookup as unknown as Lookup;
  try {
    await body();
  } finally {
    nodeDns.lookup = before;
  }
}

async function resultOf<T>({ make, run }: Setup, body: Co<T>): Promise<T> {
  using scheduler = make();
  const task = scheduler.spawn(body);
  await run(scheduler);
  return task.promise;
}

each('numeric addresses and localhost are answered without asking anybody', async (setup) => {
  const nobody = overriding(setup.sys, { getaddrinfo: () => assert.unreachable('the resolver was asked') as never });
  const make: Setup['make'] = (options) => setup.make({ ...options, sys: nobody });
  await withNodeLookup(
    () => assert.unreachable('Node was asked'),
    async () => {
      for (const [host, expected] of [
        ['127.0.0.1', [V4]],
        ['::1', [V6]],
        ['0:0::1', [V6]],
        ['localhost', [V4, V6]],
        ['LocalHost.', [V4, V6]],
        ['db.localhost', [V4, V6]],
      ] as const) {
        assert.equal(await resultOf(setup, once(resolve(host))), expected, host);
        assert.equal(await resultOf({ ...setup, make }, once(resolve(host))), expected, host);
      }
      assert.equal(await resultOf(setup, once(resolve('localhost', { family: 'IPv6' }))), [V6]);
    },
  );
});

each('other names are asked for off the thread: Node as a guest, otherwise a thread of the addon', async (setup) => {
  const asked: string[] = [];
  const real = nodeDns.lookup as unknown as (host: string, options: unknown, callback: Callback) => void;
  await withNodeLookup(
    (host, options, callback) => {
      asked.push(host);
      real(host, options, callback);
    },
    async () => assert.equal(await resultOf(setup, once(resolve(OLD_FORM))), [V4]),
  );
  assert.equal(asked, setup.drive === 'guest' ? [OLD_FORM] : []);
});

each('a name that there is not is ENOTFOUND, with the fields that Node gives it', async (setup) => {
  const error = (await thrownBy(resultOf(setup, once(resolve(IMPOSSIBLE))))) as SystemError;
  const theirs = await new Promise<NodeJS.ErrnoException & { hostname?: string }>((settle) => {
    nodeDns.lookup(IMPOSSIBLE, (failure) => settle(failure as NodeJS.ErrnoException));
  });
  const { name, code, errno, syscall, hostname } = error;
  assert.equal(
    [name, code, errno, syscall, hostname],
    ['SystemError', theirs.code, theirs.errno, theirs.syscall, theirs.hostname],
  );
  assert.is(code, 'ENOTFOUND');
});

each('others run meanwhile, and many names are asked for at once', async (setup) => {
  const log: string[] = [];
  await resultOf(
    setup,
    (function* (): Co<void> {
      yield* group(function* (g) {
        for (let n = 0; n < 20; n++) {
          g.spawn(
            (function* (): Co<void> {
              const [first] = yield* resolve(OLD_FORM);
              log.push(String(first?.address));
            })(),
          );
        }
        yield* pass();
        log.push('meanwhile');
      });
    })(),
  );
  assert.is(log.filter((line) => line === '127.0.0.1').length, 20);
  assert.ok(log.includes('meanwhile'));
});

each('a cancel waits for nobody, and what is answered after it reaches nobody', async (setup) => {
  const callbacks: (() => void)[] = [];
  const { EAGAIN } = setup.sys.constants as { EAGAIN: number };
  // The answer of neither comes: of Node it comes after the end, of the addon there is none to be read.
  const silent = overriding(setup.sys, { read: () => -EAGAIN });
  await withNodeLookup(
    (_host, _options, callback) => callbacks.push(() => callback(null, [{ address: '10.0.0.1', family: 4 }])),
    async () => {
      using scheduler = setup.drive === 'guest' ? setup.make() : setup.make({ sys: silent });
      const task = scheduler.spawn(once(resolve(OLD_FORM)));
      scheduler.spawn(
        (function* (): Co<void> {
          while (task.status !== 'parked') yield* pass();
          scheduler.cancel('no longer wanted');
        })(),
      );
      assert.is(codeOf(await thrownBy(setup.run(scheduler))), 'ABORT_ERR');
      assert.is(task.status, 'cancelled');
      for (const call of callbacks) call();
      assert.is(callbacks.length, setup.drive === 'guest' ? 1 : 0);
    },
  );
});

each(
  'the errors of Node’s resolver are ours, and what is none of the resolver is left as it is',
  async (setup) => {
    const busy = Object.assign(new Error('getaddrinfo EAI_AGAIN x'), { code: 'EAI_AGAIN', errno: -3001 });
    await withNodeLookup(
      (_host, _options, callback) => queueMicrotask(() => callback(busy, [])),
      async () => {
        const error = (await thrownBy(resultOf(setup, once(resolve(OLD_FORM))))) as SystemError;
        assert.equal(
          [error.name, error.code, error.hostname, error.cause],
          ['SystemError', 'EAI_AGAIN', OLD_FORM, busy],
        );
        assert.match(error.message, /^getaddrinfo EAI_AGAIN: no name server has answered; it may later '127\.1'$/);
      },
    );
    const strange = new Error('strange');
    await withNodeLookup(
      (_host, _options, callback) => queueMicrotask(() => callback(strange as NodeJS.ErrnoException, [])),
      async () => assert.is(await thrownBy(resultOf(setup, once(resolve(OLD_FORM)))), strange),
    );
    await withNodeLookup(
      () => {
        throw strange;
      },
      async () => assert.is(await thrownBy(resultOf(setup, once(resolve(OLD_FORM)))), strange),
    );
    // No address, and no error either.
    await withNodeLookup(
      (_host, _options, callback) => queueMicrotask(() => callback(null, [])),
      async () => assert.is(codeOf(await thrownBy(resultOf(setup, once(resolve(OLD_FORM))))), 'ENOTFOUND'),
    );
  },
  ['guest'],
);

test('as a guest it says what it waits for', async () => {
  await withNodeLookup(
    () => {},
    async () => {
      const scheduler = new Scheduler({ backend: 'epoll' });
      const task = scheduler.spawn(once(resolve(OLD_FORM)));
      scheduler.spawn(
        (function* (): Co<void> {
          while (task.status !== 'parked') yield* pass();
          assert.is(task.waitsFor, "the addresses of '127.1'");
          scheduler.cancel();
        })(),
      );
      assert.is(codeOf(await thrownBy(scheduler.run())), 'ABORT_ERR');
    },
  );
});

test('a family that is asked for is all that comes, and one without addresses is ENOTFOUND', () => {
  const world = { names: { 'both.example': ['fd00::1', '10.0.0.1'], 'old.example': ['10.0.0.2'] } };
  const ask = (host: string, family?: 'IPv4' | 'IPv6') =>
    simulated(resolve(host, family === undefined ? {} : { family }), world) as ResolvedAddress[];
  const addresses = (found: ResolvedAddress[]) => found.map(({ address }) => address);
  assert.equal(addresses(ask('both.example')), ['fd00::1', '10.0.0.1']);
  assert.equal(addresses(ask('BOTH.example.', 'IPv4')), ['10.0.0.1']);
  assert.is(failure(resolve('old.example', { family: 'IPv6' }), world).code, 'ENOTFOUND');
  assert.is(failure(resolve('127.0.0.1', { family: 'IPv6' })).code, 'ENOTFOUND');
  assert.throws(
    () => simulated(resolve('x', { family: 6 as never })),
    caused(/family must be 'IPv4' or 'IPv6', not '6'/),
  );
});

test('a link-local address keeps its interface, and one of no interface says so', () => {
  assert.equal(simulated(resolve('fe80::1%lo')), [{ family: 'IPv6', address: 'fe80::1', scopeid: 1 }]);
  const error = failure(resolve('fe80::1%nowhere'));
  assert.equal([error.code, error.hostname], ['ENODEV', 'fe80::1%nowhere']);
});

test('what is no host is refused, and the message says what was meant', () => {
  for (const [host, message] of [
    ['', /the host is empty/],
    ['a\0b', /NUL/],
    ['http://example.org', /'http:\/\/example\.org' is no host \(give the name alone/],
    ['user@example.org', /give the name alone/],
    ['two words', /give the name alone/],
    ['[::1]', /an IPv6 address has no brackets here/],
    ['example.org:80', /a port is given apart/],
    ['1:2:3', /it is no IPv6 address/],
    ['ü%', /it has characters that no name can have/],
    [7 as never, /a host is a string, not 7/],
  ] as const) {
    assert.throws(() => simulated(resolve(host)), caused(message, TypeError));
  }
  assert.is(failure(resolve('x'.repeat(256))).code, 'ENAMETOOLONG');
});

test('a name in other letters is asked for as name servers know it', () => {
  const world = { names: { 'xn--bcher-kva.example': ['10.0.0.1'] } };
  assert.equal(simulated(resolve('Bücher.example'), world), [{ family: 'IPv4', address: '10.0.0.1' }]);
});

test('a deadline ends a lookup that is never answered, and nothing of it is left', () => {
  const names = { 'silent.example': { after: Number.POSITIVE_INFINITY } };
  const at = simulate(
    1,
    function* (system): Co<number> {
      try {
        yield* failAfter(3_000, resolve('silent.example'));
      } catch (error) {
        assert.instance(error, TimeoutError);
      }
      return system.now();
    },
    { names },
  );
  assert.is(at, 3_000);
});

test('a simulated lookup takes its time, and others run meanwhile', () => {
  const names = { 'slow.example': { addresses: ['10.0.0.1'], after: 1_500 } };
  const log = simulate(
    1,
    function* (system): Co<string[]> {
      const seen: string[] = [];
      yield* group(function* (g) {
        g.spawn(
          (function* (): Co<void> {
            yield sleep(1_000);
            seen.push(`${system.now()}: awake`);
          })(),
        );
        const [address] = yield* resolve('slow.example');
        seen.push(`${system.now()}: ${address?.address}`);
      });
      return seen;
    },
    { names },
  );
  assert.equal(log, ['1000: awake', '1500: 10.0.0.1']);
});

test('a lookup fails as the table says, or as a wrapper says', () => {
  const names = { 'ill.example': { code: 'EAI_AGAIN' }, 'well.example': ['10.0.0.1'] };
  const error = failure(resolve('ill.example'), { names });
  assert.equal([error.code, error.errno, error.hostname], ['EAI_AGAIN', -3001, 'ill.example']);
  for (const errno of ['EAI_FAIL', 'EMFILE', 'EAGAIN']) {
    const wrap = (system: SimulatedSystem) => failing(system, 'getaddrinfo', 1, errno);
    assert.is(failure(resolve('well.example'), { names, wrap }).code, errno);
  }
  const faults = { errors: [{ call: 'getaddrinfo' as const, code: 'EAI_MEMORY', nth: 1 }] };
  assert.is(failure(resolve('well.example'), { names, faults }).code, 'EAI_MEMORY');
  assert.throws(() => new SimulatedSystem({ names: { a: ['b'] } }), /names: 'b', of 'a', is no numeric address/);
  assert.throws(() => new SimulatedSystem({ names: { a: { code: 'ENONSENSE' } } }), /the error of 'a' is a name like/);
  assert.throws(() => new SimulatedSystem({ names: { a: { after: -1 } } }), /'a' takes a number of milliseconds/);
});

test('whatever fails on the way, nothing stays open', () => {
  const sys = new SimulatedSystem({ names: { 'a.example': ['10.0.0.1'] } });
  const { problems, runs } = eachFailure(() => once(resolve('a.example')), { sys, backend: 'epoll' });
  assert.equal(problems, []);
  const codes = runs.filter(({ call }) => call === 'getaddrinfo').map(({ errno }) => errno);
  assert.ok(codes.includes('EMFILE') && codes.includes('EAI_AGAIN'), codes.join());
  for (const { call, systemError, errno } of runs) {
    if (call !== 'getaddrinfo') continue;
    assert.is(systemError?.code, errno === 'EAI_NONAME' ? 'ENOTFOUND' : errno);
  }
});

test('a real lookup is traced, and comes again from its record', () => {
  const lines: string[] = [];
  const { sys, log } = recorded(traced(realSys(), (call: TracedCall) => lines.push(formatCall(call))));
  const run = (system: Setup['sys']): unknown => {
    using scheduler = new Scheduler({ sys: system, backend: 'poll' });
    const task = scheduler.spawn(once(resolve(OLD_FORM)));
    scheduler.runSync();
    return task.outcome;
  };
  assert.equal(run(sys), [V4]);
  assert.ok(
    lines.some((line) => /^getaddrinfo\("127\.1", (AF|PF)_UNSPEC\) = \d+$/.test(line)),
    lines.join('\n'),
  );
  const replay = replayed(SysLog.parse(log.toString()));
  assert.equal(run(replay), [V4]);
  replay.finish();
  assert.is(constant('EAI_NONAME'), 3008);
});

function simulated<T>(operation: ReturnType<typeof resolve> | Co<T>, options: SimulateOptions = {}): unknown {
  return simulate(1, () => operation as ReturnType<typeof resolve>, options);
}

function codeOf(error: unknown): unknown {
  return (error as SystemError | undefined)?.code;
}

/** What a simulated run has thrown. */
function failure(operation: ReturnType<typeof resolve>, options: SimulateOptions = {}): SystemError {
  try {
    simulated(operation, options);
  } catch (error) {
    return (error as Error).cause as SystemError;
  }
  throw new Error('it did not fail');
}

/** Whether the cause of an error has this message. */
function caused(message: RegExp, kind: typeof Error = Error): (error: Error) => boolean {
  return ({ cause }) => cause instanceof kind && message.test(cause.message);
}

test.run();
