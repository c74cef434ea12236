/**
 * sh: `is_lost SAID` ends with 0 where kubectl said that the API did not answer, or not for itself:
 * that is nothing about any object, and passes. What a webhook did not answer is about its objects.
 */
export const isLost = `
is_lost() {
  case "$1" in
    *'failed calling webhook'* | *'conversion webhook for'*) return 1 ;;
    # Nobody is there, or whoever leads to the API servers knows of none that is ready.
    *'The connection to the server'* | *'Unable to connect to the server'*) return 0 ;;
    *'connection refused'* | *'no route to host'* | *'network is unreachable'*) return 0 ;;
    *'connection reset by peer'* | *'client connection lost'* | *'": EOF'* | *'unexpected EOF'*) return 0 ;;
    # It is there, and too slow.
    *'i/o timeout'* | *'TLS handshake timeout'* | *'context deadline exceeded'*) return 0 ;;
    # kubectl, which asks again where it is hung up on, has no time left for it.
    *'client rate limiter Wait returned an error'*) return 0 ;;
    *'Client.Timeout exceeded'* | *'unable to return a response in the time allotted'*) return 0 ;;
    # Members of etcd choose a leader, or are too few.
    *'etcdserver: leader changed'* | *'etcdserver: no leader'* | *'etcdserver: request timed out'*) return 0 ;;
  esac
  return 1
}
`;
