import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnector, SecretBook, type Connector } from '@skerry/executor';
import { parseInventory, selectHosts, type Host, type Inventory } from '@skerry/inventory';
import { endpointOf as sshEndpoint } from '../../executor/test/endpoint.ts';
import { startManyHosts } from '../../executor/test/many-hosts.ts';
import type { Sshd } from '../../executor/test/sshd.ts';
import { run, type Plan, type RunEvent, type RunOutcome, type Runbook } from '../src/index.ts';
import type { RunRequest } from '../src/request.ts';

/** Hosts at 127.0.1.1, 127.0.1.2 …, and runs over them. */
export interface LoopbackHosts {
  readonly sshd: Sshd;
  readonly inventory: Inventory;
  readonly stateFolder: string;
  /** Scripts as they were sent, tokens in place of secrets. */
  readonly sent: { host: string; script: string }[];
  readonly secrets: SecretBook;
  /** A path of a host as this machine sees it: `at('a', 'srv/x')`. */
  at(host: string, path: string): string;
  request(runbook: Runbook, options?: Partial<RunRequest>): RunRequest;
  run(runbook: Runbook, options?: Partial<RunRequest>): Promise<RunOutcome & Told>;
  stop(): Promise<void>;
}

export interface Told {
  readonly events: readonly RunEvent[];
  /** Exec channels that sshd started for this run. */
  readonly execs: number;
}

export async function startHosts(names: readonly string[]): Promise<LoopbackHosts> {
  const many = await startManyHosts();
  const { sshd } = many;
  const stateFolder = join(sshd.folder, 'state');
  const addressOf = new Map(names.map((name, index) => [name, `127.0.1.${index + 1}`]));
  const inventory = parseInventory(
    [
      'cluster: { name: loopback }',
      'groups:',
      '  everything:',
      '    hosts:',
      ...names.map((name) => `      ${name}: { address: ${addressOf.get(name)} }`),
      '',
    ].join('\n'),
    'loopback.yaml',
  );
  const secrets = new SecretBook();
  const sent: { host: string; script: string }[] = [];
  const connectors: Connector[] = [];

  const request = (runbook: Runbook, options: Partial<RunRequest> = {}): RunRequest => {
    const connector = createConnector({
      secrets,
      onSend: (host, script) => sent.push({ host, script }),
    });
    connectors.push(connector);
    return {
      mode: 'apply',
      runbook,
      inventory,
      hosts: selectHosts(inventory, 'all'),
      forks: 10,
      connector,
      endpointOf: (host: Host) =>
        sshEndpoint(sshd, { name: host.name, address: addressOf.get(host.name) ?? '' }),
      secrets,
      templates: () => ({
        render: (name) => name,
        source: (name) => name,
        manifest: (name) => name,
        chart: (name) => name,
      }),
      stateFolder,
      signal: new AbortController().signal,
      emit: () => undefined,
      approve: () => Promise.resolve(true),
      ...options,
    };
  };

  return {
    sshd,
    inventory,
    stateFolder,
    sent,
    secrets,
    at: (host, path) => many.at(addressOf.get(host) ?? '', path),
    request,
    run: async (runbook, options = {}) => {
      const events: RunEvent[] = [];
      const before = sshd.sessions();
      const outcome = await run(
        request(runbook, {
          ...options,
          emit: (event) => {
            events.push(event);
            options.emit?.(event);
          },
        }),
      );
      return { ...outcome, events, execs: sshd.sessions() - before };
    },
    stop: async () => {
      await Promise.all(connectors.map((connector) => connector.close()));
      await many.stop();
    },
  };
}

/** What a plan asks for: `host play step: subjects`. */
export function lines(plan: Plan): string[] {
  return plan.hosts.flatMap(({ host, plays }) =>
    plays.flatMap(({ steps, handlers }) => [
      ...steps.map(
        ({ id, changes, confidence }) =>
          `${host} ${id} [${confidence.level}]: ${changes.map(({ subject }) => subject).join(', ')}`,
      ),
      ...handlers.map(
        ({ id, leftover }) => `${host} handler ${id}${leftover ? ' (leftover)' : ''}`,
      ),
    ]),
  );
}

export const read = (path: string): string => readFileSync(path, 'utf8');
