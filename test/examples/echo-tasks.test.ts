/** The tasks of examples/servers/echo.ts, run in this process: what becomes of the server when `accept` fails. */

import { type Co, Scheduler, Socket, SystemError, sleep, type Task } from 'genloop';
import * as assert from 'uvu/assert';
import { echoServer } from '../../examples/servers/echo.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('echo tasks');

/** Runs a server, and a task that does something to its listener; the server's error. */
function errorOf(listener: Socket, act: () => void): unknown {
  const scheduler = new Scheduler({ onError: () => {} });
  const server: Task = scheduler.spawn(echoServer(listener, null));
  let error: unknown;
  scheduler.spawn(
    (function* (): Co<void> {
      yield sleep(5);
      act();
      try {
        yield* server.join();
      } catch (caught) {
        error = caught;
      }
    })(),
  );
  scheduler.runSync();
  return error;
}

if (process.platform === 'linux') {
  test('a listener that is shut down ends the server with the error, and does not keep it busy', () => {
    const listener = Socket.listener();
    const error = errorOf(listener, () => listener.shutdown());
    assert.instance(error, SystemError);
    assert.equal([(error as SystemError).code, (error as SystemError).syscall], ['EINVAL', 'accept']);
    assert.ok(listener.closed);
  });
} else {
  notRun('a listener that is shut down: only Linux does that');
}

test.run();
