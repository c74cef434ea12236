import { DiagnosticError } from '@skerry/diagnostics';
import type { SecretBook } from '@skerry/executor';
import type { Fragment, ReadOn } from '@skerry/steps';
import { hostFailure, HostFailure, type HostLink } from './host-link.ts';
import { toPart } from './parts.ts';

/** Milliseconds that one host may take for one value. */
const valueDeadline = 300_000;

/** Shorter values could not be told from other text, and so not be concealed. */
const shortest = 4;

export interface ReadOnOptions {
  readonly secrets: SecretBook;
  /** The link of a host that takes part in this run; undefined for all others. */
  readonly linkOf: (host: string) => HostLink | undefined;
  /** A new link to a host of the inventory, which will hold its lock; undefined for unknown names. */
  readonly openLink: (host: string) => HostLink | undefined;
}

/**
 * The values that hosts make for other hosts: each is asked for when the first change needs it, once
 * per run, and from then on is a secret with a token. Links to hosts that take no part in the run
 * are opened when needed; `close` ends them.
 */
export class ValuesOfHosts {
  readonly #options: ReadOnOptions;
  readonly #tokens = new Map<string, Promise<string>>();
  readonly #opened = new Map<string, HostLink>();
  /** To hosts that take part in the run: each may be at work, on what waits for who needs the value. */
  readonly #lanes = new Map<string, HostLink>();

  constructor(options: ReadOnOptions) {
    this.#options = options;
  }

  /**
   * The fragment with a token in place of each value. Throws a HostFailure that names every host that
   * was asked and why it gave nothing; `step` is the one that needs the value.
   */
  async fill(fragment: Fragment, step: string, signal: AbortSignal | undefined): Promise<Fragment> {
    if (!fragment.args.some((arg) => typeof arg === 'object' && 'readOn' in arg)) return fragment;
    const args: Fragment['args'][number][] = [];
    for (const arg of fragment.args) {
      const asked = typeof arg === 'object' && 'readOn' in arg;
      args.push(asked ? await this.#token(arg, step, signal) : arg);
    }
    return { ...fragment, args };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((link) => link.close()));
  }

  #token(arg: ReadOn, step: string, signal: AbortSignal | undefined): Promise<string> {
    const key = JSON.stringify(arg);
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const number = this.#tokens.size + 1;
    const token = this.#ask(arg, step, number, signal);
    this.#tokens.set(key, token);
    // What nobody could give now, another host of this run may be able to ask for later.
    token.catch(() => this.#tokens.delete(key));
    return token;
  }

  async #ask(
    arg: ReadOn,
    step: string,
    number: number,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const reasons: string[] = [];
    for (const host of arg.readOn) {
      try {
        const value = await this.#valueFrom(host, arg, signal);
        const token = `⟦secret:made-on:${host}:${number}⟧`;
        this.#options.secrets.add(token, value);
        return token;
      } catch (error) {
        if (!(error instanceof HostFailure) && !(error instanceof DiagnosticError)) throw error;
        const { failure } = hostFailure(error, 'unreachable');
        reasons.push(
          `${host}: ${failure.what}${failure.why === undefined ? '' : `, ${failure.why}`}`,
        );
      }
      if (signal?.aborted === true) break;
    }
    throw new HostFailure('failed', {
      code: 'no-value',
      what: `a value that another host must make could not be had from ${arg.readOn.join(' or ') || 'any host'}`,
      step,
      why: reasons.join('\n') || 'no host is named for it',
      fix: 'mend what the reason names and run apply again; this host was not changed by the step',
    });
  }

  async #valueFrom(host: string, arg: ReadOn, signal: AbortSignal | undefined): Promise<string> {
    const link = this.link(host);
    const result = await link.run(true, [toPart(arg.fragment, this.#options.secrets)], {
      deadline: valueDeadline,
      ...(signal === undefined ? {} : { signal }),
    });
    const [part] = result.parts;
    const failed = (why: string): HostFailure =>
      new HostFailure('failed', { code: 'no-value', what: 'it did not give the value', why });
    if (result.outcome !== 'exited') throw failed(result.reason);
    if (part === undefined) throw failed('no answer');
    if (part.code !== 0) throw failed(part.stderr.trim() || `status ${part.code}`);
    const value = part.stdout.replace(/\n$/, '');
    if (value.length < shortest) throw failed('its answer is empty, or too short to be one');
    return this.#options.secrets.reveal(value);
  }

  /** A link to a host that may be at work: beside that. */
  link(host: string): HostLink {
    const known = this.#lanes.get(host) ?? this.#opened.get(host);
    if (known !== undefined) return known;
    const lane = this.#options.linkOf(host)?.lane();
    if (lane !== undefined) {
      this.#lanes.set(host, lane);
      return lane;
    }
    const link = this.#options.openLink(host);
    if (link === undefined) {
      throw new HostFailure('failed', {
        code: 'unknown-host',
        what: 'it is not in the inventory',
      });
    }
    this.#opened.set(host, link);
    return link;
  }
}
