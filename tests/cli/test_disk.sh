# Folders that cannot be written and a disk that is full: clear words, non-zero exit, nothing lost.
. "$(dirname "$0")/library.sh"
make_data

echo "a file" >file
train file/run
[ "$code" -eq 1 ] || say "a run folder below a file: exit code 1 was expected"
says file
train /proc/run
[ "$code" -eq 1 ] || say "a run folder in /proc: exit code 1 was expected"
says /proc/run
train run
[ "$code" -eq 0 ] || say "training failed"
expect 1 embed run --data data:test --out /proc/x.npy
says /proc/x.npy
expect 2 embed run --data data:test --out nowhere/x.npy
says nowhere/x.npy

# a file does not take the place of something that is no file; where a link leads, there it goes
mkfifo pipe.npy && mkdir folder.npy && ln -s real.npy link.npy && : >real.npy
for taken in pipe.npy folder.npy; do
    expect 2 embed run --data data:test --out $taken
    says $taken
    expect 2 embed run --data data:test --out x.npy --csv $taken
    says $taken
done
[ -p pipe.npy ] && [ -d folder.npy ] || say "a pipe or a folder was replaced"
expect 0 embed run --data data:test --out link.npy
[ -L link.npy ] && [ -s real.npy ] || say "the link was replaced, not what it leads to"
for written in safetensors onnx; do
    mkfifo pipe.$written && expect 2 export run --out pipe.$written
    [ -p pipe.$written ] || say "export replaced a pipe"
    : >real.$written && ln -s real.$written link.$written && expect 0 export run --out link.$written
    [ -L link.$written ] && [ -s real.$written ] || say "export replaced a link"
done

# a link that leads far down: its real name is longer than those that a configuration takes
long=$(printf '%0200d' 0) && deep=$work/$long/$long/$long/$long/$long/$long && mkdir -p "$deep"
: >"$deep/far.npy" && ln -s "$deep/far.npy" near.npy && expect 0 embed run --data data:test --out near.npy
[ -L near.npy ] && [ -s "$deep/far.npy" ] || say "what a long link leads to was not written"

# what is written says so in its name
expect 2 embed run --data data:test --out x.csv
says .npy
expect 2 views --data data:test --out x.jpg
says .png
expect 2 finetune run --train data:train --test data:test --out x.pt
says .safetensors

if [ -w /dev/full ]; then
    code=0
    "$byol" knn run --json --quiet >/dev/full 2>stderr || code=$?
    : >stdout
    [ "$code" -eq 1 ] || say "standard output on a full disk: exit code 1 was expected"
    says "standard output"
fi

mkdir small
if ! mount -t tmpfs -o size=256k none small 2>/dev/null; then
    [ $failures -eq 0 ] || 
# A disk that has room for the encoder and no checkpoint: what was learned is there.
umount small
mount -t tmpfs -o size=$((encoder + 40))k none small
train small/run
[ "$code" -eq 1 ] || say "a disk without room for a checkpoint: exit code 1 was expected"
says "No space left"
expect 0 embed small/run --data data:test --out ahead.npy
cmp -s ahead.npy run.npy || say "the encoder that was saved is not that of the last step"
finish
    echo "SKIPPED: a small tmpfs cannot be mounted here; all else passed"
    exit 77
fi
trap 'umount "$work/small"; rm -rf "$work"' EXIT
echo "the old file" >small/x.npy
head -c 250000 /dev/zero >small/filler
expect 1 embed run --data data:test --out small/x.npy
says small/x.npy "No space left"
grep -q "the old file" small/x.npy || say "the old file is lost"
[ ! -e small/x.npy.tmp ] || say "a temporary file was left"
train small/run
[ "$code" -eq 1 ] || say "training on a full disk: exit code 1 was expected"
says "No space left"

# A disk that becomes full while it trains: the checkpoints before that stay good.
rm -rf small/*
size=$(cat run/checkpoints/*.safetensors | wc -c)
count=$(ls run/checkpoints | wc -l)
one=$((size / count / 1024 + 1))
encoder=$(($(wc -c <run/encoder.safetensors) / 1024 + 1))
umount small
mount -t tmpfs -o size=$((2 * one + 2 * encoder + 40))k none small
train small/run --set checkpoint.every_steps=1 --set checkpoint.keep=100
[ "$code" -eq 1 ] || say "a disk that fills up: exit code 1 was expected"
says "No space left"
cp -r small/run kept
expect 0 embed kept --data data:test --out kept.npy
train kept --resume --set checkpoint.every_steps=1 --set checkpoint.keep=100
[ "$code" -eq 0 ] || say "going on after the full disk failed"
expect 0 embed kept --data data:test --out kept.npy
expect 0 embed run --data data:test --out run.npy
cmp -s kept.npy run.npy || say "going on after the full disk gave another result"
finish
