/**
 * What a closed poller has in place of its backend: the number of the kernel set may be another file's by now, so
 * nothing may be asked of it.
 */

import type { Backend, BackendName, Sys } from '../os/index.ts';

/** A backend that refuses everything with `EBADF`. */
export class ClosedBackend implements Backend {
  readonly name: BackendName;
  readonly fd: number = -1;
  readonly rows: Int32Array = new Int32Array(0);
  private readonly refusal: number;

  constructor(sys: Sys, name: BackendName) {
    this.name = name;
    this.refusal = -(sys.constants.EBADF as number);
  }

  change(): number {
    return this.refusal;
  }

  remove(): number {
    return this.refusal;
  }

  wait(): number {
    return this.refusal;
  }

  close(): void {
    // It has been.
  }
}
