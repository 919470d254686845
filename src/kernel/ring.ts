/** The ready ring: first in, first out, without moving anything. */

const FIRST_SIZE = 64;

/** A queue in a circular array whose size is a power of two. */
export class Ring<T> {
  private items: (T | undefined)[] = new Array(FIRST_SIZE).fill(undefined);
  private head = 0;
  private count = 0;

  /** How many are in it. */
  get length(): number {
    return this.count;
  }

  /** Adds at the back. */
  push(item: T): void {
    if (this.count === this.items.length) this.grow();
    this.items[(this.head + this.count) & (this.items.length - 1)] = item;
    this.count++;
  }

  /** Takes from the front; `undefined` if it is empty. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined;
    this.head = (this.head + 1) & (this.items.length - 1);
    this.count--;
    return item;
  }

  /** Brings the item at this distance from the front to the front, and the front there. For seeded orders. */
  promote(distance: number): void {
    const at = (this.head + distance) & (this.items.length - 1);
    const item = this.items[at];
    this.items[at] = this.items[this.head];
    this.items[this.head] = item;
  }

  /** Forgets everything. */
  clear(): void {
    this.items = new Array(FIRST_SIZE).fill(undefined);
    this.head = this.count = 0;
  }

  /** From front to back, for looking. */
  toArray(): T[] {
    return Array.from({ length: this.count }, (_, i) => this.items[(this.head + i) & (this.items.length - 1)] as T);
  }

  private grow(): void {
    const before = this.toArray();
    this.items = before.concat(new Array(before.length).fill(undefined));
    this.head = 0;
  }
}
