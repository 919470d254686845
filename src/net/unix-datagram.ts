/**
 * Datagrams between processes of one machine, under names in the file system or, on Linux, under abstract ones. Nothing gets lost here: a
 * receiver that does not read makes its senders wait. See unix(7).
 */

import type { Op } from '../kernel/index.ts';
import { type Data, type Message, type ReceiveMessageOptions, type SendMessageOptions, Socket } from '../os/index.ts';
import { checkReceiveOptions } from './ancillary.ts';
import { DatagramSocket } from './datagram-socket.ts';
import { checkOptions } from './options.ts';
import { ReceiveMessage } from './receiving.ts';
import { SendMessage } from './sending.ts';

/** A Unix datagram socket. */
export class UnixDatagram extends DatagramSocket {
  /**
   * A socket, with a name if `path` is given: a path, which is made and stays after the close (remove it when nobody needs it), or an abstract
   * name, which begins with `\0`, on Linux. Nobody can answer what comes from one without a name. Throws `SystemError` (`EADDRINUSE`: the path exists,
   * perhaps from an earlier run; `EACCES`, `ENOENT`), and then nothing is left open.
   *
   * @example
   * using socket = UnixDatagram.open({ path: '/tmp/example.socket' });
   */
  static open(options: { path?: string } = {}): UnixDatagram {
    checkOptions('UnixDatagram.open', '{ path }', options);
    const { path } = options;
    return new UnixDatagram(Socket.unix(path === undefined ? { type: 'datagram' } : { type: 'datagram', path }));
  }

  /** A socket that is connected to the one with this name. Throws `SystemError` (`ENOENT`, `ECONNREFUSED`: nobody is there). */
  static connect(peer: { path: string }): UnixDatagram {
    const socket = UnixDatagram.open();
    try {
      socket.connect(peer);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Two that are connected to each other: one for this process, and one for a child. */
  static pair(): [UnixDatagram, UnixDatagram] {
    const [one, other] = Socket.pair('SOCK_DGRAM');
    return [new UnixDatagram(one), new UnixDatagram(other)];
  }

  /** Chooses the peer to which datagrams without an address go. It never waits. connect(2). */
  connect(peer: { path: string }): void {
    this.socket.connect(peer);
  }

  /** Sends a datagram, and open descriptors beside it. How many bytes it has. Otherwise as `send`. See `sendMessage`. */
  sendMessage(data: Data, options: SendMessageOptions = {}): Op<number> {
    return new SendMessage(this.outbox, data, options);
  }

  /** The next datagram with what came beside its bytes. Otherwise as `receive`. See `receiveMessage`. */
  receiveMessage(options: ReceiveMessageOptions = {}): Op<Message> {
    checkReceiveOptions(options);
    return new ReceiveMessage(this.inbox, options);
  }
}
