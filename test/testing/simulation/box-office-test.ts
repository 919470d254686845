import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Co, group, ReadWait, Socket, WriteWait } from 'genloop';
import { eachSeed, simulate } from 'genloop/testing';

/** Sells seats over TCP: a visitor sends a name, and hears "seat 7" or "sold out". */
class BoxOffice {
  private readonly free: number[];

  constructor(seats: number) {
    this.free = Array.from({ length: seats }, (_, index) => index + 1);
  }

  /** Takes visitors until it is cancelled. */
  *serve(listener: Socket): Co<void> {
    const office = this;
    yield* group(function* (g) {
      for (;;) {
        yield new ReadWait(listener);
        const visitor = listener.accept();
        if (visitor !== undefined) g.spawn(office.attend(visitor));
      }
    });
  }

  /** Serves one visitor. */
  *attend(socket: Socket): Co<void> {
    using visitor = socket;
    yield* hear(visitor);
    const [seat] = this.free;
    if (seat === undefined) yield* say(visitor, 'sold out');
    else {
      yield* say(visitor, `seat ${seat}`);
      this.free.shift();
    }
  }
}

/** A visitor: what the office answers. */
function* buy(port: number, name: string): Co<string> {
  using socket = Socket.tcp();
  socket.connect({ port });
  yield new WriteWait(socket);
  const error = socket.error();
  if (error !== null) throw error;
  yield* say(socket, name);
  return yield* hear(socket);
}

/** An evening: an office and its visitors; what each of them was told. */
function* evening(office: BoxOffice, names: readonly string[]): Co<string[]> {
  using listener = Socket.listener();
  const { port } = listener.localAddress;
  return yield* group(function* (g) {
    g.spawn(office.serve(listener), { daemon: true });
    const visitors = names.map((name) => g.spawn(buy(port, name)));
    const answers: string[] = [];
    for (const visitor of visitors) answers.push(yield* visitor.join());
    return answers;
  });
}

/** Sends a line. Usually it fits, and then there is nothing to wait for. */
function* say(socket: Socket, text: string): Co<void> {
  const bytes = Buffer.from(`${text}\n`);
  let sent = socket.send(bytes) ?? 0;
  while (sent < bytes.length) {
    yield new WriteWait(socket);
    sent += socket.send(bytes, sent) ?? 0;
  }
}

/** Receives a line, in however many parts it comes. */
function* hear(socket: Socket): Co<string> {
  let text = '';
  while (!text.endsWith('\n')) {
    yield new ReadWait(socket);
    const data = socket.recv();
    if (data?.length === 0) throw new Error('the other side has hung up');
    text += data ?? '';
  }
  return text.trim();
}

const NAMES = ['Ann', 'Bob', 'Cem', 'Dot', 'Eve'];

test('each seat is sold once, whatever the network does', () => {
  eachSeed(300, (seed) => {
    const answers = simulate(seed, evening(new BoxOffice(3), NAMES), {
      faults: { shortWrites: 0.2, delay: { probability: 0.5, most: 20 } },
    });
    assert.deepEqual(answers.sort(), ['seat 1', 'seat 2', 'seat 3', 'sold out', 'sold out']);
  });
});
