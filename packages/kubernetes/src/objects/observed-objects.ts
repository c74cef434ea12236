import type { ProbeOutput } from '@skerry/steps';
import { idOf, type Desired } from './desired-objects.ts';
import { isHidden, marked, wantedOf, type LiveObject } from './ownership.ts';
import { isSettled, ownsUnwanted, withoutManagers } from './settled.ts';

/** What the cluster said. Values of Secrets are numbered, equal values alike. */
export interface Observed {
  /** false: there is no kubeconfig of an administrator yet, so no cluster. */
  readonly cluster: boolean;
  /** What there is, of what is ours and of what is wanted. */
  readonly live: readonly LiveObject[];
  /** Ids of wanted objects of which an apply would change nothing, as they themselves tell. */
  readonly settled: readonly string[];
  /** Ids of wanted objects of which we own more than is wanted now. */
  readonly surplus: readonly string[];
  /** What a server-side apply would make of others of the wanted objects. */
  readonly applied: readonly LiveObject[];
  /** Ids of wanted objects whose kind or namespace is not there yet. */
  readonly pending: readonly { readonly id: string; readonly lacks: string }[];
  /** Ids of wanted objects that the server did not take, with its message. */
  readonly refused: readonly { readonly id: string; readonly message: string }[];
  /** How many times kubectl was called. */
  readonly calls: number;
}

/** @throws where the answer is cut off or is none. */
export function parseObjects({ stdout }: ProbeOutput, desired: Desired): Observed {
  const sections = stdout.split(/^== /m);
  if (sections.length < 2) throw new Error('the probe said nothing of the cluster');
  const live = new Map<string, LiveObject>();
  /** The same, with the values of Secrets: they are compared, and not kept. */
  const read = new Map<string, LiveObject>();
  const applied = new Map<string, LiveObject>();
  const pending: { id: string; lacks: string }[] = [];
  const refused: { id: string; message: string }[] = [];
  const number = secretNumbers();
  let calls = 0;
  for (const section of sections.slice(1)) {
    const newline = section.indexOf('\n');
    const [, word = '', id = ''] = /^(\w+) ?(.*)$/.exec(section.slice(0, newline)) ?? [];
    const body = section.slice(newline + 1);
    if (word === 'none') {
      const nothing = { live: [], settled: [], surplus: [], applied: [], pending: [], refused: [] };
      return { cluster: false, ...nothing, calls: 0 };
    }
    if (word === 'live' || word === 'applied' || word === 'call') calls += 1;
    if (word === 'pending') pending.push({ id, lacks: body.trim() });
    if (word === 'refused') {
      refused.push({ id, message: body.replaceAll(/^\| /gm, '').trim() });
    }
    const into = word === 'live' ? live : word === 'applied' ? applied : undefined;
    if (into === undefined) continue;
    for (const one of objectsIn(body)) {
      // A type that was asked for in two versions: the wanted one came first.
      if (into.has(idOf(one))) continue;
      into.set(idOf(one), number(one));
      if (into === live) read.set(idOf(one), one);
    }
  }
  const found = wantedOf(desired).flatMap((one) => {
    const id = idOf(one.object);
    const there = read.get(id);
    return there === undefined ? [] : [{ id, there, wanted: marked(one, desired) }];
  });
  const settled: string[] = [];
  const surplus: string[] = [];
  for (const { id, there, wanted } of found) {
    if (!isHidden(wanted) && isSettled(wanted, there)) settled.push(id);
    else if (ownsUnwanted(wanted, there)) surplus.push(id);
  }
  const values = {
    live: [...live.values()].map(withoutManagers),
    settled,
    surplus,
    applied: [...applied.values()].map(withoutManagers),
  };
  const taken = refused.filter(({ id }) => !applied.has(id));
  const last = new Map(taken.map((one) => [one.id, one]));
  return { cluster: true, ...values, pending, refused: [...last.values()], calls };
}

/** The objects of what kubectl printed: a list, one object, or nothing. */
function objectsIn(text: string): readonly LiveObject[] {
  if (text.trim() === '') return [];
  const read = JSON.parse(text) as LiveObject & { readonly items?: readonly LiveObject[] };
  return read.kind === 'List' && read.items !== undefined ? read.items : [read];
}

/** Puts numbers in place of the values of Secrets: what was read is kept, and is never shown. */
function secretNumbers(): (object: LiveObject) => LiveObject {
  const numbers = new Map<unknown, string>();
  return (object) => {
    const { data } = object as { readonly data?: object };
    if (object.apiVersion !== 'v1' || object.kind !== 'Secret' || !data) return object;
    const hidden = Object.entries(data).map(([key, value]) => {
      const known = numbers.get(value) ?? `⟦value ${numbers.size + 1}, not shown⟧`;
      numbers.set(value, known);
      return [key, known];
    });
    return { ...object, data: Object.fromEntries(hidden) as Record<string, string> };
  };
}
