/**
 * The echo server as the textbook writes it, as a class: the state that tasks share lives in an object, and tasks are methods.
 *
 * Here the shared state is who is connected and how much has been echoed; a third task reports it every ten seconds. There
 * is no lock: nobody else runs between two yields.
 *
 *   node --import tsx examples/10-echo-class.ts [port]
 *   nc -N 127.0.0.1 15000
 */

import { type Co, ReadWait, Scheduler, type Socket, SystemError, sleep, WriteWait } from 'genloop';
import { openSocket } from './servers/open.ts';

const REPORT_INTERVAL = 10_000;

class EchoServer {
  private readonly scheduler: Scheduler;
  private readonly clients = new Set<Socket>();
  private echoed = 0;

  constructor(port: number, scheduler: Scheduler) {
    this.scheduler = scheduler;
    scheduler.spawn(this.serverLoop(port), { name: 'server' });
    scheduler.spawn(this.reporter(), { name: 'reporter' });
  }

  private *serverLoop(port: number): Co<void> {
    using listener = openSocket('TCP', port);
    console.log(`echo on ${listener.localAddress}; Ctrl-C ends`);
    for (;;) {
      yield new ReadWait(listener);
      const client = listener.accept();
      if (client !== undefined) this.scheduler.spawn(this.clientHandler(client), { name: 'client' });
    }
  }

  private *clientHandler(client: Socket): Co<void> {
    console.log(`${client.remoteAddress} connected`);
    this.clients.add(client);
    try {
      for (;;) {
        yield new ReadWait(client);
        const data = client.recv(8192);
        if (data === undefined) continue;
        if (data.length === 0) break;
        yield* this.sendAll(client, data);
        this.echoed += data.length;
      }
      console.log(`${client.remoteAddress} ended`);
    } catch (error) {
      // A broken connection is this client's own affair. Anything else is not, and goes on.
      if (!(error instanceof SystemError)) throw error;
      console.log(`${client.remoteAddress} ${error.code}`);
    } finally {
      this.clients.delete(client);
      client.close();
    }
  }

  private *sendAll(client: Socket, data: Uint8Array): Co<void> {
    for (let sent = 0; sent < data.length; ) {
      yield new WriteWait(client);
      sent += client.send(data, sent) ?? 0;
    }
  }

  private *reporter(): Co<void> {
    for (;;) {
      yield sleep(REPORT_INTERVAL);
      console.log(`${this.clients.size} connected, ${this.echoed} bytes echoed`);
    }
  }
}

const scheduler = new Scheduler();
new EchoServer(Number(process.argv[2] ?? 15000), scheduler);
await scheduler.run();
