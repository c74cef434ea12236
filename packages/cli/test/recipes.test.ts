import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readCheckedYaml } from '@skerry/inventory';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createProgram } from '../src/program.ts';
import { entry, execute, root } from './command.ts';
import { files, GitSite, inventory } from './git-site.ts';

const recipes = resolve(root, 'recipes');
const textOf = (name: string): string => readFileSync(join(recipes, name), 'utf8');

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly script?: readonly string[];
  readonly steps?: readonly {
    readonly name?: string;
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
    readonly env?: Readonly<Record<string, string>>;
  }[];
}
interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const read = (name: string): unknown => readCheckedYaml(textOf(name), name, z.unknown()).value;
const workflow = (name: string): Workflow => read(name) as Workflow;
const gitlab = (): Readonly<Record<string, Job>> => read('gitlab-ci.yml') as Record<string, Job>;

describe.each(['github-actions.yml', 'forgejo-actions.yml'])('%s', (name) => {
  const { jobs } = workflow(name);
  const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);

  test('every action is pinned by a commit, and says which version that is', () => {
    const uses = steps.flatMap((step) => step.uses ?? []);
    expect(uses.length).toBeGreaterThan(3);
    for (const action of uses) {
      expect(action).toMatch(/@[0-9a-f]{40}$/);
      expect(textOf(name)).toMatch(new RegExp(`${RegExp.escape(action)} # v\\d+\\.\\d+\\.\\d+`));
    }
  });

  test('no checkout leaves its token behind, and what runs code of a stranger has no secret', () => {
    for (const step of steps.filter(({ uses }) => uses?.includes('actions/checkout') === true)) {
      expect(step.with?.['persist-credentials']).toBe(false);
    }
    expect(JSON.stringify(jobs['diff'])).not.toMatch(/secrets\.|github\.token/);
  });
});

test('on GitHub no job may write but the one that comments, which runs nothing of the change', () => {
  const { permissions, jobs } = workflow('github-actions.yml');
  expect(permissions).toEqual({});
  const writing = Object.entries(jobs).filter(([, job]) =>
    Object.values(job.permissions ?? {}).includes('write'),
  );
  expect(writing.map(([job, { permissions: may }]) => [job, may])).toEqual([
    ['comment', { contents: 'read', 'pull-requests': 'write' }],
  ]);
  const checkout = jobs['comment']?.steps?.find(({ uses }) => uses?.includes('checkout'));
  expect(checkout?.with?.['ref']).toBe('${{ github.event.pull_request.base.sha }}');
});

/** Every `./bootstrap …` of a recipe, its words as sh would split them, variables left as they are. */
function commandsOf(text: string): readonly (readonly string[])[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ');
  return [...joined.matchAll(/\.\/bootstrap ([^\n>|'&]+|'[^']*')+/g)].map(([line]) =>
    [...line.matchAll(/"[^"]*"|'[^']*'|\S+/g)].map(([word]) => word).slice(1),
  );
}

test.each(['github-actions.yml', 'gitlab-ci.yml', 'forgejo-actions.yml', 'pre-commit-config.yaml'])(
  'the commands of %s are commands, with options that they have',
  (name) => {
    const program = createProgram(() => undefined);
    const commands = commandsOf(textOf(name));
    expect(commands.length).toBeGreaterThan(0);
    for (const [word, ...rest] of commands) {
      const command: Command | undefined = program.commands.find((one) => one.name() === word);
      expect(command, word).toBeDefined();
      for (const option of rest.filter((one) => one.startsWith('--'))) {
        expect(
          command?.options.map(({ long }) => long),
          `${word} ${option}`,
        ).toContain(option);
      }
    }
  },
);

interface Comment {
  readonly id: number;
  body: string;
}

/** As much of the API of GitHub, Forgejo and GitLab as the script talks to. */
class Forge implements AsyncDisposable {
  readonly comments: Comment[] = [];
  readonly asked: string[] = [];
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://forge');
      const { method = '' } = request;
      this.asked.push(`${method} ${url.pathname}`);
      const token = request.headers.authorization ?? request.headers['private-token'];
      if (token !== 'token only-comments' && token !== 'only-comments') {
        response.writeHead(401).end('{}');
        return;
      }
      const page = Number(url.searchParams.get('page') ?? 1);
      if (method === 'GET') {
        const found = this.comments.slice((page - 1) * 100, page * 100);
        response.end(JSON.stringify(found));
        return;
      }
      const { body } = JSON.parse(Buffer.concat(chunks).toString()) as { body: string };
      if (method === 'POST') this.comments.push({ id: this.comments.length + 1, body });
      else {
        const one = this.comments.find(({ id }) => id === Number(url.pathname.split('/').at(-1)));
        if (one !== undefined) one.body = body;
      }
      response.end('{}');
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((done) => {
      this.#server.listen(0, '127.0.0.1', done);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((done) => this.#server.close(done));
  }
}

describe('comment.sh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-comment-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'diff.md');

  test.each([
    ['GitHub', { GITHUB_REPOSITORY: 'own/site', PULL_REQUEST: '7' }, 'GITHUB_API_URL', 'PATCH'],
    ['GitLab', { CI_PROJECT_ID: '3', CI_MERGE_REQUEST_IID: '7' }, 'CI_API_V4_URL', 'PUT'],
  ] as const)(
    '%s: posts once, then updates its own comment',
    async (_forge, about, url, method) => {
      await using forge = new Forge();
      const address = await forge.start();
      // A page full of others first, one of which quotes ours.
      for (let id = 1; id <= 120; id++)
        forge.comments.push({ id, body: `> <!-- skerry:diff --> ${id}` });
      const env = { ...about, [url]: address, COMMENT_TOKEN: 'only-comments' };
      const post = async (text: string): Promise<void> => {
        writeFileSync(file, text);
        const ended = await execute('sh', [join(recipes, 'comment.sh'), file, 'diff'], { env });
        expect(ended).toMatchObject({ code: 0, stderr: '' });
      };
      await post('one "quoted" `tick` $HOME\n');
      await post('two\n');
      expect(forge.comments.slice(120)).toEqual([{ id: 121, body: '<!-- skerry:diff -->\ntwo\n' }]);
      expect(forge.asked.filter((line) => line.startsWith('POST'))).toHaveLength(1);
      expect(forge.asked.at(-1)).toMatch(new RegExp(`^${method} .*/121$`));
    },
  );

  test('a token that may not: it fails, and shows no token', async () => {
    await using forge = new Forge();
    const env = {
      GITHUB_API_URL: await forge.start(),
      GITHUB_REPOSITORY: 'own/site',
      PULL_REQUEST: '7',
      COMMENT_TOKEN: 'wrong-token',
    };
    writeFileSync(file, 'x');
    const ended = await execute('sh', [join(recipes, 'comment.sh'), file, 'diff'], { env });
    expect(ended.code).not.toBe(0);
    expect(ended.stdout + ended.stderr).not.toContain('wrong-token');
  });
});

describe('the scripts of a review, in a clone of a remote', () => {
  let site: GitSite;
  let clone: string;
  let base: string;

  beforeAll(() => {
    const shim = `#!/bin/sh\nexec ${process.execPath} ${entry} "$@"\n`;
    const own = {
      ...files,
      'runbooks/cluster.ts': String(files['runbooks/own.ts']),
      bootstrap: shim,
    };
    site = new GitSite(own);
    chmodSync(join(site.folder, 'bootstrap'), 0o755);
    base = site.commit({});
    site.git('checkout', '-q', '-b', 'change');
    site.commit({ 'inventory/site.yaml': inventory.replace('1024', '4096') });
    clone = mkdtempSync(join(tmpdir(), 'skerry-clone-'));
    execFileSync('git', ['clone', '-q', '-b', 'change', `file://${site.folder}`, clone]);
  });
  afterAll(() => {
    site[Symbol.dispose]();
    rmSync(clone, { recursive: true, force: true });
  });

  const scriptOf = (job: Job | undefined): string =>
    [...(job?.script ?? []), ...(job?.steps ?? []).flatMap(({ run }) => run ?? [])].join('\n');

  test.each([
    ['github-actions.yml', () => workflow('github-actions.yml').jobs['diff']],
    ['gitlab-ci.yml', () => gitlab()['diff']],
    ['forgejo-actions.yml', () => workflow('forgejo-actions.yml').jobs['diff']],
  ] as const)('diff of %s', async (name, job) => {
    const summary = join(clone, 'summary');
    const output = join(clone, 'output');
    rmSync(join(clone, 'out'), { recursive: true, force: true });
    mkdirSync(join(clone, 'out'));
    for (const file of [summary, output]) writeFileSync(file, '');
    const env = {
      INVENTORY: 'inventory/site.yaml',
      BASE_SHA: base,
      CI_MERGE_REQUEST_DIFF_BASE_SHA: base,
      CI_JOB_URL: 'https://gitlab.example.org/own/site/-/jobs/1',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'own/site',
      GITHUB_RUN_ID: '1',
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_OUTPUT: output,
    };
    const ended = await execute('bash', ['-e', '-o', 'pipefail', '-c', scriptOf(job())], {
      cwd: clone,
      env,
    });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const markdown =
      name === 'forgejo-actions.yml'
        ? Buffer.from(
            /^markdown=(.*)$/m.exec(readFileSync(output, 'utf8'))?.[1] ?? '',
            'base64',
          ).toString()
        : readFileSync(join(clone, 'out/diff.md'), 'utf8');
    expect(markdown).toMatch(/^### Diff: <code>own<\/code> on <code>site<\/code>$/m);
    expect(markdown).toContain('because: inventory/site.yaml:4:35 (cluster)');
  });
});
