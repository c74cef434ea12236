import type { KubernetesSettings } from '@skerry/inventory';
import { manifestObjects } from '../cluster-objects/manifest-objects.ts';
import { dnsServiceAddress, nodeLocalAddress } from '../kubeadm/cluster-dns.ts';
import { proxyModeOf } from '../matrix/proxy-modes.ts';
import type { DesiredObject } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { digestOf } from '../objects/ownership.ts';
import { rolledOutWith, withChanges } from './bundled-manifest.ts';

/**
 * Kubernetes' manifest with its placeholders filled in (kubernetes.io, nodelocaldns): where the cache
 * steps in between (iptables) it has the address of the cluster's DNS too; where it is asked by its
 * own address it asks the DNS by its Service. `__PILLAR__UPSTREAM__SERVERS__`, and in the first form
 * `__PILLAR__CLUSTER__DNS__`, are filled in by the cache itself.
 */
function filledIn(manifest: string, { network, dns }: KubernetesSettings): string {
  const services = network.services.map(dnsServiceAddress);
  const domain = manifest.replaceAll('__PILLAR__DNS__DOMAIN__', dns.domain);
  const form = proxyModeOf(network.proxy).nodeLocalDns;
  if (form === 'redirect-policy') {
    return domain
      .replaceAll('bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__', 'bind 0.0.0.0')
      .replaceAll('health __PILLAR__LOCAL__DNS__:8080', 'health :8080')
      .replaceAll('__PILLAR__LOCAL__DNS__', nodeLocalAddress)
      .replaceAll('__PILLAR__DNS__SERVER__', services.join(','));
  }
  const local = domain.replaceAll('__PILLAR__LOCAL__DNS__', nodeLocalAddress);
  if (form === 'transparent') {
    return local
      .replaceAll(',__PILLAR__DNS__SERVER__', `,${services.join(',')}`)
      .replaceAll('__PILLAR__DNS__SERVER__', services.join(' '));
  }
  return local
    .replaceAll(',__PILLAR__DNS__SERVER__', '')
    .replaceAll(' __PILLAR__DNS__SERVER__', '')
    .replaceAll('__PILLAR__CLUSTER__DNS__', services.join(' '));
}

interface Pod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly hostNetwork?: boolean;
    readonly containers: readonly {
      readonly name: string;
      readonly args: readonly string[];
      readonly livenessProbe: { readonly httpGet: Readonly<Record<string, unknown>> };
    }[];
  };
}

/** In a pod of its own: it makes no interface and no rules, and Cilium leads queries to it. */
function asPod(object: KubernetesObject): KubernetesObject {
  const spec = object['spec'] as { readonly template: Pod };
  const { hostNetwork: _, ...pod } = spec.template.spec;
  const containers = pod.containers.map((container) => {
    const { host: __, ...httpGet } = container.livenessProbe.httpGet;
    return {
      ...container,
      args: [
        ...container.args,
        '-skipteardown=true',
        '-setupinterface=false',
        '-setupiptables=false',
      ],
      livenessProbe: { ...container.livenessProbe, httpGet },
    };
  });
  const annotations = {
    ...spec.template.metadata.annotations,
    'policy.cilium.io/no-track-port': '53',
  };
  const metadata = { ...spec.template.metadata, annotations };
  return {
    ...object,
    spec: { ...spec, template: { ...spec.template, metadata, spec: { ...pod, containers } } },
  };
}

/** docs.cilium.io, local redirect policy, node-local DNS cache. */
const redirectPolicy: DesiredObject['object'] = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumLocalRedirectPolicy',
  metadata: { name: 'nodelocaldns', namespace: 'kube-system' },
  spec: {
    redirectFrontend: { serviceMatcher: { serviceName: 'kube-dns', namespace: 'kube-system' } },
    redirectBackend: {
      localEndpointSelector: { matchLabels: { 'k8s-app': 'node-local-dns' } },
      toPorts: [
        { port: '53', name: 'dns', protocol: 'UDP' },
        { port: '53', name: 'dns-tcp', protocol: 'TCP' },
      ],
    },
  },
};

/** NodeLocal DNSCache in the form that the proxy mode needs. */
export function nodeLocalDnsObjects(
  kubernetes: KubernetesSettings,
  manifest: string,
): DesiredObject[] {
  const text = filledIn(manifest, kubernetes);
  const origin = 'the manifest node-local-dns';
  const { network, dns } = kubernetes;
  const form = proxyModeOf(network.proxy).nodeLocalDns;
  const redirected = form === 'redirect-policy';
  const digest = digestOf(text);
  const objects = withChanges(
    manifestObjects(text, origin, 'kube-system'),
    'node-local-dns',
    {
      'DaemonSet node-local-dns': (object) =>
        rolledOutWith(redirected ? asPod(object) : object, digest),
    },
    { form, domain: dns.domain, services: network.services.map(dnsServiceAddress) },
  );
  if (!redirected) return objects;
  return [...objects, { object: redirectPolicy, ownership: 'owned', origin }];
}
