/** Streams that are broken on purpose, and what receives and sends for them: part of `BREAKAGES`. */

import type { Breakage } from './breakages.ts';

/** Those of them. */
export const STREAM_BREAKAGES: readonly Breakage[] = [
  {
    name: 'what was lent of the last wait is not kept when the next one receives',
    file: 'poller/reception.ts',
    find: 'for (let at = 0; at < this.lentCount; at++) (lent[at] as Receiver).settle();',
    replace: '',
  },
  {
    name: 'the second reader of a wait is given the bytes of the first',
    file: 'poller/reception.ts',
    find: 'offset += result;',
    replace: '',
  },
  {
    name: 'what was received for one that has lost in the same wait is thrown away',
    file: 'poller/reception.ts',
    find: 'receiver.received(bytes, offset, result);',
    replace: 'if ((ready[at] as Registration).reader !== null) receiver.received(bytes, offset, result);',
  },
  {
    name: 'a report that was not true is taken for an error of the connection',
    file: 'poller/reception.ts',
    find: 'if (result === this.again) {',
    replace: 'if (result === -this.again) {',
  },
  {
    name: 'a reader that was received for stays in the poller',
    file: 'poller/reception.ts',
    find: 'registration.reader = registration.receiver = null;',
    replace: 'registration.receiver = null;',
  },
  {
    name: 'a receiver stays behind when its reader is taken back',
    file: 'poller/registration.ts',
    find: 'this.reader = waiter;\n      this.receiver = null;',
    replace: 'this.reader = waiter;',
  },
  {
    name: 'what waits to be read is forgotten when more is delivered',
    file: 'net/input.ts',
    find: 'if (this.start === this.stop) {\n      lend(bytes);',
    replace: 'if (count > 0) {\n      lend(bytes);',
  },
  {
    name: 'what is left of lent bytes is not copied',
    file: 'net/input.ts',
    find: 'else this.move(length);\n  }',
    replace: '}',
  },
  {
    name: 'the error of a connection is told again and again',
    file: 'net/input.ts',
    find: 'this.untold = false;\n    throw this.failure;',
    replace: 'throw this.failure;',
  },
  {
    name: 'the error that a wait received is taken for the end',
    file: 'net/input.ts',
    find: 'this.end();\n    this.note(error);',
    replace: 'this.end();',
  },
  {
    name: 'a task that was woken to read does not count as a reader',
    file: 'net/reader.ts',
    find: 'if (this.waker !== null || this.woken) {',
    replace: 'if (this.waker !== null) {',
  },
  {
    name: 'a task that was woken to read is a reader for ever',
    file: 'net/reader.ts',
    find: 'this.woken = false;\n    if (this.closed)',
    replace: 'if (this.closed)',
  },
  {
    name: 'a stream that is closed forgets its reader',
    file: 'net/reader.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    find: 'waker.fail(new ClosedError(`${this.title} was closed while a task waited for it`));\n    }\n    this.input',
    replace: '}\n    this.input',
  },
  {
    name: 'a read or a write that is cancelled goes on waiting in the poller',
    file: 'net/side.ts',
    find: 'this.wait?.abort(this);',
    replace: '',
  },
  {
    name: 'what a read leaves is lost at the next trap',
    file: 'net/read-operation.ts',
    find: 'input.keep();',
    replace: '',
  },
  {
    name: 'other writes follow one that was cut off',
    file: 'net/output.ts',
    find: 'if (operation.sent > 0) this.cutOff(operation);\n    noted(cancel',
    replace: 'this.operation = null;\n    noted(cancel',
  },
  {
    name: 'a write that waits sends from lent memory',
    file: 'net/write.ts',
    find: 'if (isLent(this.bytes)) this.bytes = Buffer.from(this.bytes) as Buffer;',
    replace: '',
  },
  {
    name: 'a close does not send what was left before it',
    file: 'net/output.ts',
    find: 'this.closed = true;\n    if (!this.isBusy()) return;',
    replace: 'this.closed = true;\n    if (this.waker === null) return;',
  },
  {
    name: 'a cancel does not send what was left before it',
    file: 'net/output.ts',
    find: 'if (!this.isBusy() || this.waker !== waker) return;',
    replace: 'if (this.waker !== waker) return;',
  },
  {
    name: 'an end does not send what was left before it',
    file: 'net/output.ts',
    find: 'if (this.isBusy()) {\n      throw new BusyError(`another task still writes',
    replace:
      'if (this.operation?.left !== true && this.waker !== null) {\n      throw new BusyError(`another task still writes',
  },
  {
    name: 'another write goes before what was left',
    file: 'net/output.ts',
    find: 'if (this.isBusy()) {\n      throw new BusyError(`another task already writes',
    replace:
      'if (this.operation?.left !== true && this.waker !== null) {\n      throw new BusyError(`another task already writes',
  },
  {
    name: 'a second writer is refused while the first was left',
    file: 'net/output.ts',
    find: 'if (this.waker !== null && this.operation?.left === true) transmissionOf(this.kernel)?.flush();',
    replace: '',
  },
  {
    name: 'of what was left, what did not fit is forgotten',
    file: 'net/output.ts',
    find: 'if (count === operation.length) {',
    replace: 'if (count > 0) {',
  },
  {
    name: 'the rest of what was left is not waited with',
    file: 'net/output.ts',
    find: 'operation.keepFrom(bytes, offset);\n    try {\n      this.goOn(operation);',
    replace: 'operation.keepFrom(bytes, offset);\n    try {\n      if (count > 0) this.goOn(operation);',
  },
  {
    name: 'the rest of what was left is sent from the beginning',
    file: 'net/output.ts',
    find: 'operation.sent = count;',
    replace: 'operation.sent = 0;',
  },
  {
    name: 'the rest of what was left is sent from lent memory',
    file: 'net/write.ts',
    find: 'if (isLent(this.bytes)) this.bytes = Buffer.from(bytes.subarray(offset, offset + this.length)) as Buffer;',
    replace: '',
  },
  {
    name: 'the round does not send what was left',
    file: 'scheduler/steps.ts',
    find: 'if (transmission === null || transmission.size === 0) return steps;',
    replace: 'if (transmission === null || transmission.size >= 0) return steps;',
  },
  {
    name: 'what is left after the first is sent, is not',
    file: 'scheduler/steps.ts',
    find: 'const more = kernel.run(STEPS_PER_POLL);\n  transmission.flush();',
    replace: 'const more = kernel.run(STEPS_PER_POLL);',
  },
  {
    name: 'what came of a write that was left is told to another one',
    file: 'poller/transmission.ts',
    find: 'const result = total < 0 ? total : (rows[at * SEND_ROW + 3] as number);',
    replace: 'const result = total < 0 ? total : (rows[(count - 1 - at) * SEND_ROW + 3] as number);',
  },
  {
    name: 'bytes that are left are not kept apart',
    file: 'poller/transmission.ts',
    find: 'this.used += bytes.length;',
    replace: '',
  },
  {
    name: 'bytes that are left are not copied',
    file: 'poller/transmission.ts',
    find: 'slab.bytes.set(bytes, offset);',
    replace: '',
  },
  {
    name: 'the error of one write is told to all that follow it',
    file: 'poller/transmission.ts',
    find: 'const result = total < 0 ? total : (rows[at * SEND_ROW + 3] as number);',
    replace:
      'let result = total < 0 ? total : (rows[at * SEND_ROW + 3] as number);\n      if (result >= 0 && at > 0 && (rows[at * SEND_ROW - 1] as number) < 0) result = rows[at * SEND_ROW + 3] = rows[at * SEND_ROW - 1] as number;',
  },
  {
    name: 'that there is no room is taken for an error',
    file: 'poller/transmission.ts',
    find: 'else if (wouldBlock(sys, result)) sender.gone(0,',
    replace: 'else if (result === 0) sender.gone(0,',
  },
  {
    name: 'a write that is left when there is room for no other is forgotten',
    file: 'poller/transmission.ts',
    find: 'if (this.count === SENDS_AT_ONCE) this.flush();',
    replace: 'if (this.count === SENDS_AT_ONCE) this.count--;',
  },
];
