import { sh, waits, type Change, type Fragment } from '@skerry/steps';
import {
  idOf,
  type Desired,
  type DesiredObject,
  type ObjectGroup,
  type Wait,
} from './desired-objects.ts';
import { isLost } from './lost-api.ts';
import { taintOrder, taintSubject } from './node-taints.ts';
import {
  fieldManager,
  identityAnnotation,
  marked,
  ownershipLabel,
  recordName,
  recordKeys,
  recordOf,
  recordWith,
} from './ownership.ts';

/** Seconds for which an object may be refused for a reason that passes: a webhook just starting. */
const applySeconds = 180;
/** Seconds until the API serves a new kind, and until an object is gone. */
const settleSeconds = 120;

const clientSideNote = 'kubectl.kubernetes.io/last-applied-configuration';

// The arguments are orders, one after the other:
//   group NAME
//   apply new|all|existing SECONDS COUNT (ID ORIGIN JSON)…
//   established SECONDS COUNT NAME…
//   wait WHAT HOW RESOURCE NAMESPACE SECONDS
//   taint NODE COUNT WORD…
//   delete ID TYPE NAME NAMESPACE SECONDS
//   release ID TYPE NAME NAMESPACE LABEL  (a label to take off beside ours, or nothing)
//   record HEAD TYPES TAIL
const converge = `
export KUBECONFIG=$1
label=$2
record=$3
shift 3
k() { kubectl --request-timeout=60s "$@"; }
now() { date +%s; }
${isLost.trim()}
is_passing() {
  is_lost "$1" && return 0
  case "$1" in
    *'failed calling webhook'* | *'conversion webhook for'* | *'no endpoints available'*) return 0 ;;
    *'no matches for kind'* | *'currently unable to handle'*) return 0 ;;
  esac
  return 1
}
# tell_once SECONDS SAID: why it is tried again; once, while told is empty.
tell_once() {
  [ -z "$told" ] || return 0
  told=1
  printf 'trying again for %s s at most: %s\\n' "$1" "$(printf '%s\\n' "$2" | tail -n 1)"
}
# may_wait END: a second, where there is one.
may_wait() {
  left=$(($1 - $(now)))
  [ "$left" -gt 0 ] || return 1
  tell_once "$left" "$said"
  sleep 1
}
# patiently END JSON: applies it, again while what is in the way passes and there is time.
patiently() {
  until said=$(printf '%s\\n' "$2" | k apply --server-side --validate=false --field-manager=${fieldManager} --force-conflicts -f - 2>&1); do
    is_passing "$said" || return 1
    may_wait "$1" || return 1
  done
  printf '%s\\n' "$said"
}
# persist SECONDS COMMAND…: what it says, in said; again while the API is lost and there is time.
persist() {
  latest=$(($(now) + $1)) told=
  shift
  until said=$("$@" 2>&1); do
    is_lost "$said" || return 1
    may_wait "$latest" || return 1
  done
}
texts() {
  count=$1
  shift
  while [ "$count" -gt 0 ]; do
    printf '%s\\n' "$3"
    count=$((count - 1))
    shift 3
  done
}
# with JSON COMMAND…: the command, with these objects as its input.
with() {
  text=$1
  shift
  printf '%s\\n' "$text" | k "$@" -f -
}
# existing SECONDS JSON: how many of these objects are there, in found.
existing() {
  persist "$1" with "$2" get --ignore-not-found -o name || return 1
  found=$(printf '%s\\n' "$said" | grep -c '^[a-z0-9.-]*/[^ ]*$') || :
}
# Of an object that somebody made by "kubectl apply" without --server-side, kubectl hands all its fields
# over to whoever applies it next, so that those we do not name would go. It knows it by this note.
take_note_off() {
  persist "$1" with "$2" get --ignore-not-found -o json || ! is_lost "$said" || return 1
  printf '%s\\n' "$said" | grep -q '^ *"${clientSideNote}": ' || return 0
  persist "$1" with "$2" annotate '${clientSideNote}-' || ! is_lost "$said"
}
say_and_fail() {
  printf '%s\\n' "$said" >&2
  exit 1
}
# loudly COMMAND…: with persistence, and told.
loudly() {
  persist ${applySeconds} "$@" || say_and_fail
  printf '%s\\n' "$said"
}
# blame ID ORIGIN
blame() {
  printf '%s, from %s: %s\\n' "$1" "$2" "$said" >&2
  status=1
}
# All at once; where that fails each object alone, so that the one to blame gets its name.
apply() {
  which=$1 seconds=$2 end=$(($(now) + $2)) count=$3 status=0
  shift 3
  all=$(texts "$count" "$@")
  [ "$which" = new ] || take_note_off "$seconds" "$all" || say_and_fail
  told=
  if [ "$which" != existing ] || { existing "$seconds" "$all" && [ "$found" -eq "$count" ]; }; then
    if patiently "$end" "$all"; then return; fi
  fi
  while [ "$count" -gt 0 ]; do
    if [ "$which" = existing ] && ! existing "$seconds" "$3"; then blame "$1" "$2"
    elif [ "$which" = existing ] && [ "$found" = 0 ]; then
      printf '%s: it is not there, so nothing of it is set\\n' "$1"
    elif ! patiently "$end" "$3"; then blame "$1" "$2"
    fi
    count=$((count - 1))
    shift 3
  done
  return $status
}
# established SECONDS COUNT NAME…
established() (
  end=$(($(now) + $1)) count=$2 names= told=
  shift 2
  for name; do
    [ "$count" -gt 0 ] || break
    names="$names customresourcedefinition/$name"
    count=$((count - 1))
  done
  columns='NAME:.metadata.name,IS:.status.conditions[?(@.type=="Established")].status'
  while :; do
    said=$(k get $names --no-headers -o "custom-columns=$columns" 2>&1) &&
      ! printf '%s\\n' "$said" | grep -qv ' True *$' && return
    may_wait "$end" || say_and_fail
  done
)
# reach COMMAND…: at most until end, begun again while the API is lost; what it says is told. 2 where it is
# not there.
reach() {
  told=
  while :; do
    left=$((end - $(now)))
    [ "$left" -gt 0 ] || left=1
    { said=$("$@" --timeout="\${left}s" 2>&1 >&3); } 3>&1 && return
    case $said in *'(NotFound)'*) return 2 ;; esac
    if ! is_lost "$said" || [ "$(now)" -ge "$end" ]; then
      printf '%s\\n' "$said" >&2
      return 1
    fi
    tell_once "$((end - $(now)))" "$said"
    sleep 1
  done
}
# come HOW RESOURCE…
come() {
  how=$1
  shift
  case $how in
    rollout) reach kubectl rollout status "$@" ;;
    *) reach kubectl wait --for="$how" "$@" ;;
  esac
}
# await WHAT HOW RESOURCE NAMESPACE SECONDS
await() {
  what=$1 how=$2 resource=$3 namespace=$4 seconds=$5
  printf '${waits.begins}%s is %s, %s s at most\\n' "$resource" "$what" "$seconds"
  end=$(($(now) + seconds))
  set -- "$resource"
  [ -z "$namespace" ] || set -- "$@" --namespace="$namespace"
  come "$how" "$@"
  code=$?
  if [ "$code" = 2 ]; then
    reach kubectl wait --for=create "$@" && come "$how" "$@"
    code=$?
  fi
  if [ "$code" = 0 ]; then
    printf '${waits.ends}%s is %s\\n' "$resource" "$what"
    return
  fi
  {
    printf '%s was not %s within %s s\\n' "$resource" "$what" "$seconds"
    [ -z "$namespace" ] || k get pods --namespace="$namespace" --no-headers | head -n 8
  } >&2
  return 1
}
while [ $# -gt 0 ]; do
  case $1 in
    group)
      printf '%s\\n' "$2"
      shift 2
      ;;
    apply)
      shift
      apply "$@" || exit
      shift $((3 + 3 * $3))
      ;;
    established)
      shift
      printf 'until the API knows %s new kinds, %s s at most\\n' "$2" "$1"
      established "$@" || exit
      shift $((2 + $2))
      ;;
    wait)
      await "$2" "$3" "$4" "$5" "$6" || exit
      shift 6
      ;;
    taint)
      node=$2 count=$3 words=
      shift 3
      while [ "$count" -gt 0 ]; do
        words="$words $1"
        count=$((count - 1))
        shift
      done
      if ! persist ${applySeconds} k taint node "$node" $words --overwrite; then
        # A taint that is to go may have gone by itself.
        case "$said" in
          *' not found'*) ;;
          *)
            printf 'node %s: %s\\n' "$node" "$said" >&2
            exit 1
            ;;
        esac
      fi
      printf '%s\\n' "$said"
      ;;
    delete)
      printf '%s: delete\\n' "$2"
      (
        set -- "$3" "$4" "$5" "$6"
        if [ -n "$3" ]; then set -- "$1" "$2" --namespace="$3" --timeout="\${4}s"
        else set -- "$1" "$2" --timeout="\${4}s"
        fi
        loudly kubectl delete "$@" --ignore-not-found
      ) || exit
      shift 6
      ;;
    release)
      printf '%s: let go\\n' "$2"
      (
        place=
        [ -z "$5" ] || place=--namespace=$5
        loudly k label "$3" "$4" \${place:+"$place"} "$label-" \${6:+"$6-"}
        loudly k annotate "$3" "$4" \${place:+"$place"} ${identityAnnotation}-
      ) || exit
      shift 6
      ;;
    record)
      persist ${applySeconds} k get configmap "$record" --namespace=kube-system --ignore-not-found -o 'jsonpath=types={.data.${recordKeys.types}}' || say_and_fail
      # kubectl may say other things beside it.
      before=$(printf '%s\\n' "$said" | sed -n 's/^types=//p') told=
      patiently $(($(now) + ${applySeconds})) "$2$3\${before:+,$before}$4" || say_and_fail
      shift 4
      ;;
    *)
      printf 'unknown order: %s\\n' "$1" >&2
      exit 1
      ;;
  esac
done
`;

/** Does what the changes say, group by group, with the waits of every group up to the last of them. */
export function applyObjects(desired: Desired, changes: readonly Change[]): Fragment {
  const due = new Map(changes.map((change) => [change.subject, change]));
  const record = recordOf(desired);
  const isDue = (one: DesiredObject): boolean =>
    due.has(idOf(one.object)) || taintOrder(one, due).length > 0;
  const last = desired.groups.findLastIndex(({ objects }) => objects.some(isDue));
  const wanted = new Set(
    desired.groups.flatMap(({ objects }) =>
      objects.flatMap(({ object }) => [idOf(object), taintSubject(object)]),
    ),
  );
  const left = changes.filter(
    ({ subject }) => !wanted.has(subject) && subject !== idOf(record.object),
  );
  const words = [
    ...(isDue(record) ? recordAhead(record, desired) : []),
    ...desired.groups.slice(0, last + 1).flatMap((group) => ordersOf(group, due, desired)),
    ...(left.length > 0 ? ['group', 'what is no longer wanted'] : []),
    ...left.flatMap(removalOrder),
    ...(isDue(record) ? applyOrder([record], due, desired) : []),
  ];
  return sh(converge, desired.kubeconfig, ownershipLabel(desired), recordName(desired), ...words);
}

/** Seconds: all waits, and time for what passes. */
export function applyDeadline({ groups }: Desired): number {
  const waits = groups.flatMap((group) => group.waits.map(({ seconds }) => seconds));
  return waits.reduce((sum, seconds) => sum + seconds, 0) + groups.length * applySeconds + 600;
}

/** The types are noted before the first object of them is there, beside those noted already. */
function recordAhead(record: DesiredObject, desired: Desired): string[] {
  const [head = '', tail = ''] = JSON.stringify(
    marked(recordWith(desired, { types: '@', absent: '' }), desired),
  ).split('@');
  const { data } = record.object as { readonly data?: Readonly<Record<string, string>> };
  return ['record', head, data?.[recordKeys.types] ?? '', tail];
}

type Due = ReadonlyMap<string, Change>;

function ordersOf(group: ObjectGroup, changes: Due, desired: Desired): string[] {
  const due = group.objects.filter(({ object }) => changes.has(idOf(object)));
  const taints = group.objects.flatMap((one) => taintOrder(one, changes));
  const made = due.filter(({ ownership }) => ownership === 'owned' || ownership === 'kept');
  const isGround = ({ object: { kind } }: DesiredObject): boolean =>
    kind === 'Namespace' || kind === 'CustomResourceDefinition';
  const kinds = made.filter(({ object }) => object.kind === 'CustomResourceDefinition');
  const names = kinds.map(({ object }) => object.metadata.name);
  const ground = made.filter(isGround);
  const others = made.filter((one) => !isGround(one));
  const parts = due.filter(({ ownership }) => ownership === 'partial');
  return [
    ...(due.length + taints.length + group.waits.length > 0 ? ['group', group.name] : []),
    ...due
      .filter(({ ownership }) => ownership === 'absent')
      .flatMap(({ object }) => deleteOrder(idOf(object))),
    ...applyOrder(ground, changes, desired),
    ...(names.length > 0 ? ['established', `${settleSeconds}`, `${names.length}`, ...names] : []),
    ...applyOrder(others, changes, desired),
    ...taints,
    ...applyOrder(parts, changes, desired),
    ...group.waits.flatMap(waitOrder),
  ];
}

function waitOrder({ resource, namespace = '', condition, jsonpath, seconds }: Wait): string[] {
  const how =
    condition !== undefined
      ? [condition, `condition=${condition}`]
      : jsonpath !== undefined
        ? [jsonpath, `jsonpath=${jsonpath}`]
        : ['rolled out', 'rollout'];
  return ['wait', ...how, resource, namespace, `${seconds}`];
}

/** \`new\` where all are made, \`existing\` where only what is there may be touched. */
function applyOrder(objects: readonly DesiredObject[], changes: Due, desired: Desired): string[] {
  if (objects.length === 0) return [];
  const isNew = objects.every(({ object }) => changes.get(idOf(object))?.action === 'create');
  const isPart = objects.some(({ ownership }) => ownership === 'partial');
  const which = isPart ? 'existing' : isNew ? 'new' : 'all';
  const words = objects.flatMap((one) => [
    idOf(one.object),
    one.origin,
    JSON.stringify(marked(one, desired)),
  ]);
  return ['apply', which, `${applySeconds}`, `${objects.length}`, ...words];
}

/** Of `Deployment.apps shop/web`: the type, the name, the namespace. */
function placeOf(id: string): [type: string, name: string, namespace: string] {
  const [type = '', place = ''] = id.split(' ');
  const slash = place.indexOf('/');
  return [type, place.slice(slash + 1), slash < 0 ? '' : place.slice(0, slash)];
}

function deleteOrder(id: string): string[] {
  return ['delete', id, ...placeOf(id), `${settleSeconds}`];
}

function removalOrder({ subject, action, before }: Change): string[] {
  if (action === 'delete') return deleteOrder(subject);
  const label = before === 'owned' ? 'app.kubernetes.io/managed-by' : '';
  return ['release', subject, ...placeOf(subject), label];
}
