/** The small models: one of two tasks in every order, and that an error which few orders show is found. (Three tasks take minutes: `npm run simulate -- --exhaustive`.) */

import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { configurations, exploreAll, nameOf } from './exhaustive/configurations.ts';
import { explore } from './exhaustive/explore.ts';
import { type Action, Model } from './exhaustive/model.ts';

const test = suite('every order of a small model');

test('nothing is violated in any order of two tasks that wait for two descriptors, or of one that waits for both', () => {
  const found = ([['first', 'second'], ['second', 'first'], ['either']] as const).map((targets) => explore(targets));
  for (const { violation, states, transitions } of found) {
    assert.is(violation, null);
    assert.ok(states > 100, `${states} states`);
    assert.ok(transitions > states, `${transitions} steps`);
  }
  // The two are alike. If states were told apart by too little, what is never entered would depend on who comes first.
  const [one, other] = found;
  assert.equal([one?.states, one?.transitions], [other?.states, other?.transitions]);
});

test('two paths that end in the same state have the same things ahead of them', () => {
  const targets = ['first', 'second'] as const;
  const after = (...path: Action[]): Model => {
    const model = new Model(targets);
    for (const action of path) model.perform(action);
    return model;
  };
  const one = after('step 0', 'step 1', 'ready 0', 'ready 2');
  const other = after('ready 2', 'step 1', 'ready 0', 'step 0');
  assert.equal(one.actions(), other.actions());
  const beside = after('step 0', 'step 1', 'ready 0');
  assert.is.not(one.key(), beside.key());
  assert.is(after('step 0', 'ready 0', 'ready 2').key(), after('ready 2', 'step 0', 'ready 0').key());
});

test('a run in which nothing happens but steps and time ends by its deadlines', () => {
  const model = new Model(['first', 'either']);
  for (const action of ['step 0', 'step 1', 'pass', 'fire', 'step 0', 'step 1']) {
    assert.ok(model.actions().includes(action), `${action} of ${model.actions()}`);
    model.perform(action);
  }
  assert.equal(model.actions(), []);
  model.finish();
  assert.is(model.violation, null);
});

test('what few orders show is found, with a path to it', () => {
  class Wrong extends Model {
    /** The task was handed its flags, and before it ran it was cancelled and its descriptor was closed. */
    override get violation(): Model['violation'] {
      const planted = /^true,true,own,false,1,.*\|closed,/.test(this.key());
      return planted ? { invariant: 'no wake lost', what: 'as planned' } : super.violation;
    }
  }
  const { violation } = explore(['first'], 'descriptors', (...given) => new Wrong(...given));
  const path = (violation ?? '').replace('no wake lost: as planned, after ', '').split(', ');
  for (const action of ['ready 0', 'ask', 'cancel 0', 'close 0'])
    assert.ok(path.includes(action), violation ?? 'nothing');
  assert.ok(path.indexOf('ask') < Math.min(path.indexOf('cancel 0'), path.indexOf('close 0')), violation ?? '');
});

for (const over of ['wait', 'task'] as const) {
  test(`nothing is violated in any order of two tasks that read from one stream, or of one that reads from two, received by the ${over}`, () => {
    for (const targets of [['first', 'first'], ['either']] as const) {
      const { violation, states, transitions } = explore(targets, over);
      assert.is(violation, null);
      assert.ok(states > 400, `${states} states`);
      assert.ok(transitions > states, `${transitions} steps`);
    }
  });
}

for (const over of ['writes by the round', 'writes by the task'] as const) {
  test(`nothing is violated in any order of two tasks that write to two streams, or of one that may write to either: ${over}`, () => {
    const together = over === 'writes by the round';
    for (const [targets, least] of [
      [['first', 'second'], together ? 1000 : 200],
      [['either'], 50],
    ] as const) {
      const { violation, states, transitions } = explore(targets, over);
      assert.is(violation, null);
      assert.ok(states > least, `${states} states`);
      assert.ok(transitions > states, `${transitions} steps`);
    }
  });
}

test('two writes to one stream, left in one round, go in their order, and the second in part', () => {
  const model = new Model(['first', 'first'], 'writes by the round');
  for (const action of ['step 0', 'step 1']) model.perform(action);
  assert.ok(model.actions().includes('step 0'), 'the first went when the second came');
  model.perform('flush');
  assert.not(model.actions().includes('step 1'), 'the second waits for room');
  const apart = new Model(['first', 'second'], 'writes by the round');
  for (const action of ['step 0', 'step 1']) apart.perform(action);
  assert.not(apart.actions().includes('ask'), 'what was left goes before readiness is asked for');
  apart.perform('flush');
  for (const action of ['step 0', 'step 1']) assert.ok(apart.actions().includes(action), action);
});

test('three tasks that wait for three kinds of things make ten models, two at streams six for each way to read and to write, and threads explore them', async () => {
  const kinds = configurations().map(({ over }) => over);
  assert.is(kinds.filter((over) => over === 'descriptors').length, 10);
  for (const way of ['wait', 'task', 'writes by the round', 'writes by the task'] as const) {
    assert.is(kinds.filter((over) => over === way).length, 6);
  }
  const told: string[] = [];
  const all = [
    { targets: ['first'], over: 'descriptors' },
    { targets: ['either'], over: 'wait' },
  ] as const;
  const found = await exploreAll(all, 2, (each, { states }) => told.push(`${nameOf(each)}: ${states > 0}`));
  assert.equal([found.configurations, found.found], [2, []]);
  assert.equal(told.sort(), ['either, of two streams received by the wait: true', 'first: true']);
  const alone = [explore(['first']), explore(['either'], 'wait')];
  assert.is(
    found.states,
    alone.reduce((sum, { states }) => sum + states, 0),
  );
});

test.run();
