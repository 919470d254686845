/** What streams carry: text in lines, in which hardly any two places look alike, so that bytes of another place are noticed. */

import { seededRandom } from '../../src/scheduler/random.ts';

const PERIOD = 65_521;
const LONGEST = 400_000;
const LF = 10;
const CR = 13;
const FIRST_PRINTABLE = 32;
const PRINTABLE = 95;
/** How likely a line ends, and how likely with CR LF. */
const LINE_ENDS = 0.05;
const CR_COMES = 0.3;

const text: Buffer = write();

/** So many bytes, from this place of the text on. */
export function contentAt(place: number, count: number): Uint8Array {
  const start = place % PERIOD;
  return text.subarray(start, start + count);
}

function write(): Buffer {
  const random = seededRandom(1);
  const period = Buffer.alloc(PERIOD);
  for (let at = 0; at < PERIOD; at++) {
    if (random() >= LINE_ENDS) period[at] = FIRST_PRINTABLE + Math.floor(random() * PRINTABLE);
    else {
      if (at > 0 && random() < CR_COMES) period[at - 1] = CR;
      period[at] = LF;
    }
  }
  const copies = Math.ceil((PERIOD + LONGEST) / PERIOD);
  return Buffer.concat(Array.from({ length: copies }, () => period));
}
