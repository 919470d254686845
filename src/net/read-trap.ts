/** How a `yield*` of a read goes on: the task that was woken looks for itself, in its own step. */

import { PENDING } from '../kernel/index.ts';
import type { ReadOperation } from './reader.ts';

/** In place of a result: the task is to look for itself. */
export const READY: unique symbol = Symbol('ready');

/** The iterator of a read, and its own iterator result: as that of any operation, but that it looks when it is resumed. */
export class ReadTrap<T> {
  value: unknown;
  done: boolean = false;
  private readonly operation: ReadOperation<T>;
  private asked = false;

  constructor(operation: ReadOperation<T>) {
    this.operation = operation;
  }

  /** Makes it new: for operations that are made once for each stream. */
  renew(): this {
    this.asked = false;
    this.done = false;
    return this;
  }

  next(result: unknown): this {
    const { operation } = this;
    if (!this.asked) {
      this.asked = true;
      operation.trapped = true;
      this.value = operation;
      return this;
    }
    operation.left();
    const value = result === READY ? operation.look() : result;
    if (value === PENDING) {
      this.value = operation;
    } else {
      this.value = value;
      this.done = true;
    }
    return this;
  }

  throw(error: unknown): never {
    this.operation.left();
    throw error;
  }

  return(value: unknown): this {
    this.operation.left();
    this.value = value;
    this.done = true;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }
}
