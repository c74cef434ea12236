import { z } from 'zod';
import { artifactFields } from '../artifact-fields.ts';
import type { Change } from '../change.ts';
import { artifactStore, sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { packageConverge, packageProbe } from '../package-scripts.ts';
import { splitOptions } from '../step-options.ts';

const packageName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/, 'the name of a package, without version or architecture');

/** The whole version as dpkg or rpm prints it: `1.36.0-1.1`, `2:1.4-3`; epoch 0 is left out. */
const packageVersion = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.+~:^_-]*$/);

const archive = z.strictObject({
  ...artifactFields,
  name: packageName,
  version: packageVersion,
  /** The packages that were asked for and need this one, themselves among them. */
  neededBy: z.array(packageName),
});

/** A package of the distribution that lies in the bundle. */
export type Archive = z.infer<typeof archive>;

const schema = z.strictObject({
  /** Set by the factory. */
  name: z.string().min(1),
  present: z
    .array(
      z.union([
        packageName,
        z.strictObject({
          name: packageName,
          version: packageVersion.optional(),
          /** true: upgrades pass it by (apt-mark hold, dnf versionlock); false: not held. */
          hold: z.boolean().optional(),
        }),
      ]),
    )
    .default([]),
  absent: z.array(packageName).default([]),
  /** Where the packages come from, with all that they need; left out: the repositories of the host. apt only. */
  archives: z.array(archive).optional(),
  /** Seconds. Lists of packages that are older are read anew before something is installed. */
  cacheAge: z.int().min(0).default(86_400),
  /** Seconds to wait while another process holds the lock of dpkg or of the package lists. */
  lockTimeout: z.int().min(0).default(300),
});
type Desired = z.infer<typeof schema>;

interface Installed {
  readonly version: string;
  readonly held: boolean;
}

interface Observed {
  readonly manager: 'apt' | 'dnf';
  /** Only what is installed completely. */
  readonly installed: Readonly<Record<string, Installed>>;
}

interface Wanted {
  readonly name: string;
  readonly version?: string | undefined;
  readonly hold?: boolean | undefined;
}

const wanted = (desired: Desired): Wanted[] =>
  desired.present.map((entry) => (typeof entry === 'string' ? { name: entry } : entry));

/** rpm prints no epoch, `(none)` or 0 where there is none. */
const plainVersion = (version: string): string => version.replace(/^(\(none\)|0):/, '');

/** `ii  1.7.24~ds1-6` of dpkg: the first letter is what is wanted, the second what is there. */
function parseApt(lines: readonly string[]): Record<string, Installed> {
  const installed: Record<string, Installed> = {};
  for (const line of lines) {
    const [name = '', status = '', version = ''] = line.split('\t');
    if (status[1] !== 'i' || status[2] === 'R') continue;
    installed[name] = { version, held: status.startsWith('h') };
  }
  return installed;
}

function parseDnf(lines: readonly string[]): Record<string, Installed> {
  const locked = lines.flatMap((line) => (line.startsWith('lock\t') ? [line.slice(5)] : []));
  const installed: Record<string, Installed> = {};
  for (const line of lines) {
    const [name = '', epochVersion, extra] = line.split('\t');
    if (name === 'lock' || epochVersion === undefined || extra !== undefined) continue;
    // `kubelet-0:1.36.0-150500.1.1.*` in the list of the dnf plugin, `name = "kubelet"` of dnf5
    const held = locked.some(
      (lock) =>
        lock === name || (lock.startsWith(`${name}-`) && /^\d+:/.test(lock.slice(name.length + 1))),
    );
    installed[name] = { version: plainVersion(epochVersion), held };
  }
  return installed;
}

function presentChanges(
  want: Wanted,
  found: Installed | undefined,
  archives: readonly Archive[] | undefined,
): Change[] {
  const changes: Change[] = [];
  const version = want.version === undefined ? undefined : plainVersion(want.version);
  const toInstall = found === undefined || (version !== undefined && found.version !== version);
  const lacking = archives !== undefined && !archives.some(({ name }) => name === want.name);
  if (toInstall && lacking) {
    return [
      {
        subject: want.name,
        action: 'refuse',
        why: 'the bundle has packages of this distribution, and this one is not among them',
        fix: 'make a bundle of this inventory: bootstrap bundle create INVENTORY --out DIR',
      },
    ];
  }
  if (found === undefined) {
    changes.push({ subject: want.name, action: 'create', after: version ?? 'installed' });
  } else if (version !== undefined && found.version !== version) {
    changes.push({ subject: want.name, action: 'update', before: found.version, after: version });
  }
  const held = found?.held ?? false;
  if (want.hold !== undefined && want.hold !== held) {
    const say = (value: boolean): string => (value ? 'held' : 'not held');
    changes.push({
      subject: `${want.name} (hold)`,
      action: 'update',
      before: say(held),
      after: say(want.hold),
    });
  }
  return changes;
}

/**
 * Packages of the distribution, by apt-get or dnf, whichever the host has; with `archives` apt-get sees
 * those of the bundle and no repository. What is installed is
 * never upgraded on the way, unless a version is asked for; nothing that is not named is removed.
 */
export const packageKind: StepKind<Desired, Observed> = {
  kind: 'package',
  schema,
  summary: (desired) => {
    const parts = wanted(desired).map(({ name, version }) =>
      version === undefined ? name : `${name} ${version}`,
    );
    return [...parts, ...desired.absent.map((name) => `no ${name}`)].join(', ') || 'no packages';
  },
  probe: (desired) =>
    sh(packageProbe, ...wanted(desired).map(({ name }) => name), ...desired.absent),
  parse: ({ stdout }) => {
    const [manager, ...lines] = stdout.split('\n').filter((line) => line !== '');
    if (manager === 'apt') return { manager, installed: parseApt(lines) };
    if (manager === 'dnf') return { manager, installed: parseDnf(lines) };
    throw new Error(`unknown package manager: ${manager ?? '(no answer)'}`);
  },
  diff: (desired, { installed }) => [
    ...wanted(desired).flatMap((want) =>
      presentChanges(want, installed[want.name], desired.archives),
    ),
    ...desired.absent.flatMap((name): Change[] => {
      const found = installed[name];
      return found === undefined
        ? []
        : [{ subject: name, action: 'delete', before: found.version }];
    }),
  ],
  converge: (desired, changes) => {
    const missing = changes.flatMap(({ subject, action }) =>
      action === 'delete' ? [] : [subject],
    );
    const archives = (desired.archives ?? []).filter(({ neededBy }) =>
      neededBy.some((name) => missing.includes(name)),
    );
    const script = sh(
      packageConverge,
      String(desired.cacheAge),
      String(desired.lockTimeout),
      desired.archives === undefined ? '' : artifactStore,
      String(archives.length),
      ...archives.flatMap(({ sha256, size }) => [sha256, String(size)]),
      ...wanted(desired).flatMap(({ name, version, hold }) => [
        name,
        version === undefined ? '' : plainVersion(version),
        hold === undefined ? '' : hold ? 'hold' : 'unhold',
      ]),
      ...desired.absent.flatMap((name) => [name, '', 'absent']),
    );
    if (desired.archives === undefined) return script;
    return {
      ...script,
      artifacts: archives.map(({ path, sha256, size }) => ({ path, sha256, size })),
    };
  },
  deadline: () => 1800,
};

/** `packages('container runtime', { present: ['containerd', { name: 'runc', version: '1.1.15' }] })` */
export function packages(
  name: string,
  fields: {
    readonly present?: readonly (
      | string
      | { readonly name: string; readonly version?: string; readonly hold?: boolean }
    )[];
    readonly absent?: readonly string[];
    readonly archives?: readonly Archive[];
    readonly cacheAge?: number;
    readonly lockTimeout?: number;
  } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: packageKind, name, desired: { name, ...own }, options };
}
