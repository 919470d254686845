/** Multicast groups, over the loopback interface alone. */

import { networkInterfaces } from 'node:os';
import { type Co, runSync } from 'genloop';
import { UdpSocket } from 'genloop/net';
import { SocketAddress } from 'genloop/os';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { inside } from '../support/systems.ts';

const test = suite('multicast');
/** Of those that nobody else uses: administratively scoped, and link-local. */
const GROUP = { IPv4: '239.255.71.42', IPv6: 'ff02::4742' } as const;
const [NAME, entries] =
  Object.entries(networkInterfaces()).find(([, list]) => list?.some(({ internal }) => internal)) ?? [];
const INDEX = NAME === undefined ? 0 : (SocketAddress.from({ host: `fe80::1%${NAME}` }).scopeid ?? 0);

function familyIsThere(family: 'IPv4' | 'IPv6'): boolean {
  return entries?.some((entry) => entry.family === family) ?? false;
}

/** Whether this machine sends to such a group at all: over a loopback it may have no route. */
function isReachable(family: 'IPv4' | 'IPv6'): boolean {
  if (!familyIsThere(family)) return false;
  using socket = UdpSocket.open({ family, port: 0 });
  try {
    socket.setMulticastInterface(INDEX);
    socket.joinGroup(GROUP[family], INDEX);
    socket.socket.sendTo('', { host: GROUP[family], port: 9 });
    return true;
  } catch {
    return false;
  }
}

for (const family of ['IPv4', 'IPv6'] as const) {
  const group = GROUP[family];
  const any = family === 'IPv4' ? '0.0.0.0' : '::';
  if (!familyIsThere(family)) {
    notRun(`multicast over ${family}: this machine's loopback interface has no such address`);
    continue;
  }
  const ways: [string, string | number][] = [
    ['its name', NAME as string],
    ['its index', INDEX],
  ];
  if (family === 'IPv4') ways.push(['its address', '127.0.0.1']);
  for (const [way, which] of ways) {
    test(`a group is joined and left, each once (${family}, by ${way})`, () => {
      using member = UdpSocket.open({ host: any, port: 0 });
      member.joinGroup(group, which);
      assert.throws(() => member.joinGroup(group, which), /EADDRINUSE/);
      member.leaveGroup(group, which);
      assert.throws(() => member.leaveGroup(group, which), /EADDRNOTAVAIL/);
      member.joinGroup(group, which);
      member.setMulticastInterface(which);
    });

    if (!isReachable(family)) {
      notRun(`datagrams to a group over ${family}, by ${way}: this machine's loopback interface carries none`);
      continue;
    }
    test(`all members of a group get what is sent to it, until they leave (${family}, by ${way})`, () => {
      runSync(function* (): Co<void> {
        using one = UdpSocket.open({ host: any, port: 0, reuseAddress: true });
        const { port } = one.localAddress;
        using other = UdpSocket.open({ host: any, port, reuseAddress: true });
        using sender = UdpSocket.open({ family, port: 0 });
        sender.setMulticastInterface(which);
        one.joinGroup(group, which);
        other.joinGroup(group, which);
        yield* sender.send('to all', { host: group, port, scopeid: family === 'IPv6' ? INDEX : 0 });
        for (const member of [one, other]) assert.is((yield* member.receive()).data.toString(), 'to all');
        other.leaveGroup(group, which);
      });
    });
  }

  test(`hops, and whether the own machine hears it, are read and set (${family})`, () => {
    using socket = UdpSocket.open({ family });
    assert.equal([socket.multicastTtl, socket.multicastLoopback], [1, true]);
    socket.multicastTtl = 3;
    socket.multicastLoopback = false;
    assert.equal([socket.multicastTtl, socket.multicastLoopback], [3, false]);
  });
}

test('an interface that stands in the address of a group is the one that is joined', () => {
  using socket = UdpSocket.open({ family: 'IPv6', port: 0 });
  socket.joinGroup(`${GROUP.IPv6}%${INDEX}`);
  assert.throws(() => socket.joinGroup(GROUP.IPv6, INDEX), /EADDRINUSE/);
  socket.leaveGroup(GROUP.IPv6, INDEX);
  assert.throws(() => socket.leaveGroup(`${GROUP.IPv6}%${INDEX}`), /EADDRNOTAVAIL/);
});

test('what is no group, no interface, or of the other family is refused', () => {
  using socket = UdpSocket.open({ port: 0 });
  assert.throws(() => socket.joinGroup('127.0.0.1', INDEX), /EINVAL/);
  assert.throws(() => socket.joinGroup(undefined as never), /a group is an address like '239.255.1.1', not undefined/);
  assert.throws(() => socket.joinGroup('no group'), /not a numeric/);
  assert.throws(() => socket.joinGroup(GROUP.IPv6), /'ff02::4742' is no IPv4 address, and the socket is of IPv4/);
  assert.throws(() => socket.joinGroup(GROUP.IPv4, 'no-such-interface'), /ENODEV/);
  assert.throws(() => socket.joinGroup(GROUP.IPv4, ''), /an interface is given by its name/);
  assert.throws(() => socket.joinGroup(GROUP.IPv4, null as never), /an interface is given by its name/);
  for (const index of [-1, 0.5, Number.NaN]) {
    assert.throws(() => socket.setMulticastInterface(index), /an interface's index is a whole number/);
  }
});

test('a simulated network has no groups, and says so', () => {
  inside(new SimulatedSystem(), () => {
    using socket = UdpSocket.open({ port: 0 });
    assert.throws(() => socket.joinGroup(GROUP.IPv4), /simulated has no constant 'IP_ADD_MEMBERSHIP'/);
    assert.throws(() => socket.setMulticastInterface(1), /simulated has no constant 'IP_MULTICAST_IF'/);
  });
});

test.run();
