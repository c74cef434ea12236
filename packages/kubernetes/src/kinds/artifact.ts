import {
  absolutePath,
  accountName,
  artifactFields,
  artifactStore,
  atomicFile,
  fileMode,
  sh,
  splitOptions,
  type Artifact,
  type Change,
  type Step,
  type StepKind,
  type StepOptions,
} from '@skerry/steps';
import { z } from 'zod';

const schema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/),
  files: z
    .array(
      z.strictObject({
        ...artifactFields,
        name: z.string(),
        version: z.string(),
        install: absolutePath,
        mode: fileMode.default('0755'),
        owner: accountName.default('root'),
        group: accountName.default('root'),
      }),
    )
    .superRefine((files, context) => {
      const seen = new Set<string>();
      for (const [index, { install }] of files.entries()) {
        if (seen.has(install)) {
          const message = `two artifacts are to be installed at ${install}`;
          context.addIssue({ code: 'custom', path: [index, 'install'], message });
        }
        seen.add(install);
      }
    }),
});
type Desired = z.infer<typeof schema>;
type File = Desired['files'][number];

/** In the order of the desired files. */
type Observed = readonly {
  readonly type: 'absent' | 'file' | 'other';
  /** '' for what is no file. */
  readonly sha256: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}[];

/** What `converge` does with one file. */
type Work = 'place' | 'permit' | 'leave';

const stampOf = (desired: Desired): string =>
  `/var/lib/skerry/artifacts/${desired.name.replaceAll(' ', '-')}`;

// Hashing the programs of a cluster takes a slow machine half a minute. As git does it, a file whose
// inode, size and times are those that were noted when it was put there is taken to hold the same.
const probe = `
stamp=$1; shift
newline='
'
noted=$newline
if [ -r "$stamp" ]; then
  while IFS= read -r line; do noted=$noted$line$newline; done <"$stamp"
fi
is_file() { [ -f "$1" ] && ! [ -L "$1" ]; }
# One stat for all of them, in their order.
states() {
  left=$#
  while [ "$left" -gt 0 ]; do
    if is_file "$1"; then set -- "$@" "$1"; fi
    shift; left=$((left - 1))
  done
  [ $# = 0 ] || stat -c '%a %U %G/%i %s %y %z %n' "$@"
}
states=$(states "$@")$newline
for path; do
  if is_file "$path"; then
    line=\${states%%"$newline"*}
    states=\${states#*"$newline"}
    case $line in *" $path") ;; *) line=$(stat -c '%a %U %G/%i %s %y %z %n' "$path") || exit 1 ;; esac
    now=\${line#*/}
    sum=\${noted%%" $now$newline"*}
    if [ "$sum" = "$noted" ]; then sum=$(sha256sum <"$path") || exit 1
    else sum=\${sum##*"$newline"}
    fi
    printf 'file %s %s\\n' "\${sum%% *}" "\${line%%/*}"
  elif [ -e "$path" ] || [ -L "$path" ]; then echo other
  else echo absent
  fi
done
`;

const converge = `${atomicFile}
umask 022
store=$1 stamp=$2; shift 2
mkdir -p "\${stamp%/*}" || fail "the folder \${stamp%/*} cannot be made"
rm -f "$stamp"
noted=
while [ $# -gt 0 ]; do
  work=$1 path=$2 sha256=$3
  case $work in
    place)
      source=$store/$sha256
      # A run that was cut off may have put it there already.
      [ -f "$source" ] || [ -L "$path" ] || source=$path
      [ -f "$source" ] || fail "$path: its artifact $sha256 does not lie in $store"
      mkdir -p "\${path%/*}" || fail "the folder \${path%/*} cannot be made"
      stage "$path"
      cat "$source" >"$temp" || fail "$path cannot be written"
      sum=$(sha256sum <"$temp") || fail "$path cannot be read back"
      if [ "\${sum%% *}" != "$sha256" ]; then
        [ "$source" = "$path" ] && fail "$path: its artifact $sha256 does not lie in $store"
        rm -f "$source"
        fail "$path: what lies in $store has the digest \${sum%% *}, not $sha256"
      fi
      place "$path" "$4" "$5" "$6"
      rm -f "$store/$sha256"
      ;;
    permit)
      chown "$5:$6" "$path" || fail "$path: owner and group $5:$6 cannot be set"
      chmod "0$4" "$path" || fail "$path: mode $4 cannot be set"
      sum=$(sha256sum <"$path") || fail "$path cannot be read"
      ;;
    leave) sum=$(sha256sum <"$path") || fail "$path cannot be read" ;;
  esac
  noted="$noted\${sum%% *} $(stat -c '%i %s %y %z %n' "$path")
"
  shift 6
done
stage "$stamp"
printf %s "$noted" >"$temp" || fail "$stamp cannot be written"
place "$stamp" 0644 0 0
`;

/** Files of the bundle at their places: programs, units, CNI plugins; compared by digest. */
export const artifactKind: StepKind<Desired, Observed> = {
  kind: 'artifact',
  schema,
  summary: ({ files }) =>
    files.length === 1
      ? `${files[0]?.name} ${files[0]?.version} at ${files[0]?.install}`
      : `${files.length} files of the bundle`,
  probe: (desired) => sh(probe, stampOf(desired), ...desired.files.map(({ install }) => install)),
  parse: ({ stdout }, { files }) => {
    const lines = stdout.trimEnd().split('\n');
    if (files.length > 0 && lines.length !== files.length) {
      throw new Error(`the probe told of ${lines.length} of ${files.length} files`);
    }
    return files.map((_, index) => parseLine(lines[index] ?? ''));
  },
  diff: (desired, observed) => desired.files.flatMap((file, at) => changesOf(file, observed[at])),
  converge: (desired, changes) => {
    const work = desired.files.map((file) => ({ file, work: workOf(file, changes) }));
    return {
      ...sh(
        converge,
        artifactStore,
        stampOf(desired),
        ...work.flatMap(({ work: what, file: { install, sha256, mode, owner, group } }) => [
          what,
          install,
          sha256,
          mode,
          owner,
          group,
        ]),
      ),
      artifacts: work
        .filter(({ work: what }) => what === 'place')
        .map(({ file: { path, sha256, size } }) => ({ path, sha256, size })),
    };
  },
};

function parseLine(line: string): Observed[number] {
  const [type, sha256, mode, owner, group] = line.split(' ');
  const nothing = { sha256: '', mode: '', owner: '', group: '' };
  if (type === 'absent' || type === 'other') return { type, ...nothing };
  if (type === 'file' && sha256 !== undefined && mode !== undefined && owner !== undefined) {
    return { type, sha256, mode: mode.padStart(4, '0'), owner, group: group ?? '' };
  }
  throw new Error(`the probe printed a line that cannot be read: ${line}`);
}

function changesOf(file: File, now: Observed[number] | undefined): Change[] {
  const { install: subject, name, version, sha256, mode, owner, group } = file;
  const after = `${name} ${version}`;
  if (now === undefined || now.type === 'absent') return [{ subject, action: 'create', after }];
  if (now.type === 'other') {
    return [
      {
        subject,
        action: 'refuse',
        why: 'there is something that is no file where the artifact should be',
        fix: 'move it away by hand, or remove it with an absent() step',
      },
    ];
  }
  if (now.sha256 !== sha256) {
    const before = `another content (sha256 ${now.sha256.slice(0, 12)}…)`;
    return [{ subject, action: 'update', before, after }];
  }
  const wanted = `${mode} ${owner}:${group}`;
  const found = `${now.mode} ${now.owner}:${now.group}`;
  return wanted === found
    ? []
    : [{ subject: permissions(subject), action: 'update', before: found, after: wanted }];
}

const permissions = (path: string): string => `${path} (permissions)`;

function workOf({ install }: File, changes: readonly Change[]): Work {
  if (changes.some(({ subject }) => subject === install)) return 'place';
  return changes.some(({ subject }) => subject === permissions(install)) ? 'permit' : 'leave';
}

export interface ArtifactOptions extends StepOptions {
  readonly owner?: string;
  readonly group?: string;
}

/** `artifact('cni-plugins', bundle.artifacts.filter(…))`: each goes to where it says itself. */
export function artifact(
  name: string,
  files: readonly Extract<Artifact, { kind: 'file' }>[],
  options: ArtifactOptions = {},
): Step {
  const { own, options: rest } = splitOptions(options);
  return {
    kind: artifactKind,
    name,
    desired: {
      name,
      files: files.map(({ name: of, version, path, sha256, size, install, mode }) => ({
        name: of,
        version,
        path,
        sha256,
        size,
        install,
        mode,
        ...own,
      })),
    },
    options: rest,
  };
}
