/**
 * Draws a piece of a trace that `genloop/inspect` wrote as an SVG, for pages and for whoever has no Perfetto at hand.
 *
 *   node scripts/draw-trace.mjs trace.json out.svg [--from ms] [--for ms] [--tracks n]
 *
 * Times count from the first event. Without `--from` it begins in the middle of the trace.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: 'string' }, for: { type: 'string' }, tracks: { type: 'string' } },
});
const [input, output] = positionals;
if (input === undefined || output === undefined) {
  console.error('usage: node scripts/draw-trace.mjs trace.json out.svg [--from ms] [--for ms] [--tracks n]');
  process.exit(1);
}

const WIDTH = 1100;
const LABEL = 150;
const ROW = 34;
const TOP = 46;
const COLORS = { step: '#2f7d4f', wait: '#d9dee5', ready: '#f2c14e', loop: '#7a6fb0', syscall: '#c8553d' };

const events = JSON.parse(readFileSync(input, 'utf8'));
const timed = events.filter(({ ts }) => ts !== undefined);
const first = Math.min(...timed.slice(0, 1000).map(({ ts }) => ts));
const last = timed.reduce((end, { ts, dur = 0 }) => Math.max(end, ts + dur), 0);
const span = Number(values.for ?? 2) * 1000;
const from = values.from === undefined ? (first + last) / 2 : first + Number(values.from) * 1000;
const inside = timed.filter(({ ts, dur = 0 }) => ts + dur >= from && ts <= from + span);

const names = new Map();
const order = new Map();
for (const { ph, name, pid, tid, args } of events) {
  if (ph !== 'M') continue;
  if (name === 'thread_name') names.set(`${pid}/${tid}`, args.name);
  if (name === 'thread_sort_index') order.set(`${pid}/${tid}`, args.sort_index);
}
const keyOf = ({ pid, tid }) => `${pid}/${tid}`;
// The lines on which something happens in this piece, in the trace's own order.
const busy = new Set(inside.filter(({ cat }) => cat !== 'wait').map(keyOf));
const rows = [...busy]
  .sort((a, b) => (order.get(a) ?? -1) - (order.get(b) ?? -1))
  .slice(0, Number(values.tracks ?? 14));
const y = (event) => TOP + rows.indexOf(keyOf(event)) * ROW;
const x = (ts) => LABEL + ((ts - from) / span) * (WIDTH - LABEL);
const clamp = (at) => Math.min(WIDTH, Math.max(LABEL, at));
const text = (at, top, value, more = '') => `<text x="${at.toFixed(1)}" y="${top}" ${more}>${escaped(value)}</text>`;
const escaped = (value) => value.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

const parts = [];
rows.forEach((key, row) => {
  parts.push(
    `<rect x="0" y="${TOP + row * ROW}" width="${WIDTH}" height="${ROW}" fill="${row % 2 ? '#fff' : '#f7f8fa'}"/>`,
  );
  parts.push(text(6, TOP + row * ROW + 21, names.get(key) ?? key));
});
const HEIGHTS = { wait: [8, 18], ready: [8, 18], step: [5, 24], loop: [5, 24], syscall: [14, 12] };
for (const cat of ['wait', 'ready', 'loop', 'step', 'syscall']) {
  for (const event of inside) {
    if (event.ph !== 'X' || event.cat !== cat || !rows.includes(keyOf(event))) continue;
    const [top, height] = HEIGHTS[cat];
    const left = clamp(x(event.ts));
    const width = Math.max(0.8, clamp(x(event.ts + event.dur)) - left);
    parts.push(
      `<rect x="${left.toFixed(1)}" y="${y(event) + top}" width="${width.toFixed(1)}" height="${height}" fill="${COLORS[cat]}"/>`,
    );
    if (width > event.name.length * 6.2 + 4) {
      const fill = cat === 'wait' || cat === 'ready' ? '#445' : '#fff';
      parts.push(
        text(
          left + 3,
          y(event) + (cat === 'syscall' ? 24 : cat === 'wait' || cat === 'ready' ? 21 : 14),
          event.name,
          `fill="${fill}" font-size="10"`,
        ),
      );
    }
  }
}
const starts = new Map(inside.filter(({ ph }) => ph === 's').map((event) => [event.id, event]));
for (const event of inside) {
  const start = event.ph === 'f' ? starts.get(event.id) : undefined;
  if (start === undefined || !rows.includes(keyOf(start)) || !rows.includes(keyOf(event))) continue;
  const [x1, x2] = [x(start.ts), x(event.ts)];
  const [y1, y2] = [y(start) + 17, y(event) + 17];
  parts.push(
    `<path d="M${x1.toFixed(1)} ${y1} C ${(x1 + 8).toFixed(1)} ${y1} ${(x2 - 8).toFixed(1)} ${y2} ${x2.toFixed(1)} ${y2}" fill="none" stroke="#1d4ed8" stroke-width="1" marker-end="url(#head)"/>`,
  );
}
for (let tick = 0; tick <= 4; tick++) {
  const at = LABEL + (tick / 4) * (WIDTH - LABEL - 40);
  const ms = ((from - first + ((at - LABEL) / (WIDTH - LABEL)) * span) / 1000).toFixed(2);
  parts.push(text(at, 38, `${ms} ms`, 'fill="#667" font-size="10"'));
}
let at = LABEL;
for (const [cat, color] of Object.entries(COLORS)) {
  parts.push(`<rect x="${at}" y="8" width="12" height="12" fill="${color}"/>`, text(at + 17, 18, cat));
  at += 85;
}
const height = TOP + rows.length * ROW + 6;
writeFileSync(
  output,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<title>A piece of a trace</title>
<defs><marker id="head" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="5" markerHeight="5" orient="auto"><path d="M0 0 L6 3 L0 6 z" fill="#1d4ed8"/></marker></defs>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${parts.join('\n')}
</svg>
`,
);
console.log(
  `${events.length} events on ${names.size} tracks in ${((last - first) / 1000).toFixed(0)} ms; drew ${rows.length} tracks`,
);
