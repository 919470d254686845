/** What stands in for Node where there is none has the same names, and does what is asked of it. */

import { AssertionError as NodesAssertionError } from 'node:assert';
import * as assert from 'uvu/assert';
import * as browser from '../../src/platform/browser.ts';
import * as node from '../../src/platform/node.ts';
import { suite } from '../support/suite.ts';

const test = suite('platform');

test('both have the same names, for things of the same kind', () => {
  const kinds = (module: object): string[] =>
    Object.entries(module).map(([name, value]) => `${name}: ${name === 'Buffer' ? 'any' : typeof value}`);
  assert.equal(kinds(browser).sort(), kinds(node).sort());
});

test('bytes are made as by Buffer, and say their text', () => {
  const { Buffer } = browser;
  const source = Uint8Array.of(0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0xff);
  const bytes = Buffer.from(source);
  source.fill(0);
  assert.equal([...bytes], [0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0xff]);
  const original = node.Buffer.from(bytes);
  assert.is(String(bytes), original.toString());
  assert.is(String(bytes.subarray(3, 5)), 'é');
  const textOf = bytes.toString as (encoding?: string, start?: number, end?: number) => string;
  for (const encoding of ['utf8', 'UTF-8']) assert.is(textOf.call(bytes, encoding, 3, 5), 'é');
  assert.is(textOf.call(bytes, 'latin1', 1), original.toString('latin1', 1));
  assert.throws(
    () => textOf.call(bytes, 'hex'),
    (error: Error) => error instanceof RangeError && error.message.includes("not as 'hex'"),
  );
  const { buffer } = Uint8Array.from(source);
  const memory = Buffer.from(buffer, 1, 2);
  assert.equal([...memory], [...node.Buffer.from(buffer, 1, 2)]);
  assert.ok(memory.buffer === buffer, 'memory is not copied');
  assert.equal([...Buffer.from('é→')], [...node.Buffer.from('é→')]);
  assert.equal([...Buffer.allocUnsafeSlow(3)], [0, 0, 0]);
});

test("an AssertionError has the fields of Node's", () => {
  const details = { message: 'no', actual: 1, expected: 2, operator: 'is' };
  const fields = (error: Error): unknown => {
    const { name, message, code, actual, expected, operator, generatedMessage } = error as NodesAssertionError;
    return { name, message, code, actual, expected, operator, generatedMessage };
  };
  assert.equal(fields(new browser.AssertionError(details)), fields(new NodesAssertionError(details)));
  const bare = new browser.AssertionError();
  assert.equal([bare.message, bare.generatedMessage, bare.operator], ['Failed', true, 'fail']);
});

test('a step runs in no context', () => {
  function sum(this: number, ...others: unknown[]): number {
    return others.reduce<number>((total, other) => total + (other as number), this);
  }
  assert.is(new browser.AsyncResource().runInAsyncScope(sum, 1, 2, 3), 6);
});

test('nothing is heard of a process, and warnings go to the console', () => {
  const { process } = browser;
  process.on();
  process.once();
  process.off();
  assert.equal([process.listenerCount(), process.env, process.exitCode], [0, {}, undefined]);
  const told: unknown[] = [];
  const { warn, error } = console;
  try {
    console.warn = (line) => told.push(line);
    console.error = (line) => told.push(line);
    process.emitWarning('one', { type: 'GenloopWarning', code: 'GENLOOP_LONG_STEP' });
    process.emitWarning('two');
    process.stderr.write('three');
  } finally {
    Object.assign(console, { warn, error });
  }
  assert.equal(told, ['GenloopWarning [GENLOOP_LONG_STEP]: one', 'Warning: two', 'three']);
});

test('a debugger is asked in vain, and a channel is heard by nobody', () => {
  const session = new browser.Session();
  session.connect();
  assert.is(session.on(), session);
  session.post();
  session.disconnect();
  assert.is(browser.findSourceMap(), undefined);
  const channel = browser.channel();
  channel.publish();
  assert.is(channel.hasSubscribers, false);
});

test('paths are URLs, of which none is a file', () => {
  const url = 'http://127.0.0.1/app/main.js';
  assert.is(browser.fileURLToPath(new URL(url)), url);
  assert.is(browser.basename(url), 'main.js');
  assert.is(browser.basename('main.js'), 'main.js');
  assert.is(browser.relative(browser.process.cwd(), url), url);
  assert.is(browser.existsSync(), false);
});

test('what no simulated system asks for says its name', () => {
  const { readFileSync, openSync, writeSync, closeSync, createRequire, join, process, SourceMap } = browser;
  const calls = { readFileSync, openSync, writeSync, closeSync, createRequire, join, 'process.exit': process.exit };
  for (const [name, call] of Object.entries(calls)) {
    assert.throws(call, (error: Error) => error.message === `${name} was called where there is no Node`);
  }
  assert.throws(() => new SourceMap(), /^SourceMap was called/);
});

test("there is a loop for a guest in Node, and none elsewhere; a timer keeps Node's alive until it is told not to", () => {
  assert.is(node.needLoop('run()'), undefined);
  assert.throws(
    () => browser.needLoop('run()'),
    (error: Error & { code?: string }) =>
      error.code === 'ERR_GENLOOP_NO_HOST' && error.message.startsWith("run() lives in Node's loop"),
  );
  const timer = setTimeout(() => {}, 0);
  node.unref(timer);
  assert.is(timer.hasRef(), false);
  clearTimeout(timer);
  browser.unref();
});

test.run();
