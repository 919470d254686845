/** `sendEach`: one call for the sends of many sockets, and each row says what became of it, as the single call would have. */

import { currentSys, SEND_ROW, Socket } from 'genloop/os';
import * as assert from 'uvu/assert';
import { fill, type Opened, pairOf, reset } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { onBoth, text } from '../testing/simulation/both.ts';

const test = suite('sends of many in one call');

/** Sends parts of `bytes`, each `[descriptor, offset, length]`: the sum, and the result of each. */
function sendEach(bytes: string, ...parts: (readonly [fd: number, offset: number, length: number])[]): unknown {
  // What stood there before is no result.
  const rows = Int32Array.from(parts.flatMap((part) => [...part, 12_345]));
  const sum = currentSys().sendEach(rows, parts.length, Buffer.from(bytes));
  for (const [at, part] of parts.entries()) {
    assert.equal([...rows.subarray(at * SEND_ROW, at * SEND_ROW + 3)], part, 'what was asked for stands there still');
  }
  return [sum, ...parts.map((_, at) => rows[at * SEND_ROW + 3])];
}

function errno(name: string): number {
  return -(currentSys().constants[name] as number);
}

onBoth(
  test,
  'each gets its part, in the order of the rows, also of overlapping parts and one socket twice',
  (opened: Opened) => {
    const [one, ofOne] = pairOf(opened);
    const [two, ofTwo] = pairOf(opened);
    const results = sendEach('abcdef', [one.fd, 4, 2], [two.fd, 0, 6], [one.fd, 0, 3], [two.fd, 2, 1]);
    return [results, text(ofOne.recv(99)), text(ofTwo.recv(99))];
  },
  [[12, 2, 6, 3, 1], 'efabc', 'abcdefc'],
);

onBoth(
  test,
  'no rows are no call, and no bytes are nothing',
  (opened: Opened) => {
    const [one, other] = pairOf(opened);
    return [sendEach('abc'), sendEach('', [one.fd, 0, 0]), sendEach('abc', [one.fd, 3, 0]), other.recv(9)];
  },
  [[0], [0, 0], [0, 0], undefined],
);

onBoth(
  test,
  'what fails is told in its row, and stops nobody',
  (opened: Opened) => {
    const [one, other] = pairOf(opened);
    const [broken, gone] = pairOf(opened);
    const [full] = pairOf(opened);
    const unconnected = opened.keep(Socket.tcp());
    const closed = Socket.tcp();
    const { fd } = closed;
    closed.close();
    gone.close();
    fill(full);
    const rows = [broken.fd, full.fd, unconnected.fd, fd, -1, -(2 ** 31), one.fd].map((to) => [to, 0, 2] as const);
    const [sum, ...results] = sendEach('ok', ...rows) as number[];
    const names = ['EPIPE', 'EAGAIN', 'EPIPE', 'EBADF', 'EBADF', 'EBADF'];
    return [
      sum,
      results.map((result, at) => (names[at] && result === errno(names[at]) ? names[at] : result)),
      text(other.recv(9)),
    ];
  },
  [2, ['EPIPE', 'EAGAIN', 'EPIPE', 'EBADF', 'EBADF', 'EBADF', 2], 'ok'],
);

onBoth(
  test,
  'an error of the connection is told once, as by a single call',
  (opened: Opened) => {
    const socket = reset(opened);
    const results = sendEach('x', [socket.fd, 0, 1], [socket.fd, 0, 1]) as number[];
    return results.map((result) => ['ECONNRESET', 'EPIPE'].find((name) => errno(name) === result) ?? result);
  },
  [0, 'ECONNRESET', 'EPIPE'],
);

test.run();
