export type Shell = "bash" | "zsh" | "fish";

/**
 * Scripts that ask `orchd completion --words -- WORDS…` what may come next. An answer of nothing
 * means file names, which the shell completes better itself.
 */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# orchd completion for bash
_orchd() {
  local IFS=$'\\n' current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(orchd completion --words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$current"))
}
complete -o default -o bashdefault -F _orchd orchd`,
  zsh: `#compdef orchd
# orchd completion for zsh
_orchd() {
  local -a found
  found=("\${(@f)$(orchd completion --words -- "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  if [[ -n "$found[1]" ]]; then compadd -- $found; else _files; fi
}
compdef _orchd orchd`,
  fish: `# orchd completion for fish
function __orchd
  set -l words (commandline -opc) (commandline -ct)
  orchd completion --words -- $words[2..-1] 2>/dev/null
end
complete -c orchd -a '(__orchd)'`,
};
