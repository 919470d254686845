/**
 * An open file as the kernel keeps it (an "open file description"): what several numbers may stand for after a `dup`, and what
 * goes away with the last of them. Its readiness is computed when somebody asks; nothing has to be told.
 */

import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';

/** Who keeps a file in a list, and is told when it goes away. */
export interface FileWatcher {
  /** The last number of the file has been closed. */
  gone(file: OpenFile): void;
}

/** What all kinds have in common. What a kind does not do is refused as Linux does. */
export abstract class OpenFile {
  /** What messages call it: `'TCP socket'`. */
  abstract readonly kind: string;
  /** As `fstat` tells it. */
  abstract readonly mode: number;
  /** The O_ flags of `fcntl`. */
  status: number = Numbers.O_RDWR | Numbers.O_NONBLOCK;
  /** How many numbers stand for it. */
  references = 0;
  /** Whether epoll takes it. */
  readonly pollable: boolean = true;
  /** The epoll sets that know it. */
  readonly watchers: FileWatcher[] = [];

  /** What poll(2) would report if everything were asked for. */
  abstract readiness(): number;

  /** read(2) into these bytes. */
  read(_into: Uint8Array): number {
    return -Errno.EINVAL;
  }

  /** write(2) of these bytes. */
  write(_from: Uint8Array): number {
    return -Errno.EINVAL;
  }

  /** How many bytes can be read (FIONREAD). */
  available(): number {
    return -Errno.ENOTTY;
  }

  /** The size of a pipe's buffer; sets it first, if one is given. */
  pipeSize(_size?: number): number {
    return -Errno.EBADF;
  }

  /** One number less stands for it. */
  release(): void {
    if (--this.references > 0) return;
    for (const watcher of [...this.watchers]) watcher.gone(this);
    this.closed();
  }

  /** The last number is gone. */
  protected closed(): void {
    // Nothing is held.
  }
}
