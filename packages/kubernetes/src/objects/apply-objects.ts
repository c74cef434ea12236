import { alongsideFile, sh, waits, type Change, type Fragment } from '@skerry/steps';
import { ApplyOrders, applySeconds, joinSeconds } from './apply-orders.ts';
import { idOf, type Desired, type DesiredObject } from './desired-objects.ts';
import { isLost } from './lost-api.ts';
import { taintOrder, taintSubject } from './node-taints.ts';
import {
  fieldManager,
  identityAnnotation,
  ownershipLabel,
  recordKeys,
  recordName,
  recordOf,
} from './ownership.ts';

const clientSideNote = 'kubectl.kubernetes.io/last-applied-configuration';

// The arguments are orders, one after the other:
//   group NAMES
//   apply SECONDS COUNT (new|there|partial|awaited ID ORIGIN JSON)…
//   established SECONDS COUNT NAME…
//   wait WHAT HOW RESOURCE NAMESPACE SECONDS
//   expected SECONDS COUNT RESOURCE…
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
    *'no matches for kind'* | *'could not find the requested resource'* | *'currently unable to handle'*) return 0 ;;
  esac
  return 1
}
# tell_once SECONDS SAID: why it is tried again; once, while told is empty.
tell_once() {
  [ -z "$told" ] || return 0
  told=again preface='trying again for'
  case "$2" in *'failed calling webhook'* | *'no endpoints available'*)
    told=webhook preface='${waits.begins}the pods of a webhook answer, for' ;;
  esac
  printf '%s %s s at most: %s\\n' "$preface" "$1" "$(printf '%s\\n' "$2" | tail -n 1)"
}
# may_wait END SECONDS: so long, where there is time.
may_wait() {
  left=$(($1 - $(now)))
  [ "$left" -gt 0 ] || return 1
  tell_once "$left" "$said"
  sleep "$2"
}
# patiently END JSON: applies it, again while what is in the way passes and there is time. Each try takes
# time from the pods that it waits for.
patiently() {
  pause=1
  until said=$(printf '%s\\n' "$2" | k apply --server-side --validate=false --field-manager=${fieldManager} --force-conflicts -f - 2>&1); do
    is_passing "$said" || return 1
    may_wait "$1" "$pause" || return 1
    [ "$pause" -ge 4 ] || pause=$((pause + 1))
  done
  [ "$told" != webhook ] || printf '${waits.ends}the webhook answers\\n'
  told=
  printf '%s\\n' "$said"
}
# persist SECONDS COMMAND…: what it says, in said; again while the API is lost and there is time.
persist() {
  latest=$(($(now) + $1)) told=
  shift
  until said=$("$@" 2>&1); do
    is_lost "$said" || return 1
    may_wait "$latest" 1 || return 1
  done
}
# mark_of MARK: in mark, as what an object is applied. What was awaited and is there needs no other look.
met=partial
mark_of() {
  mark=$1
  [ "$mark" != awaited ] || mark=$met
}
# texts WHICH COUNT (MARK ID ORIGIN JSON)…: all objects, those that are known, so not new, or the partial ones.
texts() {
  which=$1 count=$2
  shift 2
  while [ "$count" -gt 0 ]; do
    mark_of "$1"
    case $which-$mark in known-new | partial-new | partial-there) ;; *) printf '%s\\n' "$4" ;; esac
    count=$((count - 1))
    shift 4
  done
}
# with JSON COMMAND…: the command, with these objects as its input.
with() {
  text=$1
  shift
  printf '%s\\n' "$text" | k "$@" -f -
}
# is_there SECONDS JSON: whether this object is there, in found.
is_there() {
  persist "$1" with "$2" get --ignore-not-found -o name || return 1
  found=$(printf '%s\\n' "$said" | grep -c '^[a-z0-9.-]*/[^ ]*$') || :
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
# see SECONDS JSON: how many of these objects are there, in found. Of an object that somebody made by
# "kubectl apply" without --server-side, kubectl hands all its fields over to whoever applies it next, so
# that those we do not name would go. It knows it by a note, which is taken off here.
see() {
  found=0
  if persist "$1" with "$2" get --ignore-not-found -o json; then
    # What is read from standard input comes as a list; keys of its items stand twelve columns in.
    found=$(printf '%s\\n' "$said" | grep -c '^            "kind": "') || :
  elif is_lost "$said"; then return 1
  fi
  printf '%s\\n' "$said" | grep -q '^ *"${clientSideNote}": ' || return 0
  persist "$1" with "$2" annotate '${clientSideNote}-' || ! is_lost "$said"
}
# All at once; where that fails each object alone, so that the one to blame gets its name.
apply() {
  seconds=$1 end=$(($(now) + $1)) count=$2 status=0 told=
  shift 2
  all=$(texts all "$count" "$@") known=$(texts known "$count" "$@")
  [ -z "$known" ] || see "$seconds" "$known" || say_and_fail
  told=
  if [ -z "$(texts partial "$count" "$@")" ] || [ "$found" -eq "$(printf '%s\\n' "$known" | wc -l)" ]; then
    if patiently "$end" "$all"; then return; fi
  fi
  while [ "$count" -gt 0 ]; do
    mark_of "$1"
    if [ "$mark" = partial ] && ! is_there "$seconds" "$4"; then blame "$2" "$3"
    elif [ "$mark" = partial ] && [ "$found" = 0 ]; then
      printf '%s: it is not there, so nothing of it is set\\n' "$2"
    elif ! patiently "$end" "$4"; then blame "$2" "$3"
    fi
    count=$((count - 1))
    shift 4
  done
  return $status
}
# take PREFIX COUNT WORD…: so many of the words, each behind the prefix, in taken.
take() {
  prefix=$1 wanted=$2 taken=
  shift 2
  for word; do
    [ "$wanted" -gt 0 ] || break
    taken="$taken $prefix$word"
    wanted=$((wanted - 1))
  done
}
# established SECONDS COUNT NAME…
established() (
  end=$(($(now) + $1)) told=
  shift
  take customresourcedefinition/ "$@"
  columns='NAME:.metadata.name,IS:.status.conditions[?(@.type=="Established")].status'
  while :; do
    said=$(k get $taken --no-headers -o "custom-columns=$columns" 2>&1) &&
      ! printf '%s\\n' "$said" | grep -qv ' True *$' && return
    may_wait "$end" 1 || say_and_fail
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
# expected SECONDS COUNT RESOURCE…: until they are there, while there is somebody to make them.
expected() (
  seconds=$1 end=$(($(now) + $1)) last=
  shift
  take '' "$@"
  printf '${waits.begins}these are there, %s s at most:%s\\n' "$seconds" "$taken"
  until said=$(k wait --for=create --timeout=5s $taken 2>&1); do
    if [ "$last" ] || [ "$(now)" -ge "$end" ]; then
      printf '${waits.ends}not all of them are there\\n'
      return 1
    fi
    # kubectl waits for one that is missing, and not for several.
    if [ -e ${alongsideFile} ]; then sleep 1; else last=1; fi
  done
  printf '${waits.ends}all of them are there\\n'
)
while [ $# -gt 0 ]; do
  case $1 in
    group)
      printf '%s\\n' "$2"
      shift 2
      ;;
    apply)
      shift
      apply "$@" || exit
      shift $((2 + 4 * $2))
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
    expected)
      shift
      met=partial
      if expected "$@"; then met=new; fi
      shift $((2 + $2))
      ;;
    taint)
      node=$2 count=$3
      shift 3
      take '' "$count" "$@"
      shift "$count"
      if ! persist ${applySeconds} k taint node "$node" $taken --overwrite; then
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
  const orders = new ApplyOrders(desired, due);
  if (isDue(record)) orders.recordAhead(record);
  for (const group of desired.groups.slice(0, last + 1)) orders.group(group);
  if (left.length > 0) orders.removals(left);
  if (isDue(record)) orders.record(record);
  return sh(
    converge,
    desired.kubeconfig,
    ownershipLabel(desired),
    recordName(desired),
    ...orders.words(),
  );
}

/** Seconds: all waits, and time for what passes. */
export function applyDeadline({ groups }: Desired): number {
  const waits = groups.flatMap((group) => group.waits.map(({ seconds }) => seconds));
  return (
    waits.reduce((sum, seconds) => sum + seconds, 0) +
    groups.length * applySeconds +
    joinSeconds +
    600
  );
}
