import { z } from 'zod';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { FileContent, ResolveContext, Step, StepKind, StepOptions } from '../kind.ts';
import { KeyError, readSigningKeys } from '../openpgp.ts';
import { probeLines, required } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';
import { textDiff } from '../text-diff.ts';
import { writeFile } from '../write-file.ts';

const oneWord = z.string().regex(/^[^\s#]+$/, 'one word, without spaces');

const apt = z.strictObject({
  uris: z.array(oneWord).min(1),
  /** `trixie`; or a path that ends with a slash, without components. */
  suites: z.array(oneWord).min(1),
  components: z.array(oneWord).default([]),
  types: z.array(z.enum(['deb', 'deb-src'])).default(['deb']),
  /** As dpkg calls them: `amd64`, `arm64`. Left out: those of the host. */
  architectures: z.array(oneWord).default([]),
});

const dnf = z.strictObject({
  baseurl: oneWord,
  /** What `dnf repolist` shows; the name of the step where it is left out. */
  description: z
    .string()
    .regex(/^[^\n]+$/)
    .optional(),
  gpgcheck: z.boolean().default(true),
  /** The metadata are signed too. */
  repoGpgcheck: z.boolean().default(false),
  exclude: z.array(oneWord).default([]),
});

const schema = z
  .strictObject({
    /** Names the files; set by the factory. */
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/),
    /** For hosts with apt-get. */
    apt: apt.optional(),
    /** For hosts with dnf. */
    dnf: dnf.optional(),
    /** The signing keys: an armored block, or the bytes of a keyring as base64. */
    key: z.union([z.string(), z.strictObject({ base64: z.base64() })]),
    /** The fingerprint of every primary key in `key`, as hex; spaces are left out. */
    fingerprints: z
      .array(
        z
          .string()
          .transform((text) => text.replaceAll(' ', '').toUpperCase())
          .pipe(
            z
              .string()
              .regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/, 'a whole fingerprint: 40 or 64 hex digits'),
          ),
      )
      .min(1),
  })
  .superRefine((value, context) => {
    const complain = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (value.apt === undefined && value.dnf === undefined)
      complain('apt', 'give apt, dnf or both');
    try {
      const found = keysOf(value.key).keys.map((key) => key.fingerprint);
      for (const fingerprint of found) {
        if (value.fingerprints.includes(fingerprint)) continue;
        complain(
          'key',
          `the key ${fingerprint} is not among the fingerprints given; it will not be installed`,
        );
      }
      for (const fingerprint of value.fingerprints) {
        if (!found.includes(fingerprint))
          complain('fingerprints', `no key with the fingerprint ${fingerprint}`);
      }
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      complain('key', `cannot be used as a signing key: ${error.message}`);
    }
  });
type Desired = z.infer<typeof schema>;

interface Observed {
  readonly manager: 'apt' | 'dnf';
  readonly key: 'same' | 'differs' | 'absent';
  /** The text of the file of sources; undefined where there is none. */
  readonly file: string | undefined;
}

function keysOf(key: Desired['key']): ReturnType<typeof readSigningKeys> {
  return readSigningKeys(typeof key === 'string' ? key : Buffer.from(key.base64, 'base64'));
}

const paths = (name: string, manager: 'apt' | 'dnf'): { file: string; key: string } =>
  manager === 'apt'
    ? { file: `/etc/apt/sources.list.d/${name}.sources`, key: `/etc/apt/keyrings/${name}.asc` }
    : { file: `/etc/yum.repos.d/${name}.repo`, key: `/etc/pki/rpm-gpg/RPM-GPG-KEY-${name}` };

/** sources.list(5), deb822 style; '' where this repository is not for apt. */
function sourcesText({ name, apt }: Desired): string {
  if (apt === undefined) return '';
  const lines = [
    `# Managed by Skerry: packageRepository ${name}`,
    `Types: ${apt.types.join(' ')}`,
    `URIs: ${apt.uris.join(' ')}`,
    `Suites: ${apt.suites.join(' ')}`,
    ...(apt.components.length > 0 ? [`Components: ${apt.components.join(' ')}`] : []),
    ...(apt.architectures.length > 0 ? [`Architectures: ${apt.architectures.join(' ')}`] : []),
    `Signed-By: ${paths(name, 'apt').key}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** dnf.conf(5); '' where this repository is not for dnf. */
function repoText({ name, dnf }: Desired): string {
  if (dnf === undefined) return '';
  const lines = [
    `# Managed by Skerry: packageRepository ${name}`,
    `[${name}]`,
    `name=${dnf.description ?? name}`,
    `baseurl=${dnf.baseurl}`,
    'enabled=1',
    `gpgcheck=${dnf.gpgcheck ? 1 : 0}`,
    `repo_gpgcheck=${dnf.repoGpgcheck ? 1 : 0}`,
    `gpgkey=file://${paths(name, 'dnf').key}`,
    ...(dnf.exclude.length > 0 ? [`exclude=${dnf.exclude.join(' ')}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

const manager = `
if command -v apt-get >/dev/null; then
  manager=apt file=/etc/apt/sources.list.d/$1.sources key=/etc/apt/keyrings/$1.asc
elif command -v dnf >/dev/null; then
  manager=dnf file=/etc/yum.repos.d/$1.repo key=/etc/pki/rpm-gpg/RPM-GPG-KEY-$1
else
  echo 'neither apt-get nor dnf is there: no repository can be added on this host' >&2
  exit 1
fi`;

const probe = `${manager}
echo "manager $manager"
if [ ! -e "$key" ]; then
  echo 'key absent'
elif [ "$(sha256sum <"$key" | cut -d' ' -f1)" = "$2" ]; then
  echo 'key same'
else
  echo 'key differs'
fi
if [ -e "$file" ]; then echo '--'; cat "$file"; fi
`;

const converge = `${manager}
${writeFile}
case $manager in apt) text=$3 ;; dnf) text=$4 ;; esac
[ -n "$text" ] || fail "this repository is not described for $manager"
write_file "$key" 0644 "$2"
write_file "$file" 0644 "$text"
`;

/** A repository of packages with its signing key, whose fingerprint is checked before it is sent. */
export const packageRepositoryKind: StepKind<Desired, Observed> = {
  kind: 'packageRepository',
  schema,
  summary: ({ name, apt, dnf }) => `repository ${name} at ${apt?.uris.join(', ') ?? dnf?.baseurl}`,
  probe: (desired) => sh(probe, desired.name, { sha256Of: keysOf(desired.key).armored }),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    const manager = required(lines, 'manager');
    const key = required(lines, 'key');
    if (manager !== 'apt' && manager !== 'dnf') throw new Error(`unknown manager ${manager}`);
    if (key !== 'same' && key !== 'differs' && key !== 'absent') throw new Error(`unknown: ${key}`);
    return { manager, key, file: lines.text };
  },
  diff: (desired, { manager, key, file }) => {
    const at = paths(desired.name, manager);
    if (desired[manager] === undefined) {
      return [
        {
          subject: at.file,
          action: 'refuse',
          why: `the host has ${manager}, and this repository is described for ${manager === 'apt' ? 'dnf' : 'apt'} only`,
          fix: `give the step an ${manager} part, or leave the host out by when`,
        },
      ];
    }
    const changes: Change[] = [];
    if (key !== 'same') {
      changes.push({
        subject: at.key,
        action: key === 'absent' ? 'create' : 'update',
        ...(key === 'differs' && { before: 'another key' }),
        after: desired.fingerprints.join(', '),
      });
    }
    const diff = textDiff(file, manager === 'apt' ? sourcesText(desired) : repoText(desired));
    if (diff !== '') {
      changes.push({ subject: at.file, action: file === undefined ? 'create' : 'update', diff });
    }
    return changes;
  },
  converge: (desired) =>
    sh(
      converge,
      desired.name,
      keysOf(desired.key).armored,
      sourcesText(desired),
      repoText(desired),
    ),
};

/**
 * `packageRepository('kubernetes', { apt: {…}, dnf: {…}, keyFile: 'keys/kubernetes.asc',
 * fingerprints: ['DE15…'] })`: `keyFile` lies beside the runbooks, `key` is the armored text itself.
 */
export function packageRepository(
  name: string,
  fields: {
    readonly apt?: z.input<typeof apt>;
    readonly dnf?: z.input<typeof dnf>;
    readonly fingerprints: readonly string[];
    readonly key?: FileContent;
    readonly keyFile?: string;
  } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  const { keyFile, ...rest } = own;
  const desired = { name, ...rest };
  return {
    kind: packageRepositoryKind,
    name,
    desired,
    options,
    ...(keyFile !== undefined && {
      resolve: (context: ResolveContext) => ({ ...desired, key: context.source(keyFile) }),
    }),
  };
}
