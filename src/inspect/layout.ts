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
  const widths = widthsOf(clean);
  while (total(widths) > width) {
    const widest = FLEXIBLE.filter((column) => (widths.get(column) ?? 0) > LEAST).sort(
      (a, b) => (widths.get(b) as number) - (widths.get(a) as number),
    )[0];
    if (widest === undefined) break;
    widths.set(widest, (widths.get(widest) as number) - 1);
  }
  return clean.map((row) => {
    const cells = [...widths].map(([column, size]) => fit(row[column] ?? '', size, column));
    return cut(cells.join(GAP).trimEnd(), width);
  });
}

/** How wide the table is if nothing gives way. */
export function naturalWidth(rows: readonly (readonly string[])[]): number {
  return total(widthsOf(rows));
}

/** By column; without those that have no content. */
function widthsOf([head = [], ...body]: readonly (readonly string[])[]): Map<number, number> {
  const columns = head.map((_, column) => column).filter((column) => body.some((row) => row[column] !== ''));
  const widest = (column: number): number =>
    [head, ...body].reduce((size, row) => Math.max(size, sizeOf(row[column] ?? '')), 0);
  return new Map(columns.map((column) => [column, widest(column)]));
}

function total(widths: ReadonlyMap<number, number>): number {
  return [...widths.values()].reduce((sum, size) => sum + size, GAP.length * (widths.size - 1));
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
