import type { RunFinished } from './recap.ts';
import { duration } from './duration.ts';

/** What is not Skerry's own: the programs of others, and waiting for them. */
const foreign: ReadonlySet<string> = new Set(['kubeadm', 'image import', 'waiting for pods']);

/** Where the wall time of a bring-up went, and which part of it was neither kubeadm nor waiting. */
export function breakdownText(breakdown: NonNullable<RunFinished['breakdown']>): string {
  const total = breakdown.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const share = (milliseconds: number): string =>
    `${total === 0 ? '0.0' : ((100 * milliseconds) / total).toFixed(1)} %`;
  const rest = breakdown
    .filter(({ what }) => !foreign.has(what))
    .reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = [
    ...breakdown.filter(({ milliseconds }) => milliseconds > 0),
    {
      what: `all but ${[...foreign].slice(0, -1).join(', ')} and ${[...foreign].at(-1)}`,
      milliseconds: rest,
    },
  ];
  const widest = Math.max(...rows.map(({ what }) => what.length));
  return [
    'Where the time went',
    ...rows.map(
      ({ what, milliseconds }) =>
        `  ${what.padEnd(widest)}  ${duration(milliseconds).padStart(10)}  ${share(milliseconds).padStart(7)}`,
    ),
  ].join('\n');
}
