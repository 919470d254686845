/** Cells in columns of a page. Text that does not fit loses what says least, with an ellipsis. */

/** Names come from anywhere, also from a client: nothing in them may move the cursor. */
const CONTROL = /\p{Cc}/gu;
const GAP = '  ';
const ELLIPSIS = '…';
/** A column of text is not made narrower than this while another can give way. */
const LEAST = 8;
/** Columns that give way: names, waits, places, owners. Counts, ids and times are short, and say nothing in halves. */
const FLEXIBLE: readonly number[] = [2, 3, 5, 6];
/** Right-aligned: counts. */
const COUNTS = 0;
/** A path says most at its end. */
const PLACES = 5;

/** The lines of a table, no longer than `width`; the first row is the head. Columns without content are left out. */
export function layOut(rows: readonly (readonly string[])[], width: number): string[] {
  const clean = rows.map((row) => row.map((text) => text.replace(CONTROL, '?')));
  const [head = [], ...body] = clean;
  const columns = head.map((_, column) => column).filter((column) => body.some((row) => row[column] !== ''));
  const widths = new Map(columns.map((column) => [column, Math.max(...clean.map((row) => sizeOf(row[column] ?? '')))]));
  const gaps = GAP.length * (columns.length - 1);
  const total = (): number => [...widths.values()].reduce((sum, size) => sum + size, gaps);
  while (total() > width) {
    const widest = FLEXIBLE.filter((column) => (widths.get(column) ?? 0) > LEAST).sort(
      (a, b) => (widths.get(b) as number) - (widths.get(a) as number),
    )[0];
    if (widest === undefined) break;
    widths.set(widest, (widths.get(widest) as number) - 1);
  }
  return clean.map((row) => {
    const cells = columns.map((column) => fit(row[column] ?? '', widths.get(column) as number, column));
    return cut(cells.join(GAP).trimEnd(), width);
  });
}

function fit(text: string, size: number, column: number): string {
  if (column === COUNTS) return ' '.repeat(Math.max(0, size - sizeOf(text))) + text;
  const cutText = column === PLACES ? cutLeft(text, size) : cut(text, size);
  return cutText + ' '.repeat(Math.max(0, size - sizeOf(cutText)));
}

function cut(text: string, size: number): string {
  const characters = [...text];
  return characters.length <= size ? text : characters.slice(0, size - 1).join('') + ELLIPSIS;
}

function cutLeft(text: string, size: number): string {
  const characters = [...text];
  return characters.length <= size ? text : ELLIPSIS + characters.slice(characters.length - size + 1).join('');
}

function sizeOf(text: string): number {
  return [...text].length;
}
