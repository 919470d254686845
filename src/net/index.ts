/**
 * Streams of bytes over sockets, pipes, terminals and serial lines.
 *
 * @module net
 */

export type { Accepted } from './accept.ts';
export { ATTEMPT_DELAY_MS, connect, type TcpConnectOptions, type UnixConnectOptions } from './connect.ts';
export { ConnectError } from './connect-error.ts';
export { EndedError, LimitError, PartialWriteError, UnexpectedEndError } from './errors.ts';
export { FdStream, type FdStreamSource } from './fd-stream.ts';
export { idle } from './idle.ts';
export { type ListenerFor, type ListenOptions, listen } from './listen.ts';
export { Listener } from './listener.ts';
export { type ResolvedAddress, type ResolveOptions, type Resolver, resolve } from './resolve.ts';
export { Serial, type SerialOptions } from './serial.ts';
export { type Serving, serve } from './serve.ts';
export type { Handler, ServeOptions, ServerCounters, StopOptions } from './serve-options.ts';
export { Server } from './server.ts';
export { type BufferOptions, SocketStream } from './socket-stream.ts';
export { type LimitOptions, type LineOptions, Stream } from './stream.ts';
export { TcpListener, type TcpListenOptions } from './tcp-listener.ts';
export { type KeepAlive, TcpStream, type TcpStreamOptions } from './tcp-stream.ts';
export type { Receiver, Transport } from './transport.ts';
export { UnixListener, type UnixListenOptions } from './unix-listener.ts';
export { UnixStream } from './unix-stream.ts';
