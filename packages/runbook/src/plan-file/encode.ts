import type { SecretBook } from '@skerry/executor';
import { DiagnosticError } from '@skerry/diagnostics';
import type { Change, Fragment, PlainArg } from '@skerry/steps';
import type { HostObservation } from '../observation.ts';
import type { HandlerPlan, HostPlan, Plan, PlayPlan, StepPlan } from '../plan.ts';
import { concealPlan } from './conceal.ts';
import { canonicalJson, sealed } from './digest.ts';
import type { PlanKey } from './plan-key.ts';
import {
  planFileVersion,
  type PlainFileArg,
  type PlanFile,
  type PlanFileContent,
} from './schema.ts';

export interface PlanFileInput {
  readonly plan: Plan;
  /** Of every host in the plan. */
  readonly observations: readonly HostObservation[];
  readonly tool: string;
  readonly created: Date;
  readonly inventory: PlanFile['inventory'];
  readonly runbook: Omit<PlanFile['runbook'], 'name' | 'order'>;
  readonly selection: PlanFile['selection'];
  readonly key: PlanKey;
  readonly secrets: SecretBook;
  /** Tokens of the selected hosts; those that the plan uses are recorded. */
  readonly tokens: Iterable<string>;
}

/**
 * A plan as a file: the same input gives the same bytes. Throws a DiagnosticError where the name of
 * a step, play or host holds the value of a secret: everything else is concealed.
 */
export function encodePlanFile(input: PlanFileInput): PlanFile {
  const { plan, key, secrets } = input;
  const concealed = concealPlan(plan, secrets);
  const tables = new Tables();
  const observations = new Map(input.observations.map((one) => [one.host, one]));
  const hosts = concealed.hosts.map((host) => {
    const seen = observations.get(host.host);
    if (seen === undefined) throw new Error(`no observation of ${host.host}`);
    return tables.host(host, seen, (observed) => fingerprint(observed, key, secrets));
  });
  const used = JSON.stringify([tables.texts, tables.steps, tables.handlers]);
  const content: PlanFileContent = {
    format: 'skerry-plan',
    schema: planFileVersion,
    tool: input.tool,
    created: `${input.created.toISOString().slice(0, 19)}Z`,
    cluster: plan.cluster,
    inventory: input.inventory,
    runbook: { name: plan.runbook, order: [...plan.order], ...input.runbook },
    selection: input.selection,
    key: key.id,
    secrets: [...new Set(input.tokens)]
      .filter((token) => used.includes(JSON.stringify(token).slice(1, -1)))
      .toSorted()
      .map((token) => ({ token, digest: key.digest('secret', secrets.reveal(token)) })),
    texts: tables.texts,
    steps: tables.steps,
    handlers: tables.handlers,
    plays: tables.plays,
    observations: tables.observations,
    hosts,
  };
  refuseSecrets(content, secrets);
  return sealed(content);
}

/** What was observed, as a short keyed digest: what a host held must not be guessed from a plan. */
export function fingerprint(observed: unknown, key: PlanKey, secrets: SecretBook): string {
  return key.digest('observed', secrets.conceal(canonicalJson(observed))).slice(0, 16);
}

function refuseSecrets(content: PlanFileContent, secrets: SecretBook): void {
  const names = [
    content.cluster,
    ...content.hosts.map(({ host }) => host),
    ...content.runbook.order,
    ...content.plays.map(({ play }) => play),
    ...content.steps.map(({ id }) => id),
    ...content.handlers.map(({ id }) => id),
    ...content.observations.map(({ step }) => step),
    content.inventory.path,
    content.runbook.path,
  ];
  const telling = names.find((name) => secrets.conceal(name) !== name);
  if (telling === undefined) return;
  throw new DiagnosticError({
    code: 'plan-tells-secret',
    severity: 'error',
    what: `the plan cannot be saved: a name in it holds a secret: "${secrets.conceal(telling)}"`,
    why: 'names of hosts, plays, steps and handlers stand in a plan as they are',
    fix: 'name the step otherwise, or take the secret out of the path',
  });
}

/** Tables of what is shared; equal entries get the same index. */
class Tables {
  readonly texts: string[] = [];
  readonly steps: PlanFile['steps'] = [];
  readonly handlers: PlanFile['handlers'] = [];
  readonly plays: PlanFile['plays'] = [];
  readonly observations: PlanFile['observations'] = [];
  readonly #indices = new Map<unknown[], Map<string, number>>();

  host(
    plan: HostPlan,
    seen: HostObservation,
    digest: (observed: unknown) => string,
  ): PlanFile['hosts'][number] {
    return {
      host: plan.host,
      hostKey: seen.hostKey ?? null,
      machineId: seen.machineId,
      plays: plan.plays.map((play) => this.#add(this.plays, this.#play(play))),
      observed: seen.steps.map(({ step, observed }) =>
        this.#add(this.observations, { step, fingerprint: digest(observed) }),
      ),
    };
  }

  #play(play: PlayPlan): PlanFile['plays'][number] {
    return {
      play: play.play,
      steps: play.steps.map((step) => this.#add(this.steps, this.#step(step))),
      handlers: play.handlers.map((handler) => this.#add(this.handlers, this.#handler(handler))),
      converged: play.converged,
      skipped: [...play.skipped],
    };
  }

  #step(step: StepPlan): PlanFile['steps'][number] {
    const { id, summary, changes, confidence, converge, notify } = step;
    return {
      id,
      summary,
      changes: changes.map((change) => this.#change(change)),
      confidence:
        confidence.level === 'conditional' ? { ...confidence, on: [...confidence.on] } : confidence,
      converge: this.#fragment(converge),
      notify: [...notify],
    };
  }

  #change({ diff, ...change }: Change): PlanFile['steps'][number]['changes'][number] {
    return diff === undefined ? change : { ...change, diff: this.#add(this.texts, diff) };
  }

  #handler({ id, fragment, because, leftover }: HandlerPlan): PlanFile['handlers'][number] {
    return { id, fragment: this.#fragment(fragment), because: [...because], leftover };
  }

  #fragment({ code, args, artifacts }: Fragment): PlanFile['steps'][number]['converge'] {
    return {
      code: this.#add(this.texts, code),
      args: args.map((arg) =>
        typeof arg === 'object' && 'readOn' in arg
          ? {
              readOn: [...arg.readOn],
              code: this.#add(this.texts, arg.fragment.code),
              args: arg.fragment.args.map((inner) => this.#arg(inner)),
            }
          : this.#arg(arg),
      ),
      ...(artifacts === undefined ? {} : { artifacts: artifacts.map((file) => ({ ...file })) }),
    };
  }

  #arg(arg: PlainArg): PlainFileArg {
    if (typeof arg === 'string') return { text: this.#add(this.texts, arg) };
    return 'sha256Of' in arg
      ? { sha256Of: this.#add(this.texts, arg.sha256Of) }
      : { sha256OfBase64: this.#add(this.texts, arg.sha256OfBase64) };
  }

  #add<T>(table: T[], entry: T): number {
    const indices = this.#indices.get(table) ?? new Map<string, number>();
    this.#indices.set(table, indices);
    const key = typeof entry === 'string' ? entry : JSON.stringify(entry);
    const known = indices.get(key);
    if (known !== undefined) return known;
    indices.set(key, table.length);
    table.push(entry);
    return table.length - 1;
  }
}
