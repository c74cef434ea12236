import { sh, type Change, type Step, type StepKind, type StepOptions } from '@skerry/steps';
import { z } from 'zod';
import { parseRange, rangeContains } from '../address-range.ts';
import { routesFunctions, routesScript, routesTable } from '../networks/routes-script.ts';

const address = z.ipv4();
const network = z.cidrv4();

const schema = z.union([
  z.strictObject({
    /** The node's address on the segment. */
    address,
    /** The interface on the segment; '' for the one that has the address. */
    interface: z.string().regex(/^[^\s/]*$/),
    /** All pods of the cluster. */
    network,
    /** The part of it whose pods run on this node. */
    block: network,
  }),
  /** Nothing of it is to be there. */
  z.strictObject({ absent: z.literal(true) }),
]);
type Desired = z.infer<typeof schema>;
type Present = Exclude<Desired, { absent: true }>;

interface Observed {
  /** '' where no interface has the address. */
  readonly device: string;
  /** Our routes, as `ip route` writes them. */
  readonly routes: readonly string[];
  /** Routes of others into the network of pods, but for those into the node's own block. */
  readonly foreign: readonly string[];
  /** What the node answers ARP for: how many addresses of its block, and how many others. */
  readonly answers: { readonly wanted: number; readonly others: number };
  /** How long answers wait at most, in 1/100 s. */
  readonly delay: number;
  /** How the masquerading is: as it should be, otherwise, or not there. */
  readonly masquerade: 'as desired' | 'different' | 'absent';
}

/** With '' for all where nothing is to be there. */
const probe = `
address=$1 device=$2 network=$3 first=$4 last=$5
${routesFunctions}
ip -4 route show proto "$protocol" | sed 's/^/route /'
if [ -z "$address" ]; then
  printf 'answers-1 %s\\n' "$(answers | wc -l)"
elif find_device; then
  printf 'device %s\\n' "$device"
  ip -4 route show root "$network" | grep -v " proto $protocol " | sed 's/^/inside /'
  compared_answers | while read -r count _; do printf '%s\\n' "$count"; done | sort | uniq -c |
    while read -r times count; do printf 'answers-%s %s\\n' "$count" "$times"; done
  printf 'delay %s\\n' "$(cat "$(delay_file)")"
fi
if ! nft list table ip "$table" >/dev/null 2>&1; then echo 'masquerade absent'
elif [ "$(rules)" = "$(wanted_rules)" ]; then echo 'masquerade as desired'
else echo 'masquerade different'
fi
`;

const remove = `
address='' device='' network='' first=0 last=0
${routesFunctions}
status=0
ip -4 route flush proto "$protocol" || status=1
answers | while read -r at _ on; do printf '%s\\n' "neigh del proxy $at dev $on"; done | ip -4 -batch - || status=1
if nft list table ip "$table" >/dev/null 2>&1; then nft delete table ip "$table" || status=1; fi
exit $status
`;

/** The arguments of the script of the routes: address, interface, network, first and last of the block. */
export function routesArguments(desired: Present): string[] {
  const block = parseRange(desired.block);
  if (block === undefined) throw new Error(`${desired.block} is no network`);
  const { address, interface: device, network } = desired;
  // The first is the network's own name, the last its broadcast address: no pod has either.
  return [address, device, network, String(block.first + 1n), String(block.last - 1n)];
}

function size({ block }: Present): number {
  const range = parseRange(block);
  return range === undefined ? 0 : Number(range.last - range.first - 1n);
}

function routeChanges(desired: Present, { device, routes }: Observed): Change[] {
  const wanted = `on-link on ${device}, from ${desired.address}`;
  const changes: Change[] = [];
  let found = false;
  for (const route of routes) {
    const [to = '', ...rest] = route.split(/\s+/);
    if (to !== desired.network) {
      changes.push({ subject: `route ${to} (live)`, action: 'delete', before: rest.join(' ') });
      continue;
    }
    found = true;
    const is = (key: string): string | undefined => rest[rest.indexOf(key) + 1];
    const direct = !rest.includes('via') && is('dev') === device && is('src') === desired.address;
    if (direct) continue;
    changes.push({
      subject: `route ${to} (live)`,
      action: 'update',
      before: rest.join(' '),
      after: wanted,
    });
  }
  if (!found) {
    changes.push({ subject: `route ${desired.network} (live)`, action: 'create', after: wanted });
  }
  return changes;
}

function answerChanges(desired: Present, { answers, delay, device }: Observed): Change[] {
  const all = size(desired);
  const changes: Change[] = [];
  const subject = `ARP answers for ${desired.block} (live)`;
  if (answers.wanted === 0) {
    changes.push({ subject, action: 'create', after: `${all} addresses` });
  } else if (answers.wanted !== all) {
    const before = `${answers.wanted} addresses`;
    changes.push({ subject, action: 'update', before, after: `${all} addresses` });
  }
  if (answers.others > 0) {
    const before = `${answers.others} addresses`;
    changes.push({ subject: 'ARP answers for others (live)', action: 'delete', before });
  }
  if (delay !== 0) {
    const before = String(delay);
    changes.push({
      subject: `net.ipv4.neigh.${device}.proxy_delay (live)`,
      action: 'update',
      before,
      after: '0',
      why: 'otherwise the first packet to a pod waits up to that many hundredths of a second',
    });
  }
  return changes;
}

function masqueradeChanges({ network }: Present, { masquerade }: Observed): Change[] {
  if (masquerade === 'as desired') return [];
  const action = masquerade === 'absent' ? 'create' : 'update';
  const subject = `nftables table ip ${routesTable} (live)`;
  return [{ subject, action, after: `masquerade what leaves ${network}` }];
}

function refusal(desired: Present, { device, foreign }: Observed): Change | undefined {
  const named = desired.interface === '' ? desired.address : desired.interface;
  if (device === '') {
    return {
      subject: `route ${desired.network}`,
      action: 'refuse',
      why:
        desired.interface === ''
          ? `no interface of this host has the address ${named}`
          : `this host has no interface ${named}`,
      fix: 'correct "address" of the host, or "interface" of cni: routed, in the inventory',
    };
  }
  const [first] = foreign;
  if (first === undefined) return undefined;
  const more = foreign.length > 1 ? `, and ${foreign.length - 1} more` : '';
  return {
    subject: `route ${desired.network}`,
    action: 'refuse',
    before: first,
    why: `somebody else routes a part of the network of pods: ${first}${more}`,
    fix: 'remove what another CNI left behind (a reboot removes routes that nobody sets again), or give pods another network',
  };
}

/** Whether a route of somebody else leads elsewhere than to pods of this very node. */
function isForeign(line: string, block: string): boolean {
  const to = line.split(/\s+/).find((word) => /^\d+\.\d+\.\d+\.\d+/.test(word));
  const range = parseRange(block);
  return range === undefined || !rangeContains(range, to?.split('/')[0] ?? '');
}

/**
 * Live routes to the pods of all other nodes on one L2 segment, which need no change when a node
 * joins: the network of pods is on-link, each node answers ARP for its own pods, and what leaves the
 * network of pods is masqueraded. There must be one such step at most on a host.
 */
export const routesKind: StepKind<Desired, Observed> = {
  kind: 'routes',
  schema,
  summary: (desired) =>
    'absent' in desired
      ? 'no routes to pods'
      : `pods ${desired.network} on-link, ${desired.block} of them here`,
  probe: (desired) =>
    sh(probe, ...('absent' in desired ? ['', '', '', '', ''] : routesArguments(desired))),
  parse: ({ stdout }, desired) => {
    const all = (key: string): string[] =>
      stdout.split('\n').flatMap((line) => {
        return line.startsWith(`${key} `) ? [line.slice(key.length + 1).trim()] : [];
      });
    const count = (key: string): number => Number(all(key)[0] ?? 0);
    const masquerade = all('masquerade')[0];
    if (masquerade !== 'as desired' && masquerade !== 'different' && masquerade !== 'absent') {
      throw new Error(`the probe said nothing of the masquerading: ${stdout.slice(0, 200)}`);
    }
    const block = 'absent' in desired ? '0.0.0.0/0' : desired.block;
    return {
      device: all('device')[0] ?? '',
      routes: all('route'),
      foreign: all('inside').filter((line) => isForeign(line, block)),
      answers: { wanted: count('answers-3'), others: count('answers-1') },
      delay: count('delay'),
      masquerade,
    };
  },
  diff: (desired, observed) => {
    if (!('absent' in desired)) {
      const refused = refusal(desired, observed);
      if (refused !== undefined) return [refused];
      return [
        ...routeChanges(desired, observed),
        ...answerChanges(desired, observed),
        ...masqueradeChanges(desired, observed),
      ];
    }
    const { routes, answers, masquerade } = observed;
    return [
      ...routes.map((line): Change => {
        const [to = '', ...rest] = line.split(/\s+/);
        return { subject: `route ${to} (live)`, action: 'delete', before: rest.join(' ') };
      }),
      ...(answers.others > 0
        ? [
            {
              subject: 'ARP answers for pods (live)',
              action: 'delete' as const,
              before: `${answers.others} addresses`,
            },
          ]
        : []),
      ...(masquerade === 'absent'
        ? []
        : [{ subject: `nftables table ip ${routesTable} (live)`, action: 'delete' as const }]),
    ];
  },
  converge: (desired) =>
    'absent' in desired ? sh(remove) : sh(routesScript, ...routesArguments(desired)),
};

/** `routes({ address: '10.20.0.11', network: '10.244.0.0/16', block: '10.244.11.0/24' })` */
export function routes(
  desired:
    | {
        readonly address: string;
        readonly interface?: string;
        readonly network: string;
        readonly block: string;
      }
    | { readonly absent: true },
  options: StepOptions = {},
): Step {
  const given = 'absent' in desired ? desired : { interface: '', ...desired };
  return { kind: routesKind, name: 'pods', desired: given, options };
}
