// Runs the tests on virtual machines, one group after the other.
//   npm run test:vms                      what CI runs
//   npm run test:vms -- --long            all, also what takes long
//   npm run test:vms -- -t 'a pattern'    some of them
// SKERRY_REPORTS=FOLDER keeps JSON reports. SKERRY_TESTS_END=SECONDS (since 1970) is the time by which
// they should have ended: a group that would not is counted as skipped, by name. Computers that others use
// too are slower at times: what a group is given is what it took once, times how much longer the ones
// before it took now.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

interface Group {
  readonly project: string;
  readonly files: readonly string[];
  /** Minutes on two processors that emulate, all measured in one run: left out when there are fewer left. */
  readonly minutes?: number;
  /** Only with --long. */
  readonly long?: true;
}

const groups: readonly Group[] = [
  { project: 'nodes', files: [], minutes: 6 },
  { project: 'control-plane', files: [], minutes: 8 },
  { project: 'containers', files: ['containers/haproxy-limits.test.ts'], minutes: 2 },
  { project: 'containers', files: ['containers/three-control-planes.test.ts'], minutes: 6 },
  { project: 'clusters', files: ['clusters/ipvs.test.ts'], minutes: 12 },
  { project: 'clusters', files: ['clusters/cilium.test.ts'], minutes: 17 },
  { project: 'clusters', files: ['clusters/flannel.test.ts'], minutes: 10, long: true },
  { project: 'clusters', files: ['clusters/bgp.test.ts'], minutes: 13, long: true },
  {
    project: 'clusters',
    files: ['clusters/three-control-planes.test.ts'],
    minutes: 40,
    long: true,
  },
];

const given = process.argv.slice(2);
const long = given.includes('--long');
const options = given.filter((word) => word !== '--long');
const reports = process.env['SKERRY_REPORTS'];
const end = Number(process.env['SKERRY_TESTS_END'] ?? Infinity);

function vitest(group: Group, index: number, skip: string | undefined): Promise<number> {
  const report =
    reports === undefined
      ? []
      : ['--reporter=json', `--outputFile.json=${join(reports, `vms-${index}.json`)}`];
  // No test has a name like this: all are told as skipped, each by its own name.
  const none = skip === undefined ? [] : ['-t', '^left out$'];
  // Each test of a cluster goes on from the one before it: after a failure, waiting is all that is left.
  const bail = group.files.length === 1 ? ['--bail=1'] : [];
  const words = ['run', '--project', group.project, '--reporter=verbose', ...bail, ...none];
  const env = {
    ...process.env,
    ...(long ? { SKERRY_LONG: '1' } : {}),
  };
  const child = spawn('vitest', [...words, ...report, ...group.files, ...options], {
    stdio: 'inherit',
    env,
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code ?? 1));
  });
}

let failed = 0;
/** How many times as long as it is known the last group took. */
let pace = 1;
for (const [index, group] of groups.entries()) {
  const begin = Date.now();
  const left = (end - begin / 1000) / 60;
  const needed = Math.ceil((group.minutes ?? 0) * pace);
  const late = left < needed ? `${Math.floor(left)} of ${needed} minutes left` : undefined;
  const skip = group.long === true && !long ? 'only with --long' : late;
  if (skip !== undefined)
    console.log(`skipped: ${group.project} ${group.files.join(' ')}: ${skip}`);
  const code = await vitest(group, index, skip);
  if (code !== 0) failed += 1;
  if (skip === undefined && group.minutes !== undefined)
    pace = Math.max(1, (Date.now() - begin) / 60_000 / group.minutes);
}
process.exitCode = failed === 0 ? 0 : 1;
