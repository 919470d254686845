/** Numbers as a person reads them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `850 ms`, `4.2 s`, `12 min`, `2.5 h`, `3 d`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${short(ms / SECOND)} s`;
  if (ms < HOUR) return `${short(ms / MINUTE)} min`;
  if (ms < DAY) return `${short(ms / HOUR)} h`;
  return `${short(ms / DAY)} d`;
}

/** The shortest and the longest of some durations: `1.2…4.2 s`, or `4.2 s`; infinite ones do not count. */
export function durations(all: readonly number[]): string {
  const finite = all.filter((ms) => ms !== Number.POSITIVE_INFINITY);
  if (finite.length === 0) return '';
  // Not by spreading them: there may be a hundred thousand.
  const least = duration(finite.reduce((a, b) => Math.min(a, b)));
  const greatest = duration(finite.reduce((a, b) => Math.max(a, b)));
  if (least === greatest) return least;
  const [number, unit] = least.split(' ');
  return greatest.endsWith(` ${unit}`) ? `${number}…${greatest}` : `${least}…${greatest}`;
}

/** `1,000`: the same in every locale. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

function short(n: number): string {
  return n < 9.95 ? n.toFixed(1).replace(/\.0$/, '') : String(Math.floor(n));
}
