import type { Inventory } from '@skerry/inventory';
import { parseRange } from '../address-range.ts';

/** What static pods of a control plane run with; '' where it is not known. */
export interface RunningNetworks {
  /** `10.244.0.0/16,fd00:244::/56` */
  readonly pods: string;
  readonly services: string;
  readonly domain: string;
}

/** A setting that a running cluster does not follow. */
export interface FixedSetting {
  /** `kubernetes.network.pods` */
  readonly setting: string;
  readonly running: string;
  readonly wanted: string;
}

/**
 * The settings that are for the whole life of a cluster and that the inventory has otherwise than the
 * cluster: addresses of pods and Services are in what runs and is stored, and certificates, tokens and
 * pods know the domain. What kubeadm would be told by a flag of its own is none of the network's.
 */
export function changedFixedSettings(
  { kubernetes }: Inventory,
  running: RunningNetworks | undefined,
): FixedSetting[] {
  if (running === undefined) return [];
  const { network, dns, kubeadm } = kubernetes;
  const { apiServer, controllerManager } = kubeadm.extraArgs;
  const settings = [
    {
      setting: 'kubernetes.network.pods',
      running: running.pods,
      wanted: network.pods.join(','),
      flag: controllerManager['cluster-cidr'],
    },
    {
      setting: 'kubernetes.network.services',
      running: running.services,
      wanted: network.services.join(','),
      flag: apiServer['service-cluster-ip-range'] ?? controllerManager['service-cluster-ip-range'],
    },
    {
      setting: 'kubernetes.dns.domain',
      running: running.domain,
      wanted: dns.domain,
      flag: apiServer['service-account-issuer'],
    },
  ];
  return settings
    .filter(({ flag }) => flag === undefined)
    .filter((one) => one.running !== '' && plain(one.running) !== plain(one.wanted))
    .map(({ setting, running: now, wanted }) => ({ setting, running: now, wanted }));
}

/** Networks in one form, since an address of IPv6 has many; any other text as it is. */
function plain(text: string): string {
  return text
    .split(',')
    .map((one) => {
      const range = parseRange(one);
      return range === undefined ? one : `${range.family} ${range.first} ${range.last}`;
    })
    .join();
}
