import type { Inventory } from '@skerry/inventory';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { asksFor, poolOfProbe } from './pool-of-probe.ts';
import { probeImage, probeNamespace as namespace, probePorts } from './probe-image.ts';

const { http, echo } = probePorts;

const probeLabels = { app: 'probe' };
const guardedLabels = { app: 'guarded' };

function podTemplate(labels: Readonly<Record<string, string>>): KubernetesObject {
  const field = (name: string, fieldPath: string): KubernetesObject => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  return {
    metadata: { labels },
    spec: {
      // Every node is looked at, whatever it keeps away from others.
      tolerations: [{ operator: 'Exists' }],
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65_534,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'probe',
          image: probeImage,
          imagePullPolicy: 'IfNotPresent',
          command: ['/probe', 'serve', '--http', `:${http}`, '--echo', `:${echo}`],
          env: [field('NODE_NAME', 'spec.nodeName'), field('POD_NAME', 'metadata.name')],
          ports: [{ containerPort: http }, { containerPort: echo }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}

function probeService(inventory: Inventory): KubernetesObject {
  const pool = poolOfProbe(inventory);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'probe', namespace, ...(pool === undefined ? {} : asksFor(pool)) },
    spec: {
      type: pool === undefined ? 'NodePort' : 'LoadBalancer',
      externalTrafficPolicy: 'Cluster',
      selector: probeLabels,
      ports: [{ name: 'http', port: 80, targetPort: http, protocol: 'TCP' }],
    },
  };
}

/** Nobody may ask `guarded`, but the probes its HTTP port: the echo port stays refused to them. */
function policies(): KubernetesObject[] {
  const policy = (name: string, ingress: readonly KubernetesObject[]): KubernetesObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: guardedLabels },
      policyTypes: ['Ingress'],
      ...(ingress.length > 0 ? { ingress: [...ingress] } : {}),
    },
  });
  return [
    policy('deny-all', []),
    policy('allow-probes', [
      {
        from: [{ podSelector: { matchLabels: probeLabels } }],
        ports: [{ protocol: 'TCP', port: http }],
      },
    ]),
  ];
}

/**
 * What the checks need: a namespace of its own with a probe on every node behind a Service, and where
 * the CNI enforces policies, a pod that is guarded by two.
 */
export function probeObjects(
  inventory: Inventory,
  options: { readonly guarded: boolean },
): KubernetesObject[] {
  const workload = (kind: string, name: string, spec: KubernetesObject): KubernetesObject => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec,
  });
  const probe = { selector: { matchLabels: probeLabels }, template: podTemplate(probeLabels) };
  const guarded = {
    selector: { matchLabels: guardedLabels },
    template: podTemplate(guardedLabels),
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: {
          'app.kubernetes.io/managed-by': 'skerry-verify',
          'pod-security.kubernetes.io/enforce': 'restricted',
        },
      },
    },
    // Policies before the pods: no pod is ever without them.
    ...(options.guarded ? policies() : []),
    workload('DaemonSet', 'probe', {
      ...probe,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } },
    }),
    ...(options.guarded ? [workload('Deployment', 'guarded', { replicas: 1, ...guarded })] : []),
    probeService(inventory),
  ];
}
