/**
 * Loaded into each process whose coverage is measured. V8 forgets the counts of all branches of a thread when its last debugger
 * takes its leave, and `src/scheduler/locate.ts` is such a debugger, for moments. One that stays keeps the counts.
 */

const { Session } = require('node:inspector');

try {
  const session = new Session();
  session.connect();
  session.post('Debugger.enable');
  // Held, as long as the thread lives.
  globalThis[Symbol.for('genloop.coverage')] = session;
} catch {
  // A thread of Node's own, without an inspector, has no counts: the parent of `node --test`.
}
