import { z } from 'zod';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines, required } from '../probe-lines.ts';
import { writeFile } from '../write-file.ts';

const schema = z.strictObject({
  /** RFC 1123, in lower case as Kubernetes wants it, at most 64 characters (the kernel's limit). */
  hostname: z
    .string()
    .max(64)
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
      'a name of lower-case letters, digits, hyphens and dots (RFC 1123)',
    ),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  readonly live: string;
  /** The first line of /etc/hostname that is no comment; '' where there is none. */
  readonly file: string;
  /** cloud-init is there and would set the name back at the next boot. */
  readonly cloudInit: boolean;
}

const cloudConfig = '/etc/cloud/cloud.cfg.d/99-skerry-hostname.cfg';

const probe = `
echo "live $(cat /proc/sys/kernel/hostname)"
echo "file $(sed -n '/^[^#]/{p;q;}' /etc/hostname 2>/dev/null)"
if [ -d /etc/cloud/cloud.cfg.d ] && ! grep -qs '^preserve_hostname: true' "$1"; then echo 'cloud-init resets'; fi
`;

const converge = `${writeFile}
write_file /etc/hostname 0644 "$1
"
if [ -d /etc/cloud/cloud.cfg.d ]; then
  write_file "$2" 0644 'preserve_hostname: true
'
fi
[ "$(cat /proc/sys/kernel/hostname)" = "$1" ] || printf '%s\\n' "$1" >/proc/sys/kernel/hostname
`;

/** The name of the machine, now and at boot; cloud-init is told to leave it alone. */
export const hostnameKind: StepKind<Desired, Observed> = {
  kind: 'hostname',
  schema,
  summary: (desired) => `hostname ${desired.hostname}`,
  probe: () => sh(probe, cloudConfig),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    return {
      live: required(lines, 'live'),
      file: required(lines, 'file'),
      cloudInit: lines.one('cloud-init') !== undefined,
    };
  },
  diff: ({ hostname }, observed) => {
    const changes: Change[] = [];
    const update = (subject: string, before: string): void => {
      if (before !== hostname) {
        changes.push({ subject, action: 'update', before, after: hostname });
      }
    };
    update('hostname (live)', observed.live);
    update('/etc/hostname', observed.file);
    if (observed.cloudInit) {
      changes.push({
        subject: cloudConfig,
        action: 'create',
        after: 'preserve_hostname: true',
        why: 'cloud-init would set the old name again at the next boot',
      });
    }
    return changes;
  },
  converge: ({ hostname }) => sh(converge, hostname, cloudConfig),
};

/** `hostname('oslo-cp-1')` */
export function hostname(name: string, options: StepOptions = {}): Step {
  return { kind: hostnameKind, name: '', desired: { hostname: name }, options };
}
