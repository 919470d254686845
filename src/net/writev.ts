/**
 * A write of several parts that stay where they are: the system gathers them. What a call takes may end at any byte of any part; the
 * next one goes on there.
 *
 * A call takes a bounded number of parts, and looks at each that it is given. So of very many parts it is given a window, which
 * moves on when all of it has gone.
 */

import { MisuseError } from '../kernel/index.ts';
import { MOST_MESSAGES } from '../os/index.ts';
import { Buffer } from '../platform/node.ts';
import { isLent } from './borrowed.ts';
import type { Output } from './output.ts';
import { lengthOf } from './parts.ts';
import type { Transport } from './transport.ts';
import { Write } from './write.ts';

const NOTHING = new Uint8Array(0);

/** A write of all of these parts, of which none is empty. */
export class GatheredWrite extends Write {
  private readonly parts: Uint8Array[];
  private window: readonly Uint8Array[] = [];
  /** The first part of the window, and how many bytes come before it. */
  private first = 0;
  private start = 0;
  /** How many bytes come before the end of the window. */
  private end = 0;

  constructor(output: Output, parts: Uint8Array[]) {
    super(output, NOTHING, lengthOf(parts));
    this.parts = parts;
  }

  override transfer(transport: Transport): number | undefined {
    if (this.sent === 0) this.open(0, 0);
    else if (this.sent === this.end) this.open(this.first + this.window.length, this.end);
    const count = transport.sendParts?.(this.window, this.sent - this.start);
    // Nothing, where there should have been something, for ever.
    if (count === 0) throw new MisuseError(`memory of ${this.describe()} was given away before all of it had gone`);
    return count;
  }

  protected override get isShort(): boolean {
    return false;
  }

  protected override keep(): void {
    const { parts } = this;
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at] as Uint8Array;
      if (isLent(part)) parts[at] = Buffer.from(part);
    }
    if (this.end > 0) this.open(this.first, this.start);
  }

  private open(first: number, start: number): void {
    const { parts } = this;
    this.first = first;
    this.start = start;
    this.window = parts.length <= MOST_MESSAGES ? parts : parts.slice(first, first + MOST_MESSAGES);
    this.end = start + lengthOf(this.window);
  }
}
