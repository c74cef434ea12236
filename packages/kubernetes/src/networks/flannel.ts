import type { CniSettings, KubernetesSettings } from '@skerry/inventory';
import { parseRange } from '../address-range.ts';
import { manifestObjects } from '../cluster-objects/manifest-objects.ts';
import type { DesiredObject } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { digestOf } from '../objects/ownership.ts';
import { overlayOf } from '../overlay.ts';
import { rolledOutWith, withChanges } from './bundled-manifest.ts';

type Flannel = Extract<CniSettings, { name: 'flannel' }>;

/**
 * net-conf.json (github.com/flannel-io/flannel, Documentation/configuration.md and backends.md). The
 * MTU of its VXLAN is that of the network below, from which Flannel takes off its own headers.
 */
function flannelNetwork({ network }: KubernetesSettings, flannel: Flannel): string {
  const four = network.pods.find((text) => parseRange(text)?.family === 4);
  const six = network.pods.find((text) => parseRange(text)?.family === 6);
  const below =
    network.mtu === undefined ? network.pathMtu : network.mtu + overlayOf(flannel).overhead;
  const mtu = flannel.backend === 'vxlan' && below !== undefined ? { MTU: below } : {};
  const settings = {
    ...(four === undefined ? { EnableIPv4: false } : { Network: four }),
    ...(six === undefined ? {} : { EnableIPv6: true, IPv6Network: six }),
    // Rules of iptables beside a kube-proxy that writes nftables would work, and confuse.
    EnableNFTables: network.proxy === 'nftables',
    Backend: { Type: flannel.backend, ...mtu },
  };
  return `${JSON.stringify(settings, undefined, 2)}\n`;
}

interface Conflist {
  readonly plugins: readonly { readonly type: string; readonly delegate?: object }[];
}

/** Without a tunnel the MTU of pods is told to the bridge that the plugin makes. */
function conflist(text: string, { network }: KubernetesSettings, { backend }: Flannel): string {
  const mtu = network.mtu ?? network.pathMtu;
  if (backend !== 'host-gw' || mtu === undefined) return text;
  const given = JSON.parse(text) as Conflist;
  const plugins = given.plugins.map((plugin) =>
    plugin.type === 'flannel' ? { ...plugin, delegate: { ...plugin.delegate, mtu } } : plugin,
  );
  return `${JSON.stringify({ ...given, plugins }, undefined, 2)}\n`;
}

/** Flannel's manifest with the network of the inventory. */
export function flannelObjects(
  kubernetes: KubernetesSettings,
  flannel: Flannel,
  manifest: string,
): DesiredObject[] {
  const network = flannelNetwork(kubernetes, flannel);
  const configured = (object: KubernetesObject): KubernetesObject => {
    const data = object['data'] as Readonly<Record<string, string>>;
    const cni = conflist(data['cni-conf.json'] ?? '', kubernetes, flannel);
    return { ...object, data: { ...data, 'cni-conf.json': cni, 'net-conf.json': network } };
  };
  const objects = manifestObjects(manifest, 'the manifest flannel', 'kube-flannel');
  const mtu = kubernetes.network.mtu ?? kubernetes.network.pathMtu;
  const digest = digestOf(`${network}${flannel.backend} ${mtu}`);
  return withChanges(
    objects,
    'flannel',
    {
      'ConfigMap kube-flannel-cfg': configured,
      'DaemonSet kube-flannel-ds': (object) => rolledOutWith(object, digest),
    },
    { network, backend: flannel.backend, ...(mtu === undefined ? {} : { mtu }) },
  );
}
