import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readCheckedYaml } from '@skerry/inventory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import { entry, execute, root, type Ended } from './command.ts';
import { GitSite } from './git-site.ts';

/** The scripts of a recipe's job, in order. */
function scriptOf(name: string, job: string): string {
  const text = readFileSync(join(root, 'recipes', name), 'utf8');
  const recipe = readCheckedYaml(text, name, z.looseObject({})).value as Record<string, unknown>;
  const jobs = (recipe['jobs'] ?? recipe) as Record<string, Job>;
  const { script = [], steps = [] } = jobs[job] ?? {};
  // Posting a comment is tried by itself (recipes.test.ts).
  const runs = steps.flatMap(({ run, name: step }) => (step === 'One comment' ? [] : (run ?? [])));
  return [...script, ...runs].join('\n');
}
interface Job {
  readonly script?: readonly string[];
  readonly steps?: readonly { readonly name?: string; readonly run?: string }[];
}

let hosts: LoopbackHosts;
let site: GitSite;
let forge: Server;
/** What the forge says of a merge: `undefined` where it knows of no pull request. */
let merged: string | undefined;

/** As much of the three forges as a job asks: which change was merged, and where its plan is. */
function answer(path: string): unknown {
  if (/\/commits\/\w+\/pulls$/.test(path)) {
    return merged === undefined ? [] : [{ merged_at: '2026-01-02', head: { sha: merged } }];
  }
  if (/\/commits\/\w+\/pull$/.test(path))
    return merged === undefined ? {} : { head: { sha: merged } };
  if (/\/commits\/\w+\/merge_requests$/.test(path)) {
    return merged === undefined ? [] : [{ state: 'merged', iid: 7 }];
  }
  if (path.endsWith('/actions/artifacts')) {
    return { artifacts: [{ expired: false, workflow_run: { id: 9 } }] };
  }
  if (path.endsWith('refs%2Fmerge-requests%2F7%2Fhead/raw/out/plan.json')) {
    return readFileSync(join(site.folder, 'kept.json'), 'utf8');
  }
  return undefined;
}

beforeAll(async () => {
  hosts = await startHosts(['a-1']);
  const { port, knownHosts } = hosts.sshd;
  site = new GitSite({
    bootstrap: `#!/bin/sh\nexec ${process.execPath} ${entry} "$@"\n`,
    'inventory/site.yaml': `cluster:
  name: site
  connection: { user: root, port: ${port}, agent: true, sshConfig: false, knownHosts: [${knownHosts}] }
groups: { all-of-them: { hosts: { a-1: { address: 127.0.1.1 } } } }
`,
    'policy.yaml': 'deny: {}\n',
    'runbooks/cluster.ts': `
import { play, runbook } from '@skerry/runbook';
import { file } from '@skerry/steps';
export default runbook({ name: 'cluster', description: '', plays: [
  play('Files', { hosts: 'all' }, () => [file('/srv/reviewed', { content: 'as it was reviewed\\n' })]),
] });
`,
  });
  chmodSync(join(site.folder, 'bootstrap'), 0o755);
  site.write({ '.gitignore': '.skerry\nout*\nplans\nkept.json\n' });
  site.commit({});
  forge = createServer((request, response) => {
    const said = answer(new URL(request.url ?? '', 'http://forge').pathname);
    response.writeHead(said === undefined ? 404 : 200);
    response.end(typeof said === 'string' ? said : JSON.stringify(said ?? {}));
  });
  await new Promise<void>((done) => {
    forge.listen(0, '127.0.0.1', done);
  });
});
afterAll(async () => {
  await new Promise((done) => forge.close(done));
  site[Symbol.dispose]();
  await hosts.stop();
});

/** The agent of OpenSSH, with its socket where it is found again. */
const agent = `#!/bin/sh
PATH=\${PATH#*:}
[ "$1" = -k ] || set -- -a "$HOME/agent-$$" "$@"
exec ssh-agent "$@"
`;

/** Runs a job as a runner does: bash that stops at the first failure. */
async function run(name: string, job: string): Promise<Ended> {
  const head = site.git('rev-parse', 'HEAD');
  const address = `http://127.0.0.1:${(forge.address() as AddressInfo).port}`;
  const key = hosts.sshd.clientKey;
  const home = join(site.folder, 'out-of-the-tree');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'ssh-agent'), agent, { mode: 0o755 });
  const env = {
    HOME: home,
    PATH: `${home}:${process.env['PATH'] ?? ''}`,
    INVENTORY: 'inventory/site.yaml',
    PLANS: join(site.folder, 'plans'),
    HEAD_SHA: head,
    TOKEN: 'only-reads',
    SKERRY_PLAN_KEY: 'k'.repeat(32),
    SSH_KEY: readFileSync(key, 'utf8'),
    SKERRY_SSH_KEY: key,
    SKERRY_COMMENT_TOKEN: 'only-comments',
    GITHUB_API_URL: address,
    GITHUB_REPOSITORY: 'own/site',
    GITHUB_SERVER_URL: address,
    GITHUB_RUN_ID: '1',
    GITHUB_SHA: head,
    GITHUB_OUTPUT: '/dev/null',
    GITHUB_STEP_SUMMARY: '/dev/null',
    CI_API_V4_URL: address,
    CI_PROJECT_ID: '3',
    CI_COMMIT_SHA: head,
    CI_JOB_URL: `${address}/jobs/1`,
  };
  const script = scriptOf(name, job);
  const ended = await execute('bash', ['-e', '-o', 'pipefail', '-c', script], {
    cwd: site.folder,
    env,
  });
  // No agent is left with the key in it: it takes its socket away when it ends.
  await expect
    .poll(() => readdirSync(home).filter((file) => file.startsWith('agent-')))
    .toEqual([]);
  return ended;
}

describe.each(['github-actions.yml', 'gitlab-ci.yml', 'forgejo-actions.yml'])('%s', (name) => {
  const asked = (): string => hosts.at('a-1', 'srv/reviewed');
  /** Keeps the plan where the forge has artifacts, and empties the working tree as a new runner is. */
  function keep(): void {
    const out = join(site.folder, 'out/plan.json');
    if (!existsSync(out)) return;
    writeFileSync(join(site.folder, 'kept.json'), readFileSync(out));
    rmSync(join(site.folder, 'out'), { recursive: true });
    // actions/download-artifact has been here before the job's last script.
    if (name !== 'github-actions.yml') return;
    mkdirSync(join(site.folder, 'out'));
    writeFileSync(out, readFileSync(join(site.folder, 'kept.json')));
  }

  test('a merge applies the plan that was reviewed: not without one, and not where a host moved', async () => {
    rmSync(hosts.at('a-1', 'srv'), { recursive: true, force: true });
    merged = undefined;
    // A policy that denies the plan fails the job, and the plan is there to be read all the same.
    site.write({ 'policy.yaml': "deny: { steps: ['file *'] }\n" });
    const planned = await run(name, 'plan');
    expect(planned.code, planned.stderr).toBe(7);
    site.write({ 'policy.yaml': 'deny: {}\n' });
    keep();

    const unreviewed = await run(name, 'apply');
    expect(unreviewed.code).toBe(1);
    expect(unreviewed.stdout + unreviewed.stderr).toContain('has no plan that was reviewed');

    merged = site.git('rev-parse', 'HEAD');
    writeFileSync(asked(), 'by hand\n');
    const stale = await run(name, 'apply');
    expect(stale.code).toBe(1);
    expect(stale.stderr).toContain('"file /srv/reviewed" is to change something else');
    expect(readFileSync(asked(), 'utf8')).toBe('by hand\n');

    rmSync(asked());
    const applied = await run(name, 'apply');
    expect(applied.code, applied.stderr).toBe(0);
    expect(readFileSync(asked(), 'utf8')).toBe('as it was reviewed\n');
  });
});
