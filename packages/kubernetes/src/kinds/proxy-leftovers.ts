import { sh, type Change, type Step, type StepKind, type StepOptions } from '@skerry/steps';
import { z } from 'zod';
import { leftoversOf } from '../networks/proxy-rules.ts';

const schema = z.strictObject({
  /** How Services are carried now; `absent`: nothing of Kubernetes is to be there. */
  mode: z.enum(['nftables', 'ipvs', 'iptables', 'none', 'absent']),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** By program and table: how many chains, and how many jumps to them or of the other mode. */
  readonly chains: readonly {
    readonly program: string;
    readonly table: string;
    readonly chains: number;
    readonly jumps: number;
  }[];
  /** Tables of nftables, each with its family: `ip kube-proxy`. */
  readonly nftables: readonly string[];
  readonly sets: readonly string[];
  /** Virtual services of Kubernetes; undefined where ipvsadm is missing and there are some. */
  readonly services: number | undefined;
  /** Whether kube-proxy's interface for addresses of Services is there. */
  readonly device: boolean;
}

const variants = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'] as const;
const plain = ['iptables', 'ip6tables'] as const;
/** In the order in which they are told of; iptables-save has the kernel's. */
const programs = [...variants, ...plain];
const tables = ['nat', 'filter', 'mangle', 'raw'];

/** How often it is tried, two seconds apart: kube-proxy cleans up in less than that, where it does. */
const attempts = 5;

/**
 * Reads what iptables-save prints, and counts what is left over by table (HOW is count), or writes what
 * iptables-restore needs to take it away (HOW is restore). Chains to which rules of others jump are kept,
 * with all that they jump to. The chains of the plugin portmap are shared: where networks of others forward
 * ports by them only those of networks of pods go.
 * One awk for each program: a node that has many tables and slow processors would otherwise start some
 * hundred programs to find nothing.
 */
const sieve = String.raw`
BEGIN {
  builtin = "^(INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)$"
  jumps = ENVIRON["jumps"]
  comment = " --comment \"(" jumps ")\" "
  network = "name: \\\\\"(" ENVIRON["networks"] ")\\\\\" id: "
}
/^[*]/ {
  table = substr($0, 2)
  pattern = table ~ /^(${tables.join('|')})$/ ? ENVIRON[table] : ""
  names = rules = 0
}
pattern == "" { next }
/^:/ { name[++names] = substr($1, 2) }
/^-A / {
  rule[++rules] = $0
  from[rules] = $2
  to[rules] = $(NF - 1) ~ /^-[jg]$/ ? $NF : ""
}
/^COMMIT/ {
  all = "^(" pattern ")$"
  split("", kept); split("", left); split("", gone); split("", own)
  for (i = 1; i <= rules; i++) {
    if (from[i] ~ /^CNI-HOSTPORT-[DS]NAT$/ && from[i] ~ all) {
      if (rule[i] ~ network) own[i]; else kept[from[i]]
    } else if (to[i] ~ all && from[i] !~ all && from[i] !~ builtin) kept[to[i]]
  }
  if ("CNI-HOSTPORT-DNAT" in kept) kept["CNI-HOSTPORT-MASQ"]
  do {
    more = 0
    for (i = 1; i <= rules; i++)
      if (from[i] in kept && to[i] ~ all && !(i in own) && !(to[i] in kept)) { kept[to[i]]; more = 1 }
  } while (more)
  chains = found = 0
  for (i = 1; i <= names; i++)
    if (name[i] ~ all && !(name[i] in kept)) { left[name[i]]; chains++ }
  for (i = 1; i <= rules; i++) {
    jump = from[i] ~ builtin && (to[i] in left || jumps != "" && rule[i] ~ comment)
    if (jump || i in own && from[i] in kept && to[i] in left) { gone[i]; found++ }
  }
  if (chains + found == 0) next
  if (how == "count") { print "chains", program, table, chains, found; next }
  print "*" table
  for (one in left) print ":" one " - [0:0]"
  for (i = 1; i <= rules; i++) if (i in gone) print "-D " substr(rule[i], 4)
  for (one in left) print "-X " one
  print "COMMIT"
}`;

/**
 * Both variants of iptables are looked at: kube-proxy brings its own and takes the one that it finds
 * in use. Without -t, and only after a look into /proc and /sys, nothing loads a kernel module.
 */
const find = `
export nat="$1" filter="$2" mangle="$3" raw="$4" jumps="$5" networks="$6"
sets=$7 nftables=$8 ipvs=$9
programs() {
  found=
  for program in ${variants.join(' ')}; do
    if command -v "$program-save" >/dev/null; then found=yes; echo "$program"; fi
  done
  if [ -z "$found" ]; then
    for program in ${plain.join(' ')}; do
      if command -v "$program-save" >/dev/null; then echo "$program"; fi
    done
  fi
}
# sift HOW PROGRAM
sift() { "$2-save" 2>/dev/null | awk -v how="$1" -v program="$2" '${sieve}'; }
tables_of_nftables() {
  [ -n "$nftables" ] && command -v nft >/dev/null || return 0
  nft list tables | sed 's/^table //' | grep -x -E -e "$nftables"
  :
}
sets_of_kubernetes() {
  [ -n "$sets" ] && [ -d /sys/module/ip_set ] && command -v ipset >/dev/null || return 0
  ipset list -n | grep -x -E -e "$sets"
  :
}
services_of_kubernetes() {
  [ "$ipvs" = true ] && [ -r /proc/net/ip_vs ] || return 0
  all=$(ip -o addr show | sed -n 's/^[0-9]*: *\\([^ ]*\\) *inet6\\{0,1\\} \\([^/ ]*\\).*/\\1 \\2/p')
  ipvsadm -S -n | while read -r action protocol service _; do
    [ "$action" = -A ] || continue
    case $protocol in -t | -u | --sctp-service) ;; *) continue ;; esac
    port=\${service##*:} at=\${service%:*}
    at=\${at#\\[} at=\${at%\\]}
    case "
$all
" in
      *"
kube-ipvs0 $at
"*) ;;
      *" $at
"*) if [ "$port" -lt 30000 ] || [ "$port" -gt 32767 ]; then continue; fi ;;
      *) continue ;;
    esac
    printf '%s\\n' "$protocol $service"
  done
}
has_device() { [ "$ipvs" = true ] && ip link show dev kube-ipvs0 >/dev/null 2>&1; }`;

const probe = `${find}
for program in $(programs); do sift count "$program"; done
tables_of_nftables | sed 's/^/nftables /'
sets_of_kubernetes | sed 's/^/set /'
if has_device; then echo device; fi
if [ "$ipvs" = true ] && [ -r /proc/net/ip_vs ] && ! command -v ipvsadm >/dev/null; then
  [ "$(wc -l </proc/net/ip_vs)" -gt 3 ] && echo 'services unknown'
else
  printf '%s\\n' "services $(services_of_kubernetes | wc -l)"
fi
echo end
`;

// A table of iptables changes as a whole or not at all. Sets can only go when no rule names them. A kube-proxy
// that has just started takes away itself what another mode left: what it was faster with is read anew.
const converge = `${find}
clean() {
  status=0
  for program in $(programs); do
    text=$(sift restore "$program")
    [ -z "$text" ] || printf '%s\\n' "$text" | "$program-restore" --noflush --wait 30 || status=1
  done
  tables_of_nftables | { failed=0
    while read -r family table; do nft delete table "$family" "$table" || failed=1; done
    exit $failed; } || status=1
  for set in $(sets_of_kubernetes); do ipset destroy "$set" || status=1; done
  services=$(services_of_kubernetes)
  if [ -n "$services" ]; then
    printf '%s\\n' "$services" | { failed=0
      while read -r protocol service; do ipvsadm -D "$protocol" "$service" || failed=1; done
      exit $failed; } || status=1
  fi
  if has_device; then ip link delete dev kube-ipvs0 || status=1; fi
  return $status
}
attempt=1
until said=$(clean 2>&1); do
  if [ "$attempt" -ge ${attempts} ]; then
    printf '%s\\n' "$said" >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep 2
done
[ -z "$said" ] || printf '%s\\n' "$said"
`;

function args({ mode }: Desired): string[] {
  const { nat, filter, mangle, raw, jumps, podNetworks, sets, nftables, ipvs } = leftoversOf(mode);
  return [nat, filter, mangle, raw, jumps, podNetworks, sets, nftables, String(ipvs)];
}

function counted(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? '' : 's'}`;
}

function why({ mode }: Desired): string {
  if (mode === 'absent') return 'nothing of Kubernetes is to be here';
  if (mode === 'none') return 'no kube-proxy runs here';
  return `kube-proxy runs in ${mode} mode`;
}

/**
 * Rules that another mode of kube-proxy left behind, which would go on carrying Services to pods that
 * are long gone. kube-proxy removes them itself only between nftables and the other two modes
 * (cmd/kube-proxy/app/server_linux.go, platformCleanup), and not where it no longer runs. Rules and
 * chains of others stay, and chains that rules of others jump to.
 */
export const proxyLeftoversKind: StepKind<Desired, Observed> = {
  kind: 'proxyLeftovers',
  schema,
  summary: (desired) => `no rules of another kube-proxy: ${why(desired)}`,
  probe: (desired) => sh(probe, ...args(desired)),
  parse: ({ stdout }) => {
    const lines = stdout.split('\n').map((line) => line.split(' '));
    if (!lines.some(([key]) => key === 'end')) throw new Error('the probe did not come to its end');
    const all = (key: string): string[][] => lines.filter(([first]) => first === key);
    const services = all('services')[0]?.[1] ?? '0';
    const chains = all('chains').map(([, program = '', table = '', count, jumps]) => {
      return { program, table, chains: Number(count), jumps: Number(jumps) };
    });
    return {
      chains: programs.flatMap((program) =>
        tables.flatMap((table) =>
          chains.filter((found) => found.program === program && found.table === table),
        ),
      ),
      nftables: all('nftables').map(([, ...table]) => table.join(' ')),
      sets: all('set').map(([, name = '']) => name),
      services: services === 'unknown' ? undefined : Number(services),
      device: all('device').length > 0,
    };
  },
  diff: (desired, { chains, nftables, sets, services, device }) => {
    if (services === undefined) {
      return [
        {
          subject: 'virtual services of IPVS',
          action: 'refuse',
          why: 'there are some, and without ipvsadm nobody can tell whose they are',
          fix: 'install ipvsadm: "node: {packages: [ipvsadm]}"',
        },
      ];
    }
    const gone = (subject: string, before?: string): Change => ({
      subject,
      action: 'delete',
      ...(before === undefined ? {} : { before }),
      why: why(desired),
    });
    return [
      ...chains.map((found) =>
        gone(
          `${found.program} ${found.table}`,
          `${counted(found.chains, 'chain')}, ${counted(found.jumps, 'jump')}`,
        ),
      ),
      ...nftables.map((table) => gone(`nftables table ${table}`)),
      ...(sets.length > 0 ? [gone('IP sets', sets.join(', '))] : []),
      ...(services > 0 ? [gone('IPVS', counted(services, 'virtual service'))] : []),
      ...(device ? [gone('interface kube-ipvs0')] : []),
    ];
  },
  converge: (desired) => sh(converge, ...args(desired)),
};

/** `proxyLeftovers('nftables')`: after kube-proxy runs in its new mode everywhere on the node. */
export function proxyLeftovers(mode: Desired['mode'], options: StepOptions = {}): Step {
  return { kind: proxyLeftoversKind, name: '', desired: { mode }, options };
}
