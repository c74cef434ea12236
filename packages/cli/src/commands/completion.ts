import { DiagnosticError, didYouMean } from '@skerry/diagnostics';

// The words before the cursor are given to `bootstrap __complete`, which prints one candidate a
// line; a candidate `:files` asks the shell for file names.
const scripts: Readonly<Record<string, string>> = {
  bash: `_bootstrap() {
  local candidates word=\${COMP_WORDS[COMP_CWORD]}
  candidates=$("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "$candidates" = ":files" ]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
  fi
}
complete -F _bootstrap bootstrap ./bootstrap
`,
  zsh: `#compdef bootstrap
_bootstrap() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$candidates" == ":files" ]]; then
    _files
  else
    compadd -- "\${candidates[@]}"
  fi
}
compdef _bootstrap bootstrap ./bootstrap
`,
  fish: `function __bootstrap_candidates
  set -l words (commandline -opc) (commandline -ct)
  set -l candidates ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  if test "$candidates" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $candidates
  end
end
complete -c bootstrap -f -a '(__bootstrap_candidates)'
`,
};

/** Prints the completion script of a shell. */
export function completion(shell: string): number {
  const script = scripts[shell];
  if (script === undefined) {
    const near = didYouMean(shell, Object.keys(scripts));
    throw new DiagnosticError({
      code: 'unknown-shell',
      severity: 'error',
      what: `there is no completion for "${shell}"`,
      fix: near ?? 'use bash, zsh or fish',
    });
  }
  process.stdout.write(script);
  return 0;
}
