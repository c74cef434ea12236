import type { Part, SecretBook } from '@skerry/executor';
import { resolveArg, type Fragment } from '@skerry/steps';

/**
 * A fragment of a plan as what the executor sends. Texts keep their tokens: the executor reveals them
 * when it sends. Digests are made here, of the revealed text.
 */
export function toPart(fragment: Fragment, secrets: SecretBook): Part {
  return {
    code: fragment.code,
    ...(fragment.joins === true ? { joins: true } : {}),
    args: fragment.args.map((arg) =>
      typeof arg === 'string' ? arg : resolveArg(arg, (text) => secrets.reveal(text)),
    ),
  };
}
