import pLimit from 'p-limit';
import type { Facts } from './facts.ts';
import { cacheFacts } from './facts-cache.ts';
import { hostFailure, HostLink, type HostFailure } from './host-link.ts';
import { askFirst } from './probe-host.ts';
import type { RunRequest } from './request.ts';

export type FactsAnswer =
  | { readonly host: string; readonly facts: Facts }
  | { readonly host: string; readonly failure: HostFailure };

/** Reads the facts of hosts, as root where sudo lets us; one exec per host. */
export async function gatherFacts(
  request: Pick<
    RunRequest,
    'hosts' | 'forks' | 'connector' | 'endpointOf' | 'secrets' | 'signal' | 'stateFolder'
  >,
): Promise<FactsAnswer[]> {
  const limit = pLimit(request.forks);
  const { secrets, signal } = request;
  return Promise.all(
    request.hosts.map((host) =>
      limit(async (): Promise<FactsAnswer> => {
        const endpoint = request.endpointOf(host);
        const link = new HostLink(host.name, request.connector, endpoint);
        try {
          const become = endpoint.sudo.enabled !== false;
          const { facts } = await askFirst(link, undefined, { secrets, signal, become });
          await cacheFacts(request.stateFolder, host.name, facts);
          return { host: host.name, facts };
        } catch (error) {
          return { host: host.name, failure: hostFailure(error, 'unreachable') };
        } finally {
          await link.close();
        }
      }),
    ),
  );
}
