/**
 * Stryker's test runner for this project. A process runs the tests that reach a mutant, those of the source's own test file and the
 * quick ones first, until one fails; then it takes the next mutant, if the last one has left no trace. (`child.ts`)
 *
 * A mutant that loops or waits for ever is recognised by what its process does, not by the clock: by processor time far over
 * that of the test, or by none at all for seconds. So a busy machine does not count as a test that fails.
 */

import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus, TestStatus } from '@stryker-mutator/api/test-runner';
import { ALWAYS, isNamesake, isNeighbour, startsProgramsFor, testFiles } from './files.mjs';
import { CATALOGUE, COMPILED } from './places.mjs';

/** Processor time that a test may take: a factor of what it takes without a mutant, and some to spare. */
const FACTOR = 3;
const SPARE_MS = 800;
/** A test that takes longer decides only over sources of its own folder. */
const QUICK_MS = 60;
/** Behind all others. */
const SLOW_RANK = 1e6;
/** A process that sleeps for so long waits for what does not come: no test waits for anything else for longer. */
const IDLE_MS = 2_500;
/** One that has started others may well wait for them, on a busy machine. */
const IDLE_OUTSIDE_MS = 8_000;
/** What a test that starts programs counts for at least: its own processor time is not what it takes. */
const OUTSIDE_MS = 300;
const NO_LIMITS = { cpuMs: {}, idleMs: 120_000 };
/** Where nothing can be said of a process: the time that a test has. */
const LONGEST_MS = 60_000;
const LOOK_EVERY_MS = 200;
/** Of Linux, for programs. */
const TICK_MS = 10;
/** A mutant that allocates for ever ends soon. */
const HEAP_MB = 400;
/** So many mutants in a process at most. */
const MUTANTS = 150;
/** Processor time of a process in all its life, in seconds: should nobody be left to end it, it ends all the same. */
const LIFE_S = 1_200;
/** What a process writes when an order is done. */
const DONE = 'done';

/** Groups of processes that end when this one is ended. */
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const pid of running) killGroup(pid);
    process.exit(130);
  });
}

class Runner {
  #root = process.cwd();
  #folder = mkdtempSync(join(tmpdir(), 'genloop-mutation-'));
  #catalogue;
  #process;

  capabilities() {
    return { reloadEnvironment: true };
  }

  async dryRun() {
    const tests = [];
    const coverage = { static: {}, perTest: {} };
    const catalogue = [];
    for (const file of testFiles(this.#root)) {
      const ending = await this.#alone(file);
      if (ending.answer === undefined) {
        return { status: DryRunStatus.Error, errorMessage: `${file} ${ending.how}:\n${ending.output}` };
      }
      const { results, mutantCoverage: reached } = ending.answer;
      const failed = results.some(({ failure }) => failure !== undefined);
      // What fails twice is broken; what fails only once is no witness, and is left out.
      const again = failed ? ((await this.#alone(file)).answer?.results ?? []) : [];
      const broken = new Set(again.filter(({ failure }) => failure !== undefined).map(({ id }) => id));
      for (const { id, ms, failure, outside } of results) {
        if (failure !== undefined && !broken.has(id)) {
          console.warn(`left out, as it fails now and then: ${id}`);
          continue;
        }
        const timeSpentMs = outside ? Math.max(ms, OUTSIDE_MS) : ms;
        const common = { id, name: id.slice(file.length + 1), timeSpentMs, fileName: join(this.#root, file) };
        if (failure === undefined) tests.push({ ...common, status: TestStatus.Success });
        else tests.push({ ...common, status: TestStatus.Failed, failureMessage: failure });
        catalogue.push({ id, file, ms: timeSpentMs, outside });
        const counts = reached?.perTest[id];
        if (counts !== undefined) coverage.perTest[id] = counts;
      }
      Object.assign(coverage.static, reached?.static);
    }
    writeFileSync(join(this.#root, CATALOGUE), JSON.stringify(catalogue));
    return { status: DryRunStatus.Complete, tests, mutantCoverage: coverage };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation }) {
    this.#catalogue ??= JSON.parse(readFileSync(join(this.#root, CATALOGUE), 'utf8'));
    const wanted = testFilter && new Set(testFilter);
    const chosen = this.#worthwhile(
      this.#catalogue.filter(({ id }) => wanted === undefined || wanted.has(id)),
      activeMutant.fileName,
    );
    const limits = {
      cpuMs: Object.fromEntries(chosen.map(({ id, ms }) => [id, ms * FACTOR + SPARE_MS])),
      outside: new Set(chosen.filter(({ outside }) => outside).map(({ id }) => id)),
    };
    const files = this.#inOrder(chosen, activeMutant.fileName);
    const order = { files, bail: true, hitLimit, mutant: activeMutant.id };
    const ending = await this.#try(order, limits, mutantActivation === 'static');
    if (ending.timedOut) return { status: MutantRunStatus.Timeout, reason: ending.how };
    if (ending.answer === undefined) {
      const failureMessage = `the process ${ending.how}\n${ending.output}`;
      return { status: MutantRunStatus.Killed, killedBy: [ending.test], failureMessage, nrOfTests: chosen.length };
    }
    const { results, hitCount } = ending.answer;
    if (hitLimit !== undefined && hitCount > hitLimit) return { status: MutantRunStatus.Timeout, reason: 'hit limit' };
    const killer = results.find(({ failure }) => failure !== undefined);
    if (killer === undefined) return { status: MutantRunStatus.Survived, nrOfTests: results.length };
    const { id, failure } = killer;
    return { status: MutantRunStatus.Killed, killedBy: [id], failureMessage: failure, nrOfTests: results.length };
  }

  async dispose() {
    this.#process?.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs an order: in a process that has had other mutants, and where its answer is in doubt, in a new one. */
  async #try(order, limits, alone) {
    if (alone) this.#retire();
    for (;;) {
      this.#process ??= this.#start(order.mutant, '');
      const child = this.#process;
      const first = child.orders === 0;
      const ending = await child.do(order, limits);
      const doubtful = ending.answer === undefined || !ending.answer.clean;
      if (alone || doubtful || child.orders === MUTANTS) this.#retire();
      if (!doubtful || first || ending.timedOut) return ending;
    }
  }

  /** Runs all tests of a file, in a process of their own, without a mutant. */
  async #alone(file) {
    const child = this.#start('', join(this.#folder, 'reached'));
    const ending = await child.do({ files: [this.#compiled(file)], bail: false, mutant: '' }, NO_LIMITS);
    child.end();
    return ending;
  }

  #retire() {
    this.#process?.end();
    this.#process = undefined;
  }

  #start(mutant, reached) {
    const script = join(this.#root, COMPILED, 'test/mutation/child.js');
    return new Child(script, this.#folder, {
      cwd: join(this.#root, COMPILED),
      env: { ...process.env, __STRYKER_ACTIVE_MUTANT__: mutant, GENLOOP_MUTATION_REACHED: reached },
    });
  }

  #compiled(file) {
    return { file, url: pathToFileURL(join(this.#root, COMPILED, file.replace(/\.ts$/, '.js'))).href };
  }

  /** All but those that take long, unless they are about this source, or there are no others. */
  #worthwhile(reaching, source) {
    const chosen = reaching.filter(({ file, ms, outside }) => {
      if (outside) return startsProgramsFor(file, source);
      return ms <= QUICK_MS || isNeighbour(file, source) || ALWAYS.includes(file);
    });
    return chosen.length > 0 ? chosen : reaching;
  }

  /** Those of the source's own test file first, then file by file, the quick ones first. The slow ones come last. */
  #inOrder(chosen, source) {
    const files = new Map();
    for (const { id, file, ms } of [...chosen].sort((one, other) => one.ms - other.ms)) {
      const slow = ms > QUICK_MS;
      const key = `${file} ${slow}`;
      const entry = files.get(key) ?? { ...this.#compiled(file), tests: [], ms: 0, slow };
      entry.tests.push(id);
      entry.ms += ms;
      files.set(key, entry);
    }
    const rank = ({ file, ms, slow }) => (slow ? SLOW_RANK + ms : isNamesake(file, source) ? -1 : ms);
    return [...files.values()].sort((one, other) => rank(one) - rank(other));
  }
}

/** A process of `child.ts`. */
class Child {
  /** How many orders it has had. */
  orders = 0;
  #ended = false;
  #process;
  #orderFile;
  #answerFile;
  #watch;
  #output = '';
  #test = '';
  #settle;

  constructor(script, folder, options) {
    const limited = ['-c', `ulimit -t ${LIFE_S}; exec "$@"`, 'sh', process.execPath];
    const args = [...limited, '--conditions=genloop-source', `--max-old-space-size=${HEAP_MB}`, script];
    const stdio = ['pipe', 'pipe', 'pipe', 'pipe'];
    this.#process = spawn('sh', args, { ...options, detached: true, stdio });
    running.add(this.#process.pid);
    this.#orderFile = join(folder, 'order.json');
    this.#answerFile = join(folder, 'answer.json');
    const { stdin, stdout, stderr, stdio: streams } = this.#process;
    // EPIPE: it has ended, which is told below.
    stdin.on('error', () => {});
    for (const stream of [stdout, stderr]) {
      stream.on('data', (chunk) => {
        if (this.#output.length < 20_000) this.#output += chunk;
      });
    }
    streams[3].setEncoding('utf8').on('data', (text) => this.#hear(text.trim().split('\n').at(-1)));
    this.#process.on('exit', (code, signal) => {
      this.end();
      this.#ended = true;
      running.delete(this.#process.pid);
      for (const stream of streams) stream.destroy();
      this.#finish(signal === null ? `ended with code ${code}` : `was ended by ${signal}`);
    });
  }

  /** Carries out an order: its answer if there is one, whether it was stopped, and how it ended. */
  async do(order, limits) {
    this.orders++;
    // The last order had an effect after its end.
    if (this.#ended) return { timedOut: false, how: 'had ended', output: this.#output, test: this.#test };
    this.#output = '';
    rmSync(this.#answerFile, { force: true });
    writeFileSync(this.#orderFile, JSON.stringify({ ...order, answer: this.#answerFile }));
    this.#watch = new Watch(this.#process.pid, limits);
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#process.stdin.write(`${this.#orderFile}\n`);
    });
  }

  /** Ends it, and all that it has started. */
  end() {
    this.#watch?.close();
    killGroup(this.#process.pid);
  }

  #hear(line) {
    if (line === DONE) this.#finish('has answered');
    else {
      this.#test = line;
      this.#watch.began(line);
    }
  }

  #finish(how) {
    const { reason } = this.#watch ?? {};
    this.#watch?.close();
    const answer = reason === undefined ? read(this.#answerFile) : undefined;
    const timedOut = reason !== undefined;
    this.#settle?.({ timedOut, how: reason ?? how, output: this.#output, answer, test: this.#test });
    this.#settle = undefined;
  }
}

/** Ends a process, and all that it started, when it does nothing any more, or one thing for ever. */
class Watch {
  reason;
  #pid;
  #limits;
  #start = performance.now();
  #idleSince = performance.now();
  #used = -1;
  #limit = Number.POSITIVE_INFINITY;
  #idleMs;
  #timer;

  constructor(pid, limits) {
    this.#pid = pid;
    this.#limits = limits;
    this.#idleMs = limits.idleMs ?? IDLE_OUTSIDE_MS;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  close() {
    clearInterval(this.#timer);
  }

  /** A test begins: its time runs from here. */
  began(id) {
    this.#start = performance.now();
    this.#idleSince = this.#start;
    this.#idleMs = this.#limits.idleMs ?? (this.#limits.outside.has(id) ? IDLE_OUTSIDE_MS : IDLE_MS);
    this.#limit = (statOf(this.#pid)?.used ?? 0) + (this.#limits.cpuMs[id] ?? Number.POSITIVE_INFINITY);
  }

  #look() {
    const idleMs = this.#idleMs;
    const now = performance.now();
    const stat = statOf(this.#pid);
    if (stat === undefined) {
      if (now - this.#start > LONGEST_MS) this.#end(`took ${LONGEST_MS} ms`);
      return;
    }
    if (stat.used !== this.#used || stat.state !== 'S') this.#idleSince = now;
    this.#used = stat.used;
    if (stat.used > this.#limit) this.#end('took far more processor time than without the mutant');
    else if (now - this.#idleSince > idleMs) this.#end(`did nothing for ${idleMs} ms`);
  }

  #end(reason) {
    this.reason ??= reason;
    killGroup(this.#pid);
  }
}

/** State and processor time of a process; `undefined` where the system does not say. */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], used: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return undefined;
  }
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: all of them have ended already.
  }
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Writes down each mutant as soon as it has been tried: Stryker itself says nothing before all have been. */
class Log {
  #file = 'reports/mutation/log.jsonl';

  onMutationTestingPlanReady() {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, '');
  }

  onMutantTested({ fileName, location, mutatorName, replacement, status, killedBy }) {
    const line = { fileName, location, mutatorName, replacement, status, killedBy };
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.TestRunner, 'genloop', Runner),
  declareClassPlugin(PluginKind.Reporter, 'genloop-log', Log),
];
