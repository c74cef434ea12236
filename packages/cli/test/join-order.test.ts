import { join } from 'node:path';
import { parseInventory } from '@skerry/inventory';
import { loadRunbook, type Runbook } from '@skerry/runbook';
import { file } from '@skerry/steps';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import { root } from './command.ts';

const controlPlanes = ['cp-1', 'cp-2', 'cp-3', 'cp-4'];
const workers = ['w-1', 'w-2', 'w-3'];

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts([...controlPlanes, ...workers]);
});
afterAll(() => hosts.stop());

const group = (role: string, names: readonly string[], address: string): string =>
  `  ${role}s: { roles: [${role}], hosts: { ${names.map((name, n) => `${name}: { address: ${address}${n + 1} }`).join(', ')} } }\n`;

const inventory = parseInventory(
  `cluster: { name: site }
groups:
${group('control-plane', controlPlanes, '10.20.0.')}${group('worker', workers, '10.20.1.')}
kubernetes: { version: 1.36.3, endpoint: { address: 10.20.0.10, via: external } }
`,
  'site.yaml',
);

/** The plays of a runbook as they are, with a file in place of each step by which a host joins. */
function withFilesForJoins({ plays, ...rest }: Runbook): Runbook {
  return {
    ...rest,
    plays: plays.map((play) => ({
      ...play,
      body: (context) =>
        play
          .body(context)
          .flatMap(({ kind }) =>
            kind.kind === 'membership' ? [file('/srv/joined', { content: 'yes\n' })] : [],
          ),
    })),
  };
}

/** `begins` and `ends` of joins, in the order in which an apply of the runbook told them. */
async function joins(): Promise<string[]> {
  const runbook = await loadRunbook(join(root, 'runbooks/kubernetes.ts'));
  const apply = await hosts.run(withFilesForJoins(runbook), { inventory, hosts: inventory.hosts });
  expect(apply.hosts.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  return apply.events.flatMap((event) => {
    if (event.type === 'step-started') return [`${event.host} begins`];
    return event.type === 'step-finished' ? [`${event.host} ends`] : [];
  });
}

describe('the runbook kubernetes', () => {
  it('lets control planes join strictly one by one, then all workers at once', async () => {
    const told = await joins();
    // etcd takes one learner at a time: a second one that joins meanwhile is refused.
    const oneByOne = controlPlanes.flatMap((host) => [`${host} begins`, `${host} ends`]);
    expect(told.slice(0, oneByOne.length)).toEqual(oneByOne);
    const after = told.slice(oneByOne.length);
    expect(after.slice(0, workers.length)).toEqual(workers.map((host) => `${host} begins`));
    expect(after.slice(workers.length).toSorted()).toEqual(workers.map((host) => `${host} ends`));
  });
});
