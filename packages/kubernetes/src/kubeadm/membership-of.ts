import type { Host, Inventory } from '@skerry/inventory';
import type { Step, StepOptions } from '@skerry/steps';
import { membership } from '../kinds/membership.ts';
import { objectsText } from '../objects/kubernetes-object.ts';
import {
  clusterConfiguration,
  initConfiguration,
  joinConfiguration,
  kubeletConfiguration,
  kubeProxyConfiguration,
} from './configuration.ts';
import { apiServerPort, controlPlaneEndpoint, controlPlanesOf } from './endpoint.ts';
import { secondsOf } from './duration.ts';
import { changedFixedSettings, type RunningNetworks } from './fixed-settings.ts';
import { joinPlaceholders } from './join-values.ts';
import { kubeProxyOf } from './kube-proxy.ts';

/** What must be known of a host: `Facts` of the runbook package has it. */
export interface MemberFacts {
  readonly kubernetes: {
    readonly kubelet: string;
    readonly role: '' | 'worker' | 'control-plane';
    readonly ca: string;
    readonly server: string;
    readonly networks?: RunningNetworks;
  };
}

/** Seconds: images that kubeadm pulls, and what it does between its waits. */
const besidesWaits = 900;

const url = (address: string, port: number): string =>
  `https://${address.includes(':') ? `[${address}]` : address}:${port}`;

/** The URL of the API, and for a control plane that of its own API server. */
export function serversOf(
  inventory: Inventory,
  host: Host,
): { server: string; localServer: string } {
  const control = host.roles.includes('control-plane');
  return {
    server: `https://${controlPlaneEndpoint(inventory)}`,
    localServer: control ? url(host.address, apiServerPort(inventory.kubernetes)) : '',
  };
}

/** The control planes that run the cluster of the inventory, as far as `fleet` knows. */
export function runningControlPlanes(
  inventory: Inventory,
  fleet: ReadonlyMap<string, Partial<MemberFacts>>,
): Host[] {
  return controlPlanesOf(inventory).filter((host) => {
    const facts = fleet.get(host.name)?.kubernetes;
    const { server, localServer } = serversOf(inventory, host);
    return facts?.role === 'control-plane' && [server, localServer].includes(facts.server);
  });
}

/**
 * The step that makes a host a node of the cluster. The first control plane of the inventory begins
 * the cluster, unless another one runs it already: then it joins like all others.
 */
export function membershipOf(
  inventory: Inventory,
  host: Host,
  fleet: ReadonlyMap<string, MemberFacts>,
  options: StepOptions = {},
): Step {
  const { cluster, kubernetes } = inventory;
  const planes = controlPlanesOf(inventory);
  const others = planes.filter(({ name }) => name !== host.name);
  const running = runningControlPlanes(inventory, fleet);
  const elsewhere = running.filter(({ name }) => name !== host.name);
  const init = planes[0]?.name === host.name && elsewhere.length === 0;
  const control = host.roles.includes('control-plane');
  const proxy = kubeProxyConfiguration(inventory);
  const objects = init
    ? [
        initConfiguration(inventory, host),
        clusterConfiguration(inventory),
        kubeletConfiguration(inventory),
        ...(proxy === undefined ? [] : [proxy]),
      ]
    : [joinConfiguration(inventory, host, joinPlaceholders)];
  const proxyPods = init ? kubeProxyOf(inventory)?.daemonSet : undefined;
  const makers = [...elsewhere, ...others.filter((other) => !elsewhere.includes(other))];
  return membership(
    {
      cluster: cluster.name,
      node: host.name,
      action: init ? 'init' : 'join',
      role: control ? 'control-plane' : 'worker',
      version: kubernetes.version ?? '',
      ...serversOf(inventory, host),
      ca: fleet.get(elsewhere[0]?.name ?? '')?.kubernetes.ca ?? '',
      noCluster: !control && running.length === 0 && planes.every(({ name }) => fleet.has(name)),
      fixed: changedFixedSettings(inventory, networksOf(running, fleet)),
      unknown: init ? others.map(({ name }) => name).filter((name) => !fleet.has(name)) : [],
      makers: init ? [] : makers.map(({ name }) => name),
      configuration: objectsText(objects),
      afterInit: proxyPods === undefined ? '' : JSON.stringify(proxyPods),
      deadline: besidesWaits + waitsOf(kubernetes.kubeadm.timeouts),
    },
    options,
  );
}

/** Of the first control plane that says it. */
function networksOf(
  running: readonly Host[],
  fleet: ReadonlyMap<string, MemberFacts>,
): RunningNetworks | undefined {
  return running.flatMap(({ name }) => fleet.get(name)?.kubernetes.networks ?? [])[0];
}

/** Seconds that kubeadm may wait in all. */
function waitsOf(timeouts: Inventory['kubernetes']['kubeadm']['timeouts']): number {
  return Object.values(timeouts).reduce((sum, text) => sum + secondsOf(text), 0);
}
