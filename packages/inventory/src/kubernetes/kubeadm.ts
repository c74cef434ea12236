import { didYouMean } from '@skerry/diagnostics';
import { z } from 'zod';
import { word } from '../formats.ts';
import { duration } from './values.ts';

const extraArguments = (component: string) =>
  z
    .record(word('A flag, without the leading --'), z.string())
    .default({})
    .describe(`Flags of ${component}: {audit-log-maxage: "30"}`);

/** What kubeadm can patch: KnownTargets of kubernetes cmd/kubeadm/app/util/patches/patches.go. */
export const patchTargets: readonly string[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'corednsdeployment',
];

/** kubeadm's own form, and `.` is none of a suffix: kubeadm would not see the type behind it. */
const patchPattern = `^(${patchTargets.join('|')})[^.+/\\s]*(\\+(strategic|merge|json))?$`;

/** What to write instead of the name of a patch that kubeadm does not take, or only at init and join. */
function patchAdvice(name: string): string {
  const target = /^[A-Za-z-]*/.exec(name)?.[0] ?? '';
  if (target === 'kubeletconfiguration') {
    return 'write its fields below "kubelet:", which running nodes follow; kubeadm reads this patch only when it makes a node';
  }
  if (target === 'kubeproxydaemonset') {
    return 'kubeadm has no such patch; settings of kube-proxy stand below "network:"';
  }
  const near = patchTargets.includes(target) ? undefined : didYouMean(target, patchTargets);
  return (
    near ?? `write TARGET[SUFFIX][+strategic|+merge|+json]; targets are ${patchTargets.join(', ')}`
  );
}

/** Names of files without their `.json`, as kubeadm has them: `kube-apiserver0+strategic`. */
const patchName = z
  .string()
  .superRefine((value, context) => {
    if (new RegExp(patchPattern).test(value)) return;
    context.addIssue({
      code: 'custom',
      message: 'must be the name of a patch of kubeadm, like kube-apiserver or etcd0+json',
      params: { code: 'invalid-patch-name', fix: patchAdvice(value) },
    });
  })
  .meta({ pattern: patchPattern });

const timeouts = z
  .strictObject({
    controlPlaneComponentHealthCheck: duration('Until the control plane answers').default('4m'),
    kubeletHealthCheck: duration('Until a kubelet answers').default('4m'),
    kubernetesAPICall: duration('For one call of the API').default('1m'),
    etcdAPICall: duration('For one call of etcd').default('2m'),
    tlsBootstrap: duration('Until a kubelet has its certificate').default('5m'),
    discovery: duration('Until a joining node has found the API').default('5m'),
  })
  .prefault({})
  .describe('How long kubeadm waits; the defaults are its own');

/** What kubeadm, the control plane and the kubelets are given beside what follows from the rest. */
export const kubeadm = z
  .strictObject({
    timeouts,
    extraArgs: z
      .strictObject({
        apiServer: extraArguments('kube-apiserver'),
        controllerManager: extraArguments('kube-controller-manager'),
        scheduler: extraArguments('kube-scheduler'),
        etcd: extraArguments('etcd'),
      })
      .prefault({})
      .describe('Flags of the control plane'),
    certSANs: z
      .array(word('A name or an address'))
      .default([])
      .describe('More names and addresses in the certificate of the API'),
    encryptionAlgorithm: z
      .enum(['RSA-2048', 'RSA-3072', 'RSA-4096', 'ECDSA-P256'])
      .optional()
      .describe(
        "Keys of the certificates that kubeadm makes; kubeadm's own default is RSA-2048. A change is for certificates made later",
      ),
    kubelet: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Fields of KubeletConfiguration (kubelet.config.k8s.io/v1beta1), for every node'),
    patches: z
      .record(patchName, z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]))
      .default({})
      .describe(
        'Patches of kubeadm by name: static pods on every control plane, and the Deployment of CoreDNS, are changed by them',
      ),
    ignorePreflightErrors: z
      .array(word('A check of kubeadm, like NumCPU'))
      .default([])
      .describe('Checks of kubeadm whose errors are only told'),
  })
  .prefault({})
  .describe('Settings of kubeadm and of what it sets up');
