import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../packages/cli/test/browser.ts';
import { paired, type Paired } from './pairs.ts';

/** Milliseconds from the navigation to the first content that is painted, as the browser tells it. */
const firstContent = `new Promise((done) => {
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) {
      if (name === 'first-contentful-paint') done(startTime);
    }
  }).observe({ type: 'paint', buffered: true });
})`;

async function timeOf(browser: Browser, file: string): Promise<number> {
  const page = await browser.newPage();
  await page.goto(pathToFileURL(file).href, { waitUntil: 'commit' });
  const milliseconds: number = await page.evaluate(firstContent);
  await page.close();
  return milliseconds;
}

/** How long Chromium takes to paint a page, against one that has a word in it. */
export async function firstPaints(html: string, rounds: number): Promise<Paired> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-paint-'));
  const [ours, theirs] = [join(folder, 'ours.html'), join(folder, 'theirs.html')];
  writeFileSync(ours, html);
  writeFileSync(theirs, '<!doctype html><title>x</title><p>word');
  const browser = await openBrowser();
  try {
    const times: [number, number][] = [];
    for (let round = 0; round <= rounds; round++) {
      times.push([await timeOf(browser, ours), await timeOf(browser, theirs)]);
    }
    // The first one is the warm-up.
    return paired(times.slice(1));
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
