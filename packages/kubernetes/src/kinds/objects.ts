import type { Step, StepKind, StepOptions } from '@skerry/steps';
import { applyDeadline, applyObjects } from '../objects/apply-objects.ts';
import { askedObjects } from '../objects/asked-objects.ts';
import { schema, type Desired, type ObjectGroups } from '../objects/desired-objects.ts';
import { objectChanges } from '../objects/object-changes.ts';
import { dryRunObjects } from '../objects/dry-run.ts';
import { parseObjects, type Observed } from '../objects/observed-objects.ts';
import { probeObjects } from '../objects/probe-objects.ts';

/**
 * Kubernetes objects, in groups that are applied one after the other, by server-side apply with the
 * field manager `skerry`. What carries our mark and is no longer wanted goes. See docs/objects.md.
 */
export const objectsKind: StepKind<Desired, Observed> = {
  kind: 'objects',
  schema,
  summary: ({ groups }) => {
    const count = groups.reduce((sum, { objects }) => sum + objects.length, 0);
    return `${count} objects in ${groups.length} groups`;
  },
  probe: probeObjects,
  parse: parseObjects,
  probeFurther: dryRunObjects,
  diff: objectChanges,
  converge: applyObjects,
  foresees: ({ begins }, { cluster }) => begins && !cluster,
  deadline: applyDeadline,
  asked: askedObjects,
  apiCalls: ({ calls }) => calls,
};

/** `objects('cluster', [{ name: 'policies', objects: [{ object, origin }] }])` */
export function objects(name: string, groups: ObjectGroups, options: StepOptions = {}): Step {
  return { kind: objectsKind, name, desired: { name, groups }, options };
}
