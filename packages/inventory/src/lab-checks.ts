import { didYouMean } from '@skerry/diagnostics';
import { isInNetwork } from './addresses.ts';
import type { Candidate } from './candidate.ts';
import type { Findings } from './findings.ts';
import { labSettings } from './schema.ts';
import { entryOf, type YamlTree } from './yaml-tree.ts';

/** The machines of the lab are hosts of the inventory, and the hosts are in its network. */
export function checkLab(
  lab: YamlTree | undefined,
  candidates: readonly Candidate[],
  findings: Findings,
): void {
  const machines = entryOf(lab, 'machines')?.value;
  const names = candidates.map(({ draft }) => draft.name);
  if (machines?.kind === 'map') {
    for (const [name, { key }] of machines.entries) {
      if (names.includes(name)) continue;
      findings.add(key, 'unknown-host', `there is no host "${name}" in this inventory`, {
        why: 'the machines of the lab are the hosts of the inventory',
        fix: didYouMean(name, names) ?? `the hosts are ${names.slice(0, 5).join(', ')}`,
      });
    }
  }
  if (lab?.kind !== 'map') return;
  const given = entryOf(lab, 'network')?.value;
  const network =
    given?.kind === 'scalar' && typeof given.value === 'string'
      ? given.value
      : labSettings.parse({}).network;
  for (const { draft, address } of candidates) {
    if (draft.broken || draft.address === undefined) continue;
    if (isInNetwork(address.value, network) !== false) continue;
    const what = `${address.value} is not in the network of the lab, ${network}`;
    findings.add(draft.address.place, 'address-outside-lab', what, {
      why: 'the machines of the lab are attached to this network only',
      fix: 'give the host an address in it, or write another "lab: {network: …}"',
    });
  }
}
