import type { DesiredStep } from './desired-state.ts';

/** What a step asks for, as it is compared and shown. */
export function askedOf({ kind, desired }: Pick<DesiredStep, 'kind' | 'desired'>): unknown {
  return kind.asked === undefined ? desired : kind.asked(desired);
}
