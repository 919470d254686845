/**
 * A whole operating system, as far as this library asks one: descriptors, sockets, pipes, the network between them and the time, in
 * plain objects. It stands where the addon stands, so the pollers, the schedulers and every program run over it unchanged.
 *
 * This class is the table of calls. What a call does to a file is the file's own business; what they share is in `World`.
 */

import { type Constants, type DecodedAddress, EPOLL_ROW, POLL_ROW, SELECT_ROW, type Sys } from '../../os/index.ts';
import { decode, packInternet, packUnix } from './address.ts';
import { checkAddress, checkBytes, checkInteger, checkRows, checkSlot, checkTime } from './arguments.ts';
import { CONSTANTS, Numbers } from './constants.ts';
import { control } from './control.ts';
import { EventCounter, NullDevice, TimerFile } from './counters.ts';
import { Dice } from './dice.ts';
import { EpollSet } from './epoll.ts';
import { Errno } from './errno.ts';
import { createPair, createSocket } from './families.ts';
import type { OpenFile } from './file.ts';
import { LookupFile } from './lookup.ts';
import { MessageCalls, receiveEach, sendEach } from './messages.ts';
import { Names } from './names.ts';
import { Network } from './network.ts';
import { Pipe, PipeEnd } from './pipe.ts';
import { SocketFile } from './socket.ts';
import { complete, type SimulatedSystemOptions } from './system-options.ts';
import { DescriptorTable, type OpenDescriptor } from './table.ts';
import { lookByPoll, lookBySelect } from './waits.ts';
import { World } from './world.ts';

const { O_RDONLY, O_WRONLY, O_ACCMODE } = Numbers;
const NULL_DEVICE = '/dev/null';
/** What a request that does not say how much it touches has to bring, as with the addon. */
const UNSIZED_REQUEST = 64;

/** The names of all methods, once they have been looked for. */
let methods: readonly string[] | undefined;

/**
 * A simulated operating system for `new Scheduler({ sys })` and everything else that takes a `Sys`. Its time stands still while a program
 * computes; a wait jumps to whatever comes next, and throws `MisuseError` where a real one would never end. The same seed gives the same
 * run, if the program itself draws nothing from elsewhere.
 *
 * @example
 * const sys = new SimulatedSystem({ seed: 7, faults: { shortReads: 0.5 } });
 * const scheduler = new Scheduler({ sys });
 */
export class SimulatedSystem implements Sys {
  readonly platform = 'simulated';
  readonly constants: Constants = CONSTANTS;
  readonly unwatchable =
    "the descriptors of a simulated system are none of the process's, so Node's loop cannot watch them";
  /** What its chance is drawn from. */
  readonly seed: number;
  /** @internal Called instead of throwing where a wait would never end; the wait then finds nothing. */
  onHang: (() => void) | null = null;
  private readonly world: World;
  private readonly network: Network;
  private readonly names: Names;
  private readonly table: DescriptorTable;
  private readonly messages: MessageCalls;
  private readonly fifos = new Map<string, Pipe>();

  /** Throws `RangeError` for a seed, probability or duration that is none, and for an errno that there is not. */
  constructor(options: SimulatedSystemOptions = {}) {
    const { seed, faults, hosts, names, latency, start, sendBuffer, receiveBuffer, descriptors } = complete(options);
    this.seed = seed;
    const dice = new Dice(seed, faults);
    this.world = new World(dice, { send: sendBuffer, receive: receiveBuffer }, start, latency);
    this.network = new Network(hosts);
    this.names = new Names(names);
    this.table = new DescriptorTable(descriptors);
    this.messages = new MessageCalls(this.table);
    this.bindCalls();
    for (const call of dice.fallible) Object.assign(this, { [call]: dice.failing(call, this[call]) });
  }

  /** What is open now, and who opened it. */
  get descriptors(): OpenDescriptor[] {
    return this.table.list();
  }

  /** Lets time pass, as if the program computed for so long. Throws `RangeError` for what is no number of milliseconds from 0 on. */
  advance(ms: number): void {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`advance takes a finite number of milliseconds from 0 on, not ${ms}`);
    }
    this.world.advanceTo(this.world.now + ms);
  }

  /** Separates two addresses for `ms` milliseconds (`Infinity`: until {@link SimulatedSystem.heal}). TCP repeats what is lost meanwhile. */
  partition(one: string, other: string, ms: number): void {
    this.world.partition(one, other, ms);
  }

  /** Ends a partition. */
  heal(one: string, other: string): void {
    this.world.heal(one, other);
  }

  /** Makes a FIFO at this path, for `open`. Throws `RangeError` if there is one. */
  mkfifo(path: string): void {
    if (this.fifos.has(path)) throw new RangeError(`there is a FIFO at ${path} already`);
    this.fifos.set(path, new Pipe(this.world.dice));
  }

  now(): number {
    return this.world.now;
  }

  packAddress(slot: Uint8Array, host: string, port: number, scopeid: number): number {
    return packInternet(checkSlot('packAddress', slot), host, port, scopeid);
  }

  packPath(slot: Uint8Array, path: string): number {
    return packUnix(checkSlot('packPath', slot), path);
  }

  unpackAddress(slot: Uint8Array): DecodedAddress {
    return decode(slot);
  }

  getaddrinfo(host: string, family: number): number {
    if (typeof host !== 'string') throw new TypeError('getaddrinfo: host must be a string');
    return this.table.open(new LookupFile(this.world, this.names.answer(host, family)), 'getaddrinfo');
  }

  socket(family: number, type: number, protocol: number): number {
    const file = createSocket(this.world, this.network, { family, type, protocol });
    return typeof file === 'number' ? file : this.table.open(file, 'socket');
  }

  socketpair(family: number, type: number, protocol: number, pair: Int32Array): number {
    const files = createPair(this.world, this.network, { family, type, protocol });
    return typeof files === 'number' ? files : this.table.openPair(files, 'socketpair', pair);
  }

  bind(fd: number, address: Uint8Array): number {
    checkAddress('bind', address);
    return this.onSocket('bind', fd, (socket) => socket.bind(address));
  }

  listen(fd: number, backlog: number): number {
    return this.onSocket('listen', fd, (socket) => socket.listen(backlog));
  }

  accept(fd: number, slot: Uint8Array): number {
    checkSlot('accept', slot);
    return this.onSocket('accept', fd, (socket) => {
      // Before a connection is taken out of the queue, which it would be lost for.
      if (!this.table.hasRoom(1)) return -Errno.EMFILE;
      const accepted = socket.accept(slot);
      return typeof accepted === 'number' ? accepted : this.table.open(accepted, 'accept');
    });
  }

  connect(fd: number, address: Uint8Array): number {
    checkAddress('connect', address);
    return this.onSocket('connect', fd, (socket) => socket.connect(address));
  }

  recv(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number): number {
    const into = checkBytes('recv', buffer, offset, length);
    return this.onSocket('recv', fd, (socket) => socket.receive(into, flags, null));
  }

  recvEach(...given: Parameters<Sys['recvEach']>): number {
    return receiveEach((...each) => this.recv(...each), ...given);
  }

  send(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number): number {
    const from = checkBytes('send', buffer, offset, length);
    return this.onSocket('send', fd, (socket) => socket.send(from, flags, null));
  }

  sendEach(...given: Parameters<Sys['sendEach']>): number {
    return sendEach((...each) => this.send(...each), ...given);
  }

  recvfrom(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number, slot: Uint8Array): number {
    const into = checkBytes('recvfrom', buffer, offset, length);
    checkSlot('recvfrom', slot);
    return this.onSocket('recvfrom', fd, (socket) => socket.receive(into, flags, slot));
  }

  sendto(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number, address: Uint8Array): number {
    const from = checkBytes('sendto', buffer, offset, length);
    checkAddress('sendto', address);
    return this.onSocket('sendto', fd, (socket) => socket.send(from, flags, address));
  }

  writev(...given: Parameters<Sys['writev']>): number {
    return this.messages.writev(...given);
  }

  sendmsg(...given: Parameters<Sys['sendmsg']>): number {
    return this.messages.sendmsg(...given);
  }

  recvmsg(...given: Parameters<Sys['recvmsg']>): number {
    return this.messages.recvmsg(...given);
  }

  recvmmsg(...given: Parameters<Sys['recvmmsg']>): number {
    return this.messages.recvmmsg(...given);
  }

  sendmmsg(...given: Parameters<Sys['sendmmsg']>): number {
    return this.messages.sendmmsg(...given);
  }

  shutdown(fd: number, how: number): number {
    return this.onSocket('shutdown', fd, (socket) => {
      // SHUT_RD, SHUT_WR and SHUT_RDWR are the directions' bits less one.
      return how >= Numbers.SHUT_RD && how <= Numbers.SHUT_RDWR ? socket.shutdown(how + 1) : -Errno.EINVAL;
    });
  }

  getsockname(fd: number, slot: Uint8Array): number {
    checkSlot('getsockname', slot);
    return this.onSocket('getsockname', fd, (socket) => socket.localName(slot));
  }

  getpeername(fd: number, slot: Uint8Array): number {
    checkSlot('getpeername', slot);
    return this.onSocket('getpeername', fd, (socket) => socket.peerName(slot));
  }

  getsockopt(fd: number, level: number, name: number, value: Uint8Array): number {
    return this.onSocket('getsockopt', fd, (socket) => socket.getOption(level, name, value));
  }

  setsockopt(fd: number, level: number, name: number, value: Uint8Array): number {
    return this.onSocket('setsockopt', fd, (socket) => socket.setOption(level, name, value));
  }

  open(path: string, flags: number, _mode: number): number {
    if (path === NULL_DEVICE) return this.table.open(new NullDevice(), 'open');
    const fifo = this.fifos.get(path);
    if (fifo === undefined) return -Errno.ENOENT;
    if ((flags & O_ACCMODE) === O_WRONLY && fifo.readers === 0) return -Errno.ENXIO;
    if (!this.table.hasRoom(1)) return -Errno.EMFILE;
    return this.table.open(new PipeEnd(fifo, flags), 'open');
  }

  read(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    const into = checkBytes('read', buffer, offset, length);
    return this.on('read', fd, (file) => file.read(into));
  }

  write(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    const from = checkBytes('write', buffer, offset, length);
    return this.on('write', fd, (file) => file.write(from));
  }

  close(fd: number): number {
    checkInteger('close', 'fd', fd);
    return this.table.close(fd);
  }

  pipe(pair: Int32Array): number {
    if (!this.table.hasRoom(2)) return -Errno.EMFILE;
    const pipe = new Pipe(this.world.dice);
    // The writer first: a reader without one would wait for one to come.
    const writer = new PipeEnd(pipe, O_WRONLY);
    return this.table.openPair([new PipeEnd(pipe, O_RDONLY), writer], 'pipe', pair);
  }

  dup(fd: number): number {
    return this.on('dup', fd, (file) => this.table.open(file, 'dup'));
  }

  fcntl(fd: number, command: number, argument: number): number {
    return this.on('fcntl', fd, (file) => control(this.table, { fd, file, command, argument }));
  }

  fstat(fd: number): number {
    return this.on('fstat', fd, (file) => file.mode);
  }

  ioctl(fd: number, request: number, argument: Uint8Array): number {
    return this.on('ioctl', fd, (file) => {
      if (request !== Numbers.FIONREAD) return -Errno.ENOTTY;
      if (argument.length < UNSIZED_REQUEST)
        throw new RangeError(`ioctl: argument must have at least ${UNSIZED_REQUEST} bytes`);
      const available = file.available();
      if (available < 0) return available;
      argument.set(new Uint8Array(Int32Array.of(available).buffer));
      return 0;
    });
  }

  eventfd(initial: number, flags: number): number {
    checkInteger('eventfd', 'initial', initial);
    return this.table.open(new EventCounter(initial, (flags & Numbers.EFD_SEMAPHORE) !== 0), 'eventfd');
  }

  timerfd(): number {
    return this.table.open(new TimerFile(this.world), 'timerfd');
  }

  timerfdSet(fd: number, deadline: number): number {
    checkTime('timerfdSet', deadline);
    return this.on('timerfdSet', fd, (file) => {
      if (!(file instanceof TimerFile)) return -Errno.EINVAL;
      file.set(deadline);
      return 0;
    });
  }

  own(_fd: number): number {
    return 0;
  }

  disown(_fd: number): number {
    return 0;
  }

  epollCreate(): number {
    return this.table.open(new EpollSet(this.world.dice), 'epollCreate');
  }

  epollCtl(epfd: number, operation: number, fd: number, events: number, low: number, high: number): number {
    return this.on('epollCtl', epfd, (set) =>
      this.on('epollCtl', fd, (file) => {
        if (!file.pollable) return -Errno.EPERM;
        return set instanceof EpollSet ? set.control({ operation, fd, events, low, high }, file) : -Errno.EINVAL;
      }),
    );
  }

  epollWait(epfd: number, rows: Int32Array, timeout: number): number {
    checkRows('epollWait', rows, EPOLL_ROW, 0);
    return this.on('epollWait', epfd, (set) => {
      if (!(set instanceof EpollSet) || rows.length < EPOLL_ROW) return -Errno.EINVAL;
      return this.wait('epollWait', timeout, () => set.collect(rows));
    });
  }

  poll(rows: Int32Array, count: number, timeout: number): number {
    checkRows('poll', rows, POLL_ROW, count);
    return this.wait('poll', timeout, () => lookByPoll(this.table, this.world.dice, rows, count));
  }

  select(rows: Int32Array, count: number, timeout: number): number {
    checkRows('select', rows, SELECT_ROW, count);
    return this.wait('select', timeout, () => lookBySelect(this.table, this.world.dice, rows, count));
  }

  kqueue(): number {
    return -Errno.ENOSYS;
  }

  kevent(): number {
    return -Errno.ENOSYS;
  }

  signalOpen(): number {
    return -Errno.ENOSYS;
  }

  signalClose(): number {
    return -Errno.ENOSYS;
  }

  raise(): number {
    return -Errno.ENOSYS;
  }

  private on(call: string, fd: number, act: (file: OpenFile) => number): number {
    checkInteger(call, 'fd', fd);
    const file = this.table.get(fd);
    return file === undefined ? -Errno.EBADF : act(file);
  }

  private onSocket(call: string, fd: number, act: (socket: SocketFile) => number): number {
    return this.on(call, fd, (file) => (file instanceof SocketFile ? act(file) : -Errno.ENOTSOCK));
  }

  private wait(call: string, timeout: number, ask: () => number): number {
    return this.world.wait(checkTime(call, timeout), ask, this.onHang);
  }

  /** A wrapper may copy the calls, or take one out of the object, as it can with the addon's. */
  private bindCalls(): void {
    const own = this as unknown as Record<string, (...given: unknown[]) => unknown>;
    methods ??= Object.entries(Object.getOwnPropertyDescriptors(SimulatedSystem.prototype)).flatMap(
      ([name, { value }]) => (name !== 'constructor' && typeof value === 'function' ? [name] : []),
    );
    // Assigned and not defined: that is ten times as fast, and a system is made for every seed.
    for (const name of methods) own[name] = (own[name] as (...given: unknown[]) => unknown).bind(this);
  }
}
