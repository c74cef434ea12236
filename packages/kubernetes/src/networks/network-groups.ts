import type { Inventory } from '@skerry/inventory';
import type { ResolveContext } from '@skerry/steps';
import { manifestObjects, rollouts } from '../cluster-objects/manifest-objects.ts';
import { originOf } from '../cluster-objects/origins.ts';
import type { DesiredObject, Identity, ObjectGroup } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { calicoBgp, calicoInstallation } from './calico-objects.ts';
import { chartValues } from './chart-values.ts';
import { ciliumObjects } from './cilium-objects.ts';
import { ciliumValues, ciliumVersion } from './cilium-values.ts';
import { envoyGatewayGroups } from './envoy-gateway.ts';
import { flannelObjects } from './flannel.ts';
import { hasGateways } from './gateways.ts';
import { ingressNginxProfile } from './ingress.ts';
import { nodeLocalDnsObjects } from './node-local-dns.ts';

type Texts = Pick<ResolveContext, 'manifest' | 'chart'>;

function owned(
  objects: readonly KubernetesObject[],
  origin: string,
  ownership: DesiredObject['ownership'] = 'owned',
): DesiredObject[] {
  return objects.map((object) => ({
    object: object as KubernetesObject & Identity,
    ownership,
    origin,
  }));
}

function ciliumGroups(inventory: Inventory, { chart }: Texts, seconds: number): ObjectGroup[] {
  const values = ciliumValues(inventory) ?? {};
  const about = {
    name: 'cilium',
    version: ciliumVersion(inventory) ?? '',
    namespace: 'kube-system',
  };
  const { name, version, namespace } = about;
  const text = chart(name, { release: name, namespace, values });
  const program = [
    ...owned([chartValues(about, values)], originOf(inventory, 'network.cni')),
    ...manifestObjects(text, `the chart ${name} ${version}`, namespace),
  ];
  const settings = ciliumObjects(inventory).flatMap(({ object, place }) =>
    owned([object], originOf(inventory, `loadBalancer.cilium.${place}`)),
  );
  const waits = rollouts(program, seconds);
  // Its operator makes the kinds of its settings.
  return settings.length === 0
    ? [{ name: 'Cilium', objects: program, waits, waitsLate: true }]
    : [
        { name: 'Cilium', objects: program, waits },
        { name: 'addresses of Services by Cilium', objects: settings, waits: [] },
      ];
}

function calicoGroups(inventory: Inventory, { manifest }: Texts, seconds: number): ObjectGroup[] {
  const { cni } = inventory.kubernetes.network;
  if (cni?.name !== 'calico') return [];
  const operator = ['calico-crds', 'calico'].flatMap((name) =>
    manifestObjects(manifest(name), `the manifest ${name}`, 'tigera-operator'),
  );
  const origin = originOf(inventory, 'network.cni.calico');
  const ready = (name: string) => ({
    resource: `tigerastatus/${name}`,
    condition: 'Available',
    seconds,
  });
  const bgp = calicoBgp(cni);
  return [
    { name: "Calico's operator", objects: operator, waits: rollouts(operator, seconds) },
    {
      name: 'Calico',
      objects: owned(calicoInstallation(inventory, cni), origin),
      waits: [ready('calico'), ...(cni.bgp ? [ready('apiserver')] : [])],
    },
    ...(bgp.length === 0 ? [] : [{ name: "Calico's BGP", objects: owned(bgp, origin), waits: [] }]),
  ];
}

function cniGroups(inventory: Inventory, texts: Texts, seconds: number): ObjectGroup[] {
  const { kubernetes } = inventory;
  const { cni } = kubernetes.network;
  switch (cni?.name) {
    case 'cilium':
      return ciliumGroups(inventory, texts, seconds);
    case 'calico':
      return calicoGroups(inventory, texts, seconds);
    case 'flannel': {
      const objects = flannelObjects(kubernetes, cni, texts.manifest('flannel'));
      return [{ name: 'Flannel', objects, waits: rollouts(objects, seconds), waitsLate: true }];
    }
    case 'routed':
    case 'weave':
    case undefined:
      return [];
  }
}

/**
 * What of the cluster's network runs in the cluster: the kinds of Gateway API, the CNI with its
 * settings, the DNS cache of nodes, Envoy Gateway or settings of an ingress-nginx that is there.
 * `seconds` for a rollout.
 */
export function networkGroups(inventory: Inventory, texts: Texts, seconds: number): ObjectGroup[] {
  const { kubernetes } = inventory;
  const { dns, ingress } = kubernetes;
  const groups: ObjectGroup[] = [];
  if (hasGateways(ingress)) {
    // Before the CNI: Cilium only serves Gateways when it finds their kinds as it starts.
    const objects = manifestObjects(texts.manifest('gateway-api'), 'the manifest gateway-api');
    groups.push({ name: 'Gateway API', objects, waits: [] });
  }
  groups.push(...cniGroups(inventory, texts, seconds));
  if (dns.nodeLocal) {
    const objects = nodeLocalDnsObjects(kubernetes, texts.manifest('node-local-dns'));
    const waits = rollouts(objects, seconds);
    groups.push({ name: 'NodeLocal DNSCache', objects, waits, waitsLate: true });
  }
  if (ingress?.controller === 'envoy-gateway') {
    groups.push(...envoyGatewayGroups(inventory, texts.manifest('envoy-gateway'), seconds));
  }
  if (ingress?.controller === 'ingress-nginx') {
    const origin = originOf(inventory, 'ingress');
    const objects = owned([ingressNginxProfile(ingress.namespace)], origin, 'partial');
    groups.push({ name: 'settings of ingress-nginx', objects, waits: [] });
  }
  return groups;
}
