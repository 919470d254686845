/** eventfd and timerfd: descriptors that are read as one number of 64 bits. And `/dev/null`, which is not. */

import type { Plan } from './agenda.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import { OpenFile } from './file.ts';
import type { World } from './world.ts';

const { POLLIN, POLLOUT, S_IFCHR } = Numbers;
const COUNTER_SIZE = 8;
const ANONYMOUS_MODE = 0o600;
/** The highest count; one more is an overflow. */
const MOST = 0xffff_ffff_ffff_fffen;

function put(into: Uint8Array, value: bigint): number {
  new DataView(into.buffer, into.byteOffset, into.byteLength).setBigUint64(0, value, true);
  return COUNTER_SIZE;
}

/** A counter: eventfd(2). */
export class EventCounter extends OpenFile {
  readonly kind = 'eventfd';
  readonly mode: number = ANONYMOUS_MODE;
  private count: bigint;
  private readonly semaphore: boolean;

  constructor(initial: number, semaphore: boolean) {
    super();
    this.count = BigInt(initial);
    this.semaphore = semaphore;
  }

  override readiness(): number {
    return (this.count > 0n ? POLLIN : 0) | (this.count < MOST ? POLLOUT : 0);
  }

  override read(into: Uint8Array): number {
    if (into.length < COUNTER_SIZE) return -Errno.EINVAL;
    if (this.count === 0n) return -Errno.EAGAIN;
    const taken = this.semaphore ? 1n : this.count;
    this.count -= taken;
    return put(into, taken);
  }

  override write(from: Uint8Array): number {
    if (from.length < COUNTER_SIZE) return -Errno.EINVAL;
    const added = new DataView(from.buffer, from.byteOffset, from.byteLength).getBigUint64(0, true);
    if (added > MOST) return -Errno.EINVAL;
    if (added > MOST - this.count) return -Errno.EAGAIN;
    this.count += added;
    return COUNTER_SIZE;
  }
}

/** A timer that goes off once: timerfd_create(2). */
export class TimerFile extends OpenFile {
  readonly kind = 'timerfd';
  readonly mode: number = ANONYMOUS_MODE;
  private readonly world: World;
  private plan: Plan | null = null;
  private expired = false;

  constructor(world: World) {
    super();
    this.world = world;
  }

  /** Sets it; `Infinity` disarms it. */
  set(deadline: number): void {
    this.disarm();
    this.expired = false;
    if (deadline === Number.POSITIVE_INFINITY) return;
    const { world } = this;
    if (deadline <= world.now) this.expired = true;
    else {
      this.plan = world.agenda.plan(deadline, () => {
        this.plan = null;
        this.expired = true;
      });
    }
  }

  override readiness(): number {
    return this.expired ? POLLIN : 0;
  }

  override read(into: Uint8Array): number {
    if (into.length < COUNTER_SIZE) return -Errno.EINVAL;
    if (!this.expired) return -Errno.EAGAIN;
    this.expired = false;
    return put(into, 1n);
  }

  protected override closed(): void {
    this.disarm();
  }

  private disarm(): void {
    if (this.plan !== null) this.world.agenda.drop(this.plan);
    this.plan = null;
  }
}

/** `/dev/null`: always ready, and not for epoll. */
export class NullDevice extends OpenFile {
  readonly kind = '/dev/null';
  readonly mode: number = S_IFCHR | 0o666;
  override readonly pollable: boolean = false;

  override readiness(): number {
    return POLLIN | POLLOUT;
  }

  override read(): number {
    return 0;
  }

  override write(from: Uint8Array): number {
    return from.length;
  }
}
