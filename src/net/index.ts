/**
 * Streams of bytes over sockets, pipes, terminals and serial lines; datagrams; descriptors that travel between processes.
 *
 * @module net
 */

export type { Accepted } from './accept.ts';
export { type HasSocket, receiveMessage, sendMessage } from './ancillary.ts';
export { ATTEMPT_DELAY_MS, connect, type TcpConnectOptions, type UnixConnectOptions } from './connect.ts';
export { ConnectError } from './connect-error.ts';
export { DatagramSocket } from './datagram-socket.ts';
export { EndedError, LimitError, PartialWriteError, UnexpectedEndError } from './errors.ts';
export { FdStream, type FdStreamSource } from './fd-stream.ts';
export { idle } from './idle.ts';
export { type ListenerFor, type ListenOptions, listen } from './listen.ts';
export { Listener } from './listener.ts';
export { type ResolvedAddress, type ResolveOptions, type Resolver, resolve } from './resolve.ts';
export type { SendManyOptions } from './sending.ts';
export { Serial, type SerialOptions } from './serial.ts';
export { type Serving, serve } from './serve.ts';
export type { Handler, ServeOptions, ServerCounters, StopOptions } from './serve-options.ts';
export { Server } from './server.ts';
export { type BufferOptions, SocketStream } from './socket-stream.ts';
export { type LimitOptions, type LineOptions, Stream } from './stream.ts';
export { TcpListener, type TcpListenOptions } from './tcp-listener.ts';
export { type KeepAlive, TcpStream, type TcpStreamOptions } from './tcp-stream.ts';
export type { Receiver, Transport } from './transport.ts';
export { type UdpOptions, UdpSocket } from './udp-socket.ts';
export { UnixDatagram } from './unix-datagram.ts';
export { UnixListener, type UnixListenOptions } from './unix-listener.ts';
export { UnixStream } from './unix-stream.ts';
