import type { Colors } from '../output.ts';
import { counted, hostNames } from '../render/host-names.ts';
import { wrap } from '../render/layout.ts';
import type { PlacedVerdict } from './open-policy.ts';

/** A verdict for people: what denies first, then what is held later. */
export function verdictText(
  { verdict, rules, findings }: PlacedVerdict,
  { colors, width }: { readonly colors: Colors; readonly width: number },
): string {
  const lines = findings
    .toSorted((a, b) => Number(b.denies) - Number(a.denies))
    .flatMap(({ denies, what, hosts, at, rule }) => [
      `  ${denies ? colors.red('denied') : colors.yellow('later')} ${colors.bold(rule)}  ${colors.dim(at)}`,
      ...wrap(what, width - 4).map((line) => `    ${line}`),
      ...wrap(hostNames(hosts), width - 4).map((line) => `    ${colors.cyan(line)}`),
    ]);
  const head =
    verdict === 'denied'
      ? colors.red('Policy: this plan is denied.')
      : colors.green(`Policy: this plan keeps ${counted(rules.length, 'rule')}.`);
  return [head, ...lines].join('\n');
}
