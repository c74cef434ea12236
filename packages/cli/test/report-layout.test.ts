import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { textDiff } from '@skerry/steps';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planHtml } from '../src/render/saved/html.ts';
import { planReport } from '../src/render/saved/report.ts';
import { openBrowser } from './browser.ts';
import { plan, step } from './plan-fixture.ts';
import { saved } from './saved-plan-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-layout-'));
let browser: Browser;
let page: Page;

const text = 'first\n\n\nlast\n';
const file = (name: string, before: string | undefined, after: string | undefined) =>
  step(`file ${name}`, 'text', [
    { subject: name, action: 'update', diff: textDiff(before, after) },
  ]);
const files = [
  file('/new', undefined, text),
  file('/gone', text, undefined),
  file('/changed', text, text.replace('last', 'end')),
  ...Array.from({ length: 60 }, (_, index) => file(`/etc/${index}`, 'a\n', 'b\n')),
];

beforeAll(async () => {
  const path = join(folder, 'plan.html');
  const plays = [{ play: 'Files', steps: files, handlers: [], converged: 0, skipped: [] }];
  writeFileSync(path, planHtml(planReport(saved({ ...plan, hosts: [{ host: 'a', plays }] }))));
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1200, height: 700 } });
  await page.goto(pathToFileURL(path).href);
}, 180_000);
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const change = (name: string) => page.locator(`details[data-step="file ${name}"]`);

test('a line without text is as high as another', async () => {
  await change('/changed').locator('summary').click();
  const heights = await change('/changed')
    .locator('tr')
    .evaluateAll((rows) => rows.map((row) => Math.round(row.getBoundingClientRect().height)));
  expect(heights.length).toBeGreaterThan(4);
  expect(new Set(heights).size).toBe(1);
  await change('/changed').locator('summary').click();
});

test.each([
  ['/new', 'come'],
  ['/gone', 'gone'],
])('%s has one side, as wide as both', async (name, side) => {
  await change(name).locator('summary').click();
  const cells = change(name).locator('td:not(.hunk td)');
  expect(await cells.count()).toBe(4);
  expect(await change(name).locator(`td.${side}`).count()).toBe(4);
  const [cell, table] = [
    await cells.first().boundingBox(),
    await change(name).locator('table').boundingBox(),
  ];
  expect(Math.round(cell?.width ?? 0)).toBe(Math.round(table?.width ?? -1));
  await change(name).locator('summary').click();
});

test('the keys j and k never leave a change below the search fields', async () => {
  await page.locator('h1').click();
  const focused = (): Promise<{ top: number; below: number }> =>
    page.evaluate(`(() => {
      const form = document.querySelector('form').getBoundingClientRect();
      return { top: document.activeElement.getBoundingClientRect().top, below: form.bottom };
    })()`);
  const press = async (key: string): Promise<void> => {
    for (let times = 0; times < files.length; times++) {
      await page.keyboard.press(key);
      const { top, below } = await focused();
      expect(top).toBeGreaterThanOrEqual(below);
    }
  };
  await press('j');
  expect(await page.evaluate('scrollY')).toBeGreaterThan(1000);
  await press('k');
});

test('on a narrow screen the search fields scroll away with the rest', async () => {
  await page.setViewportSize({ width: 380, height: 700 });
  await page.evaluate('scrollTo(0, 2000)');
  const form = await page.locator('form').boundingBox();
  expect((form?.y ?? 0) + (form?.height ?? 0)).toBeLessThan(0);
  await page.setViewportSize({ width: 1200, height: 700 });
});
