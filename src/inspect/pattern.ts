/**
 * Texts that say the same but for their numbers: `ReadWait(Socket 7)` and `ReadWait(Socket 8)`, `client 127.0.0.1:40001`
 * and `client 127.0.0.1:40002`. In a table they are one line, in which a number that differs is a range.
 */

const NUMBER = /\d+/g;

/** Equal for texts that differ in their numbers only. */
export function patternOf(text: string): string {
  return text.replace(NUMBER, '#');
}

/** One text for several of the same pattern: `ReadWait(Socket 7…8)`. */
export function merged(texts: readonly string[]): string {
  const [first = ''] = texts;
  const columns = [...first.matchAll(NUMBER)].map(([text]) => new Span(text));
  // Most are equal to the one before.
  let last = first;
  for (const text of texts) {
    if (text === last) continue;
    last = text;
    let column = 0;
    for (const [number] of text.matchAll(NUMBER)) columns[column++]?.add(number);
  }
  let column = 0;
  return first.replace(NUMBER, () => String(columns[column++]));
}

/** The least and the greatest of some numbers, as they were written. */
class Span {
  private least: string;
  private greatest: string;

  constructor(number: string) {
    this.least = this.greatest = number;
  }

  add(number: string): void {
    if (Number(number) < Number(this.least)) this.least = number;
    if (Number(number) > Number(this.greatest)) this.greatest = number;
  }

  toString(): string {
    return this.least === this.greatest ? this.least : `${this.least}…${this.greatest}`;
  }
}
