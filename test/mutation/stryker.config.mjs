/**
 * What Stryker does here: `npm run mutate` (scripts/mutate.mjs) starts it with this file. docs/mutation.md tells the rest.
 *
 * All mutators are Stryker's own, and none is left out. Only how tests are run is ours (`runner.mjs`), since no runner that
 * comes with Stryker knows uvu, and its command runner would start the whole suite anew for each of some thousand mutants.
 */

const RUNNER = './test/mutation/runner.mjs';

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
const options = {
  plugins: [RUNNER],
  testRunner: 'genloop',
  coverageAnalysis: 'perTest',
  mutate: ['src/kernel/**/*.ts', 'src/poller/**/*.ts', 'src/scheduler/**/*.ts'],
  // In the copy that Stryker makes, sources and tests are compiled once; see there.
  buildCommand: 'node test/mutation/build.mjs',
  ignorePatterns: ['dist', 'build/cmake', 'build/asan', 'coverage', 'docs', 'reports', 'prebuilds', 'native'],
  // The compiler of the tests does not check types: nothing has to be told to let mutants pass.
  disableTypeChecks: false,
  allowEmpty: true,
  concurrency: 2,
  // Endless loops and waits are ended by the runner, which looks at processor time; these limits are the last resort.
  timeoutMS: 300_000,
  dryRunTimeoutMinutes: 15,
  reporters: ['progress-append-only', 'genloop-log', 'clear-text', 'html', 'json'],
  clearTextReporter: {
    allowColor: false,
    reportTests: false,
    logTests: false,
    allowEmojis: false,
    reportMutants: false,
  },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  incrementalFile: 'reports/mutation/incremental.json',
  tempDirName: '.stryker-tmp',
  thresholds: { high: 90, low: 80, break: 80 },
  warnings: { slow: false },
};

// biome-ignore lint/style/noDefaultExport: Stryker wants one.
export default options;
