import { isHostPlanEmpty, type HostOutcome, type Plan, type RunEvent } from '@skerry/runbook';
import type { Colors } from '../output.ts';
import { duration } from './duration.ts';
import { clip } from './layout.ts';
import { isBad } from './recap.ts';

type State = 'waiting' | 'running' | 'failed' | 'done';

interface HostProgress {
  readonly name: string;
  state: State;
  /** What the host is doing, or how it ended. */
  doing: string;
  /** When that began; milliseconds of the clock that `apply` was given. */
  since: number;
  finished: number;
  total: number;
}

const order: readonly State[] = ['failed', 'running', 'waiting', 'done'];

/** What every host is doing, from the events of a run; pure but for its own memory. */
export class Progress {
  readonly #hosts = new Map<string, HostProgress>();
  #phase = '';

  apply(event: RunEvent, now: number): void {
    switch (event.type) {
      case 'run-started':
        for (const host of event.hosts) this.#host(host);
        return;
      case 'phase':
        this.#phase = { probe: 'Reading', apply: 'Applying', verify: 'Verifying' }[event.phase];
        for (const name of event.hosts) this.#set(name, 'waiting', '', now);
        if (event.phase === 'apply') return;
        for (const name of event.hosts) this.#set(name, 'running', this.#phase.toLowerCase(), now);
        return;
      case 'host-probed':
        this.#set(event.host, 'done', `${event.changes} to change`, now);
        return;
      case 'plan':
        this.#totals(event.plan);
        return;
      case 'step-started':
        this.#set(event.host, 'running', event.handler ? `handler ${event.step}` : event.step, now);
        return;
      case 'waiting':
        this.#set(event.host, 'running', `${event.step}: waiting for ${event.awaited}`, now);
        return;
      case 'sending': {
        const { step, path, sent, total } = event;
        const share = total === 0 ? 100 : Math.floor((100 * sent) / total);
        this.#set(event.host, 'running', `${step}: sending ${path}, ${share} %`, now);
        return;
      }
      case 'step-finished': {
        const host = this.#host(event.host);
        host.finished += 1;
        if (host.state === 'failed') return;
        const over = host.total > 0 && host.finished >= host.total;
        this.#set(event.host, over ? 'done' : 'waiting', over ? 'changed' : '', now);
        return;
      }
      case 'host-failed':
        this.#set(event.host, 'failed', failedText(event.outcome, event.failure), now);
        return;
      case 'host-verified':
        if (event.remaining.length === 0) this.#set(event.host, 'done', 'verified', now);
        else this.#set(event.host, 'failed', 'not as planned after the apply', now);
        return;
      case 'run-finished':
        for (const { host, outcome } of event.hosts) {
          this.#set(host, isBad(outcome) ? 'failed' : 'done', outcome, now);
        }
        return;
      case 'verification-started':
        this.#phase = 'Looking';
        for (const name of event.hosts) this.#set(name, 'running', 'looking at the cluster', now);
        return;
      case 'verification-round':
        for (const { name, state } of this.#hosts.values()) {
          const what = event.round === 1 ? 'all checks' : event.checks.join(', ');
          if (state === 'running') this.#set(name, 'running', `looking: ${what}`, now);
        }
        return;
      case 'verification-finished':
        for (const { name, state } of this.#hosts.values()) {
          if (state === 'running') this.#set(name, 'done', 'looked at', now);
        }
        return;
      case 'check-finished':
      case 'planned':
      case 'play-started':
      case 'step-output':
      case 'warning':
        return;
    }
  }

  /**
   * At most `rows` lines of at most `width` columns: failing and running hosts first, and one line
   * that counts the rest.
   */
  frame(view: {
    readonly rows: number;
    readonly width: number;
    readonly now: number;
    readonly colors: Colors;
  }): readonly string[] {
    const { rows, width, now, colors } = view;
    const hosts = [...this.#hosts.values()];
    if (hosts.length === 0 || rows < 1) return [];
    const sorted = order.flatMap((state) => hosts.filter((host) => host.state === state));
    const head = colors.dim(`${this.#phase}  ${this.#counts(hosts)}`);
    const room = rows - 1;
    const fits = sorted.length <= room;
    const shown = fits ? sorted : sorted.slice(0, Math.max(0, room - 1));
    const rest = sorted.slice(shown.length);
    const lines = [head, ...shown.map((host) => hostLine(host, hosts, now, colors))];
    if (!fits && room > 0)
      lines.push(colors.dim(`… and ${rest.length} more: ${this.#counts(rest)}`));
    return lines.map((line) => clip(line, width));
  }

  #counts(hosts: readonly HostProgress[]): string {
    return order
      .map((state) => ({ state, count: hosts.filter((host) => host.state === state).length }))
      .filter(({ count }) => count > 0)
      .map(({ state, count }) => `${count} ${state}`)
      .join(', ');
  }

  #totals(plan: Plan): void {
    for (const hostPlan of plan.hosts) {
      const host = this.#host(hostPlan.host);
      host.finished = 0;
      host.total = hostPlan.plays.reduce(
        (sum, play) => sum + play.steps.length + play.handlers.length,
        0,
      );
      if (isHostPlanEmpty(hostPlan) && host.state !== 'failed') host.doing = 'as desired';
    }
  }

  #host(name: string): HostProgress {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = { name, state: 'waiting', doing: '', since: 0, finished: 0, total: 0 };
      this.#hosts.set(name, host);
    }
    return host;
  }

  #set(name: string, state: State, doing: string, now: number): void {
    const host = this.#host(name);
    // A failed host stays failed, whatever else is told about it.
    if (host.state === 'failed' && state !== 'failed') return;
    Object.assign(host, { state, doing, since: now });
  }
}

function failedText(
  outcome: HostOutcome,
  failure: { readonly what: string; readonly step?: string | undefined },
): string {
  return `${outcome}: ${failure.step === undefined ? '' : `${failure.step}: `}${failure.what}`;
}

function hostLine(
  host: HostProgress,
  hosts: readonly HostProgress[],
  now: number,
  colors: Colors,
): string {
  const widest = Math.min(30, Math.max(...hosts.map(({ name }) => name.length)));
  const sign = {
    failed: colors.red('✗'),
    running: colors.cyan('›'),
    waiting: colors.dim('·'),
    done: colors.green('✓'),
  }[host.state];
  const seconds = now - host.since;
  const time = host.state === 'running' && seconds >= 1000 ? ` ${duration(seconds)}` : '';
  const count = host.total > 0 ? ` ${host.finished}/${host.total}` : '';
  return `${sign} ${host.name.padEnd(widest)}${colors.dim(count)} ${host.doing.split('\n')[0] ?? ''}${colors.dim(time)}`;
}
