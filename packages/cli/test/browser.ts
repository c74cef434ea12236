import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Chromium as Debian and others install it, or the one that SKERRY_CHROMIUM names. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A real browser without a network. Throws where none is installed: the report must be looked at. */
export async function openBrowser(): Promise<Browser> {
  const named = process.env['SKERRY_CHROMIUM'];
  const path = named ?? places.find((place) => existsSync(place));
  if (path === undefined) {
    throw new Error('no Chromium: apt-get install chromium, or name one in SKERRY_CHROMIUM');
  }
  return chromium.launch({
    executablePath: path,
    // Containers without user namespaces cannot have its sandbox; the pages are our own.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: 120_000,
  });
}
