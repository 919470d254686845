/**
 * Watches a read or a write of a stream where it stands. What `Watched` does from around an operation would not do: a stream's operations
 * have iterators of their own, by which a task looks for itself, and which yield no other operation than theirs.
 */

import { type Op, PENDING, type Waker } from 'genloop/kernel';
import { BusyError } from 'genloop/poller';
import { Park, type Purpose } from './park.ts';
import type { StreamEnd } from './stream-end.ts';
import { Reading, Writing } from './transfers.ts';
import type { Witness } from './witness.ts';

/** What each operation that is watched is for. */
const transfers = new WeakMap<Op<unknown>, Reading | Writing>();

/** What an operation of a stream transfers; `undefined` for any other. */
export function transferOf(operation: Op<unknown>): Reading | Writing | undefined {
  return transfers.get(operation);
}

/** The operation, watched. Some are made once for each stream, and are watched from then on. */
export function watchTransfer(witness: Witness, transfer: Reading | Writing): Op<unknown> {
  const operation = transfer.operation();
  if (transfers.has(operation)) return operation;
  transfers.set(operation, transfer);
  const purpose: Purpose = { kind: transfer instanceof Writing ? 'transmit' : 'receive', target: transfer };
  const { try: tryIt, park: parkIt, abort: abortIt } = operation;
  operation.try = (kernel) => {
    witness.tried(kernel, purpose);
    if (transfer instanceof Writing) transfer.begins();
    const value = refusing(witness, transfer, () => tryIt.call(operation, kernel));
    if (value === PENDING) return value;
    witness.completed(purpose, value);
    if (transfer instanceof Writing) transfer.ends();
    return value;
  };
  operation.park = (waker) => {
    const park = new Park(witness, purpose, waker);
    waker.state = park;
    try {
      refusing(witness, transfer, () => {
        witness.parked(park);
        parkIt.call(operation, park);
      });
      if (transfer instanceof Writing && transfer.isLeft) witness.leaves = true;
    } catch (error) {
      witness.refused(park, error);
      if (transfer instanceof Writing) transfer.ends();
      throw error;
    }
  };
  operation.abort = (waker: Waker<unknown>, cancel) => {
    const park = waker.state as Park;
    park.aborting();
    const undone = abortIt.call(operation, park, cancel);
    park.aborted(undone);
    return undone;
  };
  return operation;
}

/** Makes a call that has to refuse a second reader, and a second writer, and nobody else (rule 31). */
function refusing<T>(witness: Witness, transfer: Reading | Writing, call: () => T): T {
  const { end } = transfer;
  const left = transfer instanceof Writing ? leftAt(witness, end) : undefined;
  const isBusyNow = (): boolean => isBusy(witness, end, transfer instanceof Writing) && !end.stream.closed;
  let isTaken = isBusyNow();
  // One that was left is tried now, and is over if all of it goes.
  const lookAgain = (): void => {
    if (left === undefined) return;
    isTaken = isBusyNow();
    if (left.isLeft) witness.violate('bytes once, in order', `${transfer} came after ${left}, and that was not tried`);
  };
  let value: T;
  try {
    value = during(transfer, call);
  } catch (error) {
    lookAgain();
    if (error instanceof BusyError && transfer instanceof Writing) transfer.refused();
    if (error instanceof BusyError && !isTaken && !isWatchedRaw(witness, transfer)) {
      witness.violate('one reader, one writer', `${transfer} was refused as busy, and nobody else is there`);
    }
    if (transfer instanceof Reading) transfer.threw(error);
    throw error;
  }
  lookAgain();
  if (isTaken) witness.violate('one reader, one writer', `${transfer} was let in, and another is there`);
  return value;
}

/** Whose bytes go first, if others do, is known to the end. */
function during<T>(transfer: Reading | Writing, call: () => T): T {
  if (!(transfer instanceof Writing)) return call();
  const { end } = transfer;
  end.next = transfer;
  try {
    return call();
  } finally {
    end.next = null;
  }
}

/** The write there that was not tried yet. */
export function leftAt(witness: Witness, end: StreamEnd): Writing | undefined {
  return witness.left.find((writing) => writing.end === end);
}

/** Whether somebody reads, or writes, there: parked, or woken and not come to look yet. */
export function isBusy(witness: Witness, end: StreamEnd, writes: boolean): boolean {
  for (const { purpose, stage } of witness.parks) {
    const { target } = purpose;
    if (stage !== 'parked' || purpose.kind !== (writes ? 'transmit' : 'receive')) continue;
    if ((target as Reading | Writing).end === end) return true;
  }
  return !writes && witness.isLookedAt(end);
}

/** Whether somebody waits for the descriptor itself. */
function isWatchedRaw(witness: Witness, { end }: Reading | Writing): boolean {
  for (const { purpose } of witness.parks) if (purpose.target === end.descriptor) return true;
  return false;
}
