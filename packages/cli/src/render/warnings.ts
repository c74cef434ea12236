import type { RunEvent } from '@skerry/runbook';
import type { Colors } from '../output.ts';
import { counted, hostNames } from './host-names.ts';

type Warning = Extract<RunEvent, { type: 'warning' }>;

/** Collects warnings, so that the same one from N hosts is told once with N names. */
export class Warnings {
  #groups = new Map<string, { warning: Warning; hosts: string[] }>();

  add(warning: Warning): void {
    const { host, ...rest } = warning;
    const key = JSON.stringify(rest);
    const group = this.#groups.get(key) ?? { warning, hosts: [] };
    this.#groups.set(key, group);
    if (host !== undefined) group.hosts.push(host);
  }

  /** The warnings as text, and forgets them; undefined where there are none. */
  take(colors: Colors): string | undefined {
    if (this.#groups.size === 0) return undefined;
    const blocks = [...this.#groups.values()].map(({ warning, hosts }) => {
      const count = hosts.length > 1 ? ` (${counted(hosts.length, 'host')})` : '';
      return [
        `${colors.yellow('warning')}: ${warning.what}  ${colors.dim(`[${warning.code}]`)}`,
        ...(hosts.length > 0 ? [`  on ${hostNames(hosts)}${count}`] : []),
        ...(warning.why === undefined ? [] : [`  why: ${warning.why}`]),
        ...(warning.fix === undefined ? [] : [`  fix: ${warning.fix}`]),
      ].join('\n');
    });
    this.#groups = new Map();
    return `${blocks.join('\n')}\n`;
  }
}
