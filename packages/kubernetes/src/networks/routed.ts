import { DiagnosticError } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { directory, file, service, type Step } from '@skerry/steps';
import { routes, routesArguments } from '../kinds/routes.ts';
import type { NetworkHost } from './network-host.ts';
import { podBlocks } from './pod-blocks.ts';
import { routesScript } from './routes-script.ts';

const conflistPath = '/etc/cni/net.d/10-skerry.conflist';
export const routesScriptPath = '/usr/local/lib/skerry/routes.sh';
export const routesUnits = [
  '/etc/systemd/system/skerry-routes.service',
  '/etc/systemd/system/skerry-routes.timer',
] as const;

/**
 * What the container runtime reads (CNI 1.0.0): pods hang on the bridge cni0 and get addresses of the
 * node's block from host-local. Masquerading is not the plugins' work: theirs would mask what goes
 * to pods of other nodes too.
 */
export function routedConflist(block: string, mtu: number | undefined): string {
  const conflist = {
    cniVersion: '1.0.0',
    name: 'skerry',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isDefaultGateway: true,
        hairpinMode: true,
        ipMasq: false,
        ...(mtu === undefined ? {} : { mtu }),
        ipam: { type: 'host-local', ranges: [[{ subnet: block }]] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(conflist, undefined, 2)}\n`;
}

/** The MTU of pods: as the inventory has it, else what the node's own interface carries. */
function podMtu({ kubernetes }: Inventory, host: NetworkHost): number | undefined {
  const { mtu, pathMtu } = kubernetes.network;
  const link = host.facts.interfaces.find(({ addresses }) =>
    addresses.some((text) => text.split('/')[0] === host.address),
  );
  return mtu ?? pathMtu ?? link?.mtu;
}

const managed = '# Managed by Skerry: cni routed.\n';

function serviceUnit(words: readonly string[]): string {
  // systemd takes "" for an empty word (systemd.service(5), command lines).
  const line = words.map((word) => (word === '' ? '""' : word)).join(' ');
  return `${managed}[Unit]
Description=Routes to the pods of other nodes
Wants=network-online.target
After=network-online.target nftables.service

[Service]
Type=oneshot
ExecStart=/bin/sh ${routesScriptPath} ${line}
SyslogLevel=warning
LogLevelMax=notice

[Install]
WantedBy=multi-user.target
`;
}

/** Whatever sets up interfaces or the firewall may drop what it does not know: an ifup, networkd. */
const timerUnit = `${managed}[Unit]
Description=Puts back routes to pods that something else removed

[Timer]
OnBootSec=10s
OnUnitActiveSec=30s
AccuracySec=5s

[Install]
WantedBy=timers.target
`;

/** The plain CNI plugins and static routes: no daemon, for nodes that share one L2 segment. */
export function routedSteps(inventory: Inventory, host: NetworkHost): Step[] {
  const { network, blocks } = podBlocks(inventory.kubernetes, inventory.hosts);
  const { cni } = inventory.kubernetes.network;
  const block = blocks.get(host.name);
  if (block === undefined || cni?.name !== 'routed') {
    throw new DiagnosticError({
      code: 'routed-no-block',
      severity: 'error',
      what: `${host.name} has no block of the network of pods`,
      at: { host: host.name },
      why: `the block follows from the host's address, and "${host.address}" is no IPv4 address`,
      fix: 'write the address as a number, or name a block: "cni: {routed: {blocks: {HOST: NETWORK}}}"',
    });
  }
  const desired = { address: host.address, interface: cni.interface ?? '', network, block };
  const units = [
    file(routesUnits[0], { content: serviceUnit(routesArguments(desired)) }),
    file(routesUnits[1], { content: timerUnit }),
  ];
  return [
    directory('/etc/cni/net.d'),
    file(conflistPath, { content: routedConflist(block, podMtu(inventory, host)) }),
    directory('/usr/local/lib/skerry'),
    file(routesScriptPath, { content: routesScript }),
    ...units,
    service('skerry-routes.service', { enabled: true, needs: units }),
    service('skerry-routes.timer', { enabled: true, running: true, needs: units }),
    routes(desired),
  ];
}
