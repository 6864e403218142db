# Misspelt commands, options and keys, and the help of every command.
. "$(dirname "$0")/library.sh"

expect 2
says "Usage: byol"
expect 2 pretrian
says pretrian pretrain
expect 2 nonsense
says nonsense --help
[ "$("$byol" --help | wc -l)" -le 40 ] || say "byol --help does not fit a screen"
for help in --help -h help; do
    expect 0 $help
    grep -q "Example" stdout || say "byol $help shows no example"
done
expect 0 --version
grep -q '^byol [0-9]' stdout || say "no version"

for command in views pretrain knn linear finetune embed search export tokenizer info bench options; do
    "$byol" --help | grep -q "^  $command " || say "byol --help does not list $command"
    expect 0 $command --help
    grep -q "Usage: byol $command" stdout || say "byol $command --help has no usage"
    grep -q "Example" stdout || say "byol $command --help has no example"
    expect 0 $command --version
    grep -q '^byol [0-9]' stdout || say "byol $command --version prints no version"
    expect 0 $command --help
    grep -q -- --json stdout || say "byol $command --help does not tell of --json"
    [ ! -s stderr ] || say "byol $command --help writes on standard error"
    expect 2 $command --no-such-option
    says no-such-option
    silent
done

expect 2 pretrain --out run
says "--data"
expect 2 pretrain --data data
says "--out"
expect 2 pretrain --out run --data data --set encoder.widht=16
says "--set" encoder.widht encoder.width
expect 2 pretrain --out run --data data --set views.flp=0 # of either view
says "'views.flip'"
expect 2 pretrain --out run --data data --set encoder.width
says KEY=VALUE
expect 2 pretrain --out run --data data --width wide
says "--width" wide "4 .. 4096"
expect 2 pretrain --out run --data data --precision fp64
says "auto, fp32, bf16"
expect 2 pretrain --out run --data data --encoder resnet19
says "resnet18, resnet34, resnet50"
expect 2 pretrain --out run --data data --set optimizer.nesterov=1 --optimizer lars
says optimizer.nesterov sgd
expect 2 pretrain one.yaml two.yaml --out run
says two.yaml
expect 2 knn
says RUN
expect 2 knn run -k 0
expect 2 knn run --limit many
says limit many
expect 2 embed run
says "--data"
expect 2 embed run --data data --out x.npy --layer head
says backbone projection prediction
expect 2 bench
expect 2 bench speed
says speed step views peak
expect 2 info --width 16x
[ ! -e run ] || say "a run folder was made by a command that failed"
# what people type first
mkdir -p folder
expect 2 pretrain folder --out run
says "folder is a folder" "--data folder"
expect 2 pretrain --resume --out mistyped
says "mistyped holds no run" mistyped/config.yaml
[ ! -e mistyped ] || say "a folder was made for a run that is not there"
make_data
expect 0 pretrain --data data:train --recipe byol --epochs 1 --width 8 --threads 1 --out short
says "a run of 1 epoch: optimizer.warmup_epochs is 0.1, not 2" "images: train.batch_size is"

finish
