/** The text forms of internet addresses, as inet_pton(3) reads and inet_ntop(3) writes them. */

const GROUPS = 8;

/** The four bytes, or `null` for what is no IPv4 address. */
export function parseIPv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bytes[index] = Number(part);
  }
  return bytes;
}

/** The sixteen bytes, or `null` for what is no IPv6 address. */
export function parseIPv6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) => groupsIn(half, index === halves.length - 1));
  if (head === null || tail === null || head === undefined) return null;
  const count = head.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== GROUPS : count >= GROUPS) return null;
  const groups = [...head, ...new Array<number>(GROUPS - count).fill(0), ...(tail ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The groups of one side of a `::`; the last one of all may be written as IPv4. */
function groupsIn(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const v4 = last && index === parts.length - 1 ? parseIPv4(part) : null;
    if (v4 === null) return null;
    const [a = 0, b = 0, c = 0, d = 0] = v4;
    groups.push((a << 8) | b, (c << 8) | d);
  }
  return groups;
}

/** The shortest form: the longest run of zeros (of two groups at least, the first of equals) becomes `::`. */
export function formatIPv6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: GROUPS },
    (_, at) => ((bytes[at * 2] as number) << 8) | (bytes[at * 2 + 1] as number),
  );
  const { start, length } = longestRun(groups);
  const embedded = start === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff));
  if (embedded) return `::${length === 5 ? 'ffff:' : ''}${bytes.subarray(12).join('.')}`;
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
