/** Several addresses for one host: which is tried when, which wins, and that nothing is left of the others. Simulated, in virtual time. */

import { type Co, moveOnAfter, ReadWait, Socket } from 'genloop';
import { ConnectError, connect, type TcpConnectOptions } from 'genloop/net';
import { SystemError } from 'genloop/os';
import { type SimulatedSystem, type SimulateOptions, simulate, type TracedCall, traced } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { interleaved } from '../../src/net/happy-eyeballs.ts';
import { suite } from '../support/suite.ts';

const test = suite('happy eyeballs');
const HOSTS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', 'fd00::2'] as const;
const PORT = 80;
/** Linux gives up after six repetitions: 1 + 2 + 4 + … + 64 seconds. */
const SYN_TIMEOUT_MS = 127_000;
const SEEDS = 10;

/** What a connect has come to, and when. */
interface Outcome {
  /** The address it is connected to, or the error. */
  readonly peer: string | undefined;
  readonly error: unknown;
  readonly at: number;
  /** Each attempt: when, and at which address. */
  readonly attempts: readonly string[];
}

interface Scene {
  /** The addresses of the host, in the order of its resolver. */
  readonly addresses: readonly string[];
  /** Those at which somebody listens. */
  readonly listening?: readonly string[];
  /** Those from which nothing is heard. */
  readonly silent?: readonly string[];
  readonly connect?: Partial<TcpConnectOptions>;
  readonly world?: SimulateOptions;
  /** Milliseconds after which the connect is cancelled. */
  readonly patience?: number;
}

function listen(host: string): Socket {
  const family = host.includes(':') ? 'IPv6' : 'IPv4';
  return Socket.listener({ host, port: PORT, family });
}

function* play(system: SimulatedSystem, scene: Scene, attempts: readonly string[]): Co<Outcome> {
  const { listening = [], silent = [], patience = Number.POSITIVE_INFINITY } = scene;
  const listeners = listening.map(listen);
  for (const host of silent) system.partition(host, host, Number.POSITIVE_INFINITY);
  const outcome = (fields: Partial<Outcome>): Outcome => ({
    peer: undefined,
    error: undefined,
    at: system.now(),
    attempts: [...attempts],
    ...fields,
  });
  try {
    const stream = yield* moveOnAfter(patience, connect({ host: 'many.example', port: PORT, ...scene.connect }));
    const peer = stream?.remoteAddress.address;
    stream?.close();
    return outcome({ peer });
  } catch (error) {
    return outcome({ error });
  } finally {
    // What is open now is the listeners, and what is under way in the world of the sockets that were closed.
    assert.equal(
      system.descriptors.filter(({ call }) => call !== 'epollCreate').length,
      listeners.length,
      system.descriptors.map(({ kind, frames }) => `${kind} ${frames[0]}`).join('\n'),
    );
    for (const listener of listeners) listener.close();
  }
}

/** Plays it in several orders, all of which must come to the same. */
function outcomeOf(scene: Scene): Outcome {
  const outcomes = Array.from({ length: SEEDS }, (_, seed) => {
    const attempts: string[] = [];
    let system: SimulatedSystem | undefined;
    const see = ({ call, inputs }: TracedCall): void => {
      if (call !== 'connect') return;
      const { address } = system?.unpackAddress(inputs[1] as Uint8Array) ?? { address: '' };
      attempts.push(`${system?.now()}: ${address}`);
    };
    return simulate(
      seed,
      (simulated) => {
        system = simulated;
        return play(simulated, scene, attempts);
      },
      {
        hosts: HOSTS,
        names: { 'many.example': scene.addresses },
        wrap: (simulated) => traced(simulated, see),
        ...scene.world,
      },
    );
  });
  const [first, ...others] = outcomes as [Outcome, ...Outcome[]];
  for (const other of others)
    assert.equal({ ...other, error: String(other.error) }, { ...first, error: String(first.error) });
  return first;
}

test('the first address that answers wins, and no other is tried', () => {
  const { peer, at, attempts } = outcomeOf({ addresses: ['10.0.0.1', '10.0.0.2'], listening: HOSTS });
  assert.equal([peer, at, attempts], ['10.0.0.1', 0, ['0: 10.0.0.1']]);
});

test('families are tried in turn, beginning with that of the first address', () => {
  const addresses = ['fd00::1', 'fd00::2', '10.0.0.1', '10.0.0.2', '10.0.0.3'];
  const { attempts } = outcomeOf({ addresses, silent: HOSTS, patience: 2_000 });
  assert.equal(attempts, ['0: fd00::1', '250: 10.0.0.1', '500: fd00::2', '750: 10.0.0.2', '1000: 10.0.0.3']);
  const family = (address: string) => ({ address, family: address.includes(':') ? 'IPv6' : 'IPv4' });
  const order = (given: string[]) => interleaved(given.map(family)).map(({ address }) => address);
  assert.equal(order(['1.1.1.1', '2.2.2.2', '::1']), ['1.1.1.1', '::1', '2.2.2.2']);
  assert.equal(order(['::1']), ['::1']);
  assert.equal(order([]), []);
});

test('one that does not answer is not waited for: the next is tried after 250 ms', () => {
  const scene = { addresses: ['fd00::1', '10.0.0.1'], listening: ['10.0.0.1'], silent: ['fd00::1'] };
  const { peer, at, attempts } = outcomeOf(scene);
  assert.equal([peer, at, attempts], ['10.0.0.1', 250, ['0: fd00::1', '250: 10.0.0.1']]);
});

test('one that refuses, or that no way leads to, is followed by the next at once', () => {
  const addresses = ['10.0.0.1', '192.0.2.1', '10.0.0.2'];
  const { peer, at, attempts } = outcomeOf({ addresses, listening: ['10.0.0.2'] });
  assert.equal([peer, at, attempts], ['10.0.0.2', 0, ['0: 10.0.0.1', '0: 192.0.2.1', '0: 10.0.0.2']]);
});

test('an attempt that fails late brings the next forward, and its time is not added', () => {
  // The refusal takes 2 × 100 ms; the third would come at 500.
  const world = { latency: 100 };
  const scene = { addresses: ['fd00::1', '10.0.0.1', '10.0.0.2'], listening: ['10.0.0.2'], silent: ['fd00::1'], world };
  const { peer, at, attempts } = outcomeOf(scene);
  assert.equal([peer, at], ['10.0.0.2', 650]);
  assert.equal(attempts, ['0: fd00::1', '250: 10.0.0.1', '450: 10.0.0.2']);
});

test('the first that is connected wins, also one that was given up on: the delay ends no attempt', () => {
  // The answer to the first takes 400 ms, so the second has begun by then.
  const scene = { addresses: ['10.0.0.1', '10.0.0.2'], listening: ['10.0.0.1', '10.0.0.2'], world: { latency: 200 } };
  const { peer, at, attempts } = outcomeOf(scene);
  assert.equal([peer, at, attempts], ['10.0.0.1', 400, ['0: 10.0.0.1', '250: 10.0.0.2']]);
});

test('of two that are connected in the same moment one wins, and the other is closed', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    simulate(
      seed,
      function* (): Co<void> {
        using one = listen('10.0.0.1');
        using other = listen('fd00::1');
        using stream = yield* connect({ host: 'both.example', port: PORT, attemptDelay: 0 });
        let open = 0;
        for (const listener of [one, other]) {
          yield new ReadWait(listener);
          using server = listener.accept() as Socket;
          // Of the one that has lost, the end is there or on its way.
          if (server.localAddress.address === stream.remoteAddress.address) open++;
          else {
            yield new ReadWait(server);
            assert.is(server.recv()?.length, 0);
          }
        }
        assert.is(open, 1);
      },
      { hosts: HOSTS, names: { 'both.example': ['10.0.0.1', 'fd00::1'] }, latency: 20 },
    );
  }
});

test('with attemptDelay 0 all begin at once, with Infinity each when the one before has failed', () => {
  const scene = { addresses: ['fd00::1', '10.0.0.1', '10.0.0.2'], silent: ['fd00::1'], listening: ['10.0.0.1'] };
  const all = outcomeOf({ ...scene, connect: { attemptDelay: 0 } });
  // Without latency the second is connected before anybody looks; the third has begun all the same.
  assert.equal([all.peer, all.at], ['10.0.0.1', 0]);
  assert.equal(all.attempts, ['0: fd00::1', '0: 10.0.0.1', '0: 10.0.0.2']);
  const each = outcomeOf({ ...scene, connect: { attemptDelay: Number.POSITIVE_INFINITY } });
  assert.equal([each.peer, each.at], ['10.0.0.1', SYN_TIMEOUT_MS]);
  assert.equal(each.attempts, ['0: fd00::1', `${SYN_TIMEOUT_MS}: 10.0.0.1`]);
});

test('a cancel closes whatever is under way', () => {
  const { peer, error, at } = outcomeOf({ addresses: HOSTS, silent: HOSTS, patience: 600 });
  assert.equal([peer, error, at], [undefined, undefined, 600]);
});

test('one attempt that fails gives its own error, with address and port', () => {
  const { error, at } = outcomeOf({ addresses: ['10.0.0.1'] });
  assert.instance(error, SystemError);
  const { code, syscall, address, port, message } = error as SystemError;
  assert.equal([code, syscall, address, port, at], ['ECONNREFUSED', 'connect', '10.0.0.1', PORT, 0]);
  assert.is(message, 'connect ECONNREFUSED: connection refused 10.0.0.1:80');
});

test('one that is never answered is ETIMEDOUT', () => {
  const { error, at } = outcomeOf({ addresses: ['fd00::1'], silent: ['fd00::1'] });
  const { code, address, port } = error as SystemError;
  assert.equal([code, address, port, at], ['ETIMEDOUT', 'fd00::1', PORT, SYN_TIMEOUT_MS]);
});

test('several that fail give an AggregateError with all of them, in the order of their ends, and the code of the first', () => {
  const { error } = outcomeOf({ addresses: ['fd00::1', '10.0.0.1', '192.0.2.1'], silent: ['fd00::1'] });
  assert.instance(error, ConnectError);
  assert.instance(error, AggregateError);
  const { name, code, syscall, host, port, errno, errors, message } = error as ConnectError;
  assert.equal([name, code, syscall, host, port], ['ConnectError', 'ECONNREFUSED', 'connect', 'many.example', PORT]);
  assert.is(errno, errors[0]?.errno);
  assert.equal(
    errors.map((each) => [each.code, each.address, each.port]),
    [
      ['ECONNREFUSED', '10.0.0.1', PORT],
      ['ENETUNREACH', '192.0.2.1', PORT],
      ['ETIMEDOUT', 'fd00::1', PORT],
    ],
  );
  assert.match(
    message,
    /^no address of 'many\.example' answers: connect ECONNREFUSED: .* 10\.0\.0\.1:80; connect ENETUNREACH/,
  );
});

test('where there is no descriptor for the next attempt, those that are under way go on', () => {
  // Two listeners, the set, and one socket.
  const world = { descriptors: 4, latency: 200 };
  const scene = { addresses: ['10.0.0.1', '10.0.0.2'], listening: ['10.0.0.1', '10.0.0.2'], world };
  const { peer, at, attempts } = outcomeOf(scene);
  assert.equal([peer, at, attempts], ['10.0.0.1', 400, ['0: 10.0.0.1']]);
});

test('readiness that turns out to be none decides nothing', () => {
  for (const backend of ['epoll', 'poll', 'select'] as const) {
    const faults = { spurious: 0.7, delay: { probability: 0.5, most: 400 } };
    for (let seed = 0; seed < 30; seed++) {
      const attempts: string[] = [];
      const scene = {
        addresses: ['fd00::1', '10.0.0.1', '10.0.0.2'],
        listening: ['10.0.0.1', '10.0.0.2'],
        silent: ['fd00::1'],
      };
      const { peer } = simulate(seed, (system) => play(system, scene, attempts), {
        hosts: HOSTS,
        names: { 'many.example': scene.addresses },
        backend,
        faults,
      });
      assert.ok(peer === '10.0.0.1' || peer === '10.0.0.2', `${backend}, seed ${seed}: ${peer}`);
    }
  }
});

test.run();
