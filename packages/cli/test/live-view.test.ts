import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '@skerry/runbook';
import { clip } from '../src/render/layout.ts';
import { LiveView } from '../src/render/live-view.ts';
import { Progress } from '../src/render/progress.ts';
import { Screen } from './screen.ts';

const colors = pc.createColors(false);
const hosts = Array.from(
  { length: 40 },
  (_, index) => `node-${String(index + 1).padStart(2, '0')}`,
);

function started(host: string, step: string): RunEvent {
  return { type: 'step-started', host, play: 'Kernel', step, handler: false };
}

function failed(host: string, what: string): RunEvent {
  return {
    type: 'host-failed',
    host,
    outcome: 'failed',
    failure: { code: 'step-failed', what, step: 'Kernel › swap' },
  };
}

const run: readonly RunEvent[] = [
  { type: 'run-started', mode: 'apply', runbook: 'prepare-nodes', cluster: 'oslo', hosts },
  { type: 'phase', phase: 'probe', hosts },
  ...hosts.map((host): RunEvent => ({ type: 'host-probed', host, changes: 3, milliseconds: 90 })),
  { type: 'phase', phase: 'apply', hosts },
  started('node-07', 'sysctl kubernetes'),
  started('node-30', 'package containerd'),
  failed('node-39', 'status 1: swapoff: Cannot allocate memory'),
];

function progress(): Progress {
  const state = new Progress();
  for (const event of run) state.apply(event, 0);
  return state;
}

describe('the live view', () => {
  it('shows failing and running hosts first, and counts the rest', async () => {
    const frame = progress().frame({ rows: 8, width: 80, now: 4200, colors });
    expect(frame).toHaveLength(8);
    await expect(frame.join('\n')).toMatchFileSnapshot('golden/live.txt');
  });

  it('shows every host where there is room', () => {
    const frame = progress().frame({ rows: 60, width: 80, now: 0, colors });
    expect(frame).toHaveLength(41);
    for (const host of hosts) expect(frame.join('\n')).toContain(host);
  });

  it('never has more lines or columns than it was given', () => {
    for (const rows of [1, 2, 3, 10]) {
      for (const width of [10, 20, 79]) {
        const frame = progress().frame({ rows, width, now: 0, colors: pc.createColors(true) });
        expect(frame.length).toBeLessThanOrEqual(rows);
        for (const line of frame) expect(clip(line, width)).toBe(line);
      }
    }
  });

  it('keeps a failed host failed', () => {
    const state = progress();
    state.apply({ type: 'phase', phase: 'verify', hosts }, 1);
    state.apply({ type: 'host-verified', host: 'node-39', remaining: [] }, 1);
    const [, first] = state.frame({ rows: 8, width: 80, now: 1, colors });
    expect(first).toMatch(/✗ node-39.*swapoff/);
  });

  it('leaves on the screen what is to stay, and nothing of itself, with more hosts than lines', () => {
    const screen = new Screen(12, 70);
    const view = new LiveView({
      colors,
      verbose: false,
      terminal: screen,
      print: (text) => screen.write(`${text}\n`),
      now: () => 0,
      interval: 100_000,
    });
    for (const event of run) {
      view.event(event);
      view.draw();
      expect(screen.rowOfCursor).toBeLessThan(12);
    }
    const during = screen.text();
    expect(during).toContain('… and 32 more');
    screen.resize(8, 40);
    view.draw();
    for (let index = 0; index < 5; index += 1) view.draw();
    view.close();
    const lines = screen.text();
    expect(lines).not.toContain('more:');
    expect(lines).not.toContain('›  node');
    expect(lines).toContain('node-39: failed at Kernel › swap');
    expect(lines.match(/prepare-nodes on oslo: 40 hosts/g)).toHaveLength(1);
  });
});
