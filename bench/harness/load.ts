/** The load generator (native/bench/load.cc), and what else happened on the cores while it ran. */

import { once } from 'node:events';
import { Failure } from './context.ts';
import { type Cores, coreTimes } from './machine.ts';
import { cxx } from './programs.ts';
import { type Server, start } from './server.ts';

/** One measurement of one server. */
export interface Sample {
  /** Round trips per second. */
  rate: number;
  /** The server's CPU time per round trip, µs. */
  cpu: number;
  /** Share of the window in which the server's process was on its core, 0 to 1. */
  busy: number;
  /** The same for the load: where this is 1 and `busy` is not, the rate is the load's. */
  loadBusy: number;
  p50: number;
  p99: number;
  p999: number;
  /** Share of a core that other processes had: the server's or the load's, whichever was worse. */
  foreign: number;
  /** Share of a core that the hypervisor gave to somebody else, likewise. */
  stolen: number;
}

/** What the load prints. */
export interface LoadResult {
  seconds: number;
  round_trips: number;
  rate: number;
  latency_us: { p50: number; p99: number; p999: number; max: number };
  load_cpu_ns: number;
  server_cpu_ns: number;
  retried?: number;
  /** Of the open loop: messages that were due in the window and not answered until a second after it. */
  unanswered?: number;
  /** Of the open loop: how late the load itself was. */
  lag_us?: { p50: number; p99: number };
}

/** A load that measures: what stands at the head of native/bench/load.cc. */
export type Mode = 'tcp-echo' | 'udp-time' | 'connect' | 'open-loop';

/** Runs `load MODE …` against a server. Throws if a single reply was wrong. */
export async function load(
  server: Server,
  cores: Cores,
  mode: Mode,
  options: Readonly<Record<string, number>>,
): Promise<Sample> {
  return (await fullLoad(server, cores, mode, options)).sample;
}

/** As {@link load}, with all that the load has printed. */
export async function fullLoad(
  server: Server,
  cores: Cores,
  mode: Mode,
  options: Readonly<Record<string, number>>,
): Promise<{ sample: Sample; result: LoadResult }> {
  const args = Object.entries({ port: server.port, core: cores.load, watch: server.pid, ...options });
  const command = [cxx('load'), mode, ...args.flatMap(([name, value]) => [`--${name}`, String(value)])];
  const before = { server: coreTimes(cores.server), load: coreTimes(cores.load) };
  const started = performance.now();
  const child = start(command, cores.load);
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const after = { server: coreTimes(cores.server), load: coreTimes(cores.load) };
  const elapsed = (performance.now() - started) / 1e3;
  if (code !== 0)
    throw new Failure(`${server.name}: ${errors.trim() || `load ended with ${code}`}\n  ${command.join(' ')}`);
  server.check();

  const result = JSON.parse(output) as LoadResult;
  const window = result.seconds * 1e9;
  const busy = result.server_cpu_ns / window;
  const loadBusy = result.load_cpu_ns / window;
  // The cores' ticks span the whole run, the processes' clocks the window: before it, in the warm-up, they are as busy.
  const span = Math.min(1, (result.seconds + (options.warmup ?? 0)) / elapsed);
  const total = (side: 'server' | 'load'): number => after[side].total - before[side].total;
  const foreign = (side: 'server' | 'load', own: number): number =>
    Math.max(0, (after[side].busy - before[side].busy) / total(side) - own * span);
  const stolen = (side: 'server' | 'load'): number => (after[side].stolen - before[side].stolen) / total(side);
  const sample: Sample = {
    rate: result.rate,
    cpu: result.server_cpu_ns / 1e3 / result.round_trips,
    busy,
    loadBusy,
    p50: result.latency_us.p50,
    p99: result.latency_us.p99,
    p999: result.latency_us.p999,
    foreign: Math.max(foreign('server', busy), foreign('load', loadBusy)),
    stolen: Math.max(stolen('server'), stolen('load')),
  };
  return { sample, result };
}
