#!/bin/sh
# Managed by Skerry. Ends with 0 where haproxy runs and the API server of this machine, whose name is
# given, answers it. One that answers that it is not ready is reason enough to ask others, which haproxy
# here does as well as any: were the address moved, all connections would be cut.
state=$(printf 'show stat\n' | socat -t 2 - UNIX-CONNECT:/run/haproxy/admin.sock 2>/dev/null | grep "^apis,$1," | cut -d, -f18)
case $state in
  UP* | NOLB*) exit 0 ;;
esac
exit 1
