import { directory, file, handler, type Step } from '@skerry/steps';

/**
 * Interfaces that Kubernetes makes: plugins of CNI, kube-proxy, Flannel, Cilium, Calico, NodeLocal
 * DNSCache. A pattern of systemd.network(5) is a shell glob.
 */
const clusterInterfaces: readonly string[] = [
  'cni*',
  'veth*',
  'kube-ipvs*',
  'kube-bridge',
  'nodelocaldns',
  'flannel*',
  'cilium_*',
  'lxc*',
  'cali*',
  'tunl0',
  'vxlan.calico',
  'wireguard.cali',
];

// The first file in the order of names that matches an interface is the one that counts.
const unmanaged = `# Managed by Skerry: what Kubernetes makes is not systemd-networkd's.
[Match]
Name=${clusterInterfaces.join(' ')}

[Link]
Unmanaged=yes
`;

// networkd.conf(5): by default it removes routes and rules that it did not make, when it starts.
const foreign = `# Managed by Skerry: routes and rules of Kubernetes stay when systemd-networkd starts.
[Network]
ManageForeignRoutes=no
ManageForeignRoutingPolicyRules=no
`;

/** What is written: the one for interfaces, and the one for routes. */
export const networkdFiles = [
  '/etc/systemd/network/05-skerry-kubernetes.network',
  '/etc/systemd/networkd.conf.d/50-skerry-kubernetes.conf',
] as const;

/** A restart leaves interfaces as they are configured; a reload does not read networkd.conf. */
const restart = handler(
  'restart systemd-networkd',
  'systemctl is-active --quiet systemd-networkd || exit 0; systemctl restart systemd-networkd',
);

/**
 * Keeps systemd-networkd away from the interfaces of Kubernetes. A file of the distribution or of an
 * operator that matches all of Ethernet (`Type=ether`) takes the veths of pods out of their bridge,
 * and asks for addresses by DHCP on them. Where networkd does not run the files mean nothing.
 */
export function networkdSteps(): Step[] {
  return [
    directory('/etc/systemd/network'),
    file(networkdFiles[0], {
      content: unmanaged,
      notify: restart,
    }),
    directory('/etc/systemd/networkd.conf.d'),
    file(networkdFiles[1], {
      content: foreign,
      notify: restart,
    }),
  ];
}
