/**
 * Streams of bytes over sockets, pipes, terminals and serial lines; datagrams; descriptors that travel between processes.
 *
 * @module net
 */

export { type HasSocket, receiveMessage, sendMessage } from './ancillary.ts';
export { DatagramSocket } from './datagram-socket.ts';
export { EndedError, LimitError, PartialWriteError, UnexpectedEndError } from './errors.ts';
export type { SendManyOptions } from './sending.ts';
export { Stream } from './stream.ts';
export { TcpStream, type TcpStreamOptions } from './tcp-stream.ts';
export type { Receiver, Transport } from './transport.ts';
export { type UdpOptions, UdpSocket } from './udp-socket.ts';
export { UnixDatagram } from './unix-datagram.ts';
export { UnixStream } from './unix-stream.ts';
