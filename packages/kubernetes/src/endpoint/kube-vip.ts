import type { Inventory } from '@skerry/inventory';
import { command, file, type Step } from '@skerry/steps';
import { objectsText, type KubernetesObject } from '../objects/kubernetes-object.ts';
import { endpointInterface, type EndpointHost } from './keepalived.ts';

/** github.com/kube-vip/kube-vip releases, 2026-08-10. */
export const kubeVipImage = 'ghcr.io/kube-vip/kube-vip:v1.2.3';

const kubeVipManifest = '/etc/kubernetes/manifests/kube-vip.yaml';

/** The static pod (kube-vip.io, "Static Pods": ARP, control plane, leader election). */
function kubeVipPod(
  inventory: Inventory,
  host: EndpointHost,
  credentials: string,
): KubernetesObject {
  const { endpoint } = inventory.kubernetes;
  const settings = {
    vip_arp: 'true',
    port: String(endpoint?.port ?? 6443),
    vip_interface: endpointInterface(inventory, host),
    vip_subnet: endpoint?.address.includes(':') === true ? '128' : '32',
    dns_mode: 'first',
    cp_enable: 'true',
    cp_namespace: 'kube-system',
    vip_leaderelection: 'true',
    vip_leasename: 'plndr-cp-lock',
    vip_leaseduration: '15',
    vip_renewdeadline: '10',
    vip_retryperiod: '2',
    address: endpoint?.address ?? '',
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'kube-vip', namespace: 'kube-system' },
    spec: {
      containers: [
        {
          name: 'kube-vip',
          image: kubeVipImage,
          imagePullPolicy: 'IfNotPresent',
          args: ['manager'],
          env: [
            { name: 'vip_nodename', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
            ...Object.entries(settings).map(([name, value]) => ({ name, value })),
          ],
          securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] } },
          volumeMounts: [{ name: 'kubeconfig', mountPath: '/etc/kubernetes/admin.conf' }],
        },
      ],
      hostAliases: [{ ip: '127.0.0.1', hostnames: ['kubernetes'] }],
      hostNetwork: true,
      // `File`: with FileOrCreate an empty admin.conf would be in the way of kubeadm.
      volumes: [{ name: 'kubeconfig', hostPath: { path: credentials, type: 'File' } }],
    },
  };
}

/**
 * kube-vip, which must hold the address before the API answers on it. While the first control plane
 * is begun admin.conf may do nothing yet (Kubernetes 1.29 and later): until then it is given
 * super-admin.conf, which is on no other machine.
 */
export function kubeVipSteps(
  inventory: Inventory,
  host: EndpointHost,
  membership: { readonly step: Step; readonly begins: boolean },
): { readonly before: Step[]; readonly after: Step[] } {
  const text = (credentials: string): string =>
    objectsText([kubeVipPod(inventory, host, `/etc/kubernetes/${credentials}`)]);
  return {
    before: [
      command('kube-vip before the API', {
        run: 'mkdir -p "${1%/*}" && umask 077 && printf %s "$2" >"$1"',
        args: [kubeVipManifest, text('super-admin.conf')],
        creates: kubeVipManifest,
        when: membership.begins,
      }),
    ],
    after: [
      file(kubeVipManifest, { content: text('admin.conf'), mode: '0600', needs: membership.step }),
    ],
  };
}
