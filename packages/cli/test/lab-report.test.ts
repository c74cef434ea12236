import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readPlanFile } from '@skerry/runbook';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planHtml } from '../src/render/saved/html.ts';
import { planReport } from '../src/render/saved/report.ts';
import { openBrowser } from './browser.ts';
import { root } from './command.ts';

const folder = join(root, 'docs/review');
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
const saved = readPlanFile(textOf('lab-plan.json'), 'lab-plan.json');

test('the report of the lab is what the saved plan is shown as (npm run pictures)', () => {
  expect(textOf('lab-plan.html')).toBe(planHtml(planReport(saved)));
});

test('the page shows every picture that there is, and each is small', () => {
  const page = readFileSync(join(root, 'docs/review.md'), 'utf8');
  const shown = [...page.matchAll(/!\[[^\]]+\]\(review\/([^)]+\.png)\)/g)].map(([, name]) => name);
  const files = readdirSync(folder).filter((name) => name.endsWith('.png'));
  expect(new Set(shown)).toEqual(new Set(files));
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) {
    expect(statSync(join(folder, file)).size).toBeLessThan(150_000);
    expect(readFileSync(join(folder, file)).subarray(1, 4).toString()).toBe('PNG');
  }
  for (const name of ['lab-plan.html', 'lab-plan.json', 'lab-diff.html']) {
    expect(page).toContain(`(review/${name})`);
  }
});

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
}, 180_000);
afterAll(() => browser.close(), 60_000);

describe.each(['lab-plan.html', 'lab-diff.html'])('%s in a real browser', (name) => {
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(message.text()));
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) problems.push(`asked for ${request.url()}`);
    });
    await page.goto(pathToFileURL(join(folder, name)).href);
  });
  afterAll(() => page.close());

  const changes = () => page.locator('details[data-step]');
  const output = () => page.locator('output').textContent();

  test('shows all of it, and each host finds its own', async () => {
    const count = await changes().count();
    expect(count).toBeGreaterThan(0);
    expect(await output()).toBe(`${count} of ${count} changes shown`);
    for (const host of await page.locator('#hosts option').all()) {
      const called = (await host.getAttribute('value')) ?? '';
      await page.locator('input[name=host]').fill(called);
      const shown = await page.locator('details[data-step]:visible').count();
      expect(await output()).toBe(`${shown} of ${count} changes shown`);
      for (const line of await page.locator('details[data-step]:visible .hosts').all()) {
        // `lab-[1:2]` and the like would have to be understood; these are few.
        expect(await line.textContent()).toContain(called);
      }
    }
    await page.locator('input[name=host]').fill('');
  });

  test('every change opens by the keyboard, and nothing is wider than a phone', async () => {
    await page.locator('h1').click();
    const count = await changes().count();
    for (let index = 0; index < count; index++) {
      await page.keyboard.press('j');
      const before = await page.evaluate("document.activeElement.closest('details').open");
      if (before !== true) await page.keyboard.press('Enter');
    }
    expect(await page.locator('details[data-step][open]').count()).toBe(count);
    await page.setViewportSize({ width: 380, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(380);
  });

  test('all of that without a fault, and without asking any network', () => {
    expect(problems).toEqual([]);
  });
});
