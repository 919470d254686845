/** What a connect says that has tried several addresses, and failed at each. */

import type { SystemError } from '../os/index.ts';

/**
 * No address of a host could be connected to. An `AggregateError`, as Node's: `errors` has one for each attempt, in the order of their ends;
 * `code`, `errno` and `syscall` are those of the first. `message` names them all.
 */
export class ConnectError extends AggregateError {
  override readonly name = 'ConnectError' as const;
  declare readonly errors: SystemError[];
  /** That of the first error: `'ECONNREFUSED'`. */
  readonly code: string;
  /** That of the first error, negative. */
  readonly errno: number;
  /** That of the first error: `'connect'`. */
  readonly syscall: string;
  /** What was asked for. */
  readonly host: string;
  /** The port that was asked for. */
  readonly port: number;

  /** @internal */
  constructor(host: string, port: number, errors: readonly SystemError[]) {
    const [first] = errors as readonly [SystemError];
    super([...errors], `no address of '${host}' answers: ${errors.map(({ message }) => message).join('; ')}`);
    this.code = first.code;
    this.errno = first.errno;
    this.syscall = first.syscall;
    this.host = host;
    this.port = port;
  }
}
