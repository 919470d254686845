/** What Unix sockets of all types have in common: a name, perhaps. Between them there is no network, and so neither delay nor partition. */

import { familyOf, nameIn, writeUnixName } from './address.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import type { Network } from './network.ts';
import { SocketFile } from './socket.ts';
import type { World } from './world.ts';

const { AF_UNIX } = Numbers;

/** A Unix socket. */
export abstract class UnixSocket extends SocketFile {
  readonly network: Network;
  /** A path, an abstract name (`\0…`), or `''`. */
  name = '';

  constructor(world: World, network: Network, type: number) {
    super(world, AF_UNIX, type);
    this.network = network;
  }

  override bind(address: Uint8Array): number {
    const name = this.nameIn(address);
    if (typeof name === 'number') return name;
    if (this.name !== '') return -Errno.EINVAL;
    if (name === '') {
      this.name = this.network.claimAny(this);
      return 0;
    }
    const result = this.network.claim(name, this);
    if (result === 0) this.name = name;
    return result;
  }

  override localName(slot: Uint8Array): number {
    writeUnixName(slot, this.name);
    return 0;
  }

  /** Whether a sender with so many unread bytes counts as writable. */
  protected isWritableWith(unread: number): boolean {
    return unread * 4 <= this.options.sendBuffer;
  }

  /** The name in a slot (`''`: none), or an errno. */
  protected nameIn(address: Uint8Array): string | number {
    if (familyOf(address) !== AF_UNIX) return -Errno.EINVAL;
    return nameIn(address) as string;
  }

  /** The socket of this name and type, or an errno. */
  protected find(address: Uint8Array): SocketFile | number {
    const name = this.nameIn(address);
    if (typeof name === 'number') return name;
    if (name === '') return -Errno.EINVAL;
    const found = this.network.named(name);
    if (typeof found === 'number') return found;
    return found.type === this.type ? found : -Errno.EPROTOTYPE;
  }

  protected disclaim(): void {
    if (this.name !== '') this.network.disclaim(this.name);
  }
}

/** Writes who sent something; a socket without a name leaves the slot empty. */
export function writeSender(slot: Uint8Array | null, name: string): void {
  if (slot === null) return;
  if (name === '') slot.fill(0, 0, 2);
  else writeUnixName(slot, name);
}
