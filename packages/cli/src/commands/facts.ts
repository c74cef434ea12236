import { ExitCode } from '@skerry/diagnostics';
import { gatherFacts, type Facts, type HostRecap } from '@skerry/runbook';
import { openInventory } from '../inventory-file.ts';
import { onInterrupt } from '../interrupt.ts';
import type { ConnectOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { failureBlocks } from '../render/recap.ts';
import { reachLab } from '../reach-lab.ts';
import { openRun } from '../run-context.ts';

/** `bootstrap facts`: what the hosts are. */
export async function facts(path: string, options: ConnectOptions): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  const { colors, settings } = output;
  using interrupt = onInterrupt((text) => output.complain(text));
  const { inventory } = await openInventory(path, options.limit);
  const ended = await reachLab(inventory, { ...options, start: false }, output);
  if (ended !== undefined) return ended as ExitCode;
  const context = await openRun(path, options, output, 'connection');
  try {
    const answers = await gatherFacts({
      ...context,
      forks: options.forks,
      signal: interrupt.signal,
    });
    const failed: HostRecap[] = [];
    for (const answer of answers) {
      const { host } = answer;
      if ('failure' in answer) {
        const { outcome, failure } = answer.failure;
        failed.push({ host, outcome, changed: 0, converged: 0, handlers: 0, execs: 1, failure });
        if (settings.json) output.json({ type: 'host-failed', host, outcome, failure });
      } else if (settings.json) {
        output.json({ type: 'facts', host, facts: answer.facts });
      } else {
        output.print(`${colors.bold(host)}\n${factsText(output.shown(answer.facts))}\n`);
      }
    }
    if (failed.length === 0) return ExitCode.done;
    if (!settings.json) {
      const { width } = output;
      output.complain(failureBlocks(output.shown(failed), { colors, width, mode: 'plan' }));
    }
    return ExitCode.hostsFailed;
  } finally {
    await context.connector.close();
  }
}

function factsText(facts: Facts): string {
  const rows: (readonly [string, string])[] = [
    ['system', [facts.distribution, facts.version, facts.codename].filter(Boolean).join(' ')],
    [
      'kernel',
      `${facts.kernel} ${facts.architecture}, cgroup v${facts.cgroup}, init ${facts.init}`,
    ],
    ['hardware', `${facts.cpus} CPUs, ${facts.memory} MiB, ${facts.virtualization || 'unknown'}`],
    ['hostname', facts.hostname],
    ['kubernetes', kubernetesText(facts)],
    ['machine-id', facts.machineId],
    ['product uuid', facts.productUuid],
    ...facts.interfaces.map(({ name, mac, mtu, addresses }): readonly [string, string] => [
      `interface ${name}`,
      `${mac}, mtu ${mtu}${addresses.length > 0 ? `, ${addresses.join(', ')}` : ''}`,
    ]),
    ...facts.disks.map(({ name, serial, size, rotational }): readonly [string, string] => [
      `disk ${name}`,
      `${(size / 2 ** 30).toFixed(1)} GiB${rotational ? ', rotational' : ''}${serial === '' ? '' : `, serial ${serial}`}`,
    ]),
  ];
  const widest = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(widest)}  ${value}`).join('\n');
}

function kubernetesText({ containerd, kubernetes: { kubelet, role, server } }: Facts): string {
  const programs = { containerd, kubelet };
  return [
    ...Object.entries(programs).map(([name, version]) =>
      version ? `${name} ${version}` : `no ${name}`,
    ),
    role === '' ? 'no member of a cluster' : `${role} of ${server}`,
  ].join(', ');
}
