import type { Fragment, PlainArg } from './fragment.ts';

/** Defines `mounted PATH`: whether a filesystem is mounted on a path or below it. */
export const mountedFunction = `
mounted() {
  awk 'BEGIN { path = ARGV[1] "/"; gsub(/ /, "\\\\040", path); ARGV[1] = "" }
    index($2 "/", path) == 1 { found = 1 } END { exit !found }' "$1" /proc/self/mounts
}`;

/**
 * Asks what stands at paths, as `parsePathState` reads it, and more where it is asked for: of a
 * symbolic link where it points; of a file whether it has the wanted SHA-256 (`same`), otherwise the
 * one that it has, after `differs` with `hide`; with `show` after `content`, and then the bytes, or
 * after `large` above 1 MiB; of a directory, with `entries`, how many it has, and `mounted` where a filesystem is
 * mounted on it or in it.
 *
 * Three arguments for each path: PATH HASH HOW. For all of them there is one stat and one sha256sum.
 * Their lines end with the path; where the next line is of another one (a file that cannot be read,
 * a name that sha256sum writes with escapes), that path is asked for alone, and so has an error of
 * its own.
 */
const code = `
export LC_ALL=C
newline='
'
existing() {
  left=$#
  while [ "$left" -gt 0 ]; do
    if [ -L "$1" ] || [ -e "$1" ]; then set -- "$@" "$1"; fi
    shift 3; left=$((left - 3))
  done
  [ $# = 0 ] || stat -c %f/%a/%u/%g/%U/%G/%n "$@"
}
hashed() {
  left=$#
  while [ "$left" -gt 0 ]; do
    if [ -n "$2" ] && [ -f "$1" ] && ! [ -L "$1" ]; then set -- "$@" "$1"; fi
    shift 3; left=$((left - 3))
  done
  [ $# = 0 ] || sha256sum "$@"
}
look() {
  line=\${states%%"$newline"*}
  if [ "\${line#*/*/*/*/*/*/}" = "$1" ]; then states=\${states#*"$newline"}
  elif [ -L "$1" ] || [ -e "$1" ]; then line=$(stat -c %f/%a/%u/%g/%U/%G/%n "$1") || return
  else echo absent; return
  fi
  case $line in
    a*) type=symlink ;;
    8*) type="file" ;;
    4*) type=directory ;;
    *) type=other ;;
  esac
  line=\${line%"/$1"}
  printf '%s\\n' "$type/\${line#*/}"
  case $type:$3 in
    symlink:*) readlink "$1" ;;
    file:show | file:hide) compare "$@" ;;
    directory:entries) count "$1" ;;
  esac
}
compare() {
  line=\${sums%%"$newline"*}
  if [ "\${line#*  }" = "$1" ]; then sums=\${sums#*"$newline"}
  else line=$(sha256sum <"$1") || return
  fi
  line=\${line%% *}
  if [ "$line" = "$2" ]; then echo same
  elif [ "$3" = hide ]; then echo "differs $line"
  elif [ "$(wc -c <"$1")" -gt 1048576 ]; then echo "large $line"
  else echo "content $line"; cat "$1"
  fi
}
count() {
  find "$1" -mindepth 1 -maxdepth 1 -exec printf x ';' | wc -c
  if mounted "$1"; then echo mounted; fi
}
${mountedFunction}
states=$(existing "$@" 2>/dev/null)$newline
sums=$(hashed "$@" 2>/dev/null)$newline
while :; do
  look "$1" "$2" "$3"; status=$?
  shift 3
  [ $# -gt 0 ] || exit "$status"
  next "$status"
done`;

type Asked =
  | { readonly how: 'state' | 'entries' }
  | { readonly how: 'show' | 'hide'; readonly hash: PlainArg };

/** What stands at a path; probes of many paths are one. */
export function probePath(path: string, asked: Asked = { how: 'state' }): Fragment {
  const hash = 'hash' in asked ? asked.hash : '';
  return { code, args: [path, hash, asked.how], joins: true };
}
