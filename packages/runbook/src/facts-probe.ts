import { sh, type Fragment } from '@skerry/steps';
import type { Disk, Facts, Interface } from './facts.ts';

/** Reads /etc/os-release, /proc, /sys, /etc/kubernetes; needs no root, prints `key=value` lines. */
const code = `
p() { printf '%s=%s\\n' "$1" "$2"; }
read_file() { [ -r "$1" ] && IFS= read -r line <"$1" && printf %s "$line"; }
p hostname "$(uname -n)"
(
  if [ -r /etc/os-release ]; then . /etc/os-release; fi
  p id "\${ID:-}"
  p like "\${ID_LIKE:-}"
  p version "\${VERSION_ID:-}"
  p codename "\${VERSION_CODENAME:-}"
)
p kernel "$(uname -r)"
p architecture "$(uname -m)"
p cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
while read -r key value unit; do
  if [ "$key" = MemTotal: ]; then p memory "$value"; break; fi
done </proc/meminfo
p machineId "$(read_file /etc/machine-id)"
p productUuid "$(read_file /sys/class/dmi/id/product_uuid 2>/dev/null)"
p virtualization "$(systemd-detect-virt 2>/dev/null)"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then p cgroup 2; else p cgroup 1; fi
if [ -d /run/systemd/system ]; then p init systemd; else p init other; fi
if command -v chronyd >/dev/null 2>&1 || [ -x /usr/sbin/chronyd ]; then p timeDaemon chrony
elif [ -x /lib/systemd/systemd-timesyncd ] || [ -x /usr/lib/systemd/systemd-timesyncd ]; then p timeDaemon systemd-timesyncd
fi
addresses=$(ip -o addr show scope global 2>/dev/null | tr -s ' ' | cut -d' ' -f2,4)
for at in /sys/class/net/*; do
  [ -e "$at/device" ] || continue
  name=\${at##*/}
  p interface "$name $(read_file "$at/address") $(read_file "$at/mtu") $(printf '%s\\n' "$addresses" | grep "^$name " | cut -d' ' -f2 | tr '\\n' ' ')"
done
for at in /sys/block/*; do
  [ -e "$at/device" ] || continue
  name=\${at##*/}
  case $name in sr*|fd*|loop*) continue;; esac
  serial=$(read_file "$at/device/serial" 2>/dev/null || read_file "$at/serial" 2>/dev/null)
  p disk "$name $(read_file "$at/size") $(read_file "$at/queue/rotational") $serial"
done
p kubelet "$(kubelet --version 2>/dev/null </dev/null)"
k=/etc/kubernetes
if [ -e "$k/kubelet.conf" ] && [ ! -e /var/lib/skerry/kubeadm.started ]; then
  if [ -e "$k/manifests/kube-apiserver.yaml" ]; then p role control-plane; else p role worker; fi
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

/** Facts from what `factsProbe` printed; undefined where the answer is empty or cut off. */
export function parseFacts(stdout: string): Facts | undefined {
  const values = new Map<string, string>();
  const interfaces: Interface[] = [];
  const disks: Disk[] = [];
  for (const line of stdout.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    const key = line.slice(0, equals);
    const value = line.slice(equals + 1).trim();
    if (key === 'interface') {
      const [name = '', mac = '', mtu = '0', ...addresses] = value.split(/\s+/);
      interfaces.push({ name, mac, mtu: Number(mtu), addresses });
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
    cpus: Number(get('cpus')),
    memory: Math.floor(Number(get('memory')) / 1024),
    machineId: get('machineId'),
    productUuid: get('productUuid'),
    virtualization: get('virtualization'),
    cgroup: get('cgroup') === '2' ? 2 : 1,
    init: get('init') === 'systemd' ? 'systemd' : 'other',
    timeDaemon: timeDaemon === 'chrony' || timeDaemon === 'systemd-timesyncd' ? timeDaemon : '',
    interfaces,
    disks,
    kubernetes: {
      kubelet: /^Kubernetes v(\S+)$/.exec(get('kubelet'))?.[1] ?? '',
      role: role === 'control-plane' || role === 'worker' ? role : '',
      ca: get('ca'),
      server: get('server'),
    },
  };
}
