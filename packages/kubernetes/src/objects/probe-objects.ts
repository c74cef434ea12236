import { sh, type Fragment } from '@skerry/steps';
import { idOf, type Desired } from './desired-objects.ts';
import { asking, wordsOf } from './dry-run.ts';
import {
  identityAnnotation,
  isHidden,
  marked,
  ownershipLabel,
  recordKeys,
  typesOf,
  wantedOf,
} from './ownership.ts';

// The usual way is one call, for what is there. A second one is for what that leaves open: objects without
// our mark, kinds and namespaces that are not there yet. One is for what holds secrets of the inventory,
// which nobody compares here; more are for refusals only, and for objects of types that are no longer wanted.
// A server-side apply refuses fields that a schema has not; for its own check of the same, kubectl would
// fetch and read the schemas of all types first.
const probe = `
export KUBECONFIG=$1
types=$2
label=$3
secret=$4
shift 4
if [ ! -r "$KUBECONFIG" ]; then
  echo '== none'
  exit 0
fi
if ! command -v kubectl >/dev/null; then
  echo 'there is a cluster, but no kubectl' >&2
  exit 1
fi
${asking}list() { k get "$1" -A -l "$label" -o json --show-managed-fields; }
find() {
  echo '== live'
  k get -f - --ignore-not-found -o json --show-managed-fields
}
# served_of TYPES: those that are among the kinds that the API knows.
served_of() (
  found=
  IFS=,
  for type in $1; do
    kind=\${type%%.*} group=\${type#*.}
    case "$kinds" in *"$nl$kind.\${group#*.}$nl"*) found=$found,$type ;; esac
  done
  printf '%s' "\${found#,}"
)
# list_also TYPES: what is ours of them, as far as the API knows them.
list_also() {
  echo '== call'
  kinds=$nl$(k api-resources --no-headers | awk '{ n = split($(NF - 2), v, "/"); print $NF "." (n > 1 ? v[1] : "") }')$nl
  [ "$kinds" != "$nl$nl" ] || return
  also=$(served_of "$1")
  [ -n "$also" ] || return 0
  echo '== live'
  list "$also"
}
# noted TEXT KEY: what the record keeps under a key.
noted() { printf '%s\\n' "$1" | sed -n "s/^ *\\"$2\\": \\"\\([^\\"]*\\)\\",\\{0,1\\}$/\\1/p" | head -n 1; }
# hide ID: what holds a secret of the inventory is asked for by a dry run.
hide() { case "$nl$secret$nl" in *"$nl$1$nl"*) hidden=$hidden$1$nl ;; esac; }
each() {
  while [ $# -gt 0 ]; do
    case "$have" in
      *"$nl$1$nl"*) [ "$2" = absent ] || hide "$1" ;;
      *)
        if [ "$2" = absent ]; then
          case ",$gone," in *",$1,"*) shift 5; continue ;; esac
        fi
        open=$open$1$nl
        ;;
    esac
    shift 5
  done
}
# The open objects, and the namespaces that they lie in.
opened() {
  asked=' '
  while [ $# -gt 0 ]; do
    case "$open" in
      *"$nl$1$nl"*)
        printf '%s\\n' "$5"
        case "$asked" in
          *" $4 "*) ;;
          *)
            [ -z "$4" ] || printf '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"%s"}}\\n' "$4"
            asked="$asked$4 "
            ;;
        esac
        ;;
    esac
    shift 5
  done
}
# find_open …: what there is of the open objects, in out, and what kubectl complains of, in said.
find_open() {
  out=$({ opened "$@" | find 2>&1 >&4 4>&- | { said=$(cat); printf '\\n== said\\n%s.' "$said"; }; } 4>&1)
  said=\${out##*"$nl== said$nl"}
  said=\${said%.}
  out=\${out%"$nl== said$nl"*}
}
# Of the namespaces of a list their names: "name" stands four columns to the right of "kind".
namespaces_in() {
  awk '/^ *"kind": "Namespace",?$/ { inside = index($0, "\\"") + 4 }
    inside && index($0, "\\"name\\": \\"") == inside { split($0, word, "\\""); print word[4]; inside = 0 }'
}
sort_out() {
  while [ $# -gt 0 ]; do
    case "$open" in
      *"$nl$1$nl"*)
        kind=\${3%%.*} version=\${3#*.}
        group=\${version#*.} version=\${version%%.*}
        case "$said" in
          *"no matches for kind \\"$kind\\" in version \\"\${group:+$group/}$version\\""*)
            echo "== pending $1"
            echo kind
            ;;
          *)
            case "$namespaces" in
              *"$nl$4$nl"*)
                there=$there$1$nl
                [ "$2" = absent ] || hide "$1"
                ;;
              *)
                echo "== pending $1"
                echo namespace
                ;;
            esac
            ;;
        esac
        ;;
    esac
    shift 5
  done
}
# survey …: what there is; 1 where the API is lost, with what kubectl said in said.
survey() {
  live= out= said= listed=1
  hidden=$nl open=$nl
  # It fails as a whole where the API does not know one of the types.
  live=$(list "$types" 2>/dev/null) || { listed= live=; echo '== call'; }
  [ -z "$listed" ] || printf '== live\\n%s\\n' "$live"
  have=$nl$(printf '%s\\n' "$live" | sed -n 's/^ *"${identityAnnotation.replace('/', '\\/')}": "\\([^"]*\\)",\\{0,1\\}$/\\1/p')$nl
  gone=$(noted "$live" ${recordKeys.absent})
  each "$@"
  [ "$open" != "$nl" ] || return 0
  find_open "$@"
  is_lost "$said" && return 1
  printf '%s\\n' "$out"
  # The core has no namespace.
  namespaces=$nl$nl$(printf '%s\\n' "$out" | namespaces_in)$nl
  # That of the record is always there: where it was not found, nothing was.
  case "$open" in
    *"$nl$1$nl"*)
      case "$namespaces" in
        *"$nl$4$nl"*) ;;
        *)
          tell "\${said:-kubectl said nothing of the namespace $4}"
          exit 1
          ;;
      esac
      ;;
  esac
  there=$nl
  sort_out "$@"
  printf '%s\\n' "$said" | grep -qv -e 'no matches for kind' -e '^ensure CRDs' -e '^Warning:' -e '^ *$' || return 0
  # Something else: it is about one of them.
  [ "$there" = "$nl" ] || try find "$there" "$@" || exit
}
if ! survey "$@"; then
  await_api || exit
  if ! survey "$@"; then
    tell "$said"
    exit 1
  fi
fi
if [ -n "$listed" ]; then
  more=$(
    IFS=,
    for type in $(noted "$live" ${recordKeys.types}); do
      case ",$types," in *",$type,"*) ;; *) printf ',%s' "$type" ;; esac
    done
  )
  [ -z "$more" ] || list_also "\${more#,}" || exit
else
  # Where nothing of what is wanted carries our mark, nothing else does: the record is written first.
  case "$out" in *"\\"$label\\": "*) list_also "$types,$(noted "$out" ${recordKeys.types})" || exit ;; esac
fi
live= out=
[ "$hidden" = "$nl" ] || try dry "$hidden" "$@"
`;

/** Reads what is there, and what an apply would make of what holds secrets, and changes nothing. */
export function probeObjects(desired: Desired): Fragment {
  const objects = wantedOf(desired);
  const types = typesOf(objects).join(',');
  const secret = objects
    .filter((one) => isHidden(marked(one, desired)))
    .map(({ object }) => idOf(object));
  const about = [desired.kubeconfig, types, ownershipLabel(desired), secret.join('\n')];
  return sh(probe, ...about, ...wordsOf(objects, desired));
}
