/**
 * The measured comparisons, as ratios in one run. Each row: what is timed, against what, the limit
 * that the project promises. Exits 1 when a ratio is over its limit, so that a release can be gated.
 */
import { resolve } from 'node:path';
import { firstPaints } from './first-paint.ts';
import { loopbackFleet } from './loopback-fleet.ts';
import { pairs, type Paired } from './pairs.ts';
import { thousandHosts } from './thousand-hosts.ts';
import { thousandNodes } from './thousand-nodes.ts';
import { thousandPlan } from './thousand-plan.ts';

const root = resolve(import.meta.dirname, '..');
const bootstrap = resolve(root, 'bootstrap');

interface Row {
  readonly what: string;
  readonly against: string;
  readonly limit: number;
  readonly paired: Paired;
}

const rows: Row[] = [
  {
    what: './bootstrap --help',
    against: 'node -e 0',
    limit: 2.5,
    paired: pairs({ argv: [bootstrap, '--help'] }, { argv: [process.execPath, '-e', '0'] }, 15),
  },
];

const hosts = 50;
const steps = 30;
const fleet = await loopbackFleet(hosts);
try {
  const env = { SKERRY_BENCH_STEPS: String(steps) };
  const runbook = resolve(import.meta.dirname, 'thirty-files.ts');
  const apply = {
    argv: [bootstrap, 'run', runbook, fleet.inventory, '--yes', '--forks', '50'],
    env,
  } as const;
  rows.push({
    what: `no-op apply, ${hosts} hosts × ${steps} steps`,
    against: `xargs -P${hosts} ssh HOST true`,
    limit: 1,
    paired: pairs(apply, { argv: ['sh', '-c', fleet.xargs] }, 7),
  });
} finally {
  await fleet.stop();
}

const thousand = thousandHosts();
try {
  const cwd = thousand.folder;
  const check = { argv: [bootstrap, 'inventory', thousand.inventory, '--check'], cwd } as const;
  rows.push({
    what: 'inventory --check, 1,000 hosts (to be under 1 s)',
    against: './bootstrap --help',
    limit: 12,
    paired: pairs(check, { argv: [bootstrap, '--help'] }, 7),
  });
  rows.push({
    what: 'diff, 1,000 hosts × 40 steps (to be under 3 s)',
    against: 'inventory --check of the same',
    limit: 7,
    paired: pairs(
      { argv: [bootstrap, 'diff', thousand.inventory, '--runbook', 'forty'], cwd },
      check,
      5,
    ),
  });
} finally {
  thousand.remove();
}

const nodes = await thousandNodes();
try {
  rows.push({
    what: 'check, 1,000 hosts with the facts of all (to be under 1 s)',
    against: 'inventory --check of the same',
    limit: 3,
    paired: pairs(
      { argv: [bootstrap, 'check', nodes.inventory] },
      { argv: [bootstrap, 'inventory', nodes.inventory, '--check'] },
      7,
    ),
  });
} finally {
  nodes.remove();
}

const saved = thousandPlan();
try {
  rows.push({
    what: 'show --format html, 1,000 hosts (to be under 2 s)',
    against: './bootstrap --help',
    limit: 14,
    paired: pairs(
      { argv: [bootstrap, 'show', saved.plan, '--format', 'html'] },
      { argv: [bootstrap, '--help'] },
      7,
    ),
  });
  rows.push({
    what: 'that report in Chromium, to its first content (to be under 1 s)',
    against: 'a page of one word',
    limit: 6,
    paired: await firstPaints(saved.html(), 9),
  });
} finally {
  saved.remove();
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;
console.log('| what | median | against | median | ratio | range | limit |');
console.log('|---|---|---|---|---|---|---|');
for (const { what, against, limit, paired } of rows) {
  const { ours, theirs, ratio, least, most } = paired;
  const range = `${least.toFixed(2)}–${most.toFixed(2)}`;
  console.log(
    `| ${what} | ${ms(ours)} | ${against} | ${ms(theirs)} | ${ratio.toFixed(2)} | ${range} | ≤ ${limit} |`,
  );
  if (ratio > limit) process.exitCode = 1;
}
