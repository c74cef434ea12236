import { sh, type Fragment } from '@skerry/steps';
import { idOf, typeOf, type Desired, type DesiredObject } from './desired-objects.ts';
import { isLost } from './lost-api.ts';
import type { Observed } from './observed-objects.ts';
import { fieldManager, marked, wantedOf } from './ownership.ts';

/** Seconds: what an API server takes from its start to its first answer, on slow machines. */
const restartSeconds = 60;

/**
 * How the API is asked for many objects at once, by a script that has KUBECONFIG set. Each object is five
 * words: id, ownership, type, namespace, JSON.
 */
export const asking = `
nl='
'
exec 3>&1
k() { kubectl --request-timeout=60s "$@"; }
dry() {
  echo '== applied'
  k apply --server-side --validate=false --dry-run=server --field-manager=${fieldManager} --force-conflicts -o json -f -
}
pick() {
  while [ $# -gt 0 ]; do
    case "$chosen" in *"$nl$1$nl"*) printf '%s\\n' "$5" ;; esac
    shift 5
  done
}
${isLost.trim()}
# What kubectl said, each line once: it says the same for every object.
tell() { printf '%s\\n' "$1" | awk '!seen[$0]++' >&2; }
# An API server that is just started again gets ${restartSeconds} seconds; whoever finds it well pays nothing.
await_api() {
  begin=$(date +%s)
  until said=$(kubectl --request-timeout=10s get --raw /readyz 2>&1 >/dev/null); do
    is_lost "$said" || return 0
    if [ "$(($(date +%s) - begin))" -ge ${restartSeconds} ]; then
      tell "$said"
      return 1
    fi
    sleep 2
  done
}
# try HOW IDS OBJECTS…: all at once; where that fails, each half alone, down to the one that is to blame.
try() (
  how=$1
  chosen=$2
  shift 2
  said=$(pick "$@" | { "$how" >&3; } 2>&1) && exit
  if is_lost "$said"; then
    tell "$said"
    exit 1
  fi
  ids=$(printf '%s' "$chosen" | sed '/^$/d')
  count=$(printf '%s\\n' "$ids" | wc -l)
  if [ "$count" -le 1 ]; then
    printf '== refused %s\\n' "$ids" >&3
    printf '%s\\n' "$said" | sed 's/^/| /' >&3
    exit
  fi
  half=$((count / 2))
  try "$how" "$nl$(printf '%s\\n' "$ids" | head -n "$half")$nl" "$@" || exit
  try "$how" "$nl$(printf '%s\\n' "$ids" | tail -n "+$((half + 1))")$nl" "$@"
)
`.trimStart();

/** The words for objects, in their order. */
export function wordsOf(objects: readonly DesiredObject[], desired: Desired): string[] {
  return objects.flatMap((one) => {
    const { ownership, object } = one;
    const { namespace = '' } = object.metadata;
    const text = JSON.stringify(marked(one, desired));
    return [idOf(object), ownership, typeOf(object), namespace, text];
  });
}

const script = `
export KUBECONFIG=$1
shift
${asking}chosen=$nl
all() {
  while [ $# -gt 0 ]; do
    chosen=$chosen$1$nl
    shift 5
  done
}
all "$@"
try dry "$chosen" "$@" || { await_api && try dry "$chosen" "$@"; }
`;

/**
 * Asks what a server-side apply would make of those objects that do not tell themselves that it would change
 * nothing, and of new ones; undefined where there are none.
 */
export function dryRunObjects(desired: Desired, observed: Observed): Fragment | undefined {
  if (!observed.cluster) return undefined;
  const known = new Set([
    ...observed.settled,
    ...observed.applied.map(idOf),
    ...[...observed.pending, ...observed.refused].map(({ id }) => id),
  ]);
  const live = new Set(observed.live.map(idOf));
  const open = wantedOf(desired).filter(({ object, ownership }) => {
    const id = idOf(object);
    const due = live.has(id) || ownership === 'owned' || ownership === 'kept';
    return ownership !== 'absent' && due && !known.has(id);
  });
  return open.length === 0 ? undefined : sh(script, desired.kubeconfig, ...wordsOf(open, desired));
}
