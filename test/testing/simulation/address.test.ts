/** Addresses in text and in bytes: as the C library has them. */

import { ADDRESS_SLOT_SIZE, realSys, type Sys } from 'genloop/os';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../../src/scheduler/random.ts';
import { notRun, suite } from '../../support/suite.ts';

const test = suite('simulation: addresses');
const simulated = new SimulatedSystem();

const HOSTS = [
  '0.0.0.0',
  '127.0.0.1',
  '255.255.255.255',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3.4 ',
  '',
  'localhost',
  '::',
  '::1',
  '1::',
  '::ffff:1.2.3.4',
  '::1.2.3.4',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7::',
  '::2:3:4:5:6:7:8',
  '1::2::3',
  ':::',
  ':1',
  '1:',
  '12345::',
  'g::',
  'fe80::1%lo',
  'fe80::1%1',
  'fe80::1%4294967295',
  'fe80::1%4294967296',
  'fe80::1%',
  'fe80::1%nowhere0',
  '1:0:0:2:0:0:0:3',
  '1:0:0:2:3:0:0:4',
  '1:0:2:3:4:5:6:7',
  '0:0:0:0:0:ffff:102:304',
  '0:0:0:0:0:0:102:304',
  '::1:2',
  'ABCD::EF',
  '2001:db8::1',
  '1:2:3:4:5:6:1.2.3.4',
  '1.2.3.4::',
  '::1.2.3',
  '::1.2.3.4:5',
];

function packed(sys: Sys, host: string, port: number, scope: number): unknown {
  const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
  const result = sys.packAddress(slot, host, port, scope);
  return result < 0 ? result : [[...slot], sys.unpackAddress(slot)];
}

function unix(sys: Sys, path: string): unknown {
  const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
  const result = sys.packPath(slot, path);
  return result < 0 ? result : [[...slot], sys.unpackAddress(slot)];
}

if (process.platform !== 'linux')
  notRun('the comparison of addresses with this C library: the simulated ones are those of Linux');
else {
  test('internet addresses are packed and shown as by the C library, or refused with the same errno', () => {
    for (const host of HOSTS) {
      assert.equal(packed(simulated, host, 80, 0), packed(realSys(), host, 80, 0), host);
      assert.equal(packed(simulated, host, 65_535, 3), packed(realSys(), host, 65_535, 3), host);
    }
  });

  test('so are addresses drawn at random', () => {
    const random = seededRandom(1);
    for (let count = 0; count < 2_000; count++) {
      const groups = Array.from({ length: 8 }, () => (random() < 0.6 ? 0 : Math.floor(random() * 0x1_0000)));
      const host = groups.map((group) => group.toString(16)).join(':');
      assert.equal(packed(simulated, host, count, 0), packed(realSys(), host, count, 0), host);
    }
  });

  test('so are the names of Unix sockets', () => {
    const names = [
      '/tmp/x',
      'relative',
      '\0abstract',
      '\0',
      '\0with\0nul',
      'with\0nul',
      '',
      'é',
      'x'.repeat(107),
      'x'.repeat(108),
    ];
    for (const name of [...names, `\0${'x'.repeat(107)}`, `\0${'x'.repeat(108)}`]) {
      assert.equal(unix(simulated, name), unix(realSys(), name), JSON.stringify(name));
    }
  });

  test('what is neither is shown as bytes', () => {
    const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
    for (const bytes of [[], [0, 0, 0], [4, 0, 29, 0, 7, 8], [3, 0, 2, 0, 7], [2, 0, 1, 0], [5, 0, 1, 0, 97, 0, 98]]) {
      slot.fill(0);
      slot.set(bytes);
      assert.equal(simulated.unpackAddress(slot), realSys().unpackAddress(slot), String(bytes));
    }
  });
}

test('every constant is that of Linux on x86-64', () => {
  const { EAGAIN, EPOLLET, AF_INET6, SOCK_STREAM, FD_SETSIZE } = simulated.constants;
  assert.equal([EAGAIN, EPOLLET, AF_INET6, SOCK_STREAM, FD_SETSIZE], [11, 0x8000_0000, 10, 1, 1024]);
  assert.is('EVFILT_READ' in simulated.constants, false);
  assert.ok(Object.keys(simulated.constants).length > 250);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    notRun('the comparison of the constants with this system: they are those of Linux on x86-64');
    return;
  }
  const { constants } = realSys();
  for (const [name, value] of Object.entries(simulated.constants)) assert.is(value, constants[name], name);
});

test.run();
