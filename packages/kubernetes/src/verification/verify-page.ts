import type { CheckPlace } from '@skerry/steps';
import { checks } from './all-checks.ts';
import { probeImage, probeNamespace } from './probe-image.ts';

const head = `# Looking at a cluster

    bootstrap verify INVENTORY                   looks at the nodes and at the network, not at the files
    bootstrap verify INVENTORY --limit lab-2     only at these nodes; the API is asked all the same
    bootstrap verify INVENTORY --junit FILE      and writes a report for CI
    bootstrap verify INVENTORY --json            each check as a line of JSON (json.md)

It exits with 0 where every check that could be made passed, with 3 where one failed or a host did not
answer, and with 6 where another run holds the lock of the control plane. The same is done at the end of
every \`apply\` that changed something on a cluster; its recap counts the checks, and a failed one makes
\`apply\` exit with 3.

A check says what it looked at, with numbers and names. What was not looked at is told as *skipped*, with
the reason, and never as passed: a NodePort when the operator's machine is on another network, policies
where the CNI enforces none.

## What it does in the cluster

It makes the namespace \`${probeNamespace}\` with a pod on every node, a Service in front of them, and
where the CNI enforces policies, a pod that two NetworkPolicies guard; at the end, also after a failure
and after Ctrl-C, it removes the namespace. What a run that was killed has left, the next one removes. The
pods run \`${probeImage}\` (\`images/probe\`): one small program without privileges, which comes from the
bundle. Without that image on the nodes the checks that need it are skipped, and \`probe-pods\` fails and
says so. The pod of a node that is lost (Ready is Unknown) is not waited for: \`nodes-ready\` and
\`probe-pods\` tell of it.

On the nodes it changes nothing. Each is asked by one exec; the program is run from there inside the
network of its pod, so that what is looked at is the way of real packets. Checks that have just been set
up may need a moment: they are asked again, for as long as the table says, while they fail. The control
plane that is asked is locked meanwhile, so that two verifications do not meet.

## The checks
`;

const places: Readonly<Record<CheckPlace, string>> = {
  nodes: 'every node',
  'control-planes': 'control planes',
  api: 'the API',
  operator: "the operator's machine",
};

function row(cells: readonly string[]): string {
  return `| ${cells.map((text) => text.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}

const tail = `
Two more come from the run itself: \`hosts-answer\` (every host that was asked answered) and \`api-answers\`
(a control plane could be asked by kubectl).

ARP is looked at by \`ip neigh\` and, where it is installed and allowed, by \`arping\`, which also sees a second
machine that answers. Of IPv6, Services and rules are not compared.

Of MetalLB's and Calico's BGP sessions the connection to the peer is looked at, on the node itself; of Cilium's
the state that its agent tells. A router of the inventory is to have a session with every node; with MetalLB
with every node that the DaemonSet of its speaker has a pod for, whether that runs or not. Calico's mesh of
nodes is looked at by IPv4. Of routers that somebody else gives Cilium by objects, every session that a node
tells of must be up; those that somebody else gives MetalLB or Calico are not looked at.

This page is generated from the checks: \`npm run page --workspace packages/kubernetes\`.
`;

/** docs/verify.md, as text. */
export function verifyPage(): string {
  const rows = checks.map(({ id, title, on, looksAt, settles }) =>
    row([
      `\`${id}\``,
      `${title}.`,
      `${looksAt.charAt(0).toUpperCase()}${looksAt.slice(1)}`,
      places[on],
      settles === undefined ? '' : `${settles} s`,
    ]),
  );
  return [
    head,
    row(['id', 'what must be true', 'what is looked at', 'from', 'asked again for']),
    '|---|---|---|---|---|',
    ...rows,
    tail,
  ].join('\n');
}
