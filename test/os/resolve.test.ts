/** Names, raw: asked on a thread of the addon's, answered through a descriptor; and on the simulated system, by its table. */

import { isIP } from 'node:net';
import { constants, NameLookup, poll, realSys, type Sys, type SystemError } from 'genloop/os';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { PATIENCE } from '../support/backends.ts';
import { thrown } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';

const test = suite('names, raw');
/** One of its parts has more letters than DNS allows, so nobody is asked for it. */
const IMPOSSIBLE = `${'a'.repeat(64)}.invalid`;

const SYSTEMS: readonly (readonly [title: string, make: () => Sys])[] = [
  ['real', realSys],
  ['simulated', () => new SimulatedSystem({ names: { '127.1': ['127.0.0.1'] } })],
];

function answerOf(lookup: NameLookup): ReturnType<NameLookup['answer']> {
  for (;;) {
    const addresses = lookup.answer();
    if (addresses !== undefined) return addresses;
    const [event] = poll([[lookup, constants.POLLIN as number]], PATIENCE);
    if (event === undefined) throw new Error(`no answer for '${lookup.hostname}'`);
  }
}

function found(hostname: string, family?: 'IPv4' | 'IPv6'): unknown {
  using lookup = NameLookup.start(hostname, family === undefined ? {} : { family });
  return answerOf(lookup)?.map((address) => address.toJSON());
}

for (const [title, make] of SYSTEMS) {
  const on = (name: string, body: () => void): void => test(`${name} (${title})`, () => inside(make(), body));

  on('a name gives its addresses, in both families with port 0', () => {
    const v4 = { family: 'IPv4', address: '127.0.0.1', port: 0 };
    assert.equal(found('localhost', 'IPv4'), [v4]);
    using lookup = NameLookup.start('localhost');
    const all = answerOf(lookup) ?? [];
    assert.ok(all.some((address) => address.toString() === '127.0.0.1:0'));
    for (const { family, address } of all) assert.is(family, isIP(address) === 4 ? 'IPv4' : 'IPv6');
  });

  on('a numeric address gives itself, in the forms of old as well', () => {
    assert.equal(found('::1'), [{ family: 'IPv6', address: '::1', port: 0 }]);
    assert.equal(found('127.1'), [{ family: 'IPv4', address: '127.0.0.1', port: 0 }]);
  });

  on('a name that there is not is ENOTFOUND, as Node says it', () => {
    const error = thrown(() => found(IMPOSSIBLE));
    const { name, code, errno, syscall, hostname } = error;
    const expected = ['SystemError', 'ENOTFOUND', -3008, 'getaddrinfo', IMPOSSIBLE];
    assert.equal([name, code, errno, syscall, hostname], expected);
    assert.is(error.message, `getaddrinfo ENOTFOUND: there is no such name, or it has no address '${IMPOSSIBLE}'`);
  });

  on('an address of the other family is none', () => {
    assert.ok(['EAI_ADDRFAMILY', 'ENOTFOUND'].includes(thrown(() => found('::1', 'IPv4')).code));
  });

  on('the descriptor is readable once there is an answer, and has nothing after it', () => {
    using lookup = NameLookup.start('localhost', { family: 'IPv4' });
    assert.is(answerOf(lookup)?.length, 1);
    assert.is(lookup.read()?.length, 0);
    assert.match(String(lookup), /^NameLookup \d+$/);
  });

  on('closing it is all that it takes to lose interest', () => {
    for (let n = 0; n < 50; n++) NameLookup.start('localhost', { family: 'IPv4' }).close();
    assert.equal(found('localhost', 'IPv4'), [{ family: 'IPv4', address: '127.0.0.1', port: 0 }]);
  });
}

test('many at once all get their answer', () => {
  const lookups = Array.from({ length: 100 }, () => NameLookup.start('localhost', { family: 'IPv4' }));
  for (const lookup of lookups) {
    assert.equal(answerOf(lookup)?.map(String), ['127.0.0.1:0']);
    lookup.close();
  }
});

test('a family that the resolver does not know is its error', () => {
  const sys = realSys();
  // As a system would say that knows no such family; DNS is not asked.
  const odd = overriding(sys, { getaddrinfo: (host) => sys.getaddrinfo(host, 999) });
  assert.is(inside(odd, () => thrown(() => found('localhost'))).code, 'EAI_FAMILY');
});

test('what is no name is refused before anybody is asked', () => {
  const calls: string[] = [];
  const sys = overriding(realSys(), {
    getaddrinfo: (host) => {
      calls.push(host);
      return -(constants.EMFILE as number);
    },
  });
  inside(sys, () => {
    assert.throws(() => NameLookup.start(''), /the host is empty/);
    assert.throws(() => NameLookup.start('a\0b'), /cannot hold a NUL/);
    assert.throws(() => NameLookup.start(7 as never), /a host is a string, not 7/);
    assert.throws(
      () => NameLookup.start('localhost', { family: 4 as never }),
      /family must be 'IPv4' or 'IPv6', not '4'/,
    );
    const error = thrown(() => NameLookup.start('long.'.repeat(52)));
    assert.is(error.code, 'ENAMETOOLONG');
    assert.match(error.message, /'long\.long\.[^']*…' \(a name has at most 255 bytes\)$/);
    assert.equal(calls, []);
    assert.is(
      thrown(() => NameLookup.start('localhost')).message,
      "getaddrinfo EMFILE: too many open files in this process 'localhost'",
    );
    assert.equal(calls, ['localhost']);
  });
});

test('an answer that comes in pieces is put together, and one that is cut off is a failure', () => {
  const pieces = new SimulatedSystem({ names: { host: ['10.0.0.1', 'fd00::1'] }, faults: { shortReads: 0.9 } });
  inside(pieces, () => {
    assert.equal(found('host'), [
      { family: 'IPv4', address: '10.0.0.1', port: 0 },
      { family: 'IPv6', address: 'fd00::1', port: 0 },
    ]);
  });
  const nothing = overriding(new SimulatedSystem(), { read: () => 0 });
  const error: SystemError = inside(nothing, () => thrown(() => found('localhost')));
  assert.is(error.code, 'EAI_FAIL');
});

test.run();
