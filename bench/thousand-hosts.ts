import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ThousandHosts {
  readonly folder: string;
  readonly inventory: string;
  readonly remove: () => void;
}

const motd = (word: string): string =>
  `${word} to {{host.name}}\n{{#each vars.notes}}{{this}}\n{{/each}}\n`;

const runbook = `import { play, runbook } from '@skerry/runbook';
import { directory, file, packages, service, sysctl, template } from '@skerry/steps';

const numbers = Array.from({ length: 10 }, (_, index) => index);

export default runbook({
  name: 'forty',
  description: 'Forty steps of the kinds that runbooks are made of',
  plays: [
    play('Base', { hosts: 'all' }, ({ host }) => [
      sysctl('base', host.node.sysctl),
      packages('base', { present: ['chrony', 'nftables'] }),
      ...numbers.map((n) => template('/etc/motd.d/' + n, 'motd.hbs', { vars: { n } })),
      ...numbers.map((n) => file('/etc/skerry/' + n, { content: host.name + ' ' + n + '\\n' })),
      ...numbers.map((n) => directory('/srv/' + n, { mode: '0750' })),
      ...numbers.slice(0, 8).map((n) => service('unit-' + n, { enabled: true, running: true })),
    ]),
  ],
});
`;

/** A git repository with an inventory of 1,000 hosts and 40 steps each; two edits not committed. */
export function thousandHosts(): ThousandHosts {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-thousand-'));
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const inventory = (somaxconn: number): string => {
    const groups = Array.from({ length: 10 }, (_, group) => {
      const hosts = Array.from(
        { length: 100 },
        (_unused, host) => `      r${group}-${host}: { address: 10.1.${group}.${host + 1} }`,
      );
      const vars = `    vars: { notes: [rack ${group}, second note] }`;
      return [`  rack-${group}:`, vars, '    hosts:', ...hosts].join('\n');
    });
    return `cluster:\n  name: thousand\n  node:\n    sysctl: { net.core.somaxconn: ${somaxconn} }\ngroups:\n${groups.join('\n')}\n`;
  };
  const git = (...words: string[]): void => {
    execFileSync('git', ['-C', folder, '-c', 'user.name=b', '-c', 'user.email=b@c.d', ...words]);
  };
  write('inventory/site.yaml', inventory(1024));
  write('runbooks/forty.ts', runbook);
  write('templates/motd.hbs', motd('Welcome'));
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'one');
  write('inventory/site.yaml', inventory(4096));
  write('templates/motd.hbs', motd('Hello'));
  return {
    folder,
    inventory: join(folder, 'inventory/site.yaml'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
