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
  /** Families in which nftables has kube-proxy's table. */
  readonly nftables: readonly string[];
  readonly sets: readonly string[];
  /** Virtual services of Kubernetes; undefined where ipvsadm is missing and there are some. */
  readonly services: number | undefined;
  /** Whether kube-proxy's interface for addresses of Services is there. */
  readonly device: boolean;
}

/**
 * Both variants of iptables are looked at: kube-proxy brings its own and takes the one that it finds
 * in use. Without -t, and only after a look into /proc and /sys, nothing loads a kernel module.
 */
const find = `
nat=$1 filter=$2 mangle=$3 jumps=$4 sets=$5 nftables=$6 ipvs=$7
builtin='INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING'
nothing='[^[:print:]]'
programs() {
  found=
  for program in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
    if command -v "$program-save" >/dev/null; then found=yes; echo "$program"; fi
  done
  if [ -z "$found" ]; then
    for program in iptables ip6tables; do
      if command -v "$program-save" >/dev/null; then echo "$program"; fi
    done
  fi
}
pattern_of() {
  case $1 in nat) pattern=$nat ;; filter) pattern=$filter ;; mangle) pattern=$mangle ;; esac
  pattern=\${pattern:-$nothing}
}
table_of() { printf '%s\\n' "$rules" | sed -n "/^\\\\*$1\\$/,/^COMMIT\\$/p"; }
kept_chains() {
  printf '%s\\n' "$text" | grep -E -e " -[jg] ($pattern)\\$" | grep -v -E -e "^-A ($builtin|$pattern) " |
    sed 's/.* -[jg] //'
}
leftover_chains() {
  kept=$(kept_chains)
  printf '%s\\n' "$text" | sed -n 's/^:\\([^ ]*\\) .*/\\1/p' | grep -x -E -e "$pattern" | grep -v -x -F -e "\${kept:-.}"
}
leftover_jumps() {
  chains=$(leftover_chains)
  printf '%s\\n' "$text" | grep -E -e "^-A ($builtin) " | {
    while read -r line; do
      case $line in *' -j '*) target=\${line##* -j } ;; *) target=\${line##* -g } ;; esac
      case "
$chains
" in *"
$target
"*) printf '%s\\n' "$line"; continue ;; esac
      printf '%s\\n' "$line" | grep -E -e " --comment \\"(\${jumps:-$nothing})\\" "
    done
    :
  }
}
tables_of_nftables() {
  [ "$nftables" = true ] && command -v nft >/dev/null || return 0
  nft list tables | sed -n 's/^table \\(ip6\\{0,1\\}\\) kube-proxy$/\\1/p'
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
for program in $(programs); do
  rules=$("$program-save" 2>/dev/null)
  for table in nat filter mangle; do
    text=$(table_of "$table")
    [ -n "$text" ] || continue
    pattern_of "$table"
    chains=$(leftover_chains | wc -l) found=$(leftover_jumps | wc -l)
    if [ "$chains" -gt 0 ] || [ "$found" -gt 0 ]; then
      printf '%s\\n' "chains $program $table $((chains)) $((found))"
    fi
  done
done
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

// A table of iptables changes as a whole or not at all. Sets can only go when no rule names them.
const converge = `${find}
status=0
for program in $(programs); do
  rules=$("$program-save" 2>/dev/null)
  for table in nat filter mangle; do
    text=$(table_of "$table")
    [ -n "$text" ] || continue
    pattern_of "$table"
    chains=$(leftover_chains) found=$(leftover_jumps)
    [ -n "$chains$found" ] || continue
    {
      printf '*%s\\n' "$table"
      if [ -n "$chains" ]; then printf '%s\\n' "$chains" | sed 's/.*/:& - [0:0]/'; fi
      if [ -n "$found" ]; then printf '%s\\n' "$found" | sed 's/^-A /-D /'; fi
      if [ -n "$chains" ]; then printf '%s\\n' "$chains" | sed 's/^/-X /'; fi
      echo COMMIT
    } | "$program-restore" --noflush --wait 30 || status=1
  done
done
for family in $(tables_of_nftables); do nft delete table "$family" kube-proxy || status=1; done
for set in $(sets_of_kubernetes); do ipset destroy "$set" || status=1; done
services=$(services_of_kubernetes)
if [ -n "$services" ]; then
  printf '%s\\n' "$services" | { failed=0
    while read -r protocol service; do ipvsadm -D "$protocol" "$service" || failed=1; done
    exit $failed; } || status=1
fi
if has_device; then ip link delete dev kube-ipvs0 || status=1; fi
exit $status
`;

function args({ mode }: Desired): string[] {
  const { nat, filter, mangle, jumps, sets, nftables, ipvs } = leftoversOf(mode);
  return [nat, filter, mangle, jumps, sets, String(nftables), String(ipvs)];
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
    return {
      chains: all('chains').map(([, program = '', table = '', chains, jumps]) => {
        return { program, table, chains: Number(chains), jumps: Number(jumps) };
      }),
      nftables: all('nftables').map(([, family = '']) => family),
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
      ...nftables.map((family) => gone(`nftables table ${family} kube-proxy`)),
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
