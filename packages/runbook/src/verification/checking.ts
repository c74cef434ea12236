import { setTimeout as sleep } from 'node:timers/promises';
import type { PartResult, RunOptions, SecretBook } from '@skerry/executor';
import type { Check, Fragment, OutsideAnswer, Verdict, Verification } from '@skerry/steps';
import type { RunEvent } from '../events.ts';
import { HostFailure, hostFailure, type HostLink } from '../host-link.ts';
import { toPart } from '../parts.ts';
import { callFromHere } from './from-here.ts';
import { findingOf, verdictOf, type CheckReport } from './report.ts';

/** A verification whose view the runner need not know. */
// oxlint-disable-next-line typescript/no-explicit-any -- View stands in both directions
export type AnyVerification = Verification<any>;
type AnyCheck = AnyVerification['checks'][number];

/** Milliseconds. */
const times = {
  checks: 300_000,
  read: 180_000,
  tearDown: 120_000,
  pause: 2000,
} as const;

export interface ChecksRequest {
  readonly verification: AnyVerification;
  readonly cluster: string;
  /** Nodes that are looked at: those of `--limit`. The API is asked in any case. */
  readonly hosts: readonly string[];
  /** The link of a host; the one to the API is to hold its lock. The runner does not close it. */
  readonly linkOf: (host: string) => HostLink;
  /** Runs a task for each host, a number of them at a time. */
  readonly forEachHost: (
    hosts: readonly string[],
    task: (host: string) => Promise<void>,
  ) => Promise<void>;
  readonly secrets: SecretBook;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
}

/** One look at a cluster, from the set-up to the tear-down; what it found is in `reports`. */
export class Checking {
  readonly #request: ChecksRequest;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #asked = new Set<string>();
  /** Hosts that could not be asked, with the reason. */
  readonly #lost = new Map<string, HostFailure>();
  readonly #apiFailures: { host: string; failure: HostFailure }[] = [];
  #readFailure: { readonly host: string; readonly failure: HostFailure } | undefined;
  #api: HostLink | undefined;
  /** Where a set-up was begun that has to be taken away. */
  #begun: HostLink | undefined;
  #apiText = '';
  #beginning: Promise<string | undefined> | undefined;
  locked = false;

  constructor(request: ChecksRequest) {
    this.#request = request;
  }

  get reports(): readonly CheckReport[] {
    const { verification, signal } = this.#request;
    const missing = signal.aborted ? 'the run was interrupted' : 'the cluster could not be read';
    const lost = [...this.#lost].map(([host, { failure }]) => findingOf(host, failure));
    return [
      {
        id: 'hosts-answer',
        title: 'Every host answers',
        verdict: verdictOf(
          [...this.#asked].join(', '),
          lost,
          this.#asked.size === 0 ? missing : undefined,
        ),
      },
      {
        id: 'api-answers',
        title: 'The API of the cluster answers',
        verdict:
          this.#apiText === ''
            ? verdictOf(
                'kubectl on the control planes',
                [
                  ...this.#apiFailures,
                  ...(this.#readFailure === undefined ? [] : [this.#readFailure]),
                ].map(({ host, failure }) => findingOf(host, failure.failure)),
                missing,
              )
            : { status: 'passed', looked: this.#apiText },
      },
      ...verification.checks.map(({ id, title }) => ({
        id,
        title,
        verdict: this.#verdicts.get(id) ?? ({ status: 'skipped', reason: missing } as const),
      })),
    ];
  }

  /** Starts the set-up, for which `all` waits: whoever has something else to do meanwhile calls it before. */
  begin(): Promise<string | undefined> {
    this.#beginning ??= this.#setUp();
    return this.#beginning;
  }

  async all(): Promise<void> {
    const { verification, emit, signal } = this.#request;
    const setUpFailure = await this.begin();
    if (this.#api === undefined) return;
    const begun = performance.now();
    let due = verification.checks;
    for (let round = 1; ; round += 1) {
      const view = await this.#readPatiently(setUpFailure);
      if (view === undefined || signal.aborted) return;
      emit({ type: 'verification-round', round, checks: due.map(({ id }) => id) });
      await this.#round(due, view);
      const elapsed = (performance.now() - begun) / 1000;
      due = due.filter(
        ({ id, settles }) =>
          this.#verdicts.get(id)?.status === 'failed' && (settles ?? 0) > elapsed,
      );
      if (due.length === 0 || signal.aborted) return;
      await sleep(times.pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** On the first control plane that can be reached; gives why it did not succeed. */
  async #setUp(): Promise<string | undefined> {
    const { verification, linkOf, emit, signal } = this.#request;
    for (const host of verification.api) {
      const link = linkOf(host);
      try {
        const { deadline } = verification;
        const awaited = 'the probe pods';
        emit({ type: 'waiting', host, step: 'verification', awaited, deadline });
        this.#begun = link;
        const onOutput: RunOptions['onOutput'] = (_, stream, text) =>
          emit({ type: 'step-output', host, step: 'verification', stream, text });
        const [part] = await this.#ask(link, [verification.setUp], deadline * 1000, onOutput);
        this.#api = link;
        return part?.code === 0 ? undefined : reasonOf(part);
      } catch (error) {
        const failure = hostFailure(error, 'unreachable');
        if (failure.failure.code !== noAnswer) this.#begun = undefined;
        if (signal.aborted) return undefined;
        this.#apiFailures.push({ host, failure });
        if (failure.outcome === 'locked') {
          this.locked = true;
          return undefined;
        }
      }
    }
    return undefined;
  }

  async #readPatiently(setUpFailure: string | undefined): Promise<unknown> {
    const { verification, signal } = this.#request;
    const end = performance.now() + 1000 * verification.patience;
    for (;;) {
      const view = await this.#read(setUpFailure);
      if (view !== undefined || signal.aborted || performance.now() > end) return view;
      await sleep(times.pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #read(setUpFailure: string | undefined): Promise<unknown> {
    const { verification } = this.#request;
    const link = this.#api;
    if (link === undefined) return undefined;
    try {
      const [part] = await this.#ask(link, [verification.read], times.read);
      if (part === undefined || part.code !== 0) {
        throw unanswered('kubectl did not answer', reasonOf(part) || setUpFailure || 'no reason');
      }
      const view: unknown = verification.parse(part, setUpFailure);
      this.#readFailure = undefined;
      this.#apiText = `kubectl on ${link.host}`;
      return view;
    } catch (error) {
      const failure =
        error instanceof HostFailure
          ? error
          : unanswered('what kubectl said could not be understood', String(error));
      if (!this.#request.signal.aborted) this.#readFailure = { host: link.host, failure };
      return undefined;
    }
  }

  async #round(checks: readonly AnyCheck[], view: unknown): Promise<void> {
    const { verification, hosts, forEachHost, signal } = this.#request;
    const skipped = new Map(
      checks.flatMap((check) => {
        const reason = check.skip?.(view);
        return reason === undefined ? [] : [[check.id, reason] as const];
      }),
    );
    const open = checks.filter(({ id }) => !skipped.has(id));
    const api = this.#api?.host;
    const places: Readonly<Record<string, readonly string[]>> = {
      nodes: verification.nodes.filter((host) => hosts.includes(host)),
      'control-planes': verification.controlPlanes.filter((host) => hosts.includes(host)),
      api: api === undefined ? [] : [api],
      operator: [],
    };
    const answers = new Map<string, Map<string, PartResult>>();
    const asked = [...new Set(open.flatMap(({ on }) => places[on] ?? []))];
    await forEachHost(asked, async (host) => {
      const parts = open.flatMap((check) => {
        const fragment = places[check.on]?.includes(host)
          ? check.fragment?.(view, host)
          : undefined;
        return fragment === undefined ? [] : [{ check, fragment }];
      });
      if (parts.length === 0 || signal.aborted) return;
      const given = await this.#askHost(
        host,
        parts.map(({ fragment }) => fragment),
      );
      for (const [index, part] of given.entries()) {
        const { check } = parts[index] ?? {};
        if (check === undefined) continue;
        const own = answers.get(check.id) ?? new Map<string, PartResult>();
        answers.set(check.id, own.set(host, part));
      }
    });
    const calls = await this.#calls(open, view);
    if (signal.aborted) return;
    for (const [id, reason] of skipped) this.#verdicts.set(id, { status: 'skipped', reason });
    for (const check of open) {
      const given = answers.get(check.id) ?? new Map<string, PartResult>();
      const none = check.fragment !== undefined && given.size === 0;
      this.#verdicts.set(
        check.id,
        none
          ? { status: 'skipped', reason: 'no host was there to be looked at' }
          : judged(check, view, given, calls.get(check.id) ?? []),
      );
    }
  }

  async #calls(
    checks: readonly AnyCheck[],
    view: unknown,
  ): Promise<ReadonlyMap<string, readonly OutsideAnswer[]>> {
    const { signal } = this.#request;
    const all = checks.map(async (check) => {
      const calls = (check.calls?.(view) ?? []).map((call) => callFromHere(call, signal));
      return [check.id, await Promise.all(calls)] as const;
    });
    return new Map(await Promise.all(all));
  }

  async #askHost(host: string, fragments: readonly Fragment[]): Promise<readonly PartResult[]> {
    if (this.#lost.has(host)) return [];
    this.#asked.add(host);
    try {
      return await this.#ask(this.#request.linkOf(host), fragments, times.checks);
    } catch (error) {
      const failure = hostFailure(error, 'unreachable');
      if (!this.#request.signal.aborted) this.#lost.set(host, failure);
      return [];
    }
  }

  async #ask(
    link: HostLink,
    fragments: readonly Fragment[],
    deadline: number,
    onOutput?: RunOptions['onOutput'],
  ): Promise<readonly PartResult[]> {
    const { secrets, signal } = this.#request;
    const parts = fragments.map((fragment) => toPart(fragment, secrets));
    const told = onOutput === undefined ? {} : { onOutput };
    const result = await link.run(true, parts, { deadline, signal, ...told });
    if (result.outcome === 'exited') return result.parts;
    throw unanswered('the host did not answer to the end', result.reason);
  }

  /**
   * Also after Ctrl-C, on a new connection where the old one is gone. That one takes no lock: what was
   * cut off may go on for a while on the host, and holds it.
   */
  async tearDown(): Promise<void> {
    await this.#beginning?.catch(() => undefined);
    const link = this.#begun;
    if (link === undefined) return;
    const { verification, secrets, emit, signal } = this.#request;
    try {
      if (signal.aborted || this.#api === undefined) await link.close();
      const part = toPart(verification.tearDown, secrets);
      const result = await link.run(true, [part], { deadline: times.tearDown });
      const [answer] = result.parts;
      if (answer?.code === 0) return;
      throw unanswered('kubectl did not remove it', reasonOf(answer));
    } catch (error) {
      const { failure } = hostFailure(error, 'unreachable');
      emit({
        type: 'warning',
        host: link.host,
        code: 'verification-left',
        what: 'the pods of this verification may still be in the cluster',
        why: [failure.what, failure.why].filter((text) => text !== undefined).join(': '),
        fix: 'the next verify removes them; or: kubectl delete namespace skerry-verify',
      });
    }
  }
}

function judged(
  check: Check<unknown>,
  view: unknown,
  answers: ReadonlyMap<string, PartResult>,
  calls: readonly OutsideAnswer[],
): Verdict {
  try {
    return check.judge(view, answers, calls);
  } catch (error) {
    const what = 'what the hosts said could not be understood';
    return verdictOf([...answers.keys()].join(', '), [{ what, why: String(error) }]);
  }
}

/** Of a script that was sent, and may have done something. */
const noAnswer = 'no-answer';

function unanswered(what: string, why: string): HostFailure {
  return new HostFailure('failed', { code: noAnswer, what, why });
}

function reasonOf(part: PartResult | undefined): string {
  return part === undefined ? 'no answer' : part.stderr.trim() || `exit ${part.code}`;
}
