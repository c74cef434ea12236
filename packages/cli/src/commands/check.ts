import { DiagnosticError, ExitCode, formatDiagnostic } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { checkCluster, ruleGroups, rules, type NodeFacts } from '@skerry/kubernetes';
import { openInventory } from '../inventory-file.ts';
import { knownFacts } from '../known-facts.ts';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings, type Colors } from '../output.ts';
import { counted } from '../render/host-names.ts';

/** `bootstrap check`: what does not fit together in an inventory, without connecting to anything. */
export async function check(
  path: string | undefined,
  options: OutputOptions & { readonly list?: boolean; readonly facts: boolean },
): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  if (options.list === true) return list(output);
  if (path === undefined) {
    throw new DiagnosticError({
      code: 'missing-inventory',
      severity: 'error',
      what: 'check needs an inventory',
      fix: 'write bootstrap check inventory/oslo.yaml, or bootstrap check --list',
    });
  }
  const { inventory } = await openInventory(path, undefined);
  const facts = options.facts ? await knownFacts(inventory) : new Map<string, NodeFacts>();
  const findings = checkCluster(inventory, { facts });
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const exitCode = errors > 0 ? ExitCode.error : ExitCode.done;
  if (output.settings.json) {
    output.json({ type: 'checked', path, errors, warnings, hostsWithFacts: facts.size, findings });
    return exitCode;
  }
  for (const finding of findings) {
    output.print(`${formatDiagnostic(output.shown(finding), output.settings)}\n`);
  }
  output.print(summary(inventory, { errors, warnings, known: facts.size, asked: options.facts }));
  return exitCode;
}

interface Counts {
  readonly errors: number;
  readonly warnings: number;
  /** Hosts whose facts were looked at. */
  readonly known: number;
  readonly asked: boolean;
}

function summary(inventory: Inventory, { errors, warnings, known, asked }: Counts): string {
  const { path, hosts, kubernetesPlaces } = inventory;
  if (kubernetesPlaces.size === 0) {
    return `${path} is well-formed; it has no "kubernetes:" section, so there is nothing more to check.`;
  }
  const counts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  const result = counts.length === 0 ? 'all is well' : counts.join(', ');
  const remembered =
    known === 0
      ? `without facts of hosts${asked ? ': no run has read any yet' : ''}`
      : `with the facts of ${known} of ${counted(hosts.length, 'host')} that the last run read`;
  return `${path}: ${result} (${counted(rules.length, 'rule')}, ${remembered})`;
}

function list(output: Output): ExitCode {
  if (output.settings.json) {
    for (const { title, rules: group } of ruleGroups) {
      for (const { check: _check, ...rule } of group) {
        output.json({ type: 'rule', group: title, ...rule });
      }
    }
    return ExitCode.done;
  }
  const { colors } = output;
  const blocks = ruleGroups.map(({ title, rules: group }) =>
    [colors.bold(title), ...group.map((rule) => ruleText(rule, colors))].join('\n\n'),
  );
  output.print(blocks.join('\n\n'));
  return ExitCode.done;
}

function ruleText(rule: (typeof rules)[number], colors: Colors): string {
  const severity = rule.severity === 'error' ? colors.red('error') : colors.yellow('warning');
  const facts = rule.needs === 'facts' ? colors.dim(', by the facts of hosts') : '';
  return [
    `  ${colors.cyan(rule.id)}  ${severity}${facts}`,
    `    ${rule.wants}`,
    `    why: ${rule.reason}`,
    `    fix: ${rule.fix}`,
    colors.dim(`    source: ${rule.source}`),
  ].join('\n');
}
