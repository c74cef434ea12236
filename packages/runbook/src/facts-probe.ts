import { sh, type Fragment } from '@skerry/steps';
import type { Disk, Facts, Interface } from './facts.ts';

/**
 * Reads /etc/os-release, /proc, /sys, /etc/kubernetes; needs no root, prints `key=value` lines, and
 * addresses as `ip -o addr` does. Every run pays for it on every host, so files are read by the shell
 * itself: `value FILE` sets `$line` to the first line, and fails where there is none.
 */
const code = `
p() { printf '%s=%s\\n' "$1" "$2"; }
value() {
  line=
  if [ -r "$1" ]; then IFS= read -r line <"$1"; fi 2>/dev/null
  [ -n "$line" ]
}
set -- $(uname -nrm)
p hostname "$1"
p kernel "$2"
p architecture "$3"
(
  if [ -r /etc/os-release ]; then . /etc/os-release; fi
  p id "\${ID:-}"
  p like "\${ID_LIKE:-}"
  p version "\${VERSION_ID:-}"
  p codename "\${VERSION_CODENAME:-}"
)
if value /sys/devices/system/cpu/online; then p online "$line"
else p cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
fi
while read -r key value unit; do
  if [ "$key" = MemTotal: ]; then p memory "$value"; break; fi
done </proc/meminfo
value /etc/machine-id; p machineId "$line"
value /sys/class/dmi/id/product_uuid; p productUuid "$line"
p virtualization "$(systemd-detect-virt 2>/dev/null)"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then p cgroup 2; else p cgroup 1; fi
if [ -d /run/systemd/system ]; then p init systemd; else p init other; fi
if command -v chronyd >/dev/null 2>&1 || [ -x /usr/sbin/chronyd ]; then p timeDaemon chrony
elif [ -x /lib/systemd/systemd-timesyncd ] || [ -x /usr/lib/systemd/systemd-timesyncd ]; then p timeDaemon systemd-timesyncd
fi
ip -o addr show scope global 2>/dev/null
for at in /sys/class/net/*; do
  [ -e "$at/device" ] || continue
  name=\${at##*/}
  value "$at/address"; mac=$line
  value "$at/mtu"; p interface "$name $mac $line"
done
for at in /sys/block/*; do
  [ -e "$at/device" ] || continue
  name=\${at##*/}
  case $name in sr*|fd*|loop*) continue;; esac
  value "$at/size"; size=$line
  value "$at/queue/rotational"; rotational=$line
  value "$at/device/serial" || value "$at/serial"
  p disk "$name $size $rotational $line"
done
for program in containerd kubelet; do
  if command -v "$program" >/dev/null 2>&1; then p "$program" "$("$program" --version 2>/dev/null </dev/null)"; fi
done
k=/etc/kubernetes
if [ -e "$k/kubelet.conf" ] && [ ! -e /var/lib/skerry/kubeadm.started ]; then
  if [ -e "$k/manifests/kube-apiserver.yaml" ]; then
    p role control-plane
    sed -n -e 's/^ *- --service-cluster-ip-range=/services=/p' -e 's/^ *- --cluster-cidr=/pods=/p' \\
      -e 's|^ *- --service-account-issuer=https://kubernetes\\.default\\.svc\\.|domain=|p' \\
      "$k/manifests/kube-apiserver.yaml" "$k/manifests/kube-controller-manager.yaml" 2>/dev/null
  else p role worker
  fi
  p ca "$(sha256sum "$k/pki/ca.crt" 2>/dev/null | cut -d' ' -f1)"
  p server "$(sed -n 's/^ *server: *//p' "$k/kubelet.conf" 2>/dev/null | head -n 1 | tr -d '"')"
fi
p end facts
`;

export function factsProbe(): Fragment {
  return sh(code);
}

const families: readonly [Facts['family'], readonly string[]][] = [
  ['debian', ['debian', 'ubuntu']],
  ['redhat', ['rhel', 'fedora', 'centos', 'rocky', 'almalinux', 'ol', 'amzn']],
];

/** `0-3,8` are five. */
function countRanges(text: string): number {
  const ranges = text.split(',').map((range) => range.split('-').map(Number));
  return ranges.reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}

/** Facts from what `factsProbe` printed; undefined where the answer is empty or cut off. */
export function parseFacts(stdout: string): Facts | undefined {
  const values = new Map<string, string>();
  const interfaces: Omit<Interface, 'addresses'>[] = [];
  const addresses: { name: string; address: string }[] = [];
  const disks: Disk[] = [];
  for (const line of stdout.split('\n')) {
    const [, of, address] = /^\d+: (\S+) +inet6? (\S+)/.exec(line) ?? [];
    if (of !== undefined && address !== undefined) addresses.push({ name: of, address });
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    const key = line.slice(0, equals);
    const value = line.slice(equals + 1).trim();
    if (key === 'interface') {
      const [name = '', mac = '', mtu = '0'] = value.split(/\s+/);
      interfaces.push({ name, mac, mtu: Number(mtu) });
    } else if (key === 'disk') {
      const [name = '', sectors = '0', rotational = '0', ...serial] = value.split(/\s+/);
      disks.push({
        name,
        serial: serial.join(' '),
        size: Number(sectors) * 512,
        rotational: rotational === '1',
      });
    } else values.set(key, value);
  }
  if (values.get('end') !== 'facts') return undefined;
  const get = (key: string): string => values.get(key) ?? '';
  const names = [get('id'), ...get('like').split(/\s+/)];
  const timeDaemon = get('timeDaemon');
  const role = get('role');
  const family = families.find(([, members]) => names.some((name) => members.includes(name)));
  return {
    hostname: get('hostname'),
    distribution: get('id'),
    version: get('version'),
    codename: get('codename'),
    family: family?.[0] ?? '',
    kernel: get('kernel'),
    architecture: get('architecture'),
    cpus: Number(get('cpus')) || countRanges(get('online')),
    memory: Math.floor(Number(get('memory')) / 1024),
    machineId: get('machineId'),
    productUuid: get('productUuid'),
    virtualization: get('virtualization'),
    cgroup: get('cgroup') === '2' ? 2 : 1,
    init: get('init') === 'systemd' ? 'systemd' : 'other',
    timeDaemon: timeDaemon === 'chrony' || timeDaemon === 'systemd-timesyncd' ? timeDaemon : '',
    containerd: /^containerd \S+ v?(\d+\.\d+\.\d+(?:-[\w.]+)?)/.exec(get('containerd'))?.[1] ?? '',
    interfaces: interfaces.map((one) => ({
      ...one,
      addresses: addresses.filter(({ name }) => name === one.name).map(({ address }) => address),
    })),
    disks,
    kubernetes: {
      kubelet: /^Kubernetes v(\S+)$/.exec(get('kubelet'))?.[1] ?? '',
      role: role === 'control-plane' || role === 'worker' ? role : '',
      ca: get('ca'),
      server: get('server'),
      ...(role === 'control-plane'
        ? { networks: { pods: get('pods'), services: get('services'), domain: get('domain') } }
        : {}),
    },
  };
}
