import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { AnyStepKind, Handler } from '@skerry/steps';
import type { Play } from './dsl.ts';
import { sideBySide } from './side-by-side.ts';

/** What counts here of a play as one host has it. */
interface PlayOfHost {
  readonly play: string;
  readonly steps: readonly {
    readonly id: string;
    readonly kind: Pick<AnyStepKind, 'afterConverge'>;
    readonly needs: readonly string[];
    readonly notify: readonly Handler[];
  }[];
}

/**
 * What a host cannot do in plays that run at the same time: a step of one that needs a step of the other, a
 * reboot, and a handler that both notify.
 * Throws a DiagnosticError with all that is found.
 */
export function checkAlongside(
  host: string,
  plays: readonly Play[],
  expanded: readonly PlayOfHost[],
): void {
  const found = sideBySide(plays).flatMap((group) => {
    const own = expanded.filter(({ play }) => group.some(({ name }) => name === play));
    return own.length < 2
      ? []
      : own.flatMap((play) =>
          faultsOf(
            host,
            play,
            own.filter((other) => other !== play),
          ),
        );
  });
  if (found.length > 0) throw new DiagnosticError(found);
}

function faultsOf(host: string, play: PlayOfHost, others: readonly PlayOfHost[]): Diagnostic[] {
  const ids = new Set(others.flatMap(({ steps }) => steps.map(({ id }) => id)));
  const handlers = new Set(
    others.flatMap(({ steps }) => steps.flatMap(({ notify }) => notify.map(({ id }) => id))),
  );
  const busy = others.some(({ steps }) => steps.length > 0);
  return play.steps.flatMap(({ id, kind, needs, notify }) => {
    const fault = (code: string, what: string, why: string): Diagnostic => ({
      code,
      severity: 'error',
      what,
      at: { host, step: `${play.play} › ${id}` },
      why,
      fix: 'take alongside away from the play, or put both steps into one play',
    });
    return [
      ...needs
        .filter((need) => ids.has(need))
        .map((need) =>
          fault(
            'need-alongside',
            `"${id}" needs "${need}", which runs at the same time`,
            'nobody knows which of plays alongside each other comes to a step first',
          ),
        ),
      ...notify
        .filter((handler) => handlers.has(handler.id))
        .map((handler) =>
          fault(
            'handler-alongside',
            `"${id}" notifies "${handler.id}", as a step does that runs at the same time`,
            'the one that runs it first would take it for done, also for the other',
          ),
        ),
      ...(kind.afterConverge === 'reboot' && busy
        ? [
            fault(
              'reboot-alongside',
              `"${id}" reboots the host while other steps run on it`,
              `they stand in ${others.map(({ play: name }) => name).join(', ')}`,
            ),
          ]
        : []),
    ];
  });
}
