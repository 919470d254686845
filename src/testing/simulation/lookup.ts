/** The answer to a question for a name, as a file: nothing, then the answer, then its end. */

import type { Plan } from './agenda.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import { OpenFile } from './file.ts';
import type { NameAnswer } from './names.ts';
import type { World } from './world.ts';

const { POLLIN, POLLHUP, S_IFIFO } = Numbers;
const PIPE_MODE = 0o600;

/** A lookup that is under way, or has been answered. */
export class LookupFile extends OpenFile {
  readonly kind = 'lookup of a name';
  readonly mode: number = S_IFIFO | PIPE_MODE;
  private readonly world: World;
  private readonly bytes: Uint8Array;
  private readonly due: number;
  private at = 0;
  private readonly plan: Plan | null;

  constructor(world: World, { bytes, after }: NameAnswer) {
    super();
    this.world = world;
    this.bytes = bytes;
    this.due = world.now + after;
    this.status = Numbers.O_RDONLY | Numbers.O_NONBLOCK;
    // Readiness is computed when somebody asks; that somebody waits for it has to be planned.
    const comes = after > 0 && after < Number.POSITIVE_INFINITY;
    this.plan = comes ? world.agenda.plan(this.due, () => {}) : null;
  }

  override readiness(): number {
    if (this.world.now < this.due) return 0;
    return this.at < this.bytes.length ? POLLIN | POLLHUP : POLLHUP;
  }

  override read(into: Uint8Array): number {
    if (this.world.now < this.due) return -Errno.EAGAIN;
    const length = Math.min(into.length, this.bytes.length - this.at);
    const part = this.world.dice.readable(length);
    into.set(this.bytes.subarray(this.at, this.at + part));
    this.at += part;
    return part;
  }

  protected override closed(): void {
    if (this.plan !== null) this.world.agenda.drop(this.plan);
  }
}
