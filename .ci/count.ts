// Adds up the JSON reports of all vitest runs: tells what failed once more, and prints one closing line.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Suite {
  name: string;
  status: string;
  /** Why the file could not be run at all. */
  message: string;
  assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
}
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: Suite[];
}

/** Of each failure, so that all of them stay on the last page. */
const linesShown = 80;

function tell(suite: Suite): void {
  const failures = suite.assertionResults.filter(({ status }) => status === 'failed');
  const said = failures.map(({ fullName, failureMessages }) => [fullName, ...failureMessages]);
  if (suite.status === 'failed' && said.length === 0) said.push([suite.message]);
  for (const texts of said) {
    const lines = texts.join('\n').split('\n').slice(0, linesShown);
    console.log(`\nfailed: ${suite.name}\n  ${lines.join('\n  ')}`);
  }
}

const [folder = '', stageStatus = '1'] = process.argv.slice(2);
let [passed, failed, skipped] = [0, 0, 0];
for (const name of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report;
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  // A file that could not be run at all counts as a failure of its own.
  if (report.numFailedTests === 0 && report.numFailedTestSuites > 0) failed += 1;
  report.testResults.forEach(tell);
}
if (stageStatus !== '0' && failed === 0) failed = 1;
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
