// `npm test`: everything that CI checks. The last line says how many passed and failed.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bin, exitCode, orExplain, prepare } from './prepare.mjs';

await orExplain(() => prepare(['redis-server', 'sipp', 'chromium']));

let failedChecks = 0;
await check('Types', 'tsc', ['-b']);
await check('Lint', 'oxlint', ['--type-aware', '--deny-warnings']);
await check('Format', 'oxfmt', ['--check']);
const { passed, failed } = await runTests();

const allFailed = failed + failedChecks;
console.log(`${passed} passed, ${allFailed} failed`);
process.exitCode = allFailed === 0 && passed > 0 ? 0 : 1;

/** A failed check does not keep the others from telling what they find. */
async function check(title, program, args) {
  console.log(`\n${title}: ${program} ${args.join(' ')}`);
  const code = await exitCode(bin(program), args);
  if (code === 0) return;
  console.log(`${title}: failed with code ${code}`);
  failedChecks += 1;
}

async function runTests() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dialstream-results-'));
  try {
    const file = path.join(folder, 'results.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await exitCode(bin('vitest'), ['run', ...reporters]);
    return await countResults(file, code);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function countResults(file, code) {
  let results;
  try {
    results = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    console.log(`vitest ended with code ${code} and left no results: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
  // A file can fail without a failed test: it does not load, or it leaves a connection open.
  const failedFiles = results.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = results.numFailedTests + failedFiles;
  // What belongs to no file, such as a service that did not stop.
  return { passed: results.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}
