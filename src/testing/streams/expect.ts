/** What checks of streams say often. */

import type { Co, Op } from '../../kernel/index.ts';
import type { Stream } from '../../net/stream.ts';
import { failure } from '../failure.ts';

/** Fails with both values. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [shown(actual), shown(expected)];
  if (found === wanted) return;
  throw failure(`${what}: ${found} instead of ${wanted}`, { operator: 'equal', actual: found, expected: wanted });
}

/** Fails if it does not hold. */
export function holds(condition: boolean, what: string): void {
  if (!condition) throw failure(what, { operator: 'holds', actual: 'false', expected: 'true' });
}

/** What an operation or a subroutine throws; fails if it throws nothing. */
export function* thrownBy(body: Op<unknown> | Co<unknown>, what: string): Co<Error & Record<string, unknown>> {
  let result: unknown;
  try {
    result = yield body;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw failure(`${what}: nothing was thrown`, { operator: 'throws', actual: shown(result), expected: 'an error' });
}

/** So many bytes that tell where they belong, each stream of them another by its seed. */
export function pattern(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  // A period that is prime: whatever is lost or doubled, what follows does not fit.
  for (let at = 0; at < size; at++) bytes[at] = ((at % 251) + seed) & 0xff;
  return bytes;
}

/** Fails where the bytes are not those of the pattern from this place on. */
export function follows(bytes: Uint8Array, place: number, expected: Uint8Array, what: string): void {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === expected[place + at]) continue;
    throw failure(`${what}: byte ${place + at} is ${bytes[at]} instead of ${expected[place + at]}`, {
      operator: 'follows',
      actual: String(bytes[at]),
      expected: String(expected[place + at]),
    });
  }
}

/** Reads so many bytes as text. */
export function* textOf(stream: Stream, size: number): Co<string> {
  return String(yield* stream.readExactly(size));
}

function shown(value: unknown): string {
  return value instanceof Uint8Array ? `bytes [${[...value].join(', ')}]` : (JSON.stringify(value) ?? String(value));
}
