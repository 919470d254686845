/**
 * The three packets that make a connection. A first packet that is lost, or that finds a listener without room, is repeated after one
 * second, two, four, …; after the sixth repetition the connect has failed (tcp_syn_retries).
 */

import type { Endpoint } from './address.ts';
import type { Plan } from './agenda.ts';
import { Errno } from './errno.ts';
import type { Network } from './network.ts';
import type { TcpSocket } from './tcp.ts';
import type { World } from './world.ts';

const FIRST_PAUSE_MS = 1000;
const MOST_ATTEMPTS = 7;

/** A connect that is under way. */
export interface Handshake {
  /** Nobody waits for it any more. */
  abandon(): void;
}

/** Begins a handshake with whoever listens there. */
export function connectTo(world: World, network: Network, client: TcpSocket, to: Endpoint): Handshake {
  const attempt = new Attempt(world, network, client, to);
  attempt.begin();
  return attempt;
}

class Attempt implements Handshake {
  private readonly world: World;
  private readonly network: Network;
  private readonly client: TcpSocket;
  private readonly to: Endpoint;
  private readonly from: Endpoint;
  private count = 0;
  private timer: Plan | null = null;
  private over = false;

  constructor(world: World, network: Network, client: TcpSocket, to: Endpoint) {
    this.world = world;
    this.network = network;
    this.client = client;
    this.to = to;
    this.from = client.local;
  }

  abandon(): void {
    this.over = true;
    if (this.timer !== null) this.world.agenda.drop(this.timer);
    this.timer = null;
  }

  begin(): void {
    // Before the packet is sent: without delays it is answered inside of this call.
    this.timer = this.world.agenda.plan(this.world.now + FIRST_PAUSE_MS * 2 ** this.count, () => this.repeat());
    this.count++;
    this.world.carry({ from: this.from.host, to: this.to.host, arrive: () => this.reach(), lost: () => {} });
  }

  private repeat(): void {
    this.timer = null;
    if (this.count < MOST_ATTEMPTS) this.begin();
    else this.fail(Errno.ETIMEDOUT);
  }

  /** The first packet has arrived. */
  private reach(): void {
    if (this.over) return;
    const { dice } = this.world;
    const listeners = (this.network.at('tcp', this.to) as TcpSocket[]).filter((socket) => socket.isListening);
    const listener = listeners.length > 1 ? listeners[dice.integer(listeners.length)] : listeners[0];
    if (listener === undefined) {
      const self = this.from.host === this.to.host && this.from.port === this.to.port;
      this.answer(() => (self ? this.open(this.client) : this.fail(Errno.ECONNREFUSED)));
      return;
    }
    const child = listener.newcomer(this.to, this.from);
    if (child !== null) this.answer(() => this.meet(listener, child));
  }

  /** The second packet has arrived: the client is connected. The third one makes it known to the server. */
  private meet(listener: TcpSocket, child: TcpSocket): void {
    if (this.over) return;
    this.abandon();
    const { world, from, to, client } = this;
    // Both ends before anything can be sent: what the client sends comes after the third packet.
    child.established(client, world.now);
    const arrival = world.carry({ from: from.host, to: to.host, arrive: () => listener.offer(child) });
    client.established(child, arrival);
  }

  private open(peer: TcpSocket): void {
    this.abandon();
    this.client.established(peer, this.world.now);
  }

  private answer(arrive: () => void): void {
    this.world.carry({ from: this.to.host, to: this.from.host, lost: () => {}, arrive: () => this.over || arrive() });
  }

  private fail(errno: number): void {
    this.abandon();
    this.client.refused(errno);
  }
}
