/** Addresses: packed, shown, refused. */

import { inspect } from 'node:util';
import fc from 'fast-check';
import { SocketAddress } from 'genloop/os';
import * as assert from 'uvu/assert';
import { thrown } from '../support/situations.ts';
import { suite } from '../support/suite.ts';

const test = suite('addresses');

test('IPv4: host and address are synonyms, and the default is the loopback', () => {
  assert.equal(SocketAddress.from({ host: '10.1.2.3', port: 80 }).toJSON(), {
    family: 'IPv4',
    address: '10.1.2.3',
    port: 80,
  });
  assert.equal(SocketAddress.from({ address: '10.1.2.3' }).toJSON(), { family: 'IPv4', address: '10.1.2.3', port: 0 });
  assert.is(SocketAddress.from({ port: 7 }).toString(), '127.0.0.1:7');
  assert.is(SocketAddress.from({ host: undefined, port: undefined }).toString(), '127.0.0.1:0');
});

test('IPv6: compressed, with its scope', () => {
  const address = SocketAddress.from({ host: '2001:db8:0:0::0001', port: 443 });
  assert.equal(
    [address.family, address.address, address.port, address.scopeid],
    ['IPv6', '2001:db8::1', 443, undefined],
  );
  assert.is(address.toString(), '[2001:db8::1]:443');
  assert.is(SocketAddress.from({ host: 'fe80::1%7' }).scopeid, 7);
  assert.is(SocketAddress.from({ host: 'fe80::1', scopeid: 9 }).scopeid, 9);
  assert.is(SocketAddress.from({ host: '::ffff:1.2.3.4' }).address, '::ffff:1.2.3.4');
  const error = thrown(() => SocketAddress.from({ host: 'fe80::1%nosuch0', port: 5 }));
  assert.equal(
    [error.code, error.syscall, error.address, error.port],
    ['ENODEV', 'if_nametoindex', 'fe80::1%nosuch0', 5],
  );
});

test('every IPv4 address and port comes back as it went in', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.nat(65_535), (host, port) => {
      assert.equal(SocketAddress.from({ host, port }).toJSON(), { family: 'IPv4', address: host, port });
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('every IPv6 address that is shown packs to the same bytes', () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.nat(65_535), (host, port) => {
      const address = SocketAddress.from({ host, port });
      assert.equal(SocketAddress.from(address.toJSON()).bytes, address.bytes);
    }),
    { seed: 4, numRuns: 300 },
  );
});

test('Unix paths and abstract names', () => {
  assert.equal(SocketAddress.from({ path: '/tmp/x' }).toJSON(), { family: 'unix', address: '/tmp/x', port: 0 });
  if (process.platform === 'linux') {
    const address = SocketAddress.from({ path: '\0a\0b' });
    assert.equal([address.address, address.toString()], ['\0a\0b', '@a\0b']);
  }
  for (const [path, code, hint] of [
    ['', 'EINVAL', 'an empty path names no socket'],
    ['/tmp/a\0b', 'EINVAL', 'a path cannot hold a NUL character'],
    ['x'.repeat(200), 'ENAMETOOLONG', 'use a shorter one'],
  ] as const) {
    const error = thrown(() => SocketAddress.from({ path }));
    assert.equal([error.code, error.path], [code, path]);
    assert.match(error.message, hint);
  }
});

test('what is no numeric address, or no port, is refused', () => {
  for (const host of [
    'localhost',
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4 ',
    ':::',
    '127.0.0.1\0',
    '::1%',
    '1.2.3.4%1',
  ]) {
    assert.throws(() => SocketAddress.from({ host }), /is not a numeric IPv4 or IPv6 address/, host);
  }
  for (const port of [-1, 65_536, 1.5, Number.NaN, '80' as unknown as number]) {
    assert.throws(() => SocketAddress.from({ port }), /port must be an integer from 0 to 65535/);
  }
  assert.throws(() => SocketAddress.from({ port: '80' as unknown as number }), /not the text '80'/);
  assert.is(SocketAddress.from({ port: -0 }).port, 0);
  for (const like of [undefined, null, 5, '127.0.0.1:80']) {
    assert.throws(() => SocketAddress.from(like as unknown as SocketAddress), /an address is an object like/);
  }
  assert.throws(() => SocketAddress.from({ host: 5 as unknown as string }), /host must be a string/);
  assert.throws(() => SocketAddress.from({ path: 5 as unknown as string }), /path of a Unix address must be a string/);
  assert.throws(() => SocketAddress.from({ host: '::1', scopeid: -1 }), /scopeid/);
});

test('raw bytes of any family pass through', () => {
  const bytes = Uint8Array.of(29, 0, 1, 2, 3, 4, 5, 6);
  const address = SocketAddress.raw(bytes);
  assert.equal(address.toJSON(), { family: 'raw', address: '1d00010203040506', port: 0 });
  assert.equal(address.bytes, bytes);
  assert.is(String(address), '1d00010203040506');
  bytes[2] = 99;
  assert.is(address.bytes[2], 1, 'a copy');
  const known = SocketAddress.from({ port: 80 });
  assert.is(SocketAddress.raw(known.bytes).toString(), '127.0.0.1:80');
  for (const length of [0, 1, 129]) {
    assert.throws(() => SocketAddress.raw(new Uint8Array(length)), /a sockaddr has 2 to 128 bytes/);
  }
});

test('an address is taken as it is, can be copied, and shows its fields', () => {
  const address = SocketAddress.from({ port: 80 });
  assert.is(SocketAddress.from(address), address);
  const copy = address.clone();
  address.slot.fill(0);
  assert.is(copy.port, 80);
  assert.is(inspect(copy), "{ family: 'IPv4', address: '127.0.0.1', port: 80 }");
  assert.is(JSON.stringify(copy), '{"family":"IPv4","address":"127.0.0.1","port":80}');
  assert.equal(SocketAddress.empty().toJSON(), { family: 'raw', address: '', port: 0 });
});

test('a slot that lies about its length gives no byte beyond it', () => {
  const address = SocketAddress.empty();
  for (const length of [1, 2, 3, 200, 255]) {
    address.slot.fill(0xff, 2);
    address.slot[0] = length;
    assert.ok(address.address.length <= 2 * 128);
  }
});

test.run();
