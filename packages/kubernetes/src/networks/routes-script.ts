/**
 * Skerry's own number of a routing protocol (rtnetlink(7), `proto`), by which it tells its routes and
 * ARP answers from those of others. Free in iproute2's etc/iproute2/rt_protos; 83 is "S".
 */
const routesProtocol = 83;

/** The nftables table (family ip) that masks pods which leave the network of pods. */
export const routesTable = 'skerry_routes';

/**
 * sh functions over `$address $device $network $first $last`: the node's address, its interface (or
 * '' to look for the one with the address), the network of pods, and the first and last address of
 * the node's own block as numbers.
 *
 * The network of pods is on-link on the interface, and the node answers ARP for each address of its
 * own block (neigh proxy, with no delay). The two rules are as `nft list` writes them.
 */
export const routesFunctions = `
protocol=${routesProtocol} table=${routesTable}
find_device() {
  if [ -n "$device" ]; then
    ip link show dev "$device" >/dev/null 2>&1 || device=
  else
    device=$(ip -4 -o addr show to "$address" | while read -r _ name _; do
      case $name in lo | kube-ipvs0) continue ;; esac
      printf '%s\\n' "$name"
      break
    done)
  fi
  [ -n "$device" ]
}
delay_file() { printf '%s' "/proc/sys/net/ipv4/neigh/$device/proxy_delay"; }
wanted_answers() {
  at=$first
  while [ "$at" -le "$last" ]; do
    printf '%s\\n' "$((at >> 24)).$((at >> 16 & 255)).$((at >> 8 & 255)).$((at & 255)) dev $device"
    at=$((at + 1))
  done
}
answers() {
  ip -4 neigh show proxy proto "$protocol" | while read -r at _ on _; do printf '%s\\n' "$at dev $on"; done
}
compared_answers() {
  wanted=$(wanted_answers)
  { printf '%s\\n%s\\n' "$wanted" "$wanted"; answers; } | sort | uniq -c
}
wanted_rules() {
  printf '%s\\n' 'ip daddr 224.0.0.0/4 return' \\
    "ip saddr $network ip daddr != $network masquerade fully-random comment \\"pods that leave the network of pods\\""
}
rules() {
  nft list chain ip "$table" postrouting 2>/dev/null | sed -n 's/^[[:space:]]*\\(ip .*\\)$/\\1/p'
}`;

/**
 * The script that systemd runs at boot and every few seconds: `routes.sh ADDRESS DEVICE NETWORK FIRST
 * LAST`. It writes only what is missing, and removes what is Skerry's own and no longer wanted.
 */
export const routesScript = `#!/bin/sh
# Managed by Skerry: the routes to pods of other nodes.
address=$1 device=$2 network=$3 first=$4 last=$5
${routesFunctions}
if ! find_device; then
  echo "no interface has the address $address (or the name $2)" >&2
  exit 1
fi
status=0
delay=$(delay_file)
[ "$(cat "$delay")" = 0 ] || echo 0 >"$delay" || status=1
ip -4 route show proto "$protocol" | while read -r to rest; do
  if [ "$to" != "$network" ]; then ip -4 route del "$to" proto "$protocol"; fi
done
ip -4 route replace "$network" dev "$device" scope link src "$address" proto "$protocol" || status=1
compared_answers | while read -r count at _ on; do
  case $count in
    1) printf '%s\\n' "neigh del proxy $at dev $on" ;;
    2) printf '%s\\n' "neigh replace proxy $at dev $on protocol $protocol" ;;
  esac
done | ip -4 -batch - || status=1
if [ "$(rules)" != "$(wanted_rules)" ]; then
  nft -f - <<END || status=1
table ip $table
delete table ip $table
table ip $table {
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    $(wanted_rules)
  }
}
END
fi
exit $status
`;
