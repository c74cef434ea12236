import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { HostRecap } from '@skerry/runbook';
import { PlainLines } from '../src/render/plain-lines.ts';
import { recapText, type RunFinished } from '../src/render/recap.ts';

const options = { colors: pc.createColors(false), width: 100, mode: 'apply' } as const;

function recap(host: string, more: Partial<HostRecap> = {}): HostRecap {
  return {
    host,
    outcome: 'changed',
    changed: 5,
    converged: 25,
    handlers: 1,
    execs: 2,
    ...more,
  };
}

function finished(hosts: HostRecap[], more: Partial<RunFinished> = {}): RunFinished {
  return {
    type: 'run-finished',
    exitCode: 0,
    hosts,
    verified: true,
    milliseconds: 61_200,
    ...more,
  };
}

function noSpace(host: string): HostRecap {
  return recap(host, {
    outcome: 'failed',
    failure: {
      code: 'step-failed',
      what: `${host}: status 1: No space left on device`,
      step: 'Kernel › sysctl kubernetes',
      why: 'the step exited with status 1',
      fix: `make room on ${host} and run apply again`,
    },
  });
}

describe('the recap', () => {
  it('tells a failure of several hosts once, with their names, and the hosts in lines', async () => {
    const hosts = [
      recap('node-01'),
      recap('node-02'),
      noSpace('node-03'),
      noSpace('node-04'),
      noSpace('node-05'),
      recap('db-1', { outcome: 'converged', changed: 0, handlers: 0, execs: 1, apiCalls: 2 }),
      recap('db-2', {
        outcome: 'unknown',
        failure: {
          code: 'lost',
          what: 'the connection was lost while a step was changing the host',
          step: 'Kernel › swap',
          fix: 'run plan to see what was done',
        },
      }),
    ];
    const text = recapText(finished(hosts, { exitCode: 4, verified: false }), options);
    expect(text.match(/No space left/g)).toHaveLength(1);
    await expect(text).toMatchFileSnapshot('golden/recap.txt');
  });

  it('says whether what was changed was verified', () => {
    const changed = [recap('a'), recap('b')];
    expect(recapText(finished(changed), options)).toMatch(
      /2 hosts changed, verified: .*, in 1 min 01 s\.$/,
    );
    expect(recapText(finished(changed, { verified: false }), options)).toContain('NOT verified');
  });

  it('names the handlers that are left for the next apply, with their hosts', () => {
    const hosts = [
      recap('a', { outcome: 'failed', due: ['restart containerd', 'reload sshd'] }),
      recap('b', { outcome: 'aborted', due: ['restart containerd'] }),
      recap('c'),
    ];
    expect(recapText(finished(hosts, { exitCode: 3 }), options)).toContain(
      `
Handlers that are due and did not run; the next apply runs them
  restart containerd: a, b
  reload sshd: a
`,
    );
  });

  it('says that there was nothing to do', () => {
    const done = [recap('a', { outcome: 'converged', changed: 0, handlers: 0, execs: 1 })];
    expect(recapText(finished(done), options)).toMatch(
      /1 host looked at in 1 min 01 s; nothing was changed\.$/,
    );
  });

  it('does not call a plan that was declined done', () => {
    const declined = [recap('a', { outcome: 'planned', changed: 0, handlers: 0, execs: 1 })];
    const pending = new Map([['a', 7]]);
    const text = recapText(finished(declined, { verified: false }), { ...options, pending });
    expect(text).toMatch(/a +planned +7 to change, 25 as desired/);
    expect(text).toMatch(/Nothing was changed/);
  });
});

describe('the line of a host that failed', () => {
  it('is one line, whatever there is to say', () => {
    const printed: string[] = [];
    const lines = new PlainLines({
      colors: pc.createColors(false),
      verbose: false,
      width: () => 100,
      print: (text) => printed.push(text),
    });
    const failure = { code: 'x', what: 'one is missing\n  why: a\ntwo is missing', step: 'P › s' };
    lines.event({ type: 'host-failed', host: 'a', outcome: 'failed', failure });
    expect(printed).toEqual(['a: failed at P › s: one is missing …']);
  });
});
