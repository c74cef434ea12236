_bootstrap() {
  local candidates word=${COMP_WORDS[COMP_CWORD]}
  candidates=$("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "$candidates" = ":files" ]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
  fi
}
complete -F _bootstrap bootstrap ./bootstrap
