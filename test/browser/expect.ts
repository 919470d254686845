/** The assertions of the checks: a page has no assertion library. */

/** Fails unless both have the same JSON. */
export function same(actual: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`got ${one}, not ${other}`);
}

/** Fails unless the pattern is in the text. */
export function matches(text: string, pattern: RegExp): void {
  if (!pattern.test(text)) throw new Error(`${pattern} is not in ${text}`);
}

/** What a call throws. Fails unless it throws an `Error`. */
export function thrown<E extends Error & { code?: string }>(body: () => unknown): E {
  try {
    body();
  } catch (error) {
    if (error instanceof Error) return error as E;
    throw new Error(`it threw ${String(error)}`);
  }
  throw new Error('it threw nothing');
}
