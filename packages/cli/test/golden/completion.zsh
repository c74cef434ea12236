#compdef bootstrap
_bootstrap() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$candidates" == ":files" ]]; then
    _files
  else
    compadd -- "${candidates[@]}"
  fi
}
compdef _bootstrap bootstrap ./bootstrap
