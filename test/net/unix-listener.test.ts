/** Listeners on Unix sockets: whose file it is, and what becomes of it. */

import { existsSync, lstatSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Co } from 'genloop';
import { listen, UnixListener, UnixStream } from 'genloop/net';
import { Socket, type SystemError } from 'genloop/os';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { eachSetup } from '../support/drives.ts';
import { Scheduler } from '../support/seeded.ts';
import { holding, type Opened, thrown } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { inside } from '../support/systems.ts';
import { connectedTo } from './clients.ts';

const test = suite('listeners on Unix sockets');
const each = eachSetup(test);

/** A path in a folder of its own, which goes at the end. */
function freePath(place: Opened): string {
  const folder = mkdtempSync(join(tmpdir(), 'genloop-unix-'));
  place.later(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'socket');
}

/** A socket file that its process has left behind. */
function deadFile(place: Opened): string {
  const path = freePath(place);
  Socket.listener({ path }).close();
  assert.ok(lstatSync(path).isSocket());
  return path;
}

each('it accepts streams, and its file goes with it', async (setup, place) => {
  const path = freePath(place);
  const scheduler = setup.make();
  const task = scheduler.spawn(
    (function* (): Co<string> {
      using listener = yield* listen({ path, stream: { sendBuffer: 20_000 } });
      assert.instance(listener, UnixListener);
      assert.is(listener.path, path);
      assert.is(listener.address.address, path);
      assert.is(String(listener), `UnixListener ${path}`);
      const client = connectedTo(place, listener.address);
      using stream = yield* listener.accept();
      assert.instance(stream, UnixStream);
      // Its client has no name, and messages give it none.
      assert.is(String(stream), `UnixStream ${stream.socket.fd}`);
      const doubled = process.platform === 'linux' ? 2 : 1;
      assert.is(stream.socket.getOption('SOL_SOCKET', 'SO_SNDBUF'), doubled * 20_000);
      client.send('hello');
      return String(yield* stream.read());
    })(),
  );
  await setup.run(scheduler);
  assert.is(task.outcome, 'hello');
  assert.not.ok(existsSync(path));
});

test(
  'its permissions are set before anybody can connect',
  holding((place) => {
    const path = freePath(place);
    place.keep(UnixListener.open({ path, mode: 0o600 }));
    assert.is(statSync(path).mode & 0o777, 0o600);
  }),
);

test(
  'a file that is no longer its own is left alone at the close, and one that is gone is no error',
  holding((place) => {
    const path = freePath(place);
    const first = place.keep(UnixListener.open({ path }));
    renameSync(path, `${path}.old`);
    const second = place.keep(UnixListener.open({ path }));
    first.close();
    assert.ok(lstatSync(path).isSocket());
    rmSync(path);
    second.close();
    assert.not.ok(existsSync(path));
  }),
);

test(
  'a file whose process has ended is an error that says so, and is replaced if that is wished',
  holding((place) => {
    const path = deadFile(place);
    const error = thrown(() => UnixListener.open({ path }));
    assert.is(error.code, 'EADDRINUSE');
    assert.is(error.path, path);
    assert.match(error.message, /nobody listens there.*remove the file, or listen with \{ replace: true \}/);
    assert.ok(existsSync(path));
    const listener = place.keep(UnixListener.open({ path, replace: true }));
    connectedTo(place, listener.address);
    listener.close();
    assert.not.ok(existsSync(path));
  }),
);

test(
  'who is alive is never replaced, not even with a full queue or as another type of socket',
  holding((place) => {
    for (const type of ['stream', 'full', 'datagram'] as const) {
      const path = freePath(place);
      if (type === 'stream') place.keep(UnixListener.open({ path }));
      else if (type === 'datagram') place.keep(Socket.unix({ path, type }));
      else {
        const busy = place.keep(UnixListener.open({ path, backlog: 0 }));
        connectedTo(place, busy.address);
      }
      for (const replace of [false, true]) {
        const error = thrown(() => UnixListener.open({ path, replace }));
        assert.match(error.message, /another process listens there; end it, or choose another path/, type);
      }
      assert.ok(lstatSync(path).isSocket());
    }
  }),
);

test(
  'what is no socket is not touched',
  holding((place) => {
    const path = freePath(place);
    writeFileSync(path, 'precious');
    symlinkSync(deadFile(place), `${path}.link`);
    for (const taken of [path, `${path}.link`]) {
      const error = thrown(() => UnixListener.open({ path: taken, replace: true }));
      assert.match(error.message, /that is no socket, and is not touched; choose another path/);
      assert.ok(lstatSync(taken) !== undefined);
    }
  }),
);

test(
  'a socket of others, to which there is no right, is told as such',
  holding((place) => {
    if (process.getuid?.() === 0) {
      notRun('a Unix socket without the right to it: this user has every right');
      return;
    }
    const path = freePath(place);
    place.keep(UnixListener.open({ path, mode: 0 }));
    assert.match(thrown(() => UnixListener.open({ path })).message, /to which this user has no right/);
  }),
);

test(
  'an abstract name needs no file',
  holding((place) => {
    if (process.platform !== 'linux') {
      notRun('abstract names: Linux only');
      return;
    }
    const path = `\0genloop-${process.pid}`;
    const listener = place.keep(UnixListener.open({ path }));
    assert.is(listener.path, path);
    assert.is(String(listener), `UnixListener @genloop-${process.pid}`);
    connectedTo(place, listener.address);
    assert.is(thrown(() => UnixListener.open({ path, replace: true })).code, 'EADDRINUSE');
    listener.close();
    place.keep(UnixListener.open({ path }));
  }),
);

test('no path, a long one and a folder that does not exist give errors, and leave nothing behind', () => {
  for (const path of ['', undefined, 7]) {
    const error: unknown = thrown(() => UnixListener.open({ path: path as string }));
    assert.instance(error, TypeError);
  }
  assert.is(thrown(() => UnixListener.open({ path: `/tmp/${'x'.repeat(200)}` })).code, 'ENAMETOOLONG');
  assert.is(thrown(() => UnixListener.open({ path: '/nowhere/to/be/found' })).code, 'ENOENT');
});

test(
  'one that cannot listen after all has left no file',
  holding((place) => {
    const path = freePath(place);
    const error = thrown(() => UnixListener.open({ path, mode: Number.NaN })) as SystemError;
    assert.is(error.code, 'ERR_OUT_OF_RANGE');
    assert.not.ok(existsSync(path));
  }),
);

test(
  'one whose folder is out of reach closes all the same',
  holding((place) => {
    const path = freePath(place);
    const listener = place.keep(UnixListener.open({ path }));
    // What was its folder is a file now: whoever asks for the path hears ENOTDIR.
    const folder = dirname(path);
    renameSync(folder, `${folder}.moved`);
    place.later(() => rmSync(`${folder}.moved`, { recursive: true, force: true }));
    writeFileSync(folder, 'a file');
    listener.close();
    assert.ok(listener.closed);
    assert.is(listener.socket.fd, -1);
  }),
);

test(
  'a socket that listens already is taken over, and its file stays',
  holding((place) => {
    const path = freePath(place);
    const listener = place.keep(UnixListener.adopt(Socket.listener({ path })));
    assert.is(listener.path, path);
    connectedTo(place, listener.address);
    listener.close();
    assert.ok(lstatSync(path).isSocket());
  }),
);

test(
  'on a simulated system no real file is looked at',
  holding((place) => {
    const path = freePath(place);
    writeFileSync(path, 'precious');
    const sys = new SimulatedSystem();
    inside(sys, () => {
      const scheduler = new Scheduler({ sys });
      scheduler.spawn(
        (function* (): Co<void> {
          using listener = yield* listen({ path });
          using client = Socket.unix();
          client.connect({ path });
          using _ = yield* listener.accept();
        })(),
      );
      scheduler.runSync();
    });
    assert.ok(existsSync(path));
  }),
);

test.run();
