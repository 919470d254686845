/** Random programs under a witness: a short run, that a seed repeats itself, that a failing program is cut down, and the command. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { runConversations } from './conversations.ts';
import { programOf } from './draw.ts';
import { runSeeds } from './pool.ts';
import { printProgram } from './print.ts';
import { bodiesOf, type Program, type Statement, sizeOf } from './program.ts';
import { runSchedules } from './schedules.ts';
import { shrink, smallerThan } from './shrink.ts';
import { Hash, StateField } from './states.ts';
import { type Outcome, runProgram } from './trial.ts';

const test = suite('simulation');
const SEEDS = 2000;
const SAMPLE = 300;
const SCHEDULES = 2000;
const CONVERSATIONS = 500;
/** Bits, as a power of two. */
const SMALL_FIELD = 20;

test(`${SEEDS} random programs violate nothing`, () => {
  let steps = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = runProgram(programOf(seed));
    steps += outcome.steps;
    assert.is(outcome.violation, null, `seed ${seed} (npm run simulate -- --seed ${seed}): ${outcome.violation?.what}`);
  }
  assert.ok(steps > 3 * SEEDS, `${steps} steps`);
});

test('all kinds of statements, worlds and backends are drawn', () => {
  const kinds = new Set<string>();
  const worlds = new Set<string>();
  const collect = (list: readonly Statement[]): void => {
    for (const each of list) {
      kinds.add(each.do);
      if (each.do === 'select') collect(each.of);
      if (each.do === 'block') kinds.add(each.kind);
      if (each.do === 'receive') kinds.add(each.how);
      for (const [, body] of bodiesOf(each)) collect(body);
    }
  };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const program = programOf(seed);
    for (const body of program.tasks) collect(body);
    const { backend, drive, shuffled, fragile, spurious, errors, delay, pairs, receive, send, room } = program;
    for (const each of [
      backend,
      drive,
      `${delay > 0} delay`,
      `${shuffled}`,
      `fragile ${fragile}`,
      `${spurious > 0} spurious`,
      `received by the ${receive}`,
      `sent by the ${send}`,
      room,
      ...pairs,
    ])
      worlds.add(each);
    worlds.add(`${errors > 0} errors`);
  }
  const expected = [
    ...[
      'await',
      'block',
      'break',
      'burst',
      'cancel',
      'cancelScope',
      'careless',
      'cleanup',
      'close',
      'compute',
      'drain',
      'expire',
    ],
    ...['any', 'all', 'echo', 'exactly', 'into', 'line', 'peek', 'receive', 'transmit', 'until', 'view'],
    ...[
      'fail',
      'failAfter',
      'ghost',
      'group',
      'intrude',
      'join',
      'loud',
      'move',
      'moveOnAfter',
      'next',
      'open',
      'pass',
      'passes',
      'put',
      'read',
      'select',
    ],
    ...[
      'send',
      'shutdown',
      'sleep',
      'spawn',
      'start',
      'stubborn',
      'swallow',
      'take',
      'together',
      'try',
      'wake',
      'write',
    ],
  ];
  assert.equal([...kinds].sort(), expected.sort());
  assert.is(worlds.size, 3 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 3 + 6);
});

test('a seed is the same program, the same steps and the same states, each time', () => {
  const run = (seed: number): [string, Outcome, number[]] => {
    const states: number[] = [];
    const outcome = runProgram(programOf(seed), { add: (hash) => states.push(hash) });
    return [printProgram(programOf(seed)), outcome, states];
  };
  for (let seed = 1; seed <= SAMPLE; seed++) {
    const first = run(seed);
    assert.equal(run(seed), first, `seed ${seed}`);
    assert.is(first[2].length, first[1].steps);
  }
});

test('a program as text names its world and every statement', () => {
  const text = printProgram(programOf(1));
  assert.match(text, /^world: (epoll|poll|select), /);
  const program: Program = {
    ...programOf(1),
    tasks: [
      [
        { do: 'try', body: [{ do: 'sleep', ms: 2.5 }], last: [{ do: 'put', queue: 1 }] },
        {
          do: 'select',
          of: [
            { do: 'take', queue: 0 },
            { do: 'read', end: 3 },
          ],
        },
        { do: 'spawn', task: 4, daemon: true, body: [] },
        { do: 'loud', wait: { do: 'join', task: 4 } },
      ],
    ],
  };
  const [, after] = printProgram(program).split('task 0:\n');
  assert.is(
    after,
    [
      '  try',
      '    sleep ms 2.5',
      '  finally',
      '    put queue 1',
      '  select (take queue 0 | read end 3)',
      '  spawn task 4 daemon',
      '    (nothing)',
      '  join task 4, and fail if that fails',
    ].join('\n'),
  );
});

test('what is smaller than a program has no more statements, and runs', () => {
  for (let seed = 1; seed <= SAMPLE; seed += 29) {
    const program = programOf(seed);
    for (const smaller of smallerThan(program)) {
      assert.ok(sizeOf(smaller) <= sizeOf(program));
      assert.is(runProgram(smaller).violation, null);
    }
  }
});

test('a program is cut down to what its violation needs, and to the same violation', () => {
  const needs = (program: Program): boolean => {
    const text = printProgram(program);
    return /shutdown/.test(text) && /finally\n(.*\n)*.*put/.test(text);
  };
  const run = (program: Program): Outcome => ({
    violation: needs(program)
      ? { invariant: 'no wake lost', what: 'as planned' }
      : { invariant: 'it ends', what: 'another' },
    steps: 0,
    together: 0,
  });
  let seed = 1;
  while (!needs(programOf(seed)) || sizeOf(programOf(seed)) < 12) seed++;
  const small = shrink(programOf(seed), 'no wake lost', run);
  assert.ok(needs(small));
  assert.ok(sizeOf(small) <= 3, printProgram(small));
  for (const smaller of smallerThan(small)) assert.not(needs(smaller));
});

test('states are counted once each, and as many as there are', () => {
  const field = new StateField(SMALL_FIELD);
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 50_000; number++) {
      const hash = new Hash();
      hash.add(number);
      field.add(hash.result);
    }
  }
  assert.ok(Math.abs(field.count - 50_000) < 500, `${field.count}`);
  const same = new StateField(field.words.buffer as SharedArrayBuffer);
  assert.is(same.count, field.count);
});

test('several threads share the seeds, and count what one alone would count', async () => {
  const one = await runSeeds(1, 1200, 1);
  const two = await runSeeds(1, 1200, 2);
  assert.equal([one.programs, one.found, one.states, one.steps], [two.programs, two.found, two.states, two.steps]);
  assert.is(one.programs, 1200);
  assert.ok(one.states > 1200, `${one.states} states`);
});

test(`${SCHEDULES} orders of one program of ten tasks are ${SCHEDULES} different ones, nearly, and none is wrong`, () => {
  const { runs, distinct, violations } = runSchedules(SCHEDULES);
  assert.equal(violations, []);
  assert.is(runs, SCHEDULES);
  assert.ok(distinct > SCHEDULES * 0.99, `${distinct}`);
});

for (const meeting of ['pair', 'tcp'] as const) {
  test(`ten tasks that talk over sockets (${meeting}) are simulated in orders that differ, and none is wrong`, () => {
    const { runs, distinct, violations } = runConversations(CONVERSATIONS, meeting);
    assert.equal(violations, []);
    assert.is(runs, CONVERSATIONS);
    assert.ok(distinct > CONVERSATIONS * 0.95, `${distinct}`);
  });
}

const COMMAND = fileURLToPath(new URL('run.ts', import.meta.url));

/** Runs the command: what it printed, and its exit code. */
function simulate(...options: string[]): [output: string, code: number | null] {
  const args = ['--conditions=genloop-source', '--import', import.meta.resolve('tsx'), COMMAND, ...options];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  return [`${stdout}${stderr}`, status];
}

test('the command runs seeds, and its last line says how many passed', () => {
  const [output, code] = simulate('--seeds', '600', '--seed', '1000', '--jobs', '2');
  assert.is(code, 0, output);
  assert.match(output, /^600 programs, \d+ steps, about \d+ distinct states in [\d.]+ s/);
  assert.match(output, /\n600 passed, 0 failed\n$/);
});

test('the command shows the program of a seed, and one from a file', () => {
  const [output, code] = simulate('--seed', '7');
  assert.is(code, 0, output);
  assert.ok(output.startsWith(printProgram(programOf(7))), output);
  assert.match(output, /no invariant is violated in \d+ steps\n\n1 passed, 0 failed\n$/);

  const folder = mkdtempSync(join(tmpdir(), 'genloop-simulation-'));
  try {
    const file = join(folder, 'program.json');
    writeFileSync(file, JSON.stringify(programOf(7)));
    assert.equal(simulate('--program', file), [output, 0]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the command refuses what is no number', () => {
  const [output, code] = simulate('--seeds', 'many');
  assert.is(code, 2);
  assert.match(output, /--seeds wants a whole number from 0 on, not "many"/);
});

test.run();
