/**
 * Any descriptor as a stream: pipes, FIFOs, terminals, devices, what was inherited or received. Two descriptors can be one stream: standard input and output.
 */

import { Descriptor } from '../os/index.ts';
import { FdTransport } from './fd-transport.ts';
import { Stream } from './stream.ts';

/** What {@link FdStream} is made of: a descriptor or a number, or one for each direction. */
export type FdStreamSource =
  | Descriptor
  | number
  | { readonly reader: Descriptor | number; readonly writer: Descriptor | number };

/**
 * A stream over any descriptor. `end()` closes the descriptor of writing, where that is another one than that of reading; elsewhere it is a `MisuseError`.
 *
 * Numbers from 0 to 2 stay blocking, since the shell shares them: each call is asked for first, and writes go in small pieces. Regular files and what else
 * is always ready are read and written at once: the disk is waited for, and so is everything else in the thread.
 *
 * @example
 * using terminal = new FdStream({ reader: 0, writer: 1 });
 * for (let line; (line = yield* terminal.readLine()) !== null; ) yield* terminal.write(`you said ${line}\n`);
 */
export class FdStream extends Stream {
  /** The descriptor that is read from. */
  readonly reader: Descriptor;
  /** The descriptor that is written to; the same one for most. */
  readonly writer: Descriptor;

  /** Takes possession of the descriptors, and closes them with the stream. Throws `SystemError` `EBADF` for a number that is not open. */
  constructor(source: FdStreamSource, kind: string = 'FdStream') {
    const [reader, writer] = descriptors(source);
    super(new FdTransport(reader, writer, kind));
    this.reader = reader;
    this.writer = writer;
  }
}

function descriptors(source: FdStreamSource): [Descriptor, Descriptor] {
  if (source instanceof Descriptor || typeof source === 'number') {
    const both = adopted(source);
    return [both, both];
  }
  if (typeof source !== 'object' || source === null || !('reader' in source && 'writer' in source)) {
    throw new TypeError('FdStream takes a descriptor, a number, or { reader, writer }');
  }
  const reader = adopted(source.reader);
  try {
    return [reader, source.writer === source.reader ? reader : adopted(source.writer)];
  } catch (error) {
    // A number that was not ours before is not ours to close.
    if (typeof source.reader === 'number') reader.detach();
    throw error;
  }
}

function adopted(source: Descriptor | number): Descriptor {
  if (source instanceof Descriptor) {
    source.fileno();
    return source;
  }
  return Descriptor.adopt(source);
}
