/**
 * Hostile arguments to every native function: a typed error, no crash, no descriptor touched. Node-API is not strict by itself
 * (NaN reads as 0, 2³² + 3 as 3, a detached buffer as one of length 0), so every position of every call is tried.
 */

import fc from 'fast-check';
import {
  ADDRESS_SLOT_SIZE,
  CONTROL_HEADER,
  MESSAGE_ROW,
  type NodeLoop,
  nodeLoop,
  realSys,
  Socket,
  type Sys,
} from 'genloop/os';
import * as assert from 'uvu/assert';
import { holdings, settled } from '../support/leaks.ts';
import { suite } from '../support/suite.ts';

/** What a position takes. */
type Kind =
  | 'fd'
  | 'int'
  | 'bits'
  | 'length'
  | 'room'
  | 'port'
  | 'ms'
  | 'text'
  | 'bytes'
  | 'slot'
  | 'address'
  | 'rows'
  | 'buffers'
  | 'maybe address'
  | 'control'
  | 'slots'
  | 'pair'
  | 'flag'
  | 'call';

type CallName = Exclude<keyof Sys | keyof NodeLoop, 'platform' | 'constants' | 'unwatchable' | 'backend'>;

const SIGNATURES: Readonly<Record<CallName, readonly Kind[]>> = {
  now: [],
  packAddress: ['slot', 'text', 'port', 'length'],
  packPath: ['slot', 'text'],
  unpackAddress: ['slot'],
  getaddrinfo: ['text', 'int'],
  socket: ['int', 'int', 'int'],
  socketpair: ['int', 'int', 'int', 'pair'],
  bind: ['fd', 'address'],
  listen: ['fd', 'int'],
  accept: ['fd', 'slot'],
  connect: ['fd', 'address'],
  recv: ['fd', 'bytes', 'length', 'length', 'bits'],
  recvEach: ['rows', 'length', 'bytes', 'room'],
  send: ['fd', 'bytes', 'length', 'length', 'bits'],
  sendEach: ['rows', 'length', 'bytes'],
  recvfrom: ['fd', 'bytes', 'length', 'length', 'bits', 'slot'],
  sendto: ['fd', 'bytes', 'length', 'length', 'bits', 'address'],
  writev: ['fd', 'buffers', 'length'],
  sendmsg: ['fd', 'buffers', 'length', 'bits', 'maybe address', 'control'],
  recvmsg: ['fd', 'bytes', 'length', 'length', 'bits', 'slot', 'control'],
  recvmmsg: ['fd', 'bytes', 'rows', 'length', 'slots', 'bits'],
  sendmmsg: ['fd', 'bytes', 'rows', 'length', 'length', 'slots', 'bits'],
  shutdown: ['fd', 'int'],
  getsockname: ['fd', 'slot'],
  getpeername: ['fd', 'slot'],
  getsockopt: ['fd', 'int', 'int', 'bytes'],
  setsockopt: ['fd', 'int', 'int', 'bytes'],
  open: ['text', 'int', 'length'],
  read: ['fd', 'bytes', 'length', 'length'],
  write: ['fd', 'bytes', 'length', 'length'],
  close: ['fd'],
  pipe: ['pair'],
  dup: ['fd'],
  fcntl: ['fd', 'int', 'int'],
  fstat: ['fd'],
  ioctl: ['fd', 'bits', 'bytes'],
  eventfd: ['length', 'int'],
  timerfd: [],
  timerfdSet: ['fd', 'ms'],
  own: ['fd'],
  disown: ['fd'],
  epollCreate: [],
  epollCtl: ['fd', 'int', 'fd', 'bits', 'bits', 'bits'],
  epollWait: ['fd', 'rows', 'ms'],
  poll: ['rows', 'length', 'ms'],
  select: ['rows', 'length', 'ms'],
  kqueue: [],
  kevent: ['fd', 'rows', 'length', 'rows', 'ms'],
  signalOpen: ['int'],
  signalClose: ['int'],
  raise: ['int'],
  backendFd: [],
  watch: ['fd', 'call'],
  unwatch: ['int'],
  setRef: ['int', 'flag'],
};

/** A number that nothing has: what gets as far as the kernel is EBADF there. */
const NOBODY = 999_999;

function address(): Uint8Array {
  const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
  assert.is(realSys().packAddress(slot, '127.0.0.1', 9, 0), 0);
  return slot;
}

/** An argument that the call takes. */
const VALID: Readonly<Record<Kind, () => unknown>> = {
  fd: () => NOBODY,
  int: () => -1,
  bits: () => 0,
  length: () => 0,
  room: () => 1,
  port: () => 0,
  ms: () => 0,
  text: () => 'no such place/at all',
  bytes: () => new Uint8Array(256),
  slot: () => new Uint8Array(ADDRESS_SLOT_SIZE),
  address,
  rows: () => new Int32Array(64),
  buffers: () => [new Uint8Array(4), new Uint8Array(0)],
  'maybe address': address,
  control: () => new Int32Array(CONTROL_HEADER + 1),
  slots: () => new Uint8Array(2 * ADDRESS_SLOT_SIZE),
  pair: () => new Int32Array(2),
  flag: () => true,
  call: () => () => {},
};

function detached<T extends Uint8Array | Int32Array>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

type Resizable = ArrayBuffer & { resize(size: number): void };

/** A view of 256 bytes whose buffer has shrunk beneath it to 8; nothing before Node has resizable buffers. */
function shrunk(): Uint8Array {
  const Buffers = ArrayBuffer as unknown as new (size: number, options: { maxByteLength: number }) => Resizable;
  const buffer = new Buffers(256, { maxByteLength: 256 });
  const view = new Uint8Array(buffer, 0, 256);
  buffer.resize?.(8);
  return view;
}

const NO_NUMBERS: readonly unknown[] = [
  undefined,
  null,
  true,
  '3',
  '',
  3n,
  Symbol('3'),
  {},
  [],
  [3],
  { valueOf: () => 3 },
  { [Symbol.toPrimitive]: () => 3 },
  new Number(3),
  () => 3,
  new Uint8Array(1),
  new Date(3),
];
const NO_INTEGERS = [Number.NaN, -0, 1.5, -1.5, 1e300, -1e300, 2 ** 53, Number.MIN_VALUE, Infinity, -Infinity];
const NO_INT32 = [...NO_INTEGERS, 2 ** 32, 2 ** 32 + 3, -(2 ** 31) - 1];
const NO_BYTES: readonly unknown[] = [
  undefined,
  null,
  0,
  'text',
  {},
  [],
  [1, 2, 3, 4],
  { length: 256, buffer: new ArrayBuffer(256), byteLength: 256 },
  new ArrayBuffer(256),
  new DataView(new ArrayBuffer(256)),
  new Uint16Array(128),
  new Float64Array(32),
  new BigInt64Array(32),
  new Uint8ClampedArray(256),
  new Int8Array(256),
  new Proxy(new Uint8Array(256), {}),
  Object.create(Uint8Array.prototype),
];

/** What the call must refuse in such a position. */
const HOSTILE: Readonly<Record<Kind, () => readonly unknown[]>> = {
  fd: () => [...NO_NUMBERS, ...NO_INT32, -1, -(2 ** 31), 2 ** 31],
  int: () => [...NO_NUMBERS, ...NO_INT32, 2 ** 31],
  bits: () => [...NO_NUMBERS, ...NO_INT32],
  length: () => [...NO_NUMBERS, ...NO_INT32, -1],
  room: () => [...NO_NUMBERS, ...NO_INT32, -1, 0],
  port: () => [...NO_NUMBERS, ...NO_INT32, -1, 65_536],
  ms: () => [...NO_NUMBERS, Number.NaN],
  text: () => NO_NUMBERS.filter((value) => typeof value !== 'string').concat([7, new String('x')]),
  bytes: () => [...NO_BYTES, new Int32Array(64)],
  slot: () => [...NO_BYTES, new Int32Array(64), new Uint8Array(0), new Uint8Array(1), detached(new Uint8Array(256))],
  address: () => [
    ...NO_BYTES,
    new Int32Array(64),
    new Uint8Array(0),
    new Uint8Array(ADDRESS_SLOT_SIZE),
    Uint8Array.of(129, 0, 2, 0),
    Uint8Array.of(16, 0, 2, 0),
    Uint8Array.of(1, 0, 2),
    new Uint8Array(ADDRESS_SLOT_SIZE).fill(255),
    detached(address()),
  ],
  rows: () => [...NO_BYTES, new Uint8Array(256), new Uint32Array(64)],
  buffers: () => [
    ...NO_BYTES.filter((value) => !Array.isArray(value) || value.length > 0),
    new Uint8Array(8),
    [new Uint8Array(8), undefined],
    Object.assign(new Array(3), { 0: new Uint8Array(8), 2: new Uint8Array(8) }),
    [new Int32Array(8)],
    ['text'],
    [[new Uint8Array(8)]],
    new Proxy([new Uint8Array(8)], {}),
    { 0: new Uint8Array(8), length: 1 },
  ],
  'maybe address': () => [
    ...NO_BYTES,
    new Int32Array(64),
    Uint8Array.of(129, 0, 2, 0),
    Uint8Array.of(16, 0, 2, 0),
    Uint8Array.of(1, 0, 2),
    new Uint8Array(ADDRESS_SLOT_SIZE).fill(255),
  ],
  control: () => [...NO_BYTES, new Uint8Array(256), new Int32Array(1), new Int32Array(CONTROL_HEADER - 1)],
  slots: () => [...NO_BYTES, new Int32Array(64)],
  pair: () => [...NO_BYTES, new Uint8Array(256), new Int32Array(0), new Int32Array(1), detached(new Int32Array(2))],
  flag: () => [undefined, null, 0, 1, 'true', {}, new Boolean(true)],
  call: () => [undefined, null, 0, 'f', {}, []],
};

const native = { ...realSys(), ...nodeLoop() } as unknown as Record<CallName, (...values: unknown[]) => unknown>;
const CODES = ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE'];
const names = Object.keys(SIGNATURES) as CallName[];

function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value);
}

/** The call must throw a typed error. */
function refuses(name: CallName, values: readonly unknown[], what: string): void {
  let result: unknown;
  try {
    result = native[name](...values);
  } catch (error) {
    assert.ok(error instanceof TypeError || error instanceof RangeError, `${what}: ${String(error)}`);
    assert.ok(CODES.includes((error as { code?: string }).code ?? ''), `${what}: code of ${String(error)}`);
    assert.match((error as Error).message, new RegExp(`^${name}: `), what);
    return;
  }
  assert.unreachable(`${what} was taken, and gave ${String(result)}`);
}

const test = suite('arguments of the native functions');

test('all functions are in the table, and nothing else is exported', () => {
  const exported = Object.keys(native).filter((key) => typeof native[key as CallName] === 'function');
  assert.equal(exported.sort(), [...names].sort());
});

for (const name of names) {
  const kinds = SIGNATURES[name];
  if (kinds.length === 0) continue;
  test(`${name} refuses what is wrong in any position`, async () => {
    const before = await holdings();
    kinds.forEach((kind, position) => {
      for (const hostile of HOSTILE[kind]()) {
        // A mode is a length, but for its limit; nothing wrong about 0 rows.
        const values = kinds.map((other, index) => (index === position ? hostile : VALID[other]()));
        refuses(name, values, `${name}, argument ${position} (${kind}): ${show(hostile)}`);
      }
    });
    for (let given = 0; given < kinds.length; given++) {
      const values = kinds.slice(0, given).map((kind) => VALID[kind]());
      refuses(name, values, `${name} with ${given} arguments`);
    }
    assert.equal((await holdings()).descriptors, before.descriptors);
  });
}

test('offset and length never reach beyond the buffer', () => {
  for (const name of ['recv', 'send', 'read', 'write', 'recvfrom', 'sendto', 'recvmsg'] as const) {
    const rest = SIGNATURES[name].slice(4).map((kind) => VALID[kind]());
    const views: [string, () => Uint8Array][] = [
      ['a buffer of 8', () => new Uint8Array(8)],
      ['a detached one', () => detached(new Uint8Array(256))],
      ['a shrunk one', shrunk],
      ['a shared one', () => new Uint8Array(new SharedArrayBuffer(8))],
    ];
    const ranges: [number, number][] = [
      [0, 9],
      [9, 0],
      [8, 1],
      [4, 5],
      [2 ** 31 - 1, 2 ** 31 - 1],
      [1, 2 ** 31 - 1],
    ];
    for (const [what, view] of views) {
      for (const [offset, length] of ranges) {
        refuses(name, [NOBODY, view(), offset, length, ...rest], `${name} of ${what} at ${offset}, ${length} bytes`);
      }
    }
  }
});

test('rows beyond the array are refused', () => {
  refuses('poll', [new Int32Array(2), 2, 0], 'poll');
  refuses('poll', [detached(new Int32Array(2)), 1, 0], 'poll, detached');
  refuses('select', [new Int32Array(5), 2, 0], 'select');
  refuses('select', [detached(new Int32Array(3)), 1, 0], 'select, detached');
  refuses('recvEach', [new Int32Array(2), 2, new Uint8Array(256), 1], 'recvEach');
  refuses('recvEach', [detached(new Int32Array(2)), 1, new Uint8Array(256), 1], 'recvEach, detached');
  refuses('recvEach', [new Int32Array(4), 2, new Uint8Array(255), 128], 'recvEach, no room for two');
  refuses('recvEach', [new Int32Array(4), 1, detached(new Uint8Array(8)), 8], 'recvEach, detached bytes');
  const row = [NOBODY, 0, 8, 0];
  refuses('sendEach', [Int32Array.from(row), 2, new Uint8Array(8)], 'sendEach');
  refuses('sendEach', [Int32Array.from([...row, NOBODY, 0, 8]), 2, new Uint8Array(8)], 'sendEach, a part of a row');
  refuses('sendEach', [detached(Int32Array.from(row)), 1, new Uint8Array(8)], 'sendEach, detached');
  refuses('sendEach', [Int32Array.from(row), 1, detached(new Uint8Array(8))], 'sendEach, detached bytes');
  refuses('sendEach', [new Int32Array(4), 2 ** 31 - 1, new Uint8Array(8)], 'sendEach, far beyond');
  refuses('kevent', [NOBODY, new Int32Array(8), 2, new Int32Array(8), 0], 'kevent');
  refuses('kevent', [NOBODY, detached(new Int32Array(8)), 1, new Int32Array(8), 0], 'kevent, detached');
});

test('of rows of which one says more than the buffer has, none is sent', () => {
  const [mine, theirs] = Socket.pair();
  try {
    const bad: [string, number, number][] = [
      ['beyond the end', 0, 9],
      ['from beyond the end', 9, 0],
      ['over the end', 4, 5],
      ['a negative offset', -1, 1],
      ['a negative length', 4, -1],
      ['both far away', 2 ** 31 - 1, 2 ** 31 - 1],
      ['all of them', -(2 ** 31), -(2 ** 31)],
    ];
    for (const [what, offset, length] of bad) {
      const good = [mine.fd, 0, 8, 7];
      for (const cells of [
        [...good, mine.fd, offset, length, 7],
        [mine.fd, offset, length, 7, ...good],
      ]) {
        const rows = Int32Array.from(cells);
        refuses('sendEach', [rows, 2, new Uint8Array(8)], `sendEach: ${what}`);
        assert.equal([...rows], cells, what);
      }
    }
    refuses('sendEach', [Int32Array.of(mine.fd, 0, 9, 0), 1, shrunk()], 'sendEach: shrunk');
    assert.is(theirs.recv(100), undefined);
    // Rows behind those that count say nothing.
    assert.is(native.sendEach(Int32Array.of(mine.fd, 0, 2, 0, mine.fd, 0, 99, 0), 1, new Uint8Array(8)), 2);
    assert.is(theirs.recv(100)?.length, 2);
  } finally {
    mine.close();
    theirs.close();
  }
});

test('a batch never reaches beyond its buffer, its rows or its slots', () => {
  const rows = (...cells: number[]) => Int32Array.from(cells);
  const two = new Uint8Array(2 * ADDRESS_SLOT_SIZE);
  const receive = (what: string, buffer: Uint8Array, table: Int32Array, count: number, slots: Uint8Array) =>
    refuses('recvmmsg', [NOBODY, buffer, table, count, slots, 0], `recvmmsg: ${what}`);
  const send = (what: string, buffer: Uint8Array, table: Int32Array, from: number, count: number, slots: Uint8Array) =>
    refuses('sendmmsg', [NOBODY, buffer, table, from, count, slots, 0], `sendmmsg: ${what}`);
  const eight = new Uint8Array(8);
  const bad: [string, number, number][] = [
    ['beyond the end', 0, 9],
    ['from beyond the end', 9, 0],
    ['a negative offset', -1, 1],
    ['a negative size', 0, -1],
    ['both far away', 2 ** 31 - 1, 2 ** 31 - 1],
  ];
  for (const [what, offset, size] of bad) {
    receive(what, eight, rows(0, 8, 0, offset, size, 0), 2, two);
    send(what, eight, rows(0, 0, 8, offset, 0, size), 0, 2, two);
    send(`${what}, from 1`, eight, rows(0, 0, 8, offset, 0, size), 1, 1, two);
  }
  receive('more than the rows', eight, rows(0, 8, 0), 2, two);
  receive('more than the slots', eight, rows(0, 8, 0, 0, 8, 0), 2, two.subarray(1));
  receive('detached buffer', detached(new Uint8Array(256)), rows(0, 8, 0), 1, two);
  receive('shrunk buffer', shrunk(), rows(0, 9, 0), 1, two);
  receive('detached rows', eight, detached(rows(0, 8, 0)), 1, two);
  receive('detached slots', eight, rows(0, 8, 0), 1, detached(new Uint8Array(256)));
  send('more than the rows', eight, rows(0, 0, 8), 1, 1, two);
  send('more than the slots', eight, new Int32Array(9), 2, 1, two);
  send('far beyond', eight, new Int32Array(9), 2 ** 31 - 1, 2 ** 31 - 1, two);
  const wrong = two.slice();
  wrong[ADDRESS_SLOT_SIZE] = 129;
  send('an address that is none', eight, new Int32Array(2 * MESSAGE_ROW), 0, 2, wrong);
  // Of a thousand the first 256 are looked at.
  const many = new Int32Array(1000 * MESSAGE_ROW);
  const { EBADF } = realSys().constants;
  assert.is(
    native.recvmmsg(NOBODY, eight, many, 1000, new Uint8Array(1000 * ADDRESS_SLOT_SIZE), 0),
    -(EBADF as number),
  );
});

test('gathered buffers never reach beyond their bytes, also if one of them changes as it is read', () => {
  const { EBADF, EMSGSIZE } = realSys().constants as { EBADF: number; EMSGSIZE: number };
  refuses('writev', [NOBODY, [new Uint8Array(3), new Uint8Array(4)], 8], 'offset');
  refuses('writev', [NOBODY, [], 1], 'offset into nothing');
  refuses('writev', [NOBODY, [detached(new Uint8Array(8))], 1], 'detached');
  assert.is(native.writev(NOBODY, [new Uint8Array(3), new Uint8Array(4)], 7), -EBADF);
  assert.is(
    native.writev(
      NOBODY,
      Array.from({ length: 1000 }, () => new Uint8Array(1)),
      999,
    ),
    -EBADF,
  );
  const thousand = Array.from({ length: 1000 }, () => new Uint8Array(1));
  assert.is(native.sendmsg(NOBODY, thousand, 0, 0, new Uint8Array(0), new Int32Array(0)), -EMSGSIZE);
  const first = new Uint8Array(64);
  const trap = [first, new Uint8Array(8)];
  Object.defineProperty(trap, 1, { get: () => detached(first) });
  // The first has no bytes any more when its address is taken, and so an offset into it is beyond the end.
  refuses('writev', [NOBODY, trap, 8], 'a getter that detaches');
  const throwing = Object.defineProperty([first], 0, {
    get(): never {
      throw new Error('thrown on');
    },
  });
  assert.throws(() => native.writev(NOBODY, throwing, 0), /^thrown on$/);
});

test('control data says no more than there is', () => {
  const send = (control: Int32Array): unknown => native.sendmsg(NOBODY, [], 0, 0, new Uint8Array(0), control);
  for (const control of [Int32Array.of(1, 0, 0, 0, 0, 0), Int32Array.of(-1, 0, 0, 0, 0, 0, 0)]) {
    refuses('sendmsg', [NOBODY, [], 0, 0, new Uint8Array(0), control], `control ${control}`);
  }
  const many = new Int32Array(CONTROL_HEADER + 254);
  many[0] = 254;
  refuses('sendmsg', [NOBODY, [], 0, 0, new Uint8Array(0), many], 'more than a message carries');
  refuses('recvmsg', [NOBODY, new Uint8Array(8), 0, 8, 0, new Uint8Array(256), new Int32Array(5)], 'too short');
  const { EBADF } = realSys().constants as { EBADF: number };
  assert.is(send(new Int32Array(0)), -EBADF);
  assert.is(send(detached(Int32Array.of(1, 0, 0, 0, 0, 0))), -EBADF);
});

test('an ioctl whose request says its size wants that many bytes, one that does not wants 64', () => {
  const { FIONREAD } = realSys().constants;
  refuses('ioctl', [NOBODY, FIONREAD, new Uint8Array(63)], 'FIONREAD');
  refuses('ioctl', [NOBODY, 0xffff_ffff, new Uint8Array(16_382)], 'the largest');
  refuses('ioctl', [NOBODY, FIONREAD, detached(new Uint8Array(64))], 'detached');
  assert.is(native.ioctl(NOBODY, FIONREAD, new Uint8Array(64)), -(realSys().constants.EBADF as number));
});

test('fcntl knows its commands: one that takes a pointer is EINVAL', () => {
  const { EINVAL } = realSys().constants;
  const [one] = [native.eventfd(0, 0) as number];
  try {
    // F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_GETOWN_EX, nonsense.
    for (const command of [5, 6, 7, 36, 16, -1, 2 ** 31 - 1]) {
      assert.is(native.fcntl(one, command, 0), -(EINVAL as number));
    }
  } finally {
    native.close(one);
  }
});

test('a path with a NUL is refused', () => {
  refuses('open', ['/dev/null\0x', 0, 0], 'open');
  refuses('getaddrinfo', ['localhost\0x', 0], 'getaddrinfo');
  const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
  const { EINVAL } = realSys().constants;
  assert.is(native.packPath(slot, '/tmp/a\0b'), -(EINVAL as number));
  assert.is(native.packPath(slot, ''), -(EINVAL as number));
  assert.is(native.packAddress(slot, '127.0.0.1\0', 1, 0), -(EINVAL as number));
});

test('no function looks at its `this`, or minds being called as a constructor', () => {
  for (const self of [undefined, null, 5, {}, [], new Proxy({}, {}), native.recv]) {
    assert.is(Reflect.apply(native.close, self, [NOBODY]), -(realSys().constants.EBADF as number));
    assert.throws(() => Reflect.apply(native.recv, self, []), /^recv: /);
  }
  for (const name of names) {
    if (SIGNATURES[name].length === 0) continue;
    try {
      Reflect.construct(native[name], []);
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof TypeError || error instanceof RangeError, name);
    }
  }
});

test('a getter that shrinks or detaches the buffer is never called', () => {
  const bytes = new Uint8Array(256);
  let called = 0;
  const trap = {
    valueOf(): number {
      called++;
      detached(bytes);
      return 0;
    },
  };
  refuses('recv', [NOBODY, bytes, trap, 0, 0], 'recv');
  refuses('recv', [NOBODY, bytes, 0, trap, 0], 'recv');
  assert.is(called, 0);
});

test('random mixtures of all of these neither crash nor leave anything open', async () => {
  const before = await holdings();
  const pool = [
    ...NO_NUMBERS,
    ...NO_INT32,
    ...NO_BYTES,
    -1,
    NOBODY,
    2 ** 31 - 1,
    2 ** 31,
    'no such place/at all',
    '\0',
    false,
    () => {},
    new Uint8Array(0),
    new Uint8Array(7),
    new Uint8Array(256),
    new Int32Array(0),
    new Int32Array(7),
    new Int32Array(64),
    detached(new Uint8Array(256)),
    detached(new Int32Array(64)),
    shrunk(),
    new Uint8Array(new SharedArrayBuffer(256)),
    new Int32Array(new SharedArrayBuffer(256)),
    [new Uint8Array(7), detached(new Uint8Array(256)), shrunk()],
    address(),
    // 0 is a descriptor of everybody's.
  ].filter((value) => !Object.is(value, 0));
  const opens = new Set<CallName>([
    'getaddrinfo',
    'socket',
    'dup',
    'accept',
    'open',
    'eventfd',
    'timerfd',
    'epollCreate',
    'kqueue',
  ]);
  const call = fc.record({
    name: fc.constantFrom(...names),
    at: fc.array(fc.nat(pool.length - 1), { minLength: 0, maxLength: 8 }),
  });
  fc.assert(
    fc.property(call, ({ name, at }) => {
      const values = at.map((index) => pool[index]);
      try {
        const result = native[name](...values);
        assert.type(result, name === 'unpackAddress' ? 'object' : 'number');
        if (opens.has(name) && (result as number) >= 0) native.close(result);
        if ((name === 'pipe' || name === 'socketpair') && result === 0) {
          const pair = (name === 'pipe' ? values[0] : values[3]) as Int32Array;
          native.close(pair[0]);
          native.close(pair[1]);
        }
      } catch (error) {
        assert.ok(error instanceof TypeError || error instanceof RangeError, `${name}: ${String(error)}`);
        assert.ok(CODES.includes((error as { code?: string }).code ?? ''), `${name}: ${String(error)}`);
      }
    }),
    { seed: 42, numRuns: 20_000 },
  );
  // A thread that looks up a name closes its end of the answer when it has found out that nobody reads it.
  assert.equal(await settled(before), []);
});

test.run();
