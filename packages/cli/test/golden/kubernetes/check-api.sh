#!/bin/sh
# Managed by Skerry. Ends with 0 where haproxy runs and knows the API server of this machine, whose
# name is given, to be ready.
state=$(printf 'show stat\n' | socat -t 2 - UNIX-CONNECT:/run/haproxy/admin.sock 2>/dev/null | grep "^apis,$1," | cut -d, -f18)
case $state in
  UP*) exit 0 ;;
esac
exit 1
