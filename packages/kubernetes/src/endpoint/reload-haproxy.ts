import { handler, type Handler } from '@skerry/steps';

/**
 * Lets haproxy take its new configuration, and fails where it does not: it is asked by a signal, a good
 * configuration may still be one that it cannot run with (as with fewer files than its connections need), and
 * systemd says then that it was reloaded. haproxy begins a new worker for each configuration (its management
 * guide, "Master-worker mode"): up to 3.0 once it has taken it, since 3.1 before that, and the worker ends where it
 * fails. So one that is still there two seconds later has taken it. Names of servers are resolved first, for which
 * a dead name server takes five seconds each: a minute at most, less where haproxy tells systemd that it failed.
 * It goes on with the configuration before then, which is left to it: some of an endpoint is better than none.
 */
export const reloadHaproxy: Handler = handler(
  'reload haproxy',
  `systemctl daemon-reload || exit
systemctl is-active --quiet haproxy || { systemctl restart haproxy; exit; }
main=$(systemctl show --property=MainPID --value haproxy)
workers() { cat "/proc/$main/task/$main/children"; }
before=" $(workers) "
since=$(date +%s)
systemctl reload haproxy || exit
turn=0 seen=none lasted=0
while [ "$turn" -lt 120 ]; do
  turn=$((turn + 1))
  sleep 0.5
  new=
  for worker in $(workers); do
    case $before in *" $worker "*) ;; *) new=$worker ;; esac
  done
  if [ -n "$new" ] && [ "$new" = "$seen" ]; then lasted=$((lasted + 1)); else lasted=0; fi
  seen=\${new:-none}
  [ "$lasted" -lt 4 ] || exit 0
  # What it told of an earlier one stands there until it has heard of this one.
  [ "$turn" -lt 4 ] || case $(systemctl show --property=StatusText --value haproxy) in *ailed*) break ;; esac
done
echo 'haproxy did not take its new configuration, and goes on with the one before:' >&2
journalctl --unit haproxy --since "@$since" --output cat --no-pager | grep -E 'ALERT|WARNING' >&2
exit 1`,
);
