import { components } from './matrix/components.ts';
import { kubernetesReleases } from './matrix/kubernetes-releases.ts';
import { proxyModes } from './matrix/proxy-modes.ts';
import { testedWith, testedWords } from './matrix/tested-with.ts';
import { ruleGroups } from './rules/all-rules.ts';

const head = `# Checking an inventory

    bootstrap check INVENTORY        what does not fit together, each with its line, its reason and what to do
    bootstrap check --list           every rule

\`check\` reads the inventory and connects to nothing. It exits with 1 where it finds an error, and with 0
otherwise; \`--json\` gives the same as one object. Rules about hosts look at the facts that the last run
remembered (below \`.skerry/facts\`), as far as there are any; \`--no-facts\` leaves them out. A thousand
hosts take about 0.8 s of CPU time, most of it for reading the file; the rules themselves 30 ms.

\`plan\`, \`apply\` and \`run\` check the inventory too, before any connection: an error refuses the run, a
warning is told once.

Nothing is checked where the inventory has no \`kubernetes\` section. What is wrong in the form of the
file (an unknown key, a network that is none) is told by every command, and before this.

This page is generated from the rules: \`npm run page --workspace packages/kubernetes\`.
`;

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(columns), `|${columns.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function matrixPages(): string[] {
  const releases = table(
    [
      'Kubernetes',
      'newest known',
      'fixes until',
      'etcd',
      'containerd',
      'kernel',
      'pause',
      'source',
    ],
    kubernetesReleases.map((one) => [
      one.series,
      `${one.series}.${one.newestPatch}`,
      one.endOfLife,
      one.etcd,
      `≥ ${one.containerd}`,
      `≥ ${one.kernel}${one.cgroupV1 ? '' : ', cgroup v2'}`,
      one.pause,
      `${one.source} (${one.date})`,
    ]),
  );
  const modes = table(
    ['proxy', 'kernel', 'deprecated', 'off by default', 'gone', 'source'],
    proxyModes.map((one) => [
      one.mode,
      `≥ ${one.kernel}`,
      one.deprecated ?? '',
      one.offByDefault ?? '',
      one.removed ?? '',
      `${one.source} (${one.date})`,
    ]),
  );
  const parts = table(
    ['component', 'version', 'kernel', 'NetworkPolicies', 'to know', 'source'],
    components.map((one) => [
      one.name,
      one.version,
      one.kernel === undefined ? '' : `≥ ${one.kernel}`,
      one.policies === undefined ? '' : one.policies ? 'yes' : 'no',
      one.note ?? '',
      `${one.source} (${one.date})`,
    ]),
  );
  const cnis = table(
    ['CNI', 'run with Kubernetes', 'source'],
    testedWith.map((one) => [
      `${one.cni} ${one.series}`,
      testedWords(one),
      `${one.source} (${one.date})`,
    ]),
  );
  return [
    '## What goes together\n\nThe version matrix, with the source of each entry and the day when it was read or published.\n',
    `${releases}\n`,
    `${modes}\n`,
    `${cnis}\n`,
    `The versions that Skerry takes where the inventory names none:\n\n${parts}\n`,
  ];
}

/** docs/check.md: every rule, and the version matrix. */
export function rulesPage(): string {
  const groups = ruleGroups.map(({ title, rules }) => {
    const rows = rules.map((rule) => [
      `\`${rule.id}\``,
      rule.severity,
      `${rule.wants} ${capital(rule.reason)}.`,
      rule.fix,
      rule.source,
      rule.needs,
    ]);
    const columns = ['rule', 'severity', 'what, and why', 'what to do', 'source', 'looks at'];
    return `## ${title}\n\n${table(columns, rows)}\n`;
  });
  return [head, ...groups, ...matrixPages()].join('\n');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
