/** What sockets of all families have in common. A call that a kind of socket does not have is refused as Linux does. */

import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import { OpenFile } from './file.ts';
import { SocketOptionValues, writeInts } from './options.ts';
import type { World } from './world.ts';

const { S_IFSOCK, SOL_SOCKET } = Numbers;
const SOCKET_MODE = 0o777;

/** The bits of a shutdown: what will not be received, what not be sent any more. */
export const NO_RECEIVE = 1 as const;
/** See {@link NO_RECEIVE}. */
export const NO_SEND = 2 as const;
/** Both. */
export const NO_MORE = 3 as const;

/** A socket. */
export abstract class SocketFile extends OpenFile {
  readonly mode: number = S_IFSOCK | SOCKET_MODE;
  readonly world: World;
  readonly family: number;
  readonly type: number;
  readonly options: SocketOptionValues;
  /** {@link NO_RECEIVE}, {@link NO_SEND}. */
  ended = 0;
  /** The pending error (SO_ERROR): the next call that looks takes it. */
  error = 0;

  constructor(world: World, family: number, type: number) {
    super();
    this.world = world;
    this.family = family;
    this.type = type;
    this.options = new SocketOptionValues(family, type, world.buffers);
  }

  /** Whether it accepts connections. */
  get isListening(): boolean {
    return false;
  }

  abstract bind(address: Uint8Array): number;

  listen(_backlog: number): number {
    return -Errno.EOPNOTSUPP;
  }

  /** The next connection, whose peer's address goes into the slot, or `-errno`. */
  accept(_slot: Uint8Array): SocketFile | number {
    return -Errno.EOPNOTSUPP;
  }

  abstract connect(address: Uint8Array): number;

  /** recvmsg(2); the sender into the slot, if there is one, and the files that came along into `taken`. */
  abstract receive(into: Uint8Array, flags: number, slot: Uint8Array | null, taken?: OpenFile[]): number;

  /** sendto(2), or send(2) without an address. Files go along between Unix sockets; all others leave them out, as Linux does. */
  abstract send(from: Uint8Array, flags: number, address: Uint8Array | null, files?: readonly OpenFile[]): number;

  /** `how`: {@link NO_RECEIVE}, {@link NO_SEND} or both. */
  abstract shutdown(how: number): number;

  /** getsockname(2). */
  abstract localName(slot: Uint8Array): number;

  /** getpeername(2). */
  abstract peerName(slot: Uint8Array): number;

  override read(into: Uint8Array): number {
    return into.length === 0 ? 0 : this.receive(into, 0, null);
  }

  override write(from: Uint8Array): number {
    return this.send(from, 0, null);
  }

  getOption(level: number, name: number, value: Uint8Array): number {
    if (level === SOL_SOCKET) {
      const state = this.stateOf(name);
      if (state !== undefined) return writeInts(value, [state]);
    }
    return this.options.get(level, name, value);
  }

  setOption(level: number, name: number, value: Uint8Array): number {
    if (level === SOL_SOCKET && this.isState(name)) return -Errno.ENOPROTOOPT;
    return this.options.set(level, name, value);
  }

  /** The pending error, negative, which is taken away; 0 if there is none. */
  takeError(): number {
    const { error } = this;
    this.error = 0;
    return -error;
  }

  private isState(name: number): boolean {
    const { SO_ERROR, SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN } = Numbers;
    return ([SO_ERROR, SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN] as readonly number[]).includes(name);
  }

  private stateOf(name: number): number | undefined {
    if (name === Numbers.SO_ERROR) return -this.takeError();
    if (name === Numbers.SO_TYPE) return this.type;
    if (name === Numbers.SO_DOMAIN) return this.family;
    if (name === Numbers.SO_PROTOCOL) return this.protocolNumber;
    if (name === Numbers.SO_ACCEPTCONN) return this.isListening ? 1 : 0;
    return undefined;
  }

  private get protocolNumber(): number {
    if (this.family === Numbers.AF_UNIX) return 0;
    return this.type === Numbers.SOCK_STREAM ? Numbers.IPPROTO_TCP : Numbers.IPPROTO_UDP;
  }
}
