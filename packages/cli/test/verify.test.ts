import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { afterAll, describe, expect, it, test } from 'vitest';
import type { CheckReport, RunEvent } from '@skerry/runbook';
import { breakdownText } from '../src/render/breakdown-text.ts';
import { PlainLines } from '../src/render/plain-lines.ts';
import { recapText } from '../src/render/recap.ts';
import { checksJunit } from '../src/render/saved/checks-junit.ts';
import { bootstrap, eventLines } from './command.ts';

const colors = pc.createColors(false);
const folder = mkdtempSync(join(tmpdir(), 'skerry-verify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reports: readonly CheckReport[] = [
  { id: 'dns', title: 'Names resolve', verdict: { status: 'passed', looked: '10.96.0.10 <udp>' } },
  {
    id: 'nodes-ready',
    title: 'Nodes are Ready',
    verdict: {
      status: 'failed',
      looked: '2 nodes',
      findings: [
        { what: 'lab-2 is not Ready', why: 'NotReady: no CNI', fix: 'look at the kubelet' },
        { what: 'lab-3 is "gone" & lost' },
      ],
    },
  },
  { id: 'policies', title: 'Policies', verdict: { status: 'skipped', reason: 'routed' } },
];

test('the report for CI counts what failed and what was not looked at', () => {
  const started = new Date('2026-11-22T10:00:00Z');
  expect(checksJunit('lab', reports, { started, milliseconds: 1500 })).toBe(
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="verify lab" tests="3" failures="1" errors="0" skipped="1" time="1.500">
  <testsuite name="verify lab" tests="3" failures="1" errors="0" skipped="1" time="1.500" timestamp="2026-11-22T10:00:00.000">
    <testcase classname="dns" name="Names resolve" time="0">
      <system-out>10.96.0.10 &lt;udp&gt;</system-out>
    </testcase>
    <testcase classname="nodes-ready" name="Nodes are Ready" time="0">
      <failure message="lab-2 is not Ready" type="failed">lab-2 is not Ready
why: NotReady: no CNI
fix: look at the kubelet
lab-3 is &quot;gone&quot; &amp; lost</failure>
      <system-out>2 nodes</system-out>
    </testcase>
    <testcase classname="policies" name="Policies" time="0">
      <skipped message="routed"/>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
});

describe('the table of checks', () => {
  const lines: string[] = [];
  const view = new PlainLines({
    colors,
    verbose: false,
    width: () => 60,
    print: (text) => lines.push(text),
  });
  const events: RunEvent[] = [
    { type: 'verification-started', cluster: 'lab', hosts: ['lab-1', 'lab-2'], checks: [] },
    { type: 'verification-round', round: 1, checks: ['dns'] },
    { type: 'verification-round', round: 2, checks: ['dns'] },
    ...reports.map(({ id, title, verdict }): RunEvent => ({
      type: 'check-finished',
      check: id,
      title,
      status: verdict.status,
      looked: verdict.status === 'skipped' ? '' : verdict.looked,
      reason: verdict.status === 'skipped' ? verdict.reason : '',
      findings: verdict.status === 'failed' ? [...verdict.findings] : [],
    })),
    { type: 'verification-finished', passed: 1, failed: 1, skipped: 1, milliseconds: 12_300 },
  ];
  for (const event of events) view.event(event);

  it('says of each how it went and what was looked at, and of a failed one why and what to do', () => {
    expect(lines.join('\n')).toBe(`
Verification of lab: 0 checks on 2 hosts
asking again: dns
  ok      dns                    10.96.0.10 <udp>
  FAILED  nodes-ready            2 nodes
      lab-2 is not Ready
        why: NotReady: no CNI
        fix: look at the kubelet
      lab-3 is "gone" & lost
  skipped policies               not looked at: routed

1 passed, 1 failed, 1 not looked at, in 12.3 s.`);
  });
});

test('where the time of a bring-up went adds up, and says which part was neither kubeadm nor waiting', () => {
  expect(
    breakdownText([
      { what: 'kubeadm', milliseconds: 120_000 },
      { what: 'image import', milliseconds: 60_000 },
      { what: 'waiting for pods', milliseconds: 0 },
      { what: 'other steps on hosts', milliseconds: 15_000 },
      { what: 'Skerry itself', milliseconds: 5000 },
    ]),
  ).toBe(`Where the time went
  kubeadm                                             2 min 00 s   60.0 %
  image import                                        1 min 00 s   30.0 %
  other steps on hosts                                    15.0 s    7.5 %
  Skerry itself                                            5.0 s    2.5 %
  all but kubeadm, image import and waiting for pods      20.0 s   10.0 %`);
});

test('the recap of an apply counts the checks, and is no success where one failed', () => {
  const host = {
    host: 'a',
    outcome: 'changed',
    changed: 1,
    converged: 0,
    handlers: 0,
    execs: 1,
  } as const;
  const text = (failed: number): string =>
    recapText(
      {
        type: 'run-finished',
        exitCode: failed > 0 ? 3 : 0,
        hosts: [host],
        verified: true,
        checks: { passed: 12, failed, skipped: 2 },
        milliseconds: 1000,
      },
      { colors, width: 100, mode: 'apply' },
    );
  expect(text(0)).toContain('and the cluster passed 12 checks (2 not looked at), in 1.0 s.');
  expect(text(1)).toContain('1 host changed, and 1 of 13 checks of the cluster failed, in 1.0 s.');
});

describe('the command', () => {
  it('refuses an inventory without a cluster, and says what to write', async () => {
    const file = join(folder, 'none.yaml');
    writeFileSync(
      file,
      'cluster: { name: x }\ngroups: { all-hosts: { hosts: { a: { address: 127.0.0.1 } } } }\n',
    );
    const { code, stderr } = await bootstrap(['verify', file]);
    expect(code).toBe(1);
    expect(stderr).toContain('describes no cluster that could be looked at');
    expect(stderr).toContain('fix: write "kubernetes: {version: …}"');
  });

  it('tells, where no host answers, that nothing was looked at, with exit code 3', async () => {
    const file = join(folder, 'dead.yaml');
    const report = join(folder, 'report.xml');
    writeFileSync(
      file,
      `cluster: { name: dead, connection: { port: 1, user: nobody } }
groups:
  nodes: { roles: [control-plane, worker], hosts: { a: { address: 127.0.0.1 } } }
kubernetes: { version: 1.36.3, network: { cni: routed, proxy: nftables } }
`,
    );
    const { code, stdout } = await bootstrap(['verify', file, '--json', '--junit', report]);
    expect(code).toBe(3);
    const lines = eventLines(stdout);
    expect(lines.at(-1)).toMatchObject({ type: 'verification-finished', failed: 1 });
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'check-finished', check: 'api-answers', status: 'failed' }),
    );
    const silent = lines.filter(
      (line) => line.type === 'check-finished' && line.status === 'passed',
    );
    expect(silent).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({
        type: 'check-finished',
        check: 'dns',
        status: 'skipped',
        reason: 'the cluster could not be read',
      }),
    );
    expect(readFileSync(report, 'utf8')).toContain('classname="api-answers"');
  });
});
