/** Where in the source a parked task stands, for the messages that need it. */

import type { Task } from '../kernel/index.ts';

/** ` at file:line`, or nothing where that cannot be found out. */
export function locate(_task: Task<unknown>): string {
  return '';
}
