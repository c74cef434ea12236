import { expect } from 'vitest';
import { objectsKind } from '@skerry/kubernetes';
import type { Change, Fragment, ProbeOutput } from '@skerry/steps';
import { runFragment, type ShellName } from '../../packages/steps/test/harness/run-fragment.ts';
import type { ApiServer } from './api-server.ts';

export interface Wanted {
  readonly object: object;
  readonly ownership?: string;
  readonly missing?: string | undefined;
}
export interface Group {
  readonly objects: readonly Wanted[];
  readonly waits?: readonly object[];
}

export const site = 'site.yaml:3:1';

/** Groups as a runbook gives them, of objects that all come from the same place. */
function groupsOf(groups: readonly Group[]): object[] {
  return groups.map(({ objects, waits = [] }, index) => ({
    name: `group ${index + 1}`,
    objects: objects.map((one) => ({ origin: site, ...one })),
    waits,
  }));
}

export const configMap = (name: string, data: object, namespace = 'default'): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
export const namespace = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});

/** One change in one line; the record of types is left out. */
export function lines(changes: readonly Change[]): string[] {
  return changes
    .filter(({ subject }) => !/\/skerry-\w+-objects$/.test(subject))
    .map(
      ({ subject, action, why }) => `${action} ${subject}${why === undefined ? '' : `: ${why}`}`,
    );
}

/** The lines that come and go. */
export function diffOf(changes: readonly Change[], subject: string): string[] {
  return (changes.find((change) => change.subject === subject)?.diff ?? '')
    .split('\n')
    .filter((line) => /^[+-]/.test(line));
}

export interface Observation {
  readonly observed: ReturnType<typeof objectsKind.parse>;
  readonly changes: readonly Change[];
  readonly probed: ProbeOutput;
  readonly converge: () => Promise<ProbeOutput>;
}

/** A step of the kind `objects`, with its scripts run against an API server. */
export class ObjectsOnApi {
  readonly api: ApiServer;
  /** Of the step. */
  readonly name: string;
  /** Secrets of the environment, by name. */
  readonly secrets = new Map<string, string>();

  constructor(api: ApiServer, name = 'cluster') {
    this.api = api;
    this.name = name;
  }

  /** `begins`: there is no kubeconfig yet when it is looked at, and there is one when it is applied. */
  async observe(
    groups: readonly Group[],
    shell: ShellName = 'dash',
    begins = false,
  ): Promise<Observation> {
    const { env, kubeconfig } = this.api;
    const wanted = { name: this.name, groups: groupsOf(groups), begins };
    const desired = objectsKind.schema.parse({ ...wanted, kubeconfig });
    const options = { env, reveal: (text: string): string => this.#reveal(text) };
    const probe = begins ? { ...desired, kubeconfig: '/nowhere/admin.conf' } : desired;
    const ask = async (fragment: Fragment | undefined): Promise<ProbeOutput> => {
      if (fragment === undefined) return { code: 0, stdout: '', stderr: '', utf8: true };
      const output = await runFragment(shell, fragment, options);
      expect(output).toMatchObject({ code: 0, stderr: '' });
      return output;
    };
    const first = await ask(objectsKind.probe(probe));
    const told = objectsKind.parse(first, desired);
    const further = await ask(objectsKind.probeFurther?.(desired, told));
    const probed = { ...first, stdout: first.stdout + further.stdout };
    const observed = objectsKind.parse(probed, desired);
    const changes = objectsKind.diff(desired, observed);
    // What objects tell of themselves is what the server says, too.
    const asked = { ...told, settled: [] };
    const dry = await ask(
      told.settled.length === 0 ? undefined : objectsKind.probeFurther?.(desired, asked),
    );
    const all = objectsKind.parse({ ...first, stdout: first.stdout + dry.stdout }, desired);
    if (dry.stdout !== '') {
      expect(objectsKind.diff(desired, { ...all, settled: [] })).toEqual(changes);
    }
    const converge = (): Promise<ProbeOutput> =>
      runFragment(shell, objectsKind.converge(desired, changes), options);
    return { observed, changes, probed, converge };
  }

  /**
   * Applies, and looks that after it nothing is left to do, which takes one call, and one more for secrets.
   * Gives what was to do before, and what the host printed.
   */
  async apply(
    groups: readonly Group[],
    shell: ShellName = 'dash',
  ): Promise<{ changes: readonly Change[]; stdout: string }> {
    const { changes, converge } = await this.observe(groups, shell);
    const { code, stdout, stderr } = await converge();
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const after = await this.observe(groups, shell);
    expect(after.changes).toEqual([]);
    const secret = groups.some(({ objects }) =>
      objects.some(({ object }) => JSON.stringify(object).includes('⟦secret:')),
    );
    expect(after.observed.calls).toBe(secret ? 2 : 1);
    return { changes, stdout };
  }

  async get(...words: readonly string[]): Promise<Record<string, unknown>> {
    const text = await this.api.kubectl('get', ...words, '-o', 'json');
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** As somebody else does it: with `kubectl VERB -f -`. */
  async byHand(verb: 'create' | 'apply', object: object): Promise<void> {
    const code = `printf '%s' "$1" | KUBECONFIG=$2 kubectl ${verb} -f -`;
    const args = [JSON.stringify(object), this.api.kubeconfig];
    const output = await runFragment('dash', { code, args }, { env: this.api.env });
    expect(output).toMatchObject({ code: 0 });
  }

  #reveal(text: string): string {
    return text.replaceAll(/⟦secret-base64:env:(\w+)⟧/g, (token, name: string) => {
      const value = this.secrets.get(name);
      return value === undefined ? token : Buffer.from(value).toString('base64');
    });
  }
}
