/**
 * The machine: which cores the two sides get, and who else used them. On a shared or virtual machine the figures
 * are only as good as these last two numbers are small.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** One core for the server, one for the load; the same one if there is only one. */
export interface Cores {
  server: number;
  load: number;
  /** What is wrong with this choice, if anything. */
  remark?: string;
}

/** "0-2,5" → [0, 1, 2, 5] */
function parseList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** Chooses two cores that this process may use, not two threads of one core if that can be helped. */
export function chooseCores(): Cores {
  const status = readFileSync('/proc/self/status', 'utf8');
  const allowed = parseList(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '0');
  const server = allowed[0] as number;
  if (allowed.length === 1) {
    return { server, load: server, remark: 'only one core: server and load share it, rates mean little' };
  }
  const siblings = (() => {
    try {
      return parseList(readFileSync(`/sys/devices/system/cpu/cpu${server}/topology/thread_siblings_list`, 'utf8'));
    } catch {
      return [server];
    }
  })();
  const load = allowed.find((core) => !siblings.includes(core));
  if (load !== undefined) return { server, load };
  return { server, load: allowed[1] as number, remark: 'both cores are threads of one: they slow each other' };
}

/** Time that a core spent, in ticks: worked for somebody, and taken by the hypervisor. */
export interface CoreTimes {
  busy: number;
  stolen: number;
  total: number;
}

/** Counters of one core from /proc/stat. */
export function coreTimes(core: number): CoreTimes {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, stolen = 0] = line
    .split(' ')
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busy, stolen, total: busy + idle + iowait + stolen };
}

/** What stands at the head of every result. */
export interface MachineDescription {
  date: string;
  cpu: string;
  cores: number;
  system: string;
  node: string;
  commit: string;
}

/** Describes this machine without naming it. */
export function describeMachine(root: string): MachineDescription {
  const commit = (() => {
    try {
      const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
      return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src', 'native') === '' ? '' : '+');
    } catch {
      return 'unknown';
    }
  })();
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    commit,
  };
}
