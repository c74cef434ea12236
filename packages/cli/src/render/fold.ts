import type { HandlerPlan, Plan, StepPlan } from '@skerry/runbook';

/** Steps that are the very same on all of `hosts`, in the order in which they run. */
export interface PlanBlock {
  readonly hosts: readonly string[];
  readonly steps: readonly StepPlan[];
  readonly handlers: readonly HandlerPlan[];
}

export interface PlayBlocks {
  readonly play: string;
  readonly blocks: readonly PlanBlock[];
}

interface Item {
  readonly hosts: string[];
  readonly content:
    | { readonly kind: 'step'; readonly step: StepPlan }
    | { readonly kind: 'handler'; readonly handler: HandlerPlan };
}

/**
 * The plan for a reader: play by play, what is the same on several hosts only once. Two steps are
 * the same when everything that a reader sees of them is; the scripts are not looked at.
 */
export function foldPlan(plan: Plan): readonly PlayBlocks[] {
  const plays = new Map<string, Map<string, Item>>();
  for (const { host, plays: hostPlays } of plan.hosts) {
    for (const { play, steps, handlers } of hostPlays) {
      const items = plays.get(play) ?? new Map<string, Item>();
      plays.set(play, items);
      for (const step of steps) add(items, host, { kind: 'step', step });
      for (const handler of handlers) add(items, host, { kind: 'handler', handler });
    }
  }
  const place = ({ play }: PlayBlocks): number => plan.order.indexOf(play);
  return [...plays]
    .map(([play, items]) => ({ play, blocks: blocksOf([...items.values()]) }))
    .filter(({ blocks }) => blocks.length > 0)
    .toSorted((one, other) => place(one) - place(other));
}

function add(items: Map<string, Item>, host: string, content: Item['content']): void {
  const key = JSON.stringify(
    content.kind === 'step'
      ? { ...content.step, converge: undefined }
      : { ...content.handler, fragment: undefined },
  );
  const item = items.get(key);
  if (item === undefined) items.set(key, { hosts: [host], content });
  else item.hosts.push(host);
}

function blocksOf(items: readonly Item[]): readonly PlanBlock[] {
  const bySet = new Map<string, { hosts: string[]; steps: StepPlan[]; handlers: HandlerPlan[] }>();
  for (const { hosts, content } of items) {
    const key = hosts.join('\n');
    const block = bySet.get(key) ?? { hosts, steps: [], handlers: [] };
    bySet.set(key, block);
    if (content.kind === 'step') block.steps.push(content.step);
    else block.handlers.push(content.handler);
  }
  // What most hosts share comes first.
  return [...bySet.values()].toSorted((a, b) => b.hosts.length - a.hosts.length);
}
