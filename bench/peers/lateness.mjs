// Preloaded into a server (`node --import`): how late Node's own timers are. SIGUSR2 prints the figures since the last time,
// one line of JSON, milliseconds.
//
// Node counts a timer's delay in whole milliseconds of its loop's clock, so up to one of lateness is its own.
import { writeSync } from 'node:fs';

const PERIOD_MS = 5;
let late = { timeout: [], interval: [] };

function again() {
  const due = performance.now() + PERIOD_MS;
  setTimeout(() => {
    late.timeout.push(performance.now() - due);
    again();
  }, PERIOD_MS).unref();
}
again();

// An interval of Node's counts from one call to the next.
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  late.interval.push(now - last - PERIOD_MS);
  last = now;
}, PERIOD_MS).unref();

function summary(values) {
  values.sort((a, b) => a - b);
  const at = (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? null;
  return { count: values.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: values.at(-1) ?? null };
}

process.on('SIGUSR2', () => {
  const { timeout, interval } = late;
  late = { timeout: [], interval: [] };
  writeSync(1, `${JSON.stringify({ timeout: summary(timeout), interval: summary(interval) })}\n`);
});
