import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

type Files = Readonly<Record<string, string | Buffer | null>>;

/** A git repository of its own, as an operator has one: inventory, runbooks, templates. */
export class GitSite implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'skerry-site-'));

  constructor(files: Files) {
    this.git('init', '-q', '-b', 'main');
    this.git('config', 'user.email', 'operator@example.org');
    this.git('config', 'user.name', 'Operator');
    this.git('config', 'commit.gpgsign', 'false');
    this.write({ '.gitignore': '.skerry/\n' });
    this.commit(files);
  }

  git(...words: readonly string[]): string {
    return execFileSync('git', ['-C', this.folder, ...words], { encoding: 'utf8' }).trim();
  }

  /** Writes files; null removes one. */
  write(files: Files): void {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, path);
      mkdirSync(dirname(file), { recursive: true });
      if (content === null) rmSync(file);
      else writeFileSync(file, content);
    }
  }

  /** The name of the commit. */
  commit(files: Files): string {
    this.write(files);
    this.git('add', '-A');
    this.git('commit', '-q', '-m', 'change');
    return this.git('rev-parse', 'HEAD');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const inventory = `cluster:
  name: site
  node:
    sysctl: { net.core.somaxconn: 1024 }
groups:
  workers:
    vars: { greeting: Welcome }
    hosts:
      'w-[01:03]': { address: '10.0.0.[1:3]' }
  others:
    vars: { greeting: Hello }
    hosts:
      o-1: { address: 10.0.1.1 }
`;

export const runbook = `import { play, runbook } from '@skerry/runbook';
import { file, restart, sysctl, template } from '@skerry/steps';
import { issue } from './lib/issue.ts';

export default runbook({
  name: 'own',
  description: 'a runbook of a site',
  plays: [
    play('Base', { hosts: 'all' }, ({ host }) => [
      sysctl('own', host.node.sysctl),
      template('/etc/motd', 'motd.hbs', { notify: restart('motd') }),
      file('/etc/issue', { content: issue }),
    ]),
  ],
});
`;

export const files: Files = {
  'inventory/site.yaml': inventory,
  'runbooks/own.ts': runbook,
  'runbooks/lib/issue.ts': "export const issue = 'authorised use only\\n';\n",
  'templates/motd.hbs': '{{greeting}} to {{host.name}}\nof {{cluster.name}}\n',
};
