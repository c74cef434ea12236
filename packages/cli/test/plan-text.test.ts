import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { Plan, StepPlan } from '@skerry/runbook';
import { sh } from '@skerry/steps';
import { foldPlan } from '../src/render/fold.ts';
import { planText } from '../src/render/plan-text.ts';
import { plan } from './plan-fixture.ts';

const plain = pc.createColors(false);

describe('the plan as text', () => {
  it('folds what is the same on several hosts', async () => {
    const text = planText(plan, { colors: plain, width: 100, verbose: false });
    await expect(text).toMatchFileSnapshot('golden/plan.txt');
  });

  it('is painted', async () => {
    const text = planText(plan, { colors: pc.createColors(true), width: 100, verbose: false });
    await expect(text).toMatchFileSnapshot('golden/plan.color.txt');
  });

  it('keeps within a narrow terminal where words allow it', async () => {
    const text = planText(plan, { colors: plain, width: 60, verbose: true });
    await expect(text).toMatchFileSnapshot('golden/plan.narrow.txt');
  });

  it('names every host of a folded change exactly once', () => {
    const hosts = Array.from(
      { length: 300 },
      (_, index) => `node-${String(index).padStart(3, '0')}`,
    );
    const [pattern] = plan.hosts;
    if (pattern === undefined) throw new Error('the fixture is empty');
    const many: Plan = { ...plan, hosts: hosts.map((host) => ({ ...pattern, host })) };
    const text = planText(many, { colors: plain, width: 100, verbose: false });
    expect(text.match(/br_netfilter \(live\)/g)).toHaveLength(1);
    expect(text).toContain('node-[000:299]  (300 hosts)');
    expect(text).toContain('1200 steps (1500 changes) and 300 handlers on 300 of 300 hosts');
  });

  it('says that there is nothing to do', () => {
    const empty: Plan = { ...plan, hosts: plan.hosts.filter(({ host }) => host === 'db-2') };
    expect(planText(empty, { colors: plain, width: 80, verbose: false })).toBe(
      'Nothing to do: 1 host as desired.',
    );
  });

  it('counts only what there is', () => {
    const left = {
      id: 'tell',
      fragment: { code: ':', args: [] },
      because: [],
      leftover: true,
    };
    const only: Plan = {
      ...plan,
      hosts: [
        {
          host: 'a',
          plays: [{ play: 'P', steps: [], handlers: [left], converged: 1, skipped: [] }],
        },
      ],
    };
    const text = planText(only, { colors: plain, width: 100, verbose: false });
    expect(text.split('\n').at(-1)).toBe('Plan: 1 handler on 1 of 1 host.');
  });

  it('keeps apart what only looks alike', () => {
    const [first, second] = plan.hosts;
    if (first === undefined || second === undefined) throw new Error('the fixture is empty');
    const [kernel, ...others] = second.plays;
    const steps = kernel?.steps.map((step) => ({
      ...step,
      confidence: { level: 'exact' as const },
    }));
    const changed = { ...second, plays: [{ ...kernel, steps }, ...others] } as typeof second;
    const text = planText(
      { ...plan, hosts: [first, changed] },
      { colors: plain, width: 100, verbose: false },
    );
    expect(text.match(/net\.ipv4\.ip_forward \(live\): 0 → 1/g)).toHaveLength(2);
    expect(text.match(/br_netfilter \(live\)/g)).toHaveLength(1);
  });

  it('plays stand in the order in which they run, also those that the first host has not', () => {
    const part = (play: string) => ({
      play,
      steps: [change(play)],
      handlers: [],
      converged: 0,
      skipped: [],
    });
    const change = (id: string): StepPlan => ({
      id,
      summary: id,
      changes: [{ subject: id, action: 'create' }],
      confidence: { level: 'exact' },
      converge: sh('true'),
      notify: [],
    });
    const blocks = foldPlan({
      ...plan,
      order: ['First control plane', 'Workers', 'Leftovers'],
      hosts: [
        { host: 'cp-1', plays: [part('First control plane'), part('Leftovers')] },
        { host: 'node-1', plays: [part('Workers'), part('Leftovers')] },
      ],
    });
    expect(blocks.map(({ play }) => play)).toEqual(['First control plane', 'Workers', 'Leftovers']);
  });
});
