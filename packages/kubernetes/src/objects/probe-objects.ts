import { sh, type Fragment, type ProbeOutput } from '@skerry/steps';
import { idOf, typeOf, type Desired } from './desired-objects.ts';
import { isLost } from './lost-api.ts';
import {
  fieldManager,
  identityAnnotation,
  marked,
  ownershipLabel,
  recordKeys,
  recordOf,
  typesOf,
  type LiveObject,
} from './ownership.ts';

/** What the cluster said. Values of Secrets are numbered, equal values alike. */
export interface Observed {
  /** false: there is no kubeconfig of an administrator yet, so no cluster. */
  readonly cluster: boolean;
  /** What there is, of what is ours and of what is wanted. */
  readonly live: readonly LiveObject[];
  /** What a server-side apply would make of the wanted objects. */
  readonly applied: readonly LiveObject[];
  /** Ids of wanted objects whose kind or namespace is not there yet. */
  readonly pending: readonly { readonly id: string; readonly lacks: string }[];
  /** Ids of wanted objects that the server did not take, with its message. */
  readonly refused: readonly { readonly id: string; readonly message: string }[];
  /** How many times kubectl was called. */
  readonly calls: number;
}

/** Seconds: what an API server takes from its start to its first answer, on slow machines. */
const restartSeconds = 60;

// Five words for each object: id, ownership, type, namespace, JSON. The usual way is two calls: one
// for what is there, one for what an apply would make of it. A third one is for what they leave open:
// objects without our mark, kinds and namespaces that are not there yet. More are for refusals only, and
// for objects of types that are no longer wanted.
// A server-side apply refuses fields that a schema has not; for its own check of the same, kubectl would
// fetch and read the schemas of all types first.
const probe = `
export KUBECONFIG=$1
types=$2
label=$3
shift 3
if [ ! -r "$KUBECONFIG" ]; then
  echo '== none'
  exit 0
fi
if ! command -v kubectl >/dev/null; then
  echo 'there is a cluster, but no kubectl' >&2
  exit 1
fi
nl='
'
exec 3>&1
k() { kubectl --request-timeout=60s "$@"; }
list() { k get "$1" -A -l "$label" -o json; }
find() {
  echo '== live'
  k get -f - --ignore-not-found -o json
}
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
each() {
  while [ $# -gt 0 ]; do
    case "$have" in
      *"$nl$1$nl"*) [ "$2" = absent ] || wanted=$wanted$1$nl ;;
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
                [ "$2" = absent ] || wanted=$wanted$1$nl
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
  wanted=$nl open=$nl
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
if [ "$wanted" != "$nl" ]; then
  try dry "$wanted" "$@"
fi
`;

/** Reads what is there and what an apply would make of it, and changes nothing. */
export function probeObjects(desired: Desired): Fragment {
  const objects = desired.groups.flatMap((group) => group.objects);
  const words = [recordOf(desired), ...objects].flatMap((one) => {
    const { ownership, object } = one;
    const { namespace = '' } = object.metadata;
    return [
      idOf(object),
      ownership,
      typeOf(object),
      namespace,
      JSON.stringify(marked(one, desired)),
    ];
  });
  const types = typesOf(objects).join(',');
  return sh(probe, desired.kubeconfig, types, ownershipLabel(desired), ...words);
}

/** @throws where the answer is cut off or is none. */
export function parseObjects({ stdout }: ProbeOutput): Observed {
  const sections = stdout.split(/^== /m);
  if (sections.length < 2) throw new Error('the probe said nothing of the cluster');
  const live = new Map<string, LiveObject>();
  const applied = new Map<string, LiveObject>();
  const pending: { id: string; lacks: string }[] = [];
  const refused: { id: string; message: string }[] = [];
  const number = secretNumbers();
  let calls = 0;
  for (const section of sections.slice(1)) {
    const newline = section.indexOf('\n');
    const [, word = '', id = ''] = /^(\w+) ?(.*)$/.exec(section.slice(0, newline)) ?? [];
    const body = section.slice(newline + 1);
    if (word === 'none') {
      return { cluster: false, live: [], applied: [], pending: [], refused: [], calls: 0 };
    }
    if (word === 'live' || word === 'applied' || word === 'call') calls += 1;
    if (word === 'pending') pending.push({ id, lacks: body.trim() });
    if (word === 'refused') {
      refused.push({ id, message: body.replaceAll(/^\| /gm, '').trim() });
    }
    const into = word === 'live' ? live : word === 'applied' ? applied : undefined;
    if (into === undefined) continue;
    for (const one of objectsIn(body)) {
      // A type that was asked for in two versions: the wanted one came first.
      if (!into.has(idOf(one))) into.set(idOf(one), number(one));
    }
  }
  const values = { live: [...live.values()], applied: [...applied.values()] };
  const taken = refused.filter(({ id }) => !applied.has(id));
  const last = new Map(taken.map((one) => [one.id, one]));
  return { cluster: true, ...values, pending, refused: [...last.values()], calls };
}

/** The objects of what kubectl printed: a list, one object, or nothing. */
function objectsIn(text: string): readonly LiveObject[] {
  if (text.trim() === '') return [];
  const read = JSON.parse(text) as LiveObject & { readonly items?: readonly LiveObject[] };
  return read.kind === 'List' && read.items !== undefined ? read.items : [read];
}

/** Puts numbers in place of the values of Secrets: what was read is kept, and is never shown. */
function secretNumbers(): (object: LiveObject) => LiveObject {
  const numbers = new Map<unknown, string>();
  return (object) => {
    const { data } = object as { readonly data?: object };
    if (object.apiVersion !== 'v1' || object.kind !== 'Secret' || !data) return object;
    const hidden = Object.entries(data).map(([key, value]) => {
      const known = numbers.get(value) ?? `⟦value ${numbers.size + 1}, not shown⟧`;
      numbers.set(value, known);
      return [key, known];
    });
    return { ...object, data: Object.fromEntries(hidden) as Record<string, string> };
  };
}
