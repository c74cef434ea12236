import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from './command.ts';

const local = fileURLToPath(import.meta.resolve('gitlab-ci-local'));

/**
 * A pipeline as gitlab-ci-local reads it: it holds it against the schema of GitLab's own pipeline
 * editor, and decides by its rules which jobs run. Nothing is run, and no GitLab is asked.
 */
export class GitlabPipeline implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'skerry-gitlab-'));

  constructor(text: string) {
    const git = (...words: string[]): void => {
      execFileSync('git', [
        '-C',
        this.#folder,
        '-c',
        'user.name=a',
        '-c',
        'user.email=a@b',
        ...words,
      ]);
    };
    writeFileSync(join(this.#folder, '.gitlab-ci.yml'), text);
    git('init', '-q', '-b', 'main');
    git('remote', 'add', 'origin', 'https://gitlab.example.org/own/site.git');
    git('add', '.');
    git('commit', '-qm', 'pipeline');
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
  }

  /** Names of the jobs that run with these variables; throws with what is wrong in the file. */
  async jobs(variables: Readonly<Record<string, string>>): Promise<string[]> {
    const state = mkdtempSync(join(this.#folder, 'state-'));
    const words = Object.entries(variables).flatMap(([name, value]) => [
      '--variable',
      `${name}=${value}`,
    ]);
    const { code, stdout, stderr } = await execute(
      process.execPath,
      [local, '--list-json', '--state-dir', state, ...words],
      { cwd: this.#folder, env: { NO_COLOR: '1', HOME: this.#folder } },
    );
    if (code !== 0) throw new Error(stderr);
    // Before the list it warns of variables that GitLab itself sets, as those here are.
    const list = stdout.slice(stdout.search(/^\[$/m));
    const jobs = JSON.parse(list) as readonly { readonly name: string; readonly when: string }[];
    return jobs.filter(({ when }) => when !== 'never').map(({ name }) => name);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
