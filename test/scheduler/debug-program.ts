/** Started by debug.test.ts with GENLOOP_DEBUG=1 and --expose-gc: forgets a `yield*`, and lives on until that has been told. */

import { type Co, failAfter, group, run, sleep } from 'genloop';

function* main(): Co<void> {
  sleep(10);
  yield* sleep(0);
  const later = sleep(0);
  yield later;
  yield* failAfter(1000, sleep(0));
  yield* group(function* (g): Co<void> {
    g.spawn(sleep(0));
    g.spawn(failAfter(1000, sleep(0)));
    yield* sleep(0);
  });
}

await run(main);
let told = 0;
process.on('warning', () => {
  told = performance.now();
});
const { gc } = globalThis as { gc?: () => void };
// A few rounds more than the first warning needs: there must not be a second one.
for (let round = 0, more = 20; round < 1000 && more > 0; round++) {
  if (told > 0) more--;
  gc?.();
  await new Promise((resolve) => setImmediate(resolve));
}
