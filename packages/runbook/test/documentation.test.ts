import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadInventory } from '@skerry/inventory';
import { expect, test } from 'vitest';
import { expand } from '../src/expand.ts';
import { loadRunbook } from '../src/index.ts';
import { planHost } from '../src/host-plan.ts';
import { members } from '../src/members.ts';
import { factsOf } from './facts-of.ts';

const root = join(import.meta.dirname, '../../..');
const docs = join(root, 'docs');
const page = readFileSync(join(docs, 'runbooks.md'), 'utf8');
const example = join(import.meta.dirname, 'example/time-and-proxy.ts');

test('the page shows the example that is checked here, to the letter', () => {
  const [, shown] = /```ts\n(.*?)```\n/s.exec(page) ?? [];
  expect(shown).toBe(readFileSync(example, 'utf8'));
});

test('the example loads, and gives each host of oslo its steps', async () => {
  const runbook = await loadRunbook(example);
  const inventory = await loadInventory(join(root, 'inventory/oslo.yaml'));
  const { hosts } = inventory;
  const taking = members({ runbook, inventory, hosts });
  const stepsOf = (name: string, timeDaemon: '' | 'chrony'): string[] => {
    const host = hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(name);
    const facts = factsOf(name, { timeDaemon });
    const plays = expand({
      runbook,
      inventory,
      host,
      facts,
      fleet: new Map([[name, facts]]),
      members: taking,
      tags: undefined,
      resolve: {
        render: () => '',
        source: () => '',
        manifest: (name) => name,
        chart: (name) => name,
      },
      canonical: (text) => text,
    });
    const steps = plays.flatMap((play) => play.steps);
    const change = { changes: [{ subject: 'x', action: 'create' as const }] };
    const planned = planHost(
      name,
      plays,
      steps.map(() => change),
      [],
    );
    return planned.plays.flatMap((play) => [
      ...play.steps.map(({ id, confidence }) => `${id} ${confidence.level}`),
      ...play.handlers.map(({ id }) => `handler ${id}`),
      ...play.skipped.map((id) => `skipped ${id}`),
    ]);
  };
  expect(stepsOf('oslo-w-01', 'chrony')).toEqual(['timeSync exact', 'skipped package time']);
  expect(stepsOf('oslo-cp-1', '')).toEqual([
    'package time exact',
    'timeSync conditional',
    'package proxy exact',
    'file /etc/haproxy/haproxy.cfg conditional',
    'directory /etc/haproxy/errors conditional',
    'command error page conditional',
    'service haproxy conditional',
    'handler reload haproxy',
  ]);
});

test('the page names every option of plays and steps', () => {
  const named = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  const play = ['hosts', 'when', 'serial', 'maxFailPercentage', 'alongside', 'tags', 'become'];
  expect(named).toEqual([...play, 'notify', 'needs', 'tags', 'when']);
});

test('the index names every page, and no link of a page leads nowhere', () => {
  const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
  const index = readFileSync(join(docs, 'README.md'), 'utf8');
  for (const name of pages) if (name !== 'README.md') expect(index).toContain(`](${name})`);
  for (const name of pages) {
    const text = readFileSync(join(docs, name), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to);
    expect(links.filter((to) => !existsSync(join(docs, to))).map((to) => `${name}: ${to}`)).toEqual(
      [],
    );
  }
});
