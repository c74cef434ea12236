import type { KubernetesSettings, PolicySettings } from '@skerry/inventory';
import { nodeLocalAddress } from '../kubeadm/cluster-dns.ts';
import { parseRange } from '../address-range.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

type Path = Exclude<PolicySettings['allow'][number], string>;

type Selector =
  | { readonly kind: 'any' }
  | { readonly kind: 'network'; readonly cidr: string }
  /** Pods with a label (or all pods) of one namespace; of the policy's own where it is undefined. */
  | {
      readonly kind: 'pods';
      readonly namespace: string | undefined;
      readonly labels: Readonly<Record<string, string>>;
    };

function selectorOf(text: string): Selector {
  if (text === 'any') return { kind: 'any' };
  const inside = /^namespace=([^/]+)(?:\/(.+))?$/.exec(text);
  const label = inside === null ? text : inside[2];
  if (inside === null && !text.includes('=')) return { kind: 'network', cidr: text };
  const [key = '', value = ''] = label?.split('=') ?? [];
  return {
    kind: 'pods',
    namespace: inside?.[1],
    labels: label === undefined ? {} : { [key]: value },
  };
}

function podSelector(labels: Readonly<Record<string, string>>): KubernetesObject {
  return Object.keys(labels).length === 0 ? {} : { matchLabels: { ...labels } };
}

function inNamespace(name: string, labels: Readonly<Record<string, string>>): KubernetesObject {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
    ...(Object.keys(labels).length === 0 ? {} : { podSelector: podSelector(labels) }),
  };
}

/** The peers that a selector means in a policy of `namespace`; none stands for everybody. */
function peersOf(selector: Selector, namespace: string): KubernetesObject[] {
  if (selector.kind === 'any') return [];
  if (selector.kind === 'network') return [{ ipBlock: { cidr: selector.cidr } }];
  const { namespace: other = namespace, labels } = selector;
  return other === namespace
    ? [{ podSelector: podSelector(labels) }]
    : [inNamespace(other, labels)];
}

function portOf(port: number | string): KubernetesObject {
  if (typeof port === 'number') return { protocol: 'TCP', port };
  const [numbers = '', protocol = 'tcp'] = port.split('/');
  const [first, last] = numbers.split('-').map(Number);
  return {
    protocol: protocol.toUpperCase(),
    port: first,
    ...(last === undefined ? {} : { endPort: last }),
  };
}

interface Rule {
  readonly pods: KubernetesObject;
  readonly direction: 'Ingress' | 'Egress';
  readonly peers: readonly KubernetesObject[];
  readonly ports: readonly KubernetesObject[];
}

function policy(namespace: string, name: string, rule: Rule): KubernetesObject {
  const { pods, direction, peers, ports } = rule;
  const [list, side] = direction === 'Ingress' ? ['ingress', 'from'] : ['egress', 'to'];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: pods,
      policyTypes: [direction],
      [list]: [
        {
          ...(peers.length > 0 ? { [side]: peers } : {}),
          ...(ports.length > 0 ? { ports } : {}),
        },
      ],
    },
  };
}

function denyAll(namespace: string): KubernetesObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'default-deny', namespace },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  };
}

/** UDP and TCP 53 to the DNS of the cluster, and to the cache on the node where there is one. */
function dnsPolicy(namespace: string, nodeLocal: boolean): KubernetesObject {
  // The cache is asked by its own address, or under Cilium takes the place of the DNS' pods.
  const cache = nodeLocal
    ? [
        inNamespace('kube-system', { 'k8s-app': 'node-local-dns' }),
        { ipBlock: { cidr: `${nodeLocalAddress}/32` } },
      ]
    : [];
  return policy(namespace, 'allow-dns', {
    pods: {},
    direction: 'Egress',
    peers: [inNamespace('kube-system', { 'k8s-app': 'kube-dns' }), ...cache],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  });
}

function internetPolicy(namespace: string, { network }: KubernetesSettings): KubernetesObject {
  const own = [...network.pods, ...network.services];
  const peers = ([4, 6] as const).flatMap((family) => {
    const except = own.filter((text) => parseRange(text)?.family === family);
    const cidr = family === 4 ? '0.0.0.0/0' : '::/0';
    return except.length === 0 ? [] : [{ ipBlock: { cidr, except } }];
  });
  return policy(namespace, 'allow-internet', { pods: {}, direction: 'Egress', peers, ports: [] });
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

/** A path as policies of one namespace: inwards where `to` lies in it, outwards where `from` does. */
function pathPolicies(
  path: Path,
  namespace: string,
  managed: readonly string[],
): KubernetesObject[] {
  const [to, from] = [selectorOf(path.to), selectorOf(path.from)];
  const ports = path.ports.map(portOf);
  const name = slug(['allow', path.from, 'to', path.to, ...path.ports].join('-'));
  const isHere = (selector: Selector): selector is Extract<Selector, { kind: 'pods' }> =>
    selector.kind === 'pods' && (selector.namespace ?? namespace) === namespace;
  const policies: KubernetesObject[] = [];
  // LABEL=VALUE means pods of each namespace that the policies hold for, on one side only.
  const here = to.kind === 'pods' && to.namespace === undefined;
  const sender = from.kind === 'pods' && from.namespace !== undefined ? from.namespace : undefined;
  if (isHere(to)) {
    const pods = podSelector(to.labels);
    const peers = peersOf(from, namespace);
    policies.push(policy(namespace, `${name}-in`, { pods, direction: 'Ingress', peers, ports }));
  }
  if (isHere(from) || (from.kind === 'any' && isHere(to))) {
    const targets = here && sender !== undefined ? managed : [namespace];
    const peers = targets.flatMap((target) =>
      here && target !== namespace && to.kind === 'pods'
        ? [inNamespace(target, to.labels)]
        : peersOf(to, namespace),
    );
    const pods = from.kind === 'pods' ? podSelector(from.labels) : {};
    policies.push(policy(namespace, `${name}-out`, { pods, direction: 'Egress', peers, ports }));
  }
  return policies;
}

/**
 * NetworkPolicies from the short form, namespace by namespace. None where nothing is denied: a policy
 * that allows something closes everything else to the pods that it selects.
 */
export function networkPolicies(kubernetes: KubernetesSettings): KubernetesObject[] {
  const { policies, dns } = kubernetes;
  if (policies.default === 'allow') return [];
  return policies.namespaces.flatMap((namespace) => [
    denyAll(namespace),
    ...policies.allow.flatMap((item): KubernetesObject[] => {
      if (item === 'dns') return [dnsPolicy(namespace, dns.nodeLocal)];
      if (item === 'internet') return [internetPolicy(namespace, kubernetes)];
      if (typeof item === 'string') {
        const all = { pods: {}, peers: [{ podSelector: {} }], ports: [] };
        return [
          policy(namespace, 'allow-same-namespace-in', { ...all, direction: 'Ingress' }),
          policy(namespace, 'allow-same-namespace-out', { ...all, direction: 'Egress' }),
        ];
      }
      return pathPolicies(item, namespace, policies.namespaces);
    }),
  ]);
}
