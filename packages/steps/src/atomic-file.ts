/**
 * POSIX sh functions for a file that is either the old one or the new one, never half of each:
 *
 * - `fail TEXT` ends the fragment with the reason on standard error.
 * - `stage PATH` makes `$temp` in the folder of PATH, so on its filesystem, readable by root only; it
 *   is removed when the fragment ends for whatever reason that a shell can trap.
 * - `place PATH MODE OWNER GROUP` gives `$temp` its owner, mode and SELinux type, flushes it to disk,
 *   and renames it over PATH. A symbolic link at PATH is itself replaced, its target never touched.
 *
 * Modes have four digits; the 0 before them makes chmod clear what is not named. A builtin printf need
 * not say why it failed, so content goes through cat, which does. `sync FILE` is in coreutils since 8.24 and in busybox.
 */
export const atomicFile = `
fail() { printf '%s\\n' "$*" >&2; exit 1; }
stage() {
  folder=\${1%/*}
  [ -d "\${folder:-/}" ] || fail "the folder \${folder:-/} does not exist: a directory step before this one makes it"
  if [ -d "$1" ] && ! [ -L "$1" ]; then fail "$1 is a directory"; fi
  temp=$(mktemp "$folder/.skerry.XXXXXX") || fail "no file can be made in \${folder:-/}"
  trap 'rm -f "$temp"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}
place() {
  chown "$3:$4" "$temp" || fail "$1: owner and group $3:$4 cannot be set"
  chmod "0$2" "$temp" || fail "$1: mode $2 cannot be set"
  if command -v selinuxenabled >/dev/null && selinuxenabled; then
    context=$(matchpathcon -n "$1") && chcon "$context" "$temp"
  fi
  sync "$temp" || fail "$1: the content did not reach the disk"
  mv -fT "$temp" "$1" || fail "$1 cannot be replaced"
}`;
