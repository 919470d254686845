/** The failures of this module are Node's own `AssertionError`s: every test runner knows how to show them. */

import { AssertionError } from '../platform/node.ts';

/** What a failed assertion tells besides its message. */
export interface FailureDetails {
  /** Which assertion it was. */
  operator: string;
  /** What was found. */
  actual: string;
  /** What should have been found. */
  expected: string;
  /** The error behind it, if there is one. */
  cause?: unknown;
}

/** A failed assertion. */
export function failure(message: string, details: FailureDetails): AssertionError {
  const { cause, ...rest } = details;
  const error = new AssertionError({ message, ...rest });
  // As the constructor of other errors sets it; this one knows no such option.
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
  return error;
}
