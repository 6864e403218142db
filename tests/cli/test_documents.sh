# --help, man pages, completion and the documents agree: the same commands, the same options.
. "$(dirname "$0")/library.sh"
expect 0 options --documents made
commands=$("$byol" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -l)" -gt 8 ] || say "no commands in byol --help"

for command in $commands; do
    # options begin their lines: examples and explanations may name others
    "$byol" $command --help | sed -n 's/^ \{2,6\}\(-.,\)\{0,1\} *\(--[a-z-]*\).*/\2/p' | sort -u >help
    sed -n 's/^\(\\fB\\-.\\fR, \)\{0,1\}\\fB\\-\\-\([a-z\\-]*\)\\fR.*/--\2/p' made/byol-$command.1 | tr -d '\\' | sort -u >man
    sed -n "s/^ *$command) words='\(.*\)' ;;/\1/p" made/byol.bash | tr ' ' '\n' | sort -u >bash
    sed -n "/^$command)/,/;;/s/^ *'\(--[a-z-]*\).*/\1/p" made/_byol | sort -u >zsh
    sed -n "s/.*_from $command' -l \([a-z-]*\).*/--\1/p" made/byol.fish | sort -u >fish
    [ "$(wc -l <help)" -ge 4 ] || say "byol $command --help shows too few options: $(cat help)"
    for other in man bash zsh fish; do
        cmp -s help $other || say "$command: --help and $other differ: $(diff help $other | tr '\n' ' ')"
    done
    grep -q "^\.BR byol.-$command (1)" made/byol.1 || say "byol(1) does not tell of $command"
done

# every byol command in the documents names a command and options that are there
cat "$source_dir/README.md" "$source_dir"/docs/*.md | sed -n 's/^ *\(\$ \)\{0,1\}\(build\/\)\{0,1\}byol \([a-z]*\) \(.*\)/\3 \4/p' >used
[ "$(wc -l <used)" -gt 10 ] || say "no commands found in the documents"
while read -r command rest; do
    echo "$commands" | grep -qx "$command" || { say "the documents use 'byol $command'"; continue; }
    for option in $(echo "${rest%%#*}" | grep -oE -e '(^| )--[a-z][a-z-]*'); do
        "$byol" $command --help | grep -qE -e "^ .*$option\\b" || say "the documents use 'byol $command $option'"
    done
done <used

# docs/configuration.md is the program's own table
"$byol" options --markdown >table
while IFS= read -r line; do
    grep -qxF -e "$line" "$source_dir/docs/configuration.md" || say "docs/configuration.md lacks: $line"
done <table

for shell in bash zsh fish; do
    command -v $shell >/dev/null || { echo "note: no $shell here, its completion is not tried"; continue; }
    case $shell in bash) file=made/byol.bash ;; zsh) file=made/_byol ;; fish) file=made/byol.fish ;; esac
    $shell -n $file || say "$shell does not understand its completion"
done
if command -v bash >/dev/null; then
    bash -c '. made/byol.bash; COMP_WORDS=(byol embed --la); COMP_CWORD=2; _byol; echo "${COMPREPLY[*]}"' >stdout
    [ "$(cat stdout)" = --layer ] || say "bash does not complete --la to --layer"
fi
if command -v fish >/dev/null; then
    fish -c 'source made/byol.fish; complete -C "byol embed --la"' >stdout
    grep -q '^--layer' stdout || say "fish does not complete --la to --layer"
fi
if command -v zsh >/dev/null; then # in a terminal of its own: completion exists nowhere else
    cat >type.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=($PWD/made \$fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word; print RE''ADY"
zpty -r shell screen '*READY*'
zpty -w -n shell $'byol embed --la\t'
zpty -r shell screen '*--layer*'
print -r -- "$screen"
END
    timeout 20 zsh -f type.zsh >stdout 2>stderr || say "zsh does not complete --la to --layer"
fi
if command -v man >/dev/null; then
    for page in made/*.1; do
        man -l --warnings=w "$page" >/dev/null 2>stderr || say "man cannot show $page"
        [ ! -s stderr ] || say "man warns of $page"
    done
fi
finish
