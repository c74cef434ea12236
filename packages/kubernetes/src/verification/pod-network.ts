import type { Check, Finding } from '@skerry/steps';
import { clusterDns } from '../kubeadm/cluster-dns.ts';
import { endpointText, probeServiceOf, type ClusterView } from './cluster-view.ts';
import { probePorts } from './probe-image.ts';
import {
  counted,
  described,
  judgeTasks,
  peersOf,
  probeFragment,
  verdictOf,
  withoutProbes,
  type ProbeTask,
} from './probe-tasks.ts';

/** How long a pod may need to become known on other nodes. */
const within = ['--within', '20s'];

const mtuTasks = (view: ClusterView, node: string): ProbeTask[] =>
  peersOf(view, node).map(({ address }) => [
    'mtu',
    endpointText(address, probePorts.echo),
    ...within,
  ]);

export const podToPod: Check<ClusterView> = {
  id: 'pod-to-pod',
  title: 'Pods reach each other across nodes at the full MTU',
  on: 'nodes',
  looksAt:
    'datagrams with don’t-fragment as large as the interface of the pod allows, from each probe to those of the next three nodes and back',
  settles: 45,
  skip: (view) =>
    withoutProbes(view) ?? (view.probes.size < 2 ? 'there is one probe pod only' : undefined),
  fragment(view, host) {
    const pod = view.probes.get(host);
    if (pod === undefined) return undefined;
    return probeFragment('pod', pod, mtuTasks(view, host), { forgetful: true });
  },
  judge(view, answers) {
    const sizes = new Set<number>();
    let paths = 0;
    const findings = judgeTasks(
      answers,
      (node) => mtuTasks(view, node),
      (node, given) =>
        given.flatMap((one, index): Finding[] => {
          const peer = peersOf(view, node)[index];
          const path = `${node} to ${peer?.node} (${peer?.address})`;
          paths += 1;
          if (one.result === 'answered') {
            sizes.add(one.passed ?? 0);
            return [];
          }
          if (one.result === 'smaller') {
            return [
              {
                what: `from a pod of ${path} only ${one.passed} of ${one.size} bytes pass`,
                why: 'the MTU of the pods is larger than what the way between the nodes carries',
                fix: 'lower "network: {mtu: …}", or tell the path with "pathMtu" and mend it where it is too narrow',
              },
            ];
          }
          return [
            {
              what: `a pod of ${path} gets no answer`,
              why: described(one),
              fix: 'look at the CNI on both nodes, and at firewalls between them',
            },
          ];
        }),
    );
    const widths =
      sizes.size === 0 ? '' : `, ${[...sizes].toSorted((a, b) => a - b).join(' and ')} bytes whole`;
    return verdictOf(`${counted(paths, 'path')} between pods${widths}`, findings);
  },
};

const clusterIpTasks = (view: ClusterView): ProbeTask[] => {
  const probe = probeServiceOf(view);
  if (probe === undefined) return [];
  return [['dial', 'http', endpointText(probe.address, probe.port.port), ...within]];
};

function clusterIp(place: 'pod' | 'node'): Check<ClusterView> {
  const from = place === 'pod' ? 'pods' : 'nodes';
  return {
    id: `service-from-${from}`,
    title: `A Service answers by its ClusterIP, from ${from}`,
    on: 'nodes',
    looksAt: `HTTP from every ${place} to the ClusterIP of the probes`,
    settles: 45,
    skip: withoutProbes,
    fragment(view, host) {
      const pod = view.probes.get(host);
      return pod === undefined ? undefined : probeFragment(place, pod, clusterIpTasks(view));
    },
    judge(view, answers) {
      const probe = probeServiceOf(view);
      const [task] = clusterIpTasks(view);
      const findings = judgeTasks(
        answers,
        () => clusterIpTasks(view),
        (node, [given]) =>
          given?.result === 'answered' && given.answer !== undefined
            ? []
            : [
                {
                  what: `from ${place === 'pod' ? 'a pod of ' : ''}${node} the ClusterIP ${task?.[2]} does not answer`,
                  why:
                    given?.result === 'answered'
                      ? 'something answered that is not the probe: the address is routed elsewhere'
                      : given === undefined
                        ? 'no answer'
                        : described(given),
                  fix: 'look at kube-proxy, or what replaces it, on this node',
                },
              ],
      );
      const address =
        probe === undefined ? '' : ` to ${endpointText(probe.address, probe.port.port)}`;
      return verdictOf(`HTTP from ${counted(answers.size, place)}${address}`, findings);
    },
  };
}

export const serviceFromPods = clusterIp('pod');
export const serviceFromNodes = clusterIp('node');

const dnsTasks = ({ inventory: { kubernetes } }: ClusterView): ProbeTask[] =>
  clusterDns(kubernetes).flatMap((server) =>
    ['udp', 'tcp'].map((proto) => [
      'dns',
      `kubernetes.default.svc.${kubernetes.dns.domain}`,
      '--server',
      server,
      '--proto',
      proto,
      ...within,
    ]),
  );

export const dns: Check<ClusterView> = {
  id: 'dns',
  title: 'Names resolve, by UDP and by TCP',
  on: 'nodes',
  looksAt:
    'the name of the API’s Service, asked by every probe of the address that kubelets give to pods',
  settles: 45,
  skip: withoutProbes,
  fragment(view, host) {
    const pod = view.probes.get(host);
    return pod === undefined ? undefined : probeFragment('pod', pod, dnsTasks(view));
  },
  judge(view, answers) {
    const { kubernetes } = view.inventory;
    const name = `kubernetes.default.svc.${kubernetes.dns.domain}`;
    const api = view.services.find(
      ({ name, namespace }) => name === 'kubernetes' && namespace === 'default',
    );
    const wanted = api?.addresses ?? [];
    const tasks = dnsTasks(view);
    const findings = judgeTasks(
      answers,
      () => tasks,
      (node, given) =>
        given.flatMap((one, index): Finding[] => {
          const [, , , server = '', , proto = ''] = tasks[index] ?? [];
          const asked = `from a pod of ${node}, ${server} by ${proto.toUpperCase()}`;
          if (one.result !== 'answered') {
            return [
              {
                what: `${asked}: ${name} is not answered`,
                why: described(one),
                fix: 'look at CoreDNS (kubectl -n kube-system get pods -l k8s-app=kube-dns), and whether policies allow port 53 by UDP and TCP',
              },
            ];
          }
          if (one.addresses.some((address) => wanted.includes(address))) return [];
          return [
            {
              what: `${asked}: ${name} is ${one.addresses.join(', ')}`,
              why: `the Service has ${wanted.join(', ')}`,
              fix: 'another name server answers there: look at clusterDNS of the kubelet',
            },
          ];
        }),
    );
    const servers = clusterDns(kubernetes).join(', ');
    return verdictOf(
      `${name} at ${servers}, UDP and TCP, from ${counted(answers.size, 'pod')}`,
      findings,
    );
  },
};
