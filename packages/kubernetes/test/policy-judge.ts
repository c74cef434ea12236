import type { KubernetesObject } from '../src/index.ts';

/** A pod, or with no namespace somebody outside of the cluster. */
export interface Party {
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

interface Labels {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

interface Peer {
  readonly podSelector?: Labels;
  readonly namespaceSelector?: Labels;
  readonly ipBlock?: unknown;
}

interface Port {
  readonly protocol: string;
  readonly port: number;
  readonly endPort?: number;
}

interface Policy {
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly podSelector: Labels;
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly {
      readonly from?: readonly Peer[];
      readonly ports?: readonly Port[];
    }[];
    readonly egress?: readonly {
      readonly to?: readonly Peer[];
      readonly ports?: readonly Port[];
    }[];
  };
}

function has({ matchLabels = {} }: Labels, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}

function matches(peer: Peer, party: Party, own: string): boolean {
  if (party.namespace === undefined) return peer.ipBlock !== undefined;
  if (peer.ipBlock !== undefined) return false;
  const inside =
    peer.namespaceSelector === undefined
      ? party.namespace === own
      : has(peer.namespaceSelector, { 'kubernetes.io/metadata.name': party.namespace });
  return inside && has(peer.podSelector ?? {}, party.labels);
}

/**
 * Whether policies let a packet through, as the documentation of NetworkPolicy has it: a pod that no
 * policy selects for a direction is open in it, otherwise one of them has to allow the packet.
 */
export function isAllowed(
  policies: readonly KubernetesObject[],
  from: Party,
  to: Party,
  port: string,
): boolean {
  const [number, protocol = ''] = port.split('/');
  const side = (pod: Party, other: Party, direction: 'Ingress' | 'Egress'): boolean => {
    if (pod.namespace === undefined) return true;
    const selecting = (policies as unknown as readonly Policy[]).filter(
      ({ metadata, spec }) =>
        metadata.namespace === pod.namespace &&
        spec.policyTypes.includes(direction) &&
        has(spec.podSelector, pod.labels),
    );
    if (selecting.length === 0) return true;
    return selecting.some(({ metadata, spec }) => {
      const rules =
        direction === 'Ingress'
          ? (spec.ingress ?? []).map(({ from: peers, ports }) => ({ peers, ports }))
          : (spec.egress ?? []).map(({ to: peers, ports }) => ({ peers, ports }));
      return rules.some(
        ({ peers, ports }) =>
          (peers === undefined || peers.some((peer) => matches(peer, other, metadata.namespace))) &&
          (ports === undefined ||
            ports.some(
              (one) =>
                one.protocol.toLowerCase() === protocol &&
                Number(number) >= one.port &&
                Number(number) <= (one.endPort ?? one.port),
            )),
      );
    });
  };
  return side(from, to, 'Egress') && side(to, from, 'Ingress');
}
