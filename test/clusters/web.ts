import { expect } from 'vitest';
import { kubectl, pageFromOutside } from './cluster.ts';
import { on, output } from '../machines.ts';

const patiently = { timeout: 300_000, interval: 5000 };

/**
 * Asks a command on a machine until what it prints holds all of these. kube-proxy writes its rules in
 * rounds, and a round takes emulated processors a minute.
 */
export async function shows(
  machine: string,
  command: string,
  ...wanted: readonly string[]
): Promise<void> {
  const lacking = async (): Promise<string[]> => {
    const { stdout } = await on(machine, command);
    return wanted.filter((text) => !stdout.includes(text));
  };
  await expect.poll(lacking, { ...patiently, message: `${command} on ${machine}` }).toEqual([]);
}

/** Asks for a page from outside of the cluster until one of the machines answers it. */
export async function answersOutside(url: string): Promise<void> {
  await expect.poll(() => pageFromOutside(url), { ...patiently, message: url }).toContain('lab-');
}

/** The name by which the nodes know the image of probe pods. */
function probeImage(): Promise<string> {
  return output('lab-1', "ctr -n k8s.io images ls -q | grep -m1 '^skerry.dev/probe:[^@]*$'");
}

const field = (name: string, fieldPath: string): object => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

/** By these a probe pod says who answers. */
const env = [field('NODE_NAME', 'spec.nodeName'), field('POD_NAME', 'metadata.name')];

/** Runs two pods of the probe image behind a Service of type LoadBalancer; gives its addresses. */
export async function deployWeb(namespace: string): Promise<{ cluster: string; outside: string }> {
  const image = await probeImage();
  const objects = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            tolerations: [{ operator: 'Exists' }],
            terminationGracePeriodSeconds: 1,
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: 'kubernetes.io/hostname',
                whenUnsatisfiable: 'DoNotSchedule',
                nodeTaintsPolicy: 'Ignore',
                labelSelector: { matchLabels: { app: 'web' } },
              },
            ],
            containers: [
              { name: 'web', image, args: ['serve'], env, ports: [{ containerPort: 8080 }] },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: {
        type: 'LoadBalancer',
        selector: { app: 'web' },
        ports: [{ port: 80, targetPort: 8080 }],
      },
    },
  ];
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  await kubectl(`apply -f - <<'EOF'\n${text}\nEOF`);
  await kubectl(`rollout status deployment/web -n ${namespace} --timeout=300s`);
  const service = (path: string): Promise<string> =>
    kubectl(`get service web -n ${namespace} -o jsonpath='{${path}}'`);
  await expect.poll(() => service('.status.loadBalancer.ingress[0].ip'), patiently).not.toBe('');
  return {
    cluster: await service('.spec.clusterIP'),
    outside: await service('.status.loadBalancer.ingress[0].ip'),
  };
}

/** Waits until all nodes are Ready, and gives name and version of each. */
export async function readyNodes(): Promise<string[]> {
  await kubectl('wait --for=condition=Ready node --all --timeout=300s');
  const lines = await kubectl(
    `get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion}{"\\n"}{end}'`,
  );
  return lines.split('\n').toSorted();
}

/** Runs one pod of the probe image on a node, and waits until it is Ready. */
export async function probePod(
  namespace: string,
  name: string,
  node: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'probe', image: await probeImage(), args: ['serve'], env }],
    },
  };
  await kubectl(`apply -f - <<'EOF'\n${JSON.stringify(pod)}\nEOF`);
  await kubectl(`wait --for=condition=Ready pod/${name} -n ${namespace} --timeout=300s`);
}
