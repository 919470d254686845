/** Who is measured: the servers of each section, in the order of the tables. */

import { cxx, genloop, go, node, type Program, python } from './harness/programs.ts';

/** A server under test. */
export interface Contender {
  /** Its name in the JSON. */
  key: string;
  /** Its name in the tables. */
  label: string;
  program: Program;
  /** The most descriptors that it can wait on, where that is the limit. */
  descriptors?: number;
  /** Only these cases, where it would say nothing new in the others. */
  cases?: readonly string[];
}

/** Every ratio is taken against these two. */
export const ZERO_LINE = 'cpp' as const;
export const NODE = 'node' as const;

const ECHO = 'examples/echo-server.ts';
const STREAMS = 'bench/servers/serve-echo.ts';
const TIME = 'examples/time-server.ts';
const TIME_BATCHED = 'examples/time-server-batched.ts';
const SERVE = ['--host', '127.0.0.1', '--port', '0', '--quiet'];
const EPOLL = ['--backend', 'epoll'];
/** FD_SETSIZE, less what a process has open anyway. */
const SELECT_LIMIT = 1000;

/** The cases of the section `echo` that owned bytes are shown in. */
const STREAM_CASES = ['64x64', '64x65536'];

/** The echo server of streams, in both drives. */
export function streamServers(...args: string[]): Contender[] {
  const form = ['--read', 'view', ...args];
  return [
    {
      key: 'serve-view-blocking',
      label: 'serve, readView, blocking drive',
      program: genloop(STREAMS, ...form, '--sync'),
    },
    { key: 'serve-view-attached', label: 'serve, readView, attached to Node', program: genloop(STREAMS, ...form) },
  ];
}

/** The streams and those they are compared with: sections churn, beat, start. */
export function streamPeers(): Contender[] {
  return [
    { key: 'cpp', label: 'C++, epoll', program: { command: [cxx('echo_epoll')] } },
    ...streamServers(),
    { key: 'node', label: 'node:net', program: node('node-net.mjs') },
    { key: 'go', label: 'Go, net', program: go('echo') },
    { key: 'asyncio-streams', label: 'asyncio, streams', program: python('asyncio_echo.py', 'streams') },
  ];
}

/** Servers that work for `ms` where a message asks for it: section load. */
export function burningServers(ms: number): Contender[] {
  const burn = ['--burn', String(ms)];
  return [
    { key: 'cpp', label: 'C++, epoll', program: { command: [cxx('echo_epoll'), ...burn] } },
    ...streamServers(...burn),
    { key: 'node', label: 'node:net', program: node('node-net.mjs', ...burn) },
  ];
}

/** For section slow: the streams, with borrowed bytes and with a buffer of so many bytes for each connection, and peers. */
export function boundedServers(size: number): Contender[] {
  return [
    ...streamPeers(),
    {
      key: 'serve-into-blocking',
      label: `serve, readInto ${size / 1024} KiB, blocking drive`,
      program: genloop(STREAMS, '--read', 'into', '--size', String(size), '--sync'),
    },
  ];
}

/** TCP echo: sections echo, connect, memory. */
export function echoServers(): Contender[] {
  return [
    { key: 'cpp', label: 'C++, epoll (the zero line)', program: { command: [cxx('echo_epoll'), '--port', '0'] } },
    { key: 'genloop-blocking', label: 'genloop, blocking drive', program: genloop(ECHO, ...SERVE, ...EPOLL, '--sync') },
    { key: 'genloop-attached', label: 'genloop, attached to Node', program: genloop(ECHO, ...SERVE, ...EPOLL) },
    ...streamServers(),
    {
      key: 'serve-owned-blocking',
      label: 'serve, read, blocking drive',
      program: genloop(STREAMS, '--read', 'owned', '--sync'),
      cases: STREAM_CASES,
    },
    {
      key: 'serve-owned-attached',
      label: 'serve, read, attached to Node',
      program: genloop(STREAMS, '--read', 'owned'),
      cases: STREAM_CASES,
    },
    { key: 'genloop-textbook', label: 'genloop, as the textbook', program: genloop('bench/servers/textbook-echo.ts') },
    { key: 'genloop-raw', label: 'genloop/os, no tasks', program: genloop('bench/servers/raw-epoll.ts') },
    { key: 'node', label: 'node:net', program: node('node-net.mjs') },
    { key: 'go', label: 'Go, net', program: go('echo') },
    { key: 'asyncio-protocol', label: 'asyncio, protocol', program: python('asyncio_echo.py', 'protocol') },
    { key: 'asyncio-streams', label: 'asyncio, streams', program: python('asyncio_echo.py', 'streams') },
    {
      key: 'python-textbook',
      label: 'textbook in Python, select',
      program: python('textbook_select.py', 'echo'),
      descriptors: SELECT_LIMIT,
    },
  ];
}

/** UDP time requests: section time. */
export function timeServers(): Contender[] {
  return [
    { key: 'cpp', label: 'C++, recvfrom (the zero line)', program: { command: [cxx('time_udp')] } },
    { key: 'cpp-mmsg', label: 'C++, recvmmsg', program: { command: [cxx('time_udp'), '--mmsg'] } },
    { key: 'genloop-blocking', label: 'genloop, blocking drive', program: genloop(TIME, ...SERVE, ...EPOLL, '--sync') },
    { key: 'genloop-attached', label: 'genloop, attached to Node', program: genloop(TIME, ...SERVE, ...EPOLL) },
    {
      key: 'genloop-batched',
      label: 'genloop, batches, blocking',
      program: genloop(TIME_BATCHED, ...SERVE, ...EPOLL, '--sync'),
    },
    {
      key: 'genloop-batched-attached',
      label: 'genloop, batches, attached',
      program: genloop(TIME_BATCHED, ...SERVE, ...EPOLL),
    },
    { key: 'node', label: 'node:dgram', program: node('node-dgram.mjs') },
    { key: 'asyncio-protocol', label: 'asyncio, protocol', program: python('asyncio_time.py') },
    { key: 'python-textbook', label: 'textbook in Python, select', program: python('textbook_select.py', 'time') },
  ];
}
