import type { Confidence, HandlerPlan, HostPlan, Plan, StepPlan } from '@skerry/runbook';
import { sh, textDiff, type Change } from '@skerry/steps';

export function step(
  id: string,
  summary: string,
  changes: readonly Change[],
  confidence: Confidence = { level: 'exact' },
  notify: readonly string[] = [],
): StepPlan {
  return { id, summary, changes, confidence, converge: sh('true'), notify };
}

const restart: HandlerPlan = {
  id: 'restart containerd',
  fragment: sh('true'),
  because: ['file /etc/containerd/config.toml'],
  leftover: false,
};

const kernel = [
  step('kernelModules kubernetes', 'overlay, br_netfilter', [
    { subject: 'br_netfilter (live)', action: 'create', after: 'loaded' },
  ]),
  step(
    'sysctl kubernetes',
    '2 keys',
    [
      { subject: 'net.ipv4.ip_forward (live)', action: 'update', before: '0', after: '1' },
      { subject: 'net.ipv4.ip_forward (at boot)', action: 'create', after: '1' },
    ],
    { level: 'conditional', on: ['kernelModules kubernetes'] },
  ),
];

const before = 'version = 2\n[plugins]\n  SystemdCgroup = false\n';
const after = 'version = 2\n[plugins]\n  SystemdCgroup = true\n';

const containerd = step(
  'file /etc/containerd/config.toml',
  'text, 3 lines, root:root 0644',
  [
    {
      subject: '/etc/containerd/config.toml',
      action: 'update',
      before: '54 bytes',
      after: '53 bytes',
      diff: textDiff(before, after),
    },
  ],
  { level: 'exact' },
  ['restart containerd'],
);

function worker(host: string): HostPlan {
  return {
    host,
    plays: [
      { play: 'Kernel', steps: kernel, handlers: [], converged: 4, skipped: ['swap'] },
      {
        play: 'Container runtime',
        steps: [
          step('hostname', host, [
            { subject: 'hostname', action: 'update', before: 'debian', after: host },
          ]),
          containerd,
        ],
        handlers: [restart],
        converged: 1,
        skipped: [],
      },
    ],
  };
}

/** Four workers alike but for their names, a host with a refusal and a leftover, one that is done. */
export const plan: Plan = {
  schema: 1,
  runbook: 'prepare-nodes',
  cluster: 'oslo',
  order: ['Kernel', 'Container runtime'],
  hosts: [
    ...['node-01', 'node-02', 'node-03', 'node-04'].map(worker),
    {
      host: 'db-1',
      plays: [
        {
          play: 'Kernel',
          steps: [
            step('filesystem /var/lib/etcd', 'ext4 on serial S123', [
              {
                subject: '/dev/disk/by-id/nvme-S123',
                action: 'refuse',
                why: 'the disk holds an xfs filesystem, and formatting it would destroy what is on it',
                fix: 'if nothing on it is needed, put the serial number under wipe in the inventory: wipe: [S123]',
              },
            ]),
            step(
              'command warm-up',
              'warm-up',
              [{ subject: 'warm-up', action: 'run', after: '/usr/local/bin/warm-up' }],
              { level: 'opaque', why: 'a command can do anything' },
            ),
            step('absent /etc/cron.d/old', 'nothing there', [
              { subject: '/etc/cron.d/old', action: 'delete', before: 'file' },
            ]),
          ],
          handlers: [{ ...restart, because: [], leftover: true }],
          converged: 0,
          skipped: [],
        },
      ],
    },
    {
      host: 'db-2',
      plays: [{ play: 'Kernel', steps: [], handlers: [], converged: 6, skipped: [] }],
    },
  ],
};
