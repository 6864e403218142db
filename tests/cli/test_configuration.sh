# Configuration files: what is wrong is named with file and line; the shipped ones are right; the table is printed.
. "$(dirname "$0")/library.sh"

printf 'encoder:\n  widht: 16\n' >bad.yaml
expect 2 pretrain bad.yaml --data data --out run
says bad.yaml:2 encoder.widht encoder.width
printf 'train:\n  epochs: 3\noptimizer: {name: sdg}\n' >bad.yaml
expect 2 pretrain bad.yaml --data data --out run
says bad.yaml:3 optimizer.name sdg "sgd, lars, adam, adamw"
printf 'train: {epochs: 3\n' >bad.yaml
expect 2 info bad.yaml
says bad.yaml YAML
: >bad.yaml
expect 2 bench views bad.yaml
says bad.yaml empty
expect 2 pretrain missing.yaml --data data --out run
says missing.yaml
[ ! -e run ] || say "a run folder was made by a command that failed"

for file in "$source_dir"/configs/*.yaml; do
    expect 0 info "$file" --json --quiet
    is_json parameters_encoder forward_flops workspace_bytes
done

expect 0 options
grep -q '^encoder.width = 32' stdout || say "encoder.width is not in the table"
expect 0 --help-options
grep -q '^encoder.width = 32' stdout || say "encoder.width is not in the table"
expect 0 options --json
is_json options
expect 0 options --markdown
grep -q '^| `train.seed` | 1 |' stdout || say "train.seed is not in the Markdown table"
sed -n '/^| key/,$p' "$source_dir/docs/configuration.md" | cmp -s - stdout ||
    say "docs/configuration.md is not what 'byol options --markdown' prints"

# Flags come after the file, in their order.
printf 'encoder: {width: 8}\n' >good.yaml
expect 0 info good.yaml --image-size 16 --json --quiet
grep -q '"width": 8' stdout || say "the file's width is not used"
expect 0 info good.yaml --image-size 16 --width 12 --set encoder.width=4 --json --quiet
grep -q '"width": 4' stdout || say "the last setting does not win"
finish
