import { randomUUID } from 'node:crypto';
import type { Connector, Endpoint, SecretBook } from '@skerry/executor';
import type { Host, Inventory } from '@skerry/inventory';
import pLimit from 'p-limit';
import type { RunEvent } from '../events.ts';
import { HostLink } from '../host-link.ts';
import { lockOwner } from '../lock.ts';
import type { AnyVerification, ChecksRequest } from './checking.ts';
import { runChecks, type ChecksOutcome } from './run-checks.ts';

/** Everything that `verify` needs; all effects come in through it. */
export interface VerifyRequest {
  readonly verification: AnyVerification;
  readonly inventory: Inventory;
  /** The hosts selected by `--limit`. */
  readonly hosts: readonly Host[];
  /** How many hosts at a time. */
  readonly forks: number;
  readonly connector: Connector;
  readonly endpointOf: (host: Host) => Endpoint;
  readonly secrets: SecretBook;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
}

/**
 * Looks at a cluster by its verification. Only the host that is asked about the cluster is locked:
 * nothing is changed on the others, and the pods that are made belong to the cluster.
 */
export async function verifyCluster(request: VerifyRequest): Promise<ChecksOutcome> {
  const { verification } = request;
  const opened = new Map<string, HostLink>();
  const run = randomUUID();
  const linkOf = opening(request, opened, (link) => {
    if (verification.api.includes(link.host)) link.holdLock(lockOwner(), run);
  });
  try {
    return await runChecks(checksRequest(request, linkOf));
  } finally {
    await Promise.all([...opened.values()].map((link) => link.close()));
  }
}

/** The link of a host, made when it is first asked for, given to `prepare` and put into `opened`. */
export function opening(
  { inventory, connector, endpointOf }: VerifyRequest,
  opened: Map<string, HostLink>,
  prepare: (link: HostLink) => void,
): (name: string) => HostLink {
  return (name) => {
    const known = opened.get(name);
    if (known !== undefined) return known;
    const host = inventory.hosts.find((one) => one.name === name);
    if (host === undefined)
      throw new Error(`the verification names a host that is not there: ${name}`);
    const link = new HostLink(name, connector, endpointOf(host));
    prepare(link);
    opened.set(name, link);
    return link;
  };
}

/** What the checks need to know of a request. */
export function checksRequest(
  request: VerifyRequest,
  linkOf: (host: string) => HostLink,
): ChecksRequest {
  const { verification, inventory, hosts, secrets, signal, emit } = request;
  const limit = pLimit(request.forks);
  return {
    verification,
    cluster: inventory.cluster.name,
    hosts: verification.nodes.filter((name) => hosts.some((host) => host.name === name)),
    linkOf,
    forEachHost: async (names, task) => {
      await Promise.all(names.map((name) => limit(() => task(name))));
    },
    secrets,
    signal,
    emit,
  };
}
