/**
 * Streams of bytes over sockets, pipes, terminals and serial lines.
 *
 * @module net
 */

export { EndedError, LimitError, PartialWriteError, UnexpectedEndError } from './errors.ts';
export { Stream } from './stream.ts';
export { TcpStream, type TcpStreamOptions } from './tcp-stream.ts';
export type { Receiver, Transport } from './transport.ts';
export { UnixStream } from './unix-stream.ts';
