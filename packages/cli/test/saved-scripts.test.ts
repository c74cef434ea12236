import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { renderScript, SecretBook } from '@skerry/executor';
import { loadInventory, type Inventory } from '@skerry/inventory';
import { unreadChart, unreadManifest } from '@skerry/kubernetes';
import { loadRunbook, neutralFacts, planFileText, readPlanFile, type Plan } from '@skerry/runbook';
import type { Fragment } from '@skerry/steps';
import { expect, test } from 'vitest';
import { expand } from '../../runbook/src/expand.ts';
import { planHost } from '../../runbook/src/host-plan.ts';
import { members } from '../../runbook/src/members.ts';
import { toPart } from '../../runbook/src/parts.ts';
import { templatesFor } from '../src/templates.ts';
import { root } from './command.ts';
import { saved } from './saved-plan-fixture.ts';

const named = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder)).filter((name) => name.endsWith(ending));

/** A plan in which every step of every host changes something: no script is left out. */
async function planOfAll(name: string, inventory: Inventory): Promise<Plan> {
  const file = join(root, 'runbooks', name);
  const runbook = await loadRunbook(file);
  const fleet = new Map(inventory.hosts.map((host) => [host.name, neutralFacts(host)]));
  const hosts = inventory.hosts.map((host) => {
    const facts = neutralFacts(host);
    const plays = expand({
      runbook,
      inventory,
      host,
      facts,
      fleet,
      members: members({ runbook, inventory, hosts: inventory.hosts }),
      tags: undefined,
      resolve: {
        ...templatesFor(inventory, file)(host, facts),
        manifest: unreadManifest,
        chart: unreadChart,
      },
      canonical: (text) => text,
    });
    const change = { changes: [{ subject: 'x', action: 'create' as const }] };
    const steps = plays.flatMap((play) => play.steps);
    return planHost(
      host.name,
      plays,
      steps.map(() => change),
      [],
    );
  });
  const order = runbook.plays.map((play) => play.name);
  return { schema: 1, runbook: runbook.name, cluster: inventory.cluster.name, order, hosts };
}

/** Every script of a plan by host and step, as it is written to a session. */
function scriptsOf({ hosts }: Plan): string[] {
  const secrets = new SecretBook();
  const script = ({ args, ...rest }: Fragment): string => {
    // What another host makes is asked for when it is needed: here stands how it would be.
    const known = args.map((arg) =>
      typeof arg === 'object' && 'readOn' in arg
        ? `made on ${arg.readOn.join(' or ')}:\n${script(arg.fragment)}`
        : arg,
    );
    const part = toPart({ ...rest, args: known }, secrets);
    return renderScript([{ ...part, required: true }], { nonce: 'n' });
  };
  return hosts.flatMap(({ host, plays }) =>
    plays.flatMap(({ steps, handlers }) => [
      ...steps.map(({ id, converge }) => `${host} ${id}\n${script(converge)}`),
      ...handlers.map(({ id, fragment }) => `${host} ${id}\n${script(fragment)}`),
    ]),
  );
}

test.each(named('runbooks', '.ts'))(
  'the plan of %s is a file that holds its very scripts, for every inventory',
  async (name) => {
    let count = 0;
    for (const inventory of named('inventory', '.yaml')) {
      const plan = await planOfAll(name, await loadInventory(join(root, 'inventory', inventory)));
      const scripts = scriptsOf(plan);
      count += scripts.length;
      const read = readPlanFile(planFileText(saved(plan).file), 'plan.json');
      expect(scriptsOf(read.plan)).toEqual(scripts);
      expect(read.plan).toEqual(plan);
    }
    expect(count).toBeGreaterThan(10);
  },
);
