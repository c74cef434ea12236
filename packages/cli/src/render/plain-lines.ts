import type { RunEvent } from '@skerry/runbook';
import type { Colors } from '../output.ts';
import { checkText, verificationText } from './checks-text.ts';
import { duration } from './duration.ts';
import { counted, hostNames } from './host-names.ts';
import { planText } from './plan-text.ts';
import { recapText } from './recap.ts';
import type { Renderer } from './renderer.ts';
import { Warnings } from './warnings.ts';
import { mebibytes } from './mebibytes.ts';

export interface PlainLinesOptions {
  readonly colors: Colors;
  readonly width: () => number;
  readonly verbose: boolean;
  /** Leaves out what the live view shows in its own lines while it lasts. */
  readonly quiet?: boolean;
  readonly print: (text: string) => void;
}

/** What stays on the screen or in a log file: one line per thing that happened. */
export class PlainLines implements Renderer {
  readonly #options: PlainLinesOptions;
  readonly #warnings = new Warnings();
  #mode: 'plan' | 'apply' = 'plan';
  #afterEmpty = false;
  #pending: ReadonlyMap<string, number> = new Map();

  constructor(options: PlainLinesOptions) {
    this.#options = options;
  }

  event(event: RunEvent): void {
    const text = this.#text(event);
    if (text !== undefined) this.#print(text);
  }

  /** No two empty lines in a row. */
  #print(text: string): void {
    this.#options.print(this.#afterEmpty ? text.replace(/^\n/, '') : text);
    this.#afterEmpty = text.endsWith('\n');
  }

  line(text: string): void {
    this.#print(text);
  }

  pause(): void {}
  resume(): void {}
  close(): void {}

  /** Warnings that came in up to now, then `text`. */
  #afterWarnings(text: string): string {
    const warnings = this.#warnings.take(this.#options.colors);
    return warnings === undefined ? text : `${warnings}\n${text}`;
  }

  #text(event: RunEvent): string | undefined {
    const { colors, verbose, quiet } = this.#options;
    const width = this.#options.width();
    switch (event.type) {
      case 'run-started':
        this.#mode = event.mode;
        return `${colors.bold(event.runbook)} on ${event.cluster}: ${counted(event.hosts.length, 'host')}\n`;
      case 'phase':
        return quiet === true ? undefined : phaseText(event, colors);
      case 'host-probed':
        return verbose
          ? `${event.host}: ${counted(event.changes, 'change')}, read in ${duration(event.milliseconds)}`
          : undefined;
      case 'host-failed': {
        const { failure } = event;
        const at = failure.step === undefined ? '' : ` at ${failure.step}`;
        // The rest is told at the end, for all hosts that it holds for.
        const [what = '', ...more] = failure.what.split('\n');
        return `${colors.red(event.host)}: ${event.outcome}${at}: ${what}${more.length > 0 ? ' …' : ''}`;
      }
      case 'plan':
        this.#pending = new Map(
          event.plan.hosts.map(({ host, plays }) => [
            host,
            plays.reduce((sum, { steps }) => sum + steps.length, 0),
          ]),
        );
        return this.#afterWarnings(`\n${planText(event.plan, { colors, width, verbose })}\n`);
      case 'play-started': {
        if (quiet === true && !verbose) return undefined;
        const batch = event.batches > 1 ? ` (batch ${event.batch} of ${event.batches})` : '';
        return `${colors.bold(`Play ${event.play}`)}${batch}: ${hostNames(event.hosts)}`;
      }
      case 'step-output':
        return verbose ? outputText(event, colors) : undefined;
      case 'step-finished':
        return this.#stepText(event);
      case 'waiting':
        return quiet === true
          ? undefined
          : `${event.host}: waiting for ${event.awaited} (at most ${event.deadline} s)`;
      case 'sending':
        if (quiet === true || event.sent > 0) return undefined;
        return `${event.host}: sending ${counted(event.files, 'file')} of the bundle, ${mebibytes(event.total)} MiB`;
      case 'host-verified':
        if (event.remaining.length > 0) {
          return colors.red(`${event.host}: still to change: ${event.remaining.join(', ')}`);
        }
        return verbose ? `${event.host}: verified` : undefined;
      case 'warning':
        this.#warnings.add(event);
        return undefined;
      case 'run-finished':
        return this.#afterWarnings(
          `\n${recapText(event, { colors, width, mode: this.#mode, pending: this.#pending })}`,
        );
      case 'verification-started':
        return `\n${colors.bold(`Verification of ${event.cluster}`)}: ${counted(event.checks.length, 'check')} on ${counted(event.hosts.length, 'host')}`;
      case 'verification-round':
        return event.round === 1 || quiet === true
          ? undefined
          : `asking again: ${event.checks.join(', ')}`;
      case 'check-finished':
        return checkText(event, { colors, width });
      case 'verification-finished':
        return this.#afterWarnings(`\n${verificationText(event, { colors, width })}`);
      case 'step-started':
      case 'planned':
        return undefined;
    }
  }

  #stepText(event: Extract<RunEvent, { type: 'step-finished' }>): string | undefined {
    const { colors, verbose, quiet } = this.#options;
    const quietResult = event.result === 'already' || quiet === true;
    if (quietResult && !verbose) return undefined;
    const by = {
      changed: colors.yellow,
      already: colors.green,
      failed: colors.red,
      unknown: colors.red,
      refused: colors.red,
    } as const;
    const what = event.handler ? `handler ${event.step}` : event.step;
    return `${event.host}: ${by[event.result](event.result)} ${what} ${colors.dim(`(${duration(event.milliseconds)})`)}`;
  }
}

function phaseText(event: Extract<RunEvent, { type: 'phase' }>, colors: Colors): string {
  const verb = { probe: 'reading', apply: 'applying to', verify: 'verifying' } as const;
  return colors.dim(`${verb[event.phase]} ${counted(event.hosts.length, 'host')}`);
}

function outputText(event: Extract<RunEvent, { type: 'step-output' }>, colors: Colors): string {
  const lines = event.text.replace(/\n$/, '').split('\n');
  return lines.map((line) => `${colors.dim(`${event.host} |`)} ${line}`).join('\n');
}
