import { handler, type Handler } from '@skerry/steps';

/**
 * Lets haproxy take its new configuration, and fails where it does not: it is asked by a signal, a good
 * configuration may still be one that it cannot run with (as with fewer files than its connections need), and
 * systemd says then that it was reloaded. haproxy begins a new worker for each configuration that it has taken
 * (its management guide, "Master-worker mode"), within the ten seconds that this waits at most. Where it takes
 * none it goes on with the one before, which is left to it: some of an endpoint is better than none.
 */
export const reloadHaproxy: Handler = handler(
  'reload haproxy',
  `systemctl daemon-reload || exit
systemctl is-active --quiet haproxy || { systemctl restart haproxy; exit; }
main=$(systemctl show --property=MainPID --value haproxy)
workers() { cat "/proc/$main/task/$main/children"; }
before=" $(workers) "
systemctl reload haproxy || exit
left=20
while [ "$left" -gt 0 ]; do
  for worker in $(workers); do
    case $before in *" $worker "*) ;; *) exit 0 ;; esac
  done
  left=$((left - 1))
  sleep 0.5
done
echo 'haproxy did not take its new configuration, and goes on with the one before:' >&2
journalctl --unit haproxy --lines 8 --output cat --no-pager | grep -E 'ALERT|WARNING' >&2
exit 1`,
);
