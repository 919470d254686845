/** fcntl(2): the flags of a number, those of the file behind it, and the size of a pipe. */

import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import type { OpenFile } from './file.ts';
import type { DescriptorTable } from './table.ts';

/** A call of fcntl for a number that is open. */
export interface ControlCall {
  readonly fd: number;
  readonly file: OpenFile;
  readonly command: number;
  readonly argument: number;
}

/** F_SETFL changes these only. Whether calls block is kept, and changes nothing: here they never do. */
const CHANGEABLE = Numbers.O_NONBLOCK | Numbers.O_APPEND;

/** What it returns. */
export function control(table: DescriptorTable, { fd, file, command, argument }: ControlCall): number {
  switch (command) {
    case Numbers.F_GETFD:
      return table.isCloseOnExec(fd) ? Numbers.FD_CLOEXEC : 0;
    case Numbers.F_SETFD:
      table.setCloseOnExec(fd, (argument & Numbers.FD_CLOEXEC) !== 0);
      return 0;
    case Numbers.F_GETFL:
      return file.status;
    case Numbers.F_SETFL:
      file.status = (file.status & ~CHANGEABLE) | (argument & CHANGEABLE);
      return 0;
    case Numbers.F_GETPIPE_SZ:
      return file.pipeSize();
    case Numbers.F_SETPIPE_SZ:
      return file.pipeSize(argument);
    default:
      return -Errno.EINVAL;
  }
}
