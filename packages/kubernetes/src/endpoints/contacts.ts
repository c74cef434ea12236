import type { SourcePosition } from '@skerry/diagnostics';
import { parseJump, type Host, type Inventory } from '@skerry/inventory';
import { apiServerPort, controlPlanesOf } from '../kubeadm/endpoint.ts';
import { bgpPeers } from '../networks/bgp-peers.ts';
import { isHostRole } from '../rules/roles.ts';
import { hostOfUrl, type Contact, type Unsaid } from './endpoint.ts';
import { fetchContacts, registryContacts } from './fetched.ts';
import { overlayPorts } from './overlay-ports.ts';

export interface ContactOptions {
  /** Programs, images and add-ons come from a bundle. */
  readonly bundle: boolean;
  /** Also what `bundle create` contacts. */
  readonly creating?: boolean;
  /** Those whose packages it fetches: `debian-13`. */
  readonly distributions?: readonly string[];
}

export interface Contacts {
  /** Each once, those of the operator first. */
  readonly contacts: readonly Contact[];
  readonly unsaid: readonly Unsaid[];
}

/**
 * Every host that Skerry contacts for an inventory, and that nodes contact because of what Skerry
 * sets up on them. What applications do is theirs. Pure.
 */
export function contactsOf(inventory: Inventory, options: ContactOptions): Contacts {
  const nodes = inventory.hosts.filter(({ roles }) => roles.some(isHostRole));
  const cluster = inventory.kubernetes.version !== undefined;
  const all = [
    ...inventory.hosts.flatMap((host) => loginContacts(host)),
    ...(options.creating === true ? fetchContacts(inventory, options.distributions ?? []) : []),
    ...inventory.hosts.flatMap((host) => timeContacts(host)),
    ...(options.bundle || !cluster ? [] : sourceContacts(inventory, nodes)),
    ...(cluster ? clusterContacts(inventory, nodes) : []),
  ];
  const seen = new Map<string, Contact>();
  for (const contact of all) {
    const { host, port, protocol, from, reason } = contact;
    const key = [host, port, protocol, from, reason].join(' ');
    if (!seen.has(key)) seen.set(key, contact);
  }
  return { contacts: [...seen.values()], unsaid: unsaidOf(inventory, options) };
}

/** The line that a value of a host came from, or the line of the host. */
function placeOf({ origins, at }: Host, ...paths: readonly string[]): SourcePosition {
  for (const path of paths) {
    const place = origins.get(path)?.at;
    if (place !== undefined) return place;
  }
  return at;
}

const withPlace = (at: SourcePosition | undefined): { at?: SourcePosition } =>
  at === undefined ? {} : { at };

function loginContacts(host: Host): Contact[] {
  const { connection, address, name } = host;
  if (connection.transport === 'local') return [];
  const hops = connection.jump.flatMap((hop) => {
    const jump = parseJump(hop);
    return jump === undefined ? [] : [{ host: jump.address, port: jump.port ?? 22 }];
  });
  const last = { host: address, port: connection.port ?? 22 };
  return [...hops, last].map((target, index): Contact => {
    const jump = index < hops.length;
    return {
      ...target,
      protocol: 'tcp',
      from: index === 0 ? 'operator' : 'jump host',
      reason: jump ? 'SSH, as a jump host' : `SSH to ${name}`,
      at: jump ? placeOf(host, 'connection.jump') : placeOf(host, 'address'),
    };
  });
}

function timeContacts(host: Host): Contact[] {
  const at = placeOf(host, 'node.timeServers');
  return host.node.timeServers.map((server) => ({
    host: server,
    port: 123,
    protocol: 'udp',
    from: 'nodes',
    reason: 'time (NTP)',
    at,
  }));
}

/** Without a bundle: the packages of Kubernetes, and the registries of its images. */
function sourceContacts(inventory: Inventory, nodes: readonly Host[]): Contact[] {
  const { kubernetes, kubernetesPlaces: places } = inventory;
  const repository = hostOfUrl(kubernetes.packages.repository);
  const at = places.get('packages.repository');
  const packages = { protocol: 'tcp', from: 'nodes', ...withPlace(at) } as const;
  return [
    ...(repository === undefined
      ? []
      : [{ ...repository, ...packages, reason: 'packages of kubeadm, kubelet and kubectl' }]),
    ...(repository?.host === 'pkgs.k8s.io'
      ? [
          {
            host: 'prod-cdn.packages.k8s.io',
            port: 443,
            ...packages,
            reason: 'where pkgs.k8s.io sends its clients',
          },
        ]
      : []),
    ...registryContacts(inventory, nodes),
  ];
}

/** What nodes contact of each other, and beside the cluster. */
function clusterContacts(inventory: Inventory, nodes: readonly Host[]): Contact[] {
  const { kubernetes, kubernetesPlaces: places } = inventory;
  const { endpoint } = kubernetes;
  const controlPlanes = controlPlanesOf(inventory);
  const api = apiServerPort(kubernetes);
  const own = (host: Host): Pick<Contact, 'host' | 'at'> => ({
    host: host.address,
    at: placeOf(host, 'address'),
  });
  return [
    ...(endpoint === undefined
      ? []
      : [
          {
            host: endpoint.address,
            port: endpoint.port,
            protocol: 'tcp',
            from: 'nodes',
            reason: 'the API of Kubernetes',
            ...withPlace(places.get('endpoint.address')),
          } as const,
        ]),
    ...controlPlanes.flatMap((host): Contact[] => [
      { ...own(host), port: api, protocol: 'tcp', from: 'nodes', reason: 'an API server' },
      ...(controlPlanes.length < 2
        ? []
        : [2379, 2380].map((port): Contact => {
            const reason = 'etcd, between its members';
            return { ...own(host), port, protocol: 'tcp', from: 'control planes', reason };
          })),
      ...(endpoint?.via === 'keepalived' && controlPlanes.length > 1
        ? [
            {
              ...own(host),
              port: 0,
              protocol: 'vrrp',
              from: 'control planes',
              reason: 'keepalived: who holds the address of the API',
            } as const,
          ]
        : []),
    ]),
    ...nodes.flatMap((host): Contact[] => [
      { ...own(host), port: 10_250, protocol: 'tcp', from: 'control planes', reason: 'a kubelet' },
      ...overlayPorts(kubernetes).map((port) => ({
        ...own(host),
        from: 'nodes' as const,
        ...port,
      })),
    ]),
    ...bgpPeers(inventory).map(({ name, address, port, place }): Contact => ({
      host: address,
      port,
      protocol: 'tcp',
      from: 'nodes',
      reason: `BGP with ${name}`,
      ...withPlace(places.get(place)),
    })),
  ];
}

function unsaidOf(inventory: Inventory, options: ContactOptions): Unsaid[] {
  const { hosts } = inventory;
  const own = 'the repositories that the nodes are set to';
  const untimed = hosts.find(({ node }) => node.timeServers.length === 0);
  const commands = new Set(
    hosts.flatMap(({ secrets }) =>
      Object.entries(secrets)
        .filter(([, token]) => token.startsWith('⟦secret:command:'))
        .map(([name]) => name),
    ),
  );
  return [
    {
      what: options.bundle
        ? `Packages of the distribution, containerd among them, come from the bundle where it has those of a node's distribution, else from ${own}.`
        : `Packages of the distribution, containerd among them, come from ${own}.`,
    },
    ...(options.creating === true && (options.distributions ?? []).length === 0
      ? [
          {
            what: 'No run has read the nodes: bundle create also contacts the repositories of the distributions that it is told of.',
          },
        ]
      : []),
    { what: 'Names are asked of the resolvers that the nodes are set to; CoreDNS asks them, too.' },
    ...(untimed === undefined
      ? []
      : [
          {
            what: `${untimed.name} has no timeServers: its time comes from those of the distribution.`,
            at: untimed.at,
          },
        ]),
    ...(hosts.some(
      ({ connection }) => connection.transport === 'ssh' && connection.sshConfig !== false,
    )
      ? [{ what: 'Your ssh_config may name other addresses and jump hosts.' }]
      : []),
    ...[...commands].map((name) => ({
      what: `The secret ${name} is the output of a command; what that contacts is its own.`,
    })),
  ];
}
