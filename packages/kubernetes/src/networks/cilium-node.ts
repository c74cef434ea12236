import { file, handler, type Step } from '@skerry/steps';

export const ciliumParametersPath = '/etc/sysctl.d/99-zzz-skerry-cilium.conf';

/**
 * systemd gives each new interface rp_filter=2. Cilium's `lxc*` have no IPv4 address, so that the
 * kernel would drop what pods send to their node, without a word but TcpExtIPReversePathFilter. The
 * last file wins, and the kernel takes the larger of `all` and the interface's own value; Cilium's
 * init container writes the same (tools/sysctlfix), but only once it runs.
 */
const content = `# Managed by Skerry: cni cilium.
net.ipv4.conf.all.rp_filter = 0
-net.ipv4.conf.lxc*.rp_filter = 0
-net.ipv4.conf.cilium_*.rp_filter = 0
`;

const live = `
for at in /proc/sys/net/ipv4/conf/all /proc/sys/net/ipv4/conf/lxc* /proc/sys/net/ipv4/conf/cilium_*; do
  [ ! -e "$at/rp_filter" ] || echo 0 >"$at/rp_filter" || exit 1
done`;

/** What a node needs before Cilium runs on it. */
export function ciliumSteps(): Step[] {
  return [
    file(ciliumParametersPath, {
      content,
      notify: handler('rp_filter of Cilium', live),
    }),
  ];
}
