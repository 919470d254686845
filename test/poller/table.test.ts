/** The dense table of `poll` and `select`, against a map that does the same slowly. */

import fc from 'fast-check';
import type { BackendRegistration } from 'genloop/os';
import * as assert from 'uvu/assert';
import { RowTable } from '../../src/poller/table.ts';
import { suite } from '../support/suite.ts';

const COLUMNS = 3;
const test = suite('the table of rows');

function registration(fd: number): BackendRegistration {
  return { fd, generation: fd, interest: 1, armed: -1 };
}

test('holds what was put and not taken, without gaps, whatever the order', () => {
  const registrations = Array.from({ length: 200 }, (_, fd) => registration(fd));
  const step = fc.record({ at: fc.nat(199), put: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const table = new RowTable(COLUMNS);
      const model = new Map<BackendRegistration, number>();
      steps.forEach(({ at, put }, value) => {
        const one = registrations[at] as BackendRegistration;
        if (put) {
          const place = table.put(one);
          table.rows[place] = one.fd;
          table.rows[place + 1] = value;
          model.set(one, value);
        } else {
          table.take(one);
          model.delete(one);
        }
      });
      assert.is(table.count, model.size);
      table.registrations.forEach((one, row) => {
        assert.equal([...table.rows.subarray(row * COLUMNS, row * COLUMNS + 2)], [one.fd, model.get(one)]);
      });
    }),
    { seed: 7, numRuns: 100 },
  );
});

test('gives a registration the same row until it is taken', () => {
  const table = new RowTable(COLUMNS);
  const one = registration(1);
  assert.is(table.put(one), 0);
  assert.is(table.put(registration(2)), COLUMNS);
  assert.is(table.put(one), 0);
  table.take(one);
  table.take(one);
  assert.is(table.count, 1);
  assert.is(table.put(one), COLUMNS);
});

test('makes room for events, and keeps an array that has room', () => {
  const small = new Int32Array(0);
  const larger = RowTable.room(small, 5, COLUMNS);
  assert.is(larger.length, 15);
  assert.is(RowTable.room(larger, 5, COLUMNS), larger);
  assert.is(RowTable.room(larger, 6, COLUMNS).length, 30);
});

test.run();
