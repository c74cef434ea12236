import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planHtml } from '../src/render/saved/html.ts';
import { planReport } from '../src/render/saved/report.ts';
import { openBrowser } from './browser.ts';
import { plan } from './plan-fixture.ts';
import { saved } from './saved-plan-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-report-'));
const file = join(folder, 'plan.html');
let browser: Browser;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  writeFileSync(file, planHtml(planReport(saved(plan))));
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith('file:')) problems.push(`asked for ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href);
}, 180_000);
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Ids of the changes that can be seen. */
const shown = (): Promise<string[]> =>
  page.$$eval('details[data-step]:not([hidden])', (items) =>
    items
      .filter((item) => item.getClientRects().length > 0)
      .map((item) => item.getAttribute('data-step') ?? ''),
  );

const field = (name: string) => page.locator(`input[name=${name}]`);

async function reset(): Promise<void> {
  for (const name of ['search', 'host', 'step']) await field(name).fill('');
  for (const box of await page.locator('input[name=sure]').all()) await box.check();
}

describe('in a real browser', () => {
  test('shows every change, and says how many', async () => {
    const steps = plan.hosts.flatMap(({ plays }) =>
      plays.flatMap(({ steps: of }) => of.map(({ id }) => id)),
    );
    expect(new Set(await shown())).toEqual(new Set([...steps, 'restart containerd']));
    const count = (await shown()).length;
    expect(await page.locator('output').textContent()).toBe(`${count} of ${count} changes shown`);
  });

  test('search finds text in what is folded away', async () => {
    await field('search').fill('SystemdCgroup = TRUE');
    expect(await shown()).toEqual(['file /etc/containerd/config.toml']);
    expect(await page.locator('output').textContent()).toMatch(/^1 of \d+ changes shown$/);
    await reset();
  });

  test('filters by host, by step and by confidence, each and together', async () => {
    await field('host').fill('db-1');
    const ofHost = await shown();
    expect(ofHost).toContain('command warm-up');
    expect(ofHost).not.toContain('sysctl kubernetes');
    await field('step').fill('absent');
    expect(await shown()).toEqual(['absent /etc/cron.d/old']);
    await reset();
    for (const level of ['exact', 'conditional', 'handler']) {
      await page.locator(`input[name=sure][value=${level}]`).uncheck();
    }
    expect(await shown()).toEqual(['command warm-up']);
    await reset();
    await field('search').fill('nothing has this');
    expect(await shown()).toEqual([]);
    expect(await page.locator('main section:visible').count()).toBe(0);
    await reset();
  });

  test('works with the keyboard alone', async () => {
    await page.locator('h1').click();
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement.name')).toBe('search');
    await page.keyboard.type('sysctl');
    expect(new Set(await shown())).toEqual(new Set(['sysctl kubernetes']));
    await page.keyboard.press('Escape');
    expect((await shown()).length).toBeGreaterThan(2);
    const focused = (): Promise<unknown> =>
      page.evaluate("document.activeElement.closest('details')?.dataset.step");
    await page.keyboard.press('j');
    const first = await focused();
    expect(first).toBe((await shown())[0]);
    await page.keyboard.press('j');
    expect(await focused()).toBe((await shown())[1]);
    await page.keyboard.press('k');
    expect(await focused()).toBe(first);
    const open = (): Promise<unknown> =>
      page.evaluate("document.activeElement.closest('details').open");
    expect(await open()).toBe(false);
    await page.keyboard.press('Enter');
    expect(await open()).toBe(true);
    await page.keyboard.press('Enter');
  });

  test('a diff stands side by side: what goes on the left, what comes on the right', async () => {
    const change = page.locator('details[data-step="file /etc/containerd/config.toml"]').first();
    await change.locator('summary').click();
    const gone = await change.locator('td.gone').first().boundingBox();
    const come = await change.locator('td.come').first().boundingBox();
    expect(gone?.y).toBe(come?.y);
    expect((gone?.x ?? 0) + (gone?.width ?? 0)).toBeLessThanOrEqual((come?.x ?? 0) + 1);
    await change.locator('summary').click();
  });

  test.each(['light', 'dark'] as const)('%s: text can be read', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    for (const item of await page.locator('details').all()) {
      await item.evaluate((element) => element.setAttribute('open', ''));
    }
    const contrasts = await page.evaluate(contrastsOfTexts);
    expect(contrasts.length).toBeGreaterThan(20);
    // WCAG 2.2, 1.4.3: 4.5 to 1.
    expect(contrasts.filter(({ contrast }) => contrast < 4.5)).toEqual([]);
    const background = await page.evaluate(
      'getComputedStyle(document.documentElement).colorScheme',
    );
    expect(background).toContain(colorScheme);
  });

  test('on a narrow screen nothing is wider than it', async () => {
    await page.setViewportSize({ width: 380, height: 800 });
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(380);
    await page.setViewportSize({ width: 1200, height: 900 });
  });

  test('all of that without a fault, and without asking any network', () => {
    expect(problems).toEqual([]);
  });
});

/** Runs in the page: contrast of each text with the first background behind it that is not clear. */
const contrastsOfTexts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const [r, g, b] = rgba(color).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgba(color)[3] === 255) return color;
    }
    return getComputedStyle(document.documentElement).colorScheme === 'dark' ||
      matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#ffffff';
  };
  return [...document.querySelectorAll('body *')]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
    .filter((element) => element.getClientRects().length > 0 && element.tagName !== 'SCRIPT')
    .map((element) => {
      const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return { text: element.textContent.slice(0, 40), contrast: Math.round(contrast * 100) / 100 };
    });
})()` as unknown as () => readonly { readonly text: string; readonly contrast: number }[];
