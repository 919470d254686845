/** Reads of so much, or up to there, at the borders of what comes at once. */

import { type Co, group, type Op } from 'genloop/kernel';
import { type LimitError, Stream, type UnexpectedEndError } from 'genloop/net';
import * as assert from 'uvu/assert';
import { Scripted as ScriptedOperation } from '../support/operations.ts';
import { runTest } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';
import { type Found, Scripted } from './scripted.ts';

const test = suite('buffered reads');

/** A stream to which this comes, in these pieces. */
function of(...pieces: Found[]): Stream {
  const transport = new Scripted();
  transport.incoming.push(...pieces);
  return new Stream(transport);
}

function* refusal<E extends Error>(body: Op<unknown>): Co<E> {
  try {
    yield body;
  } catch (error) {
    return error as E;
  }
  throw new Error('nothing was thrown');
}

test('a line ends with LF or CR LF, wherever it is cut', () => {
  for (const pieces of [['a\r\nb\nc\r\n'], ['a', '\r', '\n', 'b', '\n', 'c\r', '\n'], ['a\r', '\nb\nc', '\r\n']]) {
    runTest(function* () {
      const stream = of(...pieces, 'END');
      const lines = [yield* stream.readLine(), yield* stream.readLine(), yield* stream.readLine()];
      assert.equal(lines, ['a', 'b', 'c']);
      assert.is(yield* stream.readLine(), null);
    });
  }
});

test('CR belongs to a line in whose middle it stands, and letters of several bytes are not cut apart', () => {
  runTest(function* () {
    const text = new TextEncoder().encode('a\rb — ü\n');
    const stream = of(...Array.from(text, (byte) => Uint8Array.of(byte)));
    assert.is(yield* stream.readLine(), 'a\rb — ü');
  });
});

test('a limit counts the bytes of the line without its end, and is told as soon as it is passed', () => {
  runTest(function* () {
    const exact = of('12345\r\n', '12345', '\r', '\n');
    assert.is(yield* exact.readLine({ limit: 5 }), '12345');
    assert.is(yield* exact.readLine({ limit: 5 }), '12345');
    for (const pieces of [['123456\n'], ['123456'], ['12345', '6']]) {
      const stream = of(...pieces);
      const error = yield* refusal<LimitError>(stream.readLine({ limit: 5 }));
      assert.equal([error.name, error.code, error.limit], ['LimitError', 'ERR_GENLOOP_LIMIT', 5]);
      assert.match(error.message, 'a line from a stream of a test is longer than the limit of 5 bytes');
      assert.is(String(yield* stream.readExactly(6)), '123456');
    }
  });
});

test('the default limits keep the memory of an endless line, and of an endless stream', () => {
  runTest(function* () {
    const block = new Uint8Array(60_000).fill(65);
    const line = of(block, block, block);
    assert.is((yield* refusal<LimitError>(line.readLine())).limit, 65_536);
    assert.is(line.bytesRead, 120_000);
    const piece = of(block, block);
    assert.is((yield* refusal<LimitError>(piece.readUntil('\0'))).limit, 65_536);
    const all = of(...Array.from({ length: 300 }, () => block));
    assert.is((yield* refusal<LimitError>(all.readAll())).limit, 16_777_216);
    assert.ok(all.bytesRead < 17_000_000);
  });
});

test('a delimiter is found wherever it is cut, also after what looks like its beginning', () => {
  for (const text of ['key--==--=value', '--=', 'x----=rest']) {
    const [before = '', after] = text.split(/--=(.*)/);
    for (let cut = 1; cut < text.length; cut++) {
      runTest(function* () {
        const stream = of(text.slice(0, cut), text.slice(cut), 'END');
        assert.is(String(yield* stream.readUntil('--=')), before);
        assert.is(String(yield* stream.readAll()), after);
        const other = of(text.slice(0, cut), text.slice(cut), 'END');
        assert.is(yield* other.skipUntil(new TextEncoder().encode('--=')), before.length + 3);
        assert.is(String(yield* other.readAll()), after);
      });
    }
  }
});

test('what is passed over is not kept', () => {
  runTest(function* () {
    const block = new Uint8Array(65_536).fill(65);
    const stream = of(...Array.from({ length: 500 }, () => block), '\nhere\n');
    assert.is(yield* stream.skipUntil('\n'), 500 * 65_536 + 1);
    assert.is(yield* stream.readLine(), 'here');
  });
});

test('an end in the middle has what had come, and is told once', () => {
  runTest(function* () {
    const reads = (stream: Stream): Op<unknown>[] => [
      stream.readLine(),
      stream.readExactly(9),
      stream.readUntil('\r\n'),
    ];
    for (const [index, words] of [/of a line/, /of a read of 9 bytes/, /of a read up to "\\r\\n"/].entries()) {
      const stream = of('half', 'END');
      const error = yield* refusal<UnexpectedEndError>(reads(stream)[index] as Op<unknown>);
      assert.is(error.code, 'ERR_GENLOOP_UNEXPECTED_END');
      assert.match(error.message, words);
      assert.is(String(error.partial), 'half');
      for (const read of reads(stream)) assert.is(yield read, null);
    }
    const skipping = of('half', 'END');
    assert.is((yield* refusal<UnexpectedEndError>(skipping.skipUntil('\n'))).code, 'ERR_GENLOOP_UNEXPECTED_END');
    assert.is(yield* skipping.skipUntil('\n'), null);
  });
});

test('a last line without its end counts where that is asked for', () => {
  runTest(function* () {
    const stream = of('one\ntw', 'o', 'END');
    assert.is(yield* stream.readLine({ unterminated: true }), 'one');
    assert.is(yield* stream.readLine({ unterminated: true }), 'two');
    assert.is(yield* stream.readLine({ unterminated: true }), null);
  });
});

test('lines() gives an operation for each line, and ends after the end', () => {
  runTest(function* () {
    const lines: unknown[] = [];
    for (const next of of('a\nb\n', 'END').lines()) lines.push(yield* next);
    assert.equal(lines, ['a', 'b', null]);
    const ended = of('END');
    yield* ended.read();
    assert.equal([...ended.lines()], []);
  });
});

test('a look ahead takes nothing, and gives less only at the end', () => {
  runTest(function* () {
    const stream = of('ab', 'cd', 'END');
    assert.is(String(yield* stream.peek(3)), 'abc');
    assert.is(String(yield* stream.peek(9)), 'abcd');
    assert.is(String(yield* stream.readExactly(4)), 'abcd');
    assert.is(yield* stream.peek(1), null);
  });
});

test('no bytes are read at once, also from a stream that says nothing', () => {
  runTest(function* () {
    assert.is((yield* of().readExactly(0))?.length, 0);
  });
});

test('a large piece of an exact size takes from the transport no more than that', () => {
  const transport = new Scripted();
  const stream = new Stream(transport);
  transport.incoming.push(new Uint8Array(40_000), new Uint8Array(80_000).fill(1));
  runTest(function* () {
    assert.is((yield* stream.readExactly(100_000))?.length, 100_000);
    assert.is(stream.bytesRead, 100_000);
    assert.equal(
      [...((yield* stream.readExactly(20_000)) ?? [])].every((byte) => byte === 1),
      true,
    );
  });
});

test('rule 4: an end in the middle that nobody hears after all has taken nothing', () => {
  runTest(function* () {
    const stream = of('half a l', 'END');
    const line = stream.readLine();
    const refuse = (): boolean => false;
    // As an operation of a user's may, whose waker refuses whatever comes.
    yield new ScriptedOperation({
      park: (waker) => {
        line.park({ kernel: waker.kernel, state: undefined, wake: refuse, fail: refuse });
        waker.wake(undefined);
      },
    });
    assert.is(String(yield* stream.read()), 'half a l');
    assert.is(yield* stream.read(), null);
  });
});

test('two tasks may read lines in turn', () => {
  runTest(function* () {
    const stream = of('1\n2\n3\n4\n', 'END');
    const seen: (string | null)[] = [];
    for (let turn = 0; turn < 4; turn++) {
      yield* group(function* (tasks) {
        seen.push(yield* tasks.spawn(stream.readLine()).join());
      });
    }
    assert.equal(seen, ['1', '2', '3', '4']);
  });
});

test.run();
