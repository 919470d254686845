/** The dense table of `poll` and `select`, against a map that does the same slowly. */

import fc from 'fast-check';
import { BACKEND_ROW, type BackendRegistration } from 'genloop/os';
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

test('collects an event for each row with flags, in the order of the rows', () => {
  const table = new RowTable(COLUMNS);
  for (let fd = 10; fd < 15; fd++) table.put(registration(fd));
  const asked: number[] = [];
  const found = table.collect(5, (row) => {
    asked.push(row);
    return row % 2 === 0 ? row + 1 : 0;
  });
  assert.is(found, 3);
  assert.equal(asked, [0, 1, 2, 3, 4]);
  assert.equal([...table.events.subarray(0, 3 * BACKEND_ROW)], [10, 10, 1, 12, 12, 3, 14, 14, 5]);
});

test('looks no further once it has as many events as there are', () => {
  const table = new RowTable(COLUMNS);
  for (let fd = 10; fd < 15; fd++) table.put(registration(fd));
  const asked: number[] = [];
  const found = table.collect(2, (row) => {
    asked.push(row);
    return 7;
  });
  assert.is(found, 2);
  assert.equal(asked, [0, 1]);
});

test('makes room for events, and keeps an array that has room', () => {
  const table = new RowTable(COLUMNS);
  assert.is(
    table.collect(5, () => 1),
    0,
  );
  assert.is(table.events.length, 0);
  for (let fd = 10; fd < 15; fd++) table.put(registration(fd));
  table.collect(5, () => 1);
  const larger = table.events;
  assert.is(larger.length, 5 * BACKEND_ROW);
  table.collect(2, () => 1);
  table.collect(5, () => 1);
  assert.is(table.events, larger);
  table.put(registration(15));
  table.collect(6, () => 1);
  assert.is(table.events.length, 10 * BACKEND_ROW);
});

test.run();
