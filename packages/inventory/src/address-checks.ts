import { canonicalAddress } from './addresses.ts';
import type { Candidate } from './candidate.ts';
import type { Findings } from './findings.ts';
import { rawSetting } from './settings.ts';

/** Every host has an address, and no two hosts are one machine. Each line of the file is named once. */
export function checkAddresses(candidates: readonly Candidate[], findings: Findings): void {
  const owners = new Map<string, Candidate>();
  const told = new Set<string>();
  for (const candidate of candidates) {
    const { draft } = candidate;
    if (draft.broken) continue;
    if (lacksAddress(candidate)) {
      const line = `${draft.place.start}`;
      if (!told.has(line)) tellMissing(candidate, findings);
      told.add(line);
      continue;
    }
    const machine = machineOf(candidate);
    const owner = owners.get(machine);
    if (owner === undefined) {
      owners.set(machine, candidate);
      continue;
    }
    const lines = `${owner.draft.place.start}-${draft.place.start}`;
    if (!told.has(lines)) tellDuplicate(owner, candidate, findings);
    told.add(lines);
  }
}

function isLocal({ layer }: Candidate): boolean {
  return rawSetting(layer, 'connection', 'transport') === 'local';
}

/** Without an address of its own a host is this machine, or has a full name, which DNS knows. */
function lacksAddress(candidate: Candidate): boolean {
  const { address, name } = candidate.draft;
  return address === undefined && !isLocal(candidate) && !name.includes('.');
}

/** The same for two hosts that are reached in the same way. */
function machineOf(candidate: Candidate): string {
  if (isLocal(candidate)) return 'local';
  const port = rawSetting(candidate.layer, 'connection', 'port') ?? 22;
  const jump = rawSetting(candidate.layer, 'connection', 'jump') ?? [];
  return JSON.stringify([canonicalAddress(candidate.address.value), port, jump]);
}

function tellMissing({ draft }: Candidate, findings: Findings): void {
  findings.add(draft.place, 'missing-address', `the host "${draft.name}" has no address`, {
    why: 'no group gives it one, and only a full name with a dot in it stands for itself',
    fix: `write "address: 10.0.0.1"; where ssh_config or DNS knows the name, "address: ${draft.name}"`,
  });
}

function tellDuplicate(owner: Candidate, candidate: Candidate, findings: Findings): void {
  const { draft, address } = candidate;
  const local = isLocal(candidate);
  const both = `"${owner.draft.name}" and "${draft.name}"`;
  const first = findings.source.lineAt((owner.draft.address?.place ?? owner.draft.place).start);
  findings.add(
    draft.address?.place ?? draft.place,
    'duplicate-address',
    local ? `${both} are both this machine` : `${both} have the same address, ${address.value}`,
    {
      why: `it stands at ${first} already; two hosts that are one machine would undo each other's changes`,
      fix: local ? 'keep one of them' : 'correct one of the two addresses',
    },
  );
}
