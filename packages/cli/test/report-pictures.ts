/**
 * Makes the reports and the pictures of docs/review.md anew: of the plan that is saved there, which
 * was made of the lab's machines, and of a comparison in this repository's own history.
 *
 *   bootstrap plan inventory/lab.yaml --out docs/review/lab-plan.json    # new machines; where it is too old
 *   npm run pictures
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readPlanFile } from '@skerry/runbook';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { compareAt } from '../src/diff/compare-at.ts';
import { asPlanReport } from '../src/diff/diff-report.ts';
import { planHtml } from '../src/render/saved/html.ts';
import { planReport } from '../src/render/saved/report.ts';
import { openBrowser } from './browser.ts';
import { root } from './command.ts';

const folder = resolve(root, 'docs/review');
const inDocs = (name: string): string => join(folder, name);

process.chdir(root);
const saved = readPlanFile(readFileSync(inDocs('lab-plan.json'), 'utf8'), 'lab-plan.json');
writeFileSync(inDocs('lab-plan.html'), planHtml(planReport(saved)));
const compared = await compareAt('inventory/lab-kubernetes.yaml', {
  runbook: 'runbooks/cluster.ts',
  from: '43b08c8~1',
  to: '43b08c8',
});
writeFileSync(inDocs('lab-diff.html'), planHtml(asPlanReport(compared)));

interface Picture extends BrowserContextOptions {
  readonly name: string;
  readonly report: string;
  readonly before?: (page: Page) => Promise<unknown>;
}

/** Opens changes by the names of their steps, and brings the first of them below the search fields. */
const open =
  (...steps: readonly string[]) =>
  async (page: Page): Promise<void> => {
    for (const step of steps) {
      await page.locator(`details[data-step="${step}"]`).evaluate((item) => {
        item.setAttribute('open', '');
      });
    }
    await page
      .locator(`details[data-step="${steps[0]}"]`)
      .evaluate((item) => item.scrollIntoView({ block: 'start' }));
  };

async function search(page: Page): Promise<void> {
  await page.keyboard.press('/');
  await page.keyboard.type('containerd');
}

const wide = { width: 1100, height: 720 };
const plan = { report: 'lab-plan.html', viewport: wide };
const pictures: readonly Picture[] = [
  {
    name: 'diff',
    report: 'lab-diff.html',
    viewport: wide,
    before: open('membership', 'objects cluster'),
  },
  { ...plan, name: 'plan' },
  { ...plan, name: 'dark', colorScheme: 'dark', before: open('sysctl kubernetes') },
  { ...plan, name: 'search', viewport: { width: 1100, height: 460 }, before: search },
  { ...plan, name: 'narrow', viewport: { width: 390, height: 720 } },
];

const browser = await openBrowser();
try {
  for (const { name, report, before, ...options } of pictures) {
    const context = await browser.newContext({ colorScheme: 'light', ...options });
    const page = await context.newPage();
    await page.goto(pathToFileURL(inDocs(report)).href);
    await before?.(page);
    await page.screenshot({ path: inDocs(`${name}.png`) });
    await context.close();
  }
} finally {
  await browser.close();
}
