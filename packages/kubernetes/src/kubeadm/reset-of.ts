import type { Host, Inventory } from '@skerry/inventory';
import { absent, service, type Step } from '@skerry/steps';
import { forgotten } from '../kinds/forgotten.ts';
import { proxyLeftovers } from '../kinds/proxy-leftovers.ts';
import { reset } from '../kinds/reset.ts';
import { routes } from '../kinds/routes.ts';
import { ciliumParametersPath } from '../networks/cilium-node.ts';
import { routesScriptPath, routesUnits } from '../networks/routed.ts';
import { networkdFiles } from '../networks/systemd-networkd.ts';
import { controlPlanesOf } from './endpoint.ts';
import { runningControlPlanes, serversOf, type MemberFacts } from './membership-of.ts';

/** The steps after which a host is no node of Kubernetes. SSH and rules of others are not touched. */
export function resetOf(
  inventory: Inventory,
  host: Host,
  fleet: ReadonlyMap<string, MemberFacts>,
): Step[] {
  const others = controlPlanesOf(inventory).filter(({ name }) => name !== host.name);
  const running = runningControlPlanes(inventory, fleet);
  const asked = others.filter(({ name }) => running.some((one) => one.name === name));
  const control = host.roles.includes('control-plane');
  const { server, localServer } = serversOf(inventory, host);
  // Whatever its kubelet goes by: who has the CA of a control plane of ours is a node of ours.
  const facts = fleet.get(host.name)?.kubernetes;
  const cas = running.map(({ name }) => fleet.get(name)?.kubernetes.ca);
  const isOurs = facts !== undefined && facts.ca !== '' && cas.includes(facts.ca);
  const gone = reset({
    node: host.name,
    cluster: inventory.cluster.name,
    servers: [server, ...(control ? [localServer] : []), ...(isOurs ? [facts.server] : [])],
    networks: [...inventory.kubernetes.network.pods],
  });
  const held = control && inventory.kubernetes.endpoint?.via === 'keepalived';
  const stopped = { enabled: false, running: false };
  return [
    gone,
    forgotten(
      {
        node: host.name,
        server,
        controlPlanes: asked.map(({ name }) => name),
      },
      { needs: gone },
    ),
    service('skerry-routes.timer', stopped),
    service('skerry-routes.service', stopped),
    // Of every CNI: the node may have had another one than the inventory has now.
    ...[...routesUnits, routesScriptPath, ...networkdFiles, ciliumParametersPath].map((path) =>
      absent(path),
    ),
    routes({ absent: true }),
    ...(held
      ? [
          service('keepalived', stopped),
          service('haproxy', stopped),
          absent('/etc/keepalived/keepalived.conf'),
          absent('/etc/keepalived/check-api.sh'),
        ]
      : []),
    proxyLeftovers('absent', { needs: gone }),
  ];
}
