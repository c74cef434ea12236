import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { planFileText, type Plan, type SavedPlan } from '@skerry/runbook';
import { planHtml } from '../src/render/saved/html.ts';
import { script } from '../src/render/saved/html-script.ts';
import { planJson } from '../src/render/saved/json.ts';
import { planJunit } from '../src/render/saved/junit.ts';
import { planMarkdown } from '../src/render/saved/markdown.ts';
import { planReport, type PlanReport } from '../src/render/saved/report.ts';
import { sideBySide } from '../src/render/saved/side-by-side.ts';
import { bootstrap, eventLines, execute } from './command.ts';
import { plan, step } from './plan-fixture.ts';
import { saved } from './saved-plan-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-show-'));
afterAll(() => rmSync(folder, { recursive: true }));
const written = (name: string, one: SavedPlan): string => {
  const path = join(folder, name);
  writeFileSync(path, planFileText(one.file));
  return path;
};
const report = (one: Plan): PlanReport => planReport(saved(one));

const hostile = [
  '@everyone look at #1, https://evil.example and www.evil.example',
  '```\n@octocat\n# free\n</details>\n````\n~~~\n',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '`|` | a | b |\n|---|---|\n[x](javascript:alert(1)) ![x](https://evil.example/x.png) <!--',
  ']]></system-out><failure/>&amp;"\'\u0000\u001b[2J\ud800\ufffe\u202e',
].join('\n');

const hostilePlan = (): Plan => ({
  ...plan,
  hosts: [
    {
      host: 'node-1',
      plays: [
        {
          play: `Play ${hostile}`,
          steps: [
            step(
              `file ${hostile}`,
              hostile,
              [
                { subject: hostile, action: 'update', before: hostile, diff: `-${hostile}\n+\r` },
                { subject: hostile, action: 'refuse', why: hostile, fix: hostile },
              ],
              { level: 'opaque', why: hostile },
            ),
          ],
          handlers: [],
          converged: 0,
          skipped: [],
        },
      ],
    },
  ],
});

const many = (hosts: number, steps: number, diff: string): Plan => ({
  ...plan,
  hosts: Array.from({ length: hosts }, (_, host) => ({
    host: `node-${host}`,
    plays: [
      {
        play: 'Files',
        steps: [
          step('hostname', `node-${host}`, [
            { subject: 'hostname', action: 'update', before: 'debian', after: `node-${host}` },
          ]),
          ...Array.from({ length: steps }, (_step, index) =>
            step(`file /etc/${index}`, 'text', [
              { subject: `/etc/${index}`, action: 'update', diff },
            ]),
          ),
        ],
        handlers: [],
        converged: 0,
        skipped: [],
      },
    ],
  })),
});

describe('each form has a golden file', () => {
  for (const [name, render] of [
    ['plan.md', planMarkdown],
    ['plan.html', planHtml],
    ['plan.junit.xml', planJunit],
    ['plan.json', planJson],
  ] as const) {
    it(name, async () => {
      await expect(render(report(plan))).toMatchFileSnapshot(`golden/saved/${name}`);
      await expect(render(report(hostilePlan()))).toMatchFileSnapshot(
        `golden/saved/hostile-${name}`,
      );
    });
  }

  it('plan.json is a line of --json', () => {
    for (const one of [plan, hostilePlan()]) {
      expect(eventLines(planJson(report(one)))).toMatchObject([{ type: 'saved-plan' }]);
    }
  });

  it('plan.txt, and the command writes the same as the functions', async () => {
    const path = written('plan.json', saved(plan));
    const text = await bootstrap(['show', path, '--format', 'text']);
    await expect(text.stdout).toMatchFileSnapshot('golden/saved/plan.txt');
    const [markdown, terminal, broken] = await Promise.all([
      bootstrap(['show', path, '--format', 'markdown']),
      bootstrap(['show', path], { env: { FORCE_COLOR: '1' } }),
      bootstrap([
        'show',
        written('other', saved(plan)),
        '--link',
        'javascript:x',
        '--format',
        'markdown',
      ]),
    ]);
    expect(markdown).toEqual({ code: 0, stderr: '', stdout: planMarkdown(report(plan)) });
    expect(terminal.stdout).toContain('\u001b[');
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('no address')]);
  });
});

describe('markdown', () => {
  /** What stands outside of fenced blocks, where a reader of Markdown looks for markup. */
  const outside = (markdown: string): string =>
    markdown.replaceAll(/^(`{3,})diff\n[^]*?\n\1$/gm, '');

  it('starts with the totals and a table', () => {
    const lines = planMarkdown(report(plan)).split('\n');
    expect(lines[2]).toContain('on 5 of 6 hosts');
    expect(lines[4]).toBe('| | Play | Change | Hosts | Sure |');
    expect(lines[6]?.match(/(?<!\\)\|/g)).toHaveLength(6);
  });

  it('holds no markup, link or mention that comes from the plan', () => {
    const markdown = planMarkdown(report(hostilePlan()));
    const rest = outside(markdown);
    expect(rest).not.toMatch(/@|#1\b|https?:|www\.|!\[|\]\(|`|<!--|<script|<img|javascript:/);
    expect(
      rest.match(/<\/?[a-z]+/g)?.every((tag) => /^<\/?(code|details|summary|sub)$/.test(tag)),
    ).toBe(true);
    // A fence is closed by itself alone: no run of backticks inside is as long.
    for (const [, fence = '', body = ''] of markdown.matchAll(/^(`{3,})diff\n([^]*?)\n\1$/gm)) {
      expect(body).not.toContain(fence);
      expect(body).toContain('@octocat');
    }
    expect(rest.match(/<details>/g)).toHaveLength(rest.match(/<\/details>/g)?.length ?? 0);
  });

  it('stays within what GitHub takes, says what is left out, and where the whole is', () => {
    const diff = `@@ -1 +1 @@\n-${'æ🦭'.repeat(30)}\n+${'y'.repeat(60)}`;
    for (const large of [
      many(1000, 30, diff),
      many(1, 1, `+${'`'.repeat(50)}\n`.repeat(100_000)),
      many(1, 2000, diff),
    ]) {
      const markdown = planMarkdown(report(large), { link: 'https://ci.example/plan html?a=1' });
      expect(markdown.length).toBeLessThanOrEqual(65_536);
      expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(65_536);
      expect(markdown).toMatch(/more (rows|changes|lines)/);
      expect(outside(markdown).match(/<details>/g)).toHaveLength(
        outside(markdown).match(/<\/details>/g)?.length ?? 0,
      );
    }
    const cut = planMarkdown(report(many(1000, 0, '')), { link: 'https://ci.example/plan html' });
    expect(cut).toContain('[see the whole plan](<https://ci.example/plan%20html>)');
    expect(planMarkdown(report(many(1000, 0, '')))).toContain('bootstrap show FILE --format html');
  });
});

describe('junit', () => {
  it('is well-formed XML whatever is in a plan, and fails what is refused', async () => {
    const path = join(folder, 'hostile.xml');
    const xml = planJunit(report(hostilePlan()));
    writeFileSync(path, xml);
    const read =
      'import sys, xml.etree.ElementTree as t; r = t.parse(sys.argv[1]).getroot(); print(r.get("failures"), len(r.findall(".//testcase")), len(r.findall(".//failure")))';
    expect(await execute('python3', ['-c', read, path])).toEqual({
      code: 0,
      stdout: '1 1 1\n',
      stderr: '',
    });
  });
});

describe('html', () => {
  it('needs nothing from outside, and runs no script but its own', () => {
    for (const one of [plan, hostilePlan()]) {
      const html = planHtml(report(one));
      const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain(createHash('sha256').update(script).digest('base64'));
      expect(html.match(/<script/g)).toHaveLength(1);
      // Values are quoted, and hold neither quotes nor brackets: what is left are names.
      const tags = html.match(/<[a-z][^>]*>/g)?.map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
      for (const tag of tags ?? []) {
        expect(tag).not.toMatch(/\s(src|srcset|style|on[a-z]+)=/);
        expect(tag).not.toMatch(/^<(img|link|iframe|base|object|embed)/);
        if (tag.includes('href=')) expect(tag).toBe('<a class="" href="">');
      }
      expect(html.match(/href="[^"]*"/g)).toEqual(['href="#changes"']);
      expect(html).not.toMatch(/url\(|@import/);
      expect(html.match(/<details/g)).toHaveLength(html.match(/<\/details>/g)?.length ?? 0);
    }
  });

  it('names host, step and confidence of each change, for the filters', () => {
    const html = planHtml(report(plan));
    expect(html).toContain(
      'data-hosts="0-3" data-sure="conditional" data-step="sysctl kubernetes"',
    );
    expect(html).toContain('class="refuse" open data-hosts="4"');
    expect(html.match(/name="sure" value="(exact|conditional|opaque|handler)"/g)).toHaveLength(4);
    expect(html.match(/<option /g)).toHaveLength(6);
    // Every control is one that a keyboard reaches by itself.
    expect(html).not.toMatch(/tabindex|role="button"/);
  });

  it('of 1,000 hosts that share changes takes at most 5 MB and 2 s', async () => {
    const path = written(
      'large.json',
      saved(many(1000, 30, `@@ -1 +1 @@\n${'-x\n+y\n'.repeat(40)}`)),
    );
    const started = performance.now();
    const { code, stdout } = await bootstrap(['show', path, '--format', 'html']);
    const milliseconds = performance.now() - started;
    expect(code).toBe(0);
    expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(5_000_000);
    // Room for a machine that does other things; bench/ measures it.
    expect(milliseconds).toBeLessThan(20_000);
  }, 30_000);
});

it('a diff stands side by side', () => {
  expect(
    sideBySide('@@ -1,3 +1,3 @@\n same\n-old\n-gone\n+new\n\\ No newline at end of file\n end'),
  ).toEqual([
    { kind: 'hunk', before: '@@ -1,3 +1,3 @@', after: '@@ -1,3 +1,3 @@' },
    { kind: 'same', before: 'same', after: 'same' },
    { kind: 'changed', before: 'old', after: 'new ⌿ (no newline at the end)' },
    { kind: 'changed', before: 'gone', after: undefined },
    { kind: 'same', before: 'end', after: 'end' },
  ]);
});

it('the shell completes the formats, and the files of --out', async () => {
  const complete = (...words: string[]) => bootstrap(['__complete', ...words]);
  expect((await complete('show', 'plan.json', '--format', 'j')).stdout).toBe('json\njunit\n');
  expect((await complete('plan', 'x.yaml', '--out', '')).stdout).toBe(':files\n');
});
