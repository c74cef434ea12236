import type { Change } from '@skerry/steps';
import { idOf, type DesiredObject, type Identity } from './desired-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

/**
 * Taints stand in one list that has no owners for its items: an apply of ours would take away those
 * that Kubernetes itself sets on a node that is not ready. So they are set one by one, and those of
 * ours are noted in this annotation, as `key:effect` with commas.
 */
const taintsAnnotation = 'skerry.dev/taints';

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** `gpu=yes:NoSchedule`, as `kubectl taint` takes it. */
function textOf({ key, value = '', effect }: Taint): string {
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}

const placeOf = ({ key, effect }: Taint): string => `${key}:${effect}`;

function taintsOf(node: object): readonly Taint[] | undefined {
  return (node as { spec?: { taints?: readonly Taint[] } }).spec?.taints;
}

/** A Node with a note in place of its taints; anything else as it is. */
export function withTaintsNoted(object: DesiredObject['object']): DesiredObject['object'] {
  const taints = object.kind === 'Node' ? taintsOf(object) : undefined;
  if (taints === undefined) return object;
  const { spec, metadata, ...others } = object as typeof object & { spec: KubernetesObject };
  const { taints: _, ...rest } = spec;
  const { annotations } = metadata as { annotations?: object };
  const note = { [taintsAnnotation]: taints.map(placeOf).toSorted().join(',') };
  return {
    ...others,
    metadata:
      taints.length === 0 ? metadata : { ...metadata, annotations: { ...annotations, ...note } },
    ...(Object.keys(rest).length === 0 ? {} : { spec: rest }),
  };
}

/** What a change of a node's taints is called. */
export function taintSubject(object: Identity): string {
  return `${idOf(object)} (taints)`;
}

/** The taints of ours as they are on the node and as they are wanted; undefined where that is alike. */
export function taintChange(one: DesiredObject, live: KubernetesObject): Change | undefined {
  const wanted = one.object.kind === 'Node' ? taintsOf(one.object) : undefined;
  if (wanted === undefined) return undefined;
  const { annotations } = live['metadata'] as { annotations?: Record<string, string> };
  const noted = (annotations?.[taintsAnnotation] ?? '').split(',');
  const ours = new Set([...noted, ...wanted.map(placeOf)]);
  const there = (taintsOf(live) ?? []).filter((taint) => ours.has(placeOf(taint)));
  const list = (taints: readonly Taint[]): string => taints.map(textOf).toSorted().join(', ');
  const [before, after] = [list(there), list(wanted)];
  if (before === after) return undefined;
  return {
    subject: taintSubject(one.object),
    action: 'update',
    before: before === '' ? 'none' : before,
    after: after === '' ? 'none' : after,
  };
}

/** `taint NODE COUNT WORD…`: the words of `kubectl taint`, for a node with such a change. */
export function taintOrder(
  one: DesiredObject,
  changes: ReadonlyMap<string, Change>,
): readonly string[] {
  const change = changes.get(taintSubject(one.object));
  if (change === undefined) return [];
  const wanted = taintsOf(one.object) ?? [];
  const places = new Set(wanted.map(placeOf));
  const gone = (change.before ?? 'none')
    .split(', ')
    .filter((text) => text !== 'none')
    .map((text) => text.replace(/=[^:]*/, ''))
    .filter((place) => !places.has(place))
    .map((place) => `${place}-`);
  const words = [...wanted.map(textOf), ...gone];
  return ['taint', one.object.metadata.name, `${words.length}`, ...words];
}
