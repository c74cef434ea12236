import { join } from 'node:path';
import { loadInventory, selectHosts } from '@skerry/inventory';
import { loadRunbook } from '@skerry/runbook';
import { beforeAll, describe, expect, it } from 'vitest';
import { expand, type ExpandedPlay } from '../../runbook/src/expand.ts';
import { planHost } from '../../runbook/src/host-plan.ts';
import { members } from '../../runbook/src/members.ts';
import { bundledPackage } from '../../kubernetes/test/bundled-package.ts';
import { factsOf } from '../../runbook/test/facts-of.ts';
import { packageSets } from '@skerry/kubernetes';
import type { Facts } from '@skerry/runbook';
import type { Bundle } from '@skerry/steps';
import { templatesFor } from '../src/templates.ts';
import { root } from './command.ts';

const file = join(root, 'runbooks/prepare-nodes.ts');
const systems: readonly Partial<Facts>[] = [
  { distribution: 'debian', version: '12', codename: 'bookworm', kernel: '6.1.0-37-amd64' },
  { distribution: 'debian', version: '13', codename: 'trixie', kernel: '6.12.43+deb13-amd64' },
  { distribution: 'ubuntu', version: '22.04', codename: 'jammy', kernel: '5.15.0-151-generic' },
  { distribution: 'ubuntu', version: '24.04', codename: 'noble', kernel: '6.8.0-71-generic' },
  { distribution: 'ubuntu', version: '26.04', codename: 'resolute', kernel: '7.0.0-10-generic' },
  { distribution: 'rocky', version: '9.6', family: 'redhat', kernel: '5.14.0-570.el9.x86_64' },
  { distribution: 'rhel', version: '10.0', family: 'redhat', kernel: '6.12.0-55.el10.x86_64' },
];

let inventory: Awaited<ReturnType<typeof loadInventory>>;
let runbook: Awaited<ReturnType<typeof loadRunbook>>;
beforeAll(async () => {
  inventory = await loadInventory(join(root, 'inventory/oslo.yaml'));
  runbook = await loadRunbook(file);
});

/** What a host of oslo gets when it runs this system. */
function expanded(name: string, system: Partial<Facts>, bundle?: Bundle): ExpandedPlay[] {
  const [host] = selectHosts(inventory, name);
  if (host === undefined) throw new Error(name);
  const facts = factsOf(name, { timeDaemon: '', ...system });
  return expand({
    runbook,
    inventory,
    host,
    facts,
    fleet: new Map([[name, facts]]),
    members: members({ runbook, inventory, hosts: inventory.hosts }),
    tags: undefined,
    resolve: templatesFor(inventory, file)(host, facts),
    ...(bundle === undefined ? {} : { bundle }),
    canonical: (text) => text,
  });
}

describe.each(
  systems.map((system) => [`${system.distribution}-${system.version}`, system] as const),
)('prepare-nodes on %s', (label, system) => {
  it('asks for what the golden file says', async () => {
    const plays = expanded('oslo-cp-1', system);
    const text = plays
      .map(({ play, steps }) =>
        [
          `# ${play}`,
          ...steps.map(({ id, kind, desired, needs }) => {
            const after = needs.length === 0 ? '' : `  (after ${needs.join(', ')})`;
            const { content } = desired as { content?: string };
            const lines = kind.kind === 'template' ? (content ?? '').trimEnd().split('\n') : [];
            return [`${id}: ${kind.summary(desired)}${after}`, ...lines].join('\n    | ');
          }),
        ].join('\n'),
      )
      .join('\n\n');
    await expect(`${text}\n`).toMatchFileSnapshot(`golden/prepare-nodes/${label}.txt`);
  });

  it('makes a plan of every step on a host that has nothing yet', () => {
    const plays = expanded('oslo-w-01', system);
    const steps = plays.flatMap((play) => play.steps);
    const change = { changes: [{ subject: 'x', action: 'create' as const }] };
    const plan = planHost(
      'oslo-w-01',
      plays,
      Array.from(steps, () => change),
      [],
    );
    const planned = plan.plays.flatMap((play) => play.steps);
    expect(planned.map(({ id }) => id)).toEqual(steps.map(({ id }) => id));
    for (const { converge } of planned) expect(converge.code).not.toBe('');
    expect(plan.plays.flatMap((play) => play.handlers).map(({ id }) => id)).toContain(
      'restart containerd',
    );
  });
});

describe('with a bundle that has packages of the distribution', () => {
  const system = { distribution: 'debian', version: '13', codename: 'trixie' };

  /** Each package that bundle create is told of, alone. */
  const bundled = (): Bundle => {
    const known = { ...factsOf('oslo-cp-1', { timeDaemon: '', ...system }) };
    const [set] = packageSets(inventory, new Map([['oslo-cp-1', known]]), []);
    return {
      schema: 1,
      artifacts: (set?.names ?? []).map((name) => bundledPackage(name, [name])),
    };
  };
  const packageSteps = (plays: readonly ExpandedPlay[]) =>
    plays
      .flatMap(({ steps }) => steps)
      .filter(({ kind }) => kind.kind === 'package')
      .map(({ desired }) => desired as { present: string[]; archives?: { name: string }[] });

  it('packages come from nowhere else, and none of them is lacking', () => {
    const steps = packageSteps(expanded('oslo-cp-1', system, bundled()));
    expect(steps.length).toBeGreaterThanOrEqual(2);
    for (const { present, archives } of steps) {
      expect(archives?.map(({ name }) => name).toSorted()).toEqual(present.toSorted());
    }
  });

  it('hosts of other distributions keep their repositories', () => {
    for (const other of systems.filter(({ version }) => version !== '13')) {
      const steps = packageSteps(expanded('oslo-cp-1', other, bundled()));
      expect(steps.filter(({ archives }) => archives !== undefined)).toEqual([]);
    }
  });
});
