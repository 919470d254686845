/** Terminals that nobody sits at: pseudo-terminals, opened with the calls that openpty(3) makes. */

import { constants, type Descriptor, open } from 'genloop/os';
import type { Opened } from './situations.ts';

/** The controlling side of a new terminal, and the path of the terminal itself. */
export interface Terminal {
  readonly master: Descriptor;
  readonly path: string;
}

/** Whether this system makes them as Linux does. */
export const HAS_TERMINALS: boolean = constants.TIOCGPTN !== undefined && constants.TIOCSPTLCK !== undefined;

/** A new terminal; its controlling side is closed at the end. */
export function terminal(opened: Opened): Terminal {
  const master = opened.keep(open('/dev/ptmx', 'r+'));
  master.ioctl('TIOCSPTLCK', new Uint8Array(Int32Array.of(0).buffer));
  const number = new Int32Array(1);
  master.ioctl('TIOCGPTN', new Uint8Array(number.buffer));
  return { master, path: `/dev/pts/${number[0]}` };
}
