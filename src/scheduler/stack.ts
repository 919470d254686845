/** Stacks as a user wants them: without the frames of this library and of Node. */

import { fileURLToPath } from '../platform/node.ts';

/** Of the library: the folder above this one. */
const LIBRARY = new URL('..', import.meta.url);
const OURS: readonly string[] = [LIBRARY.href, fileURLToPath(LIBRARY)];
const FRAME = /^\s+at /;
/** What resumes a generator shows up as a frame without a place. */
const PLUMBING = /\(<anonymous>\)$/;
/** Below it stands whoever runs the loop, who has nothing to do with the task. */
const LOOP = /\bKernel\.step\b/;

/** Whether a file, a URL or a line of a stack is of this library. */
export function isLibrary(place: string): boolean {
  return OURS.some((path) => place.includes(path));
}

function isUsers(line: string): boolean {
  return FRAME.test(line) && !PLUMBING.test(line) && !line.includes('node:') && !isLibrary(line);
}

function untilLoop(lines: string[]): string[] {
  const loop = lines.findIndex((line) => LOOP.test(line));
  return loop < 0 ? lines : lines.slice(0, loop);
}

/** The frames of a stack that are the user's, down to the step of the task. */
export function userFrames(stack: string | undefined): string[] {
  return untilLoop((stack ?? '').split('\n')).filter(isUsers);
}

/** An error's stack without the library's frames; `undefined` for an error without one. */
export function trimmed(error: Error): string | undefined {
  const { stack } = error;
  if (typeof stack !== 'string') return undefined;
  return untilLoop(stack.split('\n'))
    .filter((line) => !FRAME.test(line) || isUsers(line))
    .join('\n');
}
