/**
 * Streams of bytes over sockets, pipes, terminals and serial lines.
 *
 * @module net
 */

export { ATTEMPT_DELAY_MS, connect, type TcpConnectOptions, type UnixConnectOptions } from './connect.ts';
export { ConnectError } from './connect-error.ts';
export { EndedError, LimitError, PartialWriteError, UnexpectedEndError } from './errors.ts';
export { FdStream, type FdStreamSource } from './fd-stream.ts';
export { type ResolvedAddress, type ResolveOptions, type Resolver, resolve } from './resolve.ts';
export { Serial, type SerialOptions } from './serial.ts';
export { type BufferOptions, SocketStream } from './socket-stream.ts';
export { type LimitOptions, type LineOptions, Stream } from './stream.ts';
export { type KeepAlive, TcpStream, type TcpStreamOptions } from './tcp-stream.ts';
export type { Receiver, Transport } from './transport.ts';
export { UnixStream } from './unix-stream.ts';
