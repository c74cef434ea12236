import type { SecretBook } from '@skerry/executor';
import type { Arg, Change, Fragment, PlainArg } from '@skerry/steps';
import type { Plan } from '../plan.ts';

type Conceal = (text: string) => string;

/**
 * A plan with tokens in place of secrets that came into it as plain text. Names stay as they are. The
 * scripts send the same bytes: tokens are replaced by their values when they are sent.
 */
export function concealPlan(plan: Plan, secrets: SecretBook): Plan {
  const conceal: Conceal = (text) => secrets.conceal(text);
  return {
    ...plan,
    hosts: plan.hosts.map((host) => ({
      ...host,
      plays: host.plays.map((play) => ({
        ...play,
        steps: play.steps.map((step) => ({
          ...step,
          summary: conceal(step.summary),
          changes: step.changes.map((change) => concealChange(change, conceal)),
          confidence:
            step.confidence.level === 'opaque'
              ? { level: 'opaque', why: conceal(step.confidence.why) }
              : step.confidence,
          converge: concealFragment(step.converge, conceal),
        })),
        handlers: play.handlers.map((handler) => ({
          ...handler,
          fragment: concealFragment(handler.fragment, conceal),
        })),
      })),
    })),
  };
}

function concealChange(change: Change, conceal: Conceal): Change {
  const { action, ...texts } = change;
  const concealed = Object.entries(texts).map(([key, text]) => [key, conceal(text)] as const);
  return { ...(Object.fromEntries(concealed) as Omit<Change, 'action'>), action };
}

function concealFragment({ args, ...rest }: Fragment, conceal: Conceal): Fragment {
  return { ...rest, args: args.map((arg) => concealArg(arg, conceal)) };
}

function concealArg(arg: Arg, conceal: Conceal): Arg {
  if (typeof arg === 'string' || !('readOn' in arg)) return concealPlain(arg, conceal);
  const { code, args } = arg.fragment;
  return {
    readOn: arg.readOn,
    fragment: { code, args: args.map((inner) => concealPlain(inner, conceal)) },
  };
}

/** Base64 is no text to look into: what stands for a secret there would not be decoded. */
function concealPlain(arg: PlainArg, conceal: Conceal): PlainArg {
  if (typeof arg === 'string') return conceal(arg);
  return 'sha256Of' in arg ? { sha256Of: conceal(arg.sha256Of) } : arg;
}
