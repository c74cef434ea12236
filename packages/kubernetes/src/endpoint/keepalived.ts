import { DiagnosticError } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import { restart, service, template, type Bundle, type Step } from '@skerry/steps';
import { isIP } from 'node:net';
import { packagesStep, type DistributionFacts } from '../bundled-packages.ts';
import { secondsOf } from '../kubeadm/duration.ts';
import { apiServerPort, controlPlanesOf } from '../kubeadm/endpoint.ts';
import { hostPackages, type PackageFacts } from '../node-packages.ts';
import { reloadHaproxy } from './reload-haproxy.ts';

/** What the endpoint depends on of a host; the host of a play has all of it. */
export type EndpointHost = Host & {
  readonly facts: DistributionFacts &
    PackageFacts & {
      readonly interfaces: readonly {
        readonly name: string;
        /** With prefix length: `10.20.0.11/24`. */
        readonly addresses: readonly string[];
      }[];
    };
};

/** The interface that carries the address of the API. */
export function endpointInterface({ kubernetes }: Inventory, host: EndpointHost): string {
  const own = host.facts.interfaces.find(({ addresses }) =>
    addresses.some((text) => text.split('/')[0] === host.address),
  );
  const name = kubernetes.endpoint?.interface ?? own?.name;
  if (name !== undefined) return name;
  throw new DiagnosticError({
    code: 'endpoint-interface',
    severity: 'error',
    what: `nobody knows which interface of ${host.name} is to carry the address of the API`,
    at: { host: host.name },
    why: `none of its interfaces has the address ${host.address} itself (a bond, a bridge or a VLAN may)`,
    fix: 'name it: kubernetes: {endpoint: {interface: bond0.20}}',
  });
}

/** haproxy takes an IPv6 address with a port as it stands: the last colon parts them. */
const withPort = (address: string, port: number): string => `${address}:${port}`;

/**
 * keepalived and haproxy of the distribution on a control plane: the address is on the machine with
 * the highest priority of those whose API server is ready, and haproxy there knows who else is. It
 * comes up before the first API server does.
 */
export function keepalivedSteps(inventory: Inventory, host: EndpointHost, bundle?: Bundle): Step[] {
  const { kubernetes } = inventory;
  const { endpoint } = kubernetes;
  if (endpoint === undefined) return [];
  const family = isIP(endpoint.address);
  if (family === 0) {
    throw new DiagnosticError({
      code: 'endpoint-name',
      severity: 'error',
      what: `keepalived cannot hold "${endpoint.address}"`,
      at: { host: host.name },
      why: 'it is a name, and what moves between machines is an address',
      fix: 'write the address as kubernetes.endpoint.address',
    });
  }
  const planes = controlPlanesOf(inventory);
  const index = planes.findIndex(({ name }) => name === host.name);
  const others = planes.filter(({ name }) => name !== host.name).map(({ address }) => address);
  const unicast = [host.address, ...others].every((address) => isIP(address) === family);
  const port = apiServerPort(kubernetes);
  const interval = secondsOf(endpoint.health.interval);
  const { endpoint: programs } = hostPackages(inventory, host, host.facts);
  const installed = packagesStep('endpoint', programs, { host, bundle });
  return [
    installed,
    template('/etc/haproxy/haproxy.cfg', 'haproxy/haproxy.cfg.hbs', {
      vars: {
        bind: family === 6 ? `:::${endpoint.port} v4v6` : `*:${endpoint.port}`,
        servers: planes.map(({ name, address }) => ({ name, address: withPort(address, port) })),
        interval,
        timeout: secondsOf(endpoint.health.timeout),
      },
      validate: 'haproxy -c -q -f "$1"',
      needs: installed,
      notify: reloadHaproxy,
    }),
    template('/etc/keepalived/check-api.sh', 'keepalived/check-api.sh.hbs', {
      mode: '0755',
      needs: installed,
    }),
    template('/etc/keepalived/keepalived.conf', 'keepalived/keepalived.conf.hbs', {
      vars: {
        interface: endpointInterface(inventory, host),
        routerId: endpoint.routerId,
        priority: 150 - index,
        source: host.address,
        peers: unicast ? others : [],
        address: `${endpoint.address}/${family === 6 ? 128 : 32}`,
        interval,
        // Who hears nothing for three of these takes the address (RFC 9568, 6.1).
        advertisement: Math.ceil(interval / 3),
      },
      needs: installed,
      notify: restart('keepalived'),
    }),
    service('haproxy', { enabled: true, running: true, needs: installed }),
    service('keepalived', { enabled: true, running: true, needs: installed }),
  ];
}
