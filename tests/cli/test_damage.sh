# A checkpoint with one byte flipped, weights cut short: found, said, and the last good one used.
. "$(dirname "$0")/library.sh"
make_data

# flip FILE: inverts one byte in the middle
flip() {
    middle=$(($(wc -c <"$1") / 2))
    {
        head -c $middle "$1"
        tail -c +$((middle + 1)) "$1" | head -c 1 | tr '\0-\377' '\200-\377\0-\177'
        tail -c +$((middle + 2)) "$1"
    } >flipped
    cmp -s "$1" flipped && say "the byte was not flipped"
    mv flipped "$1"
}

train run --set checkpoint.every_steps=3
[ "$code" -eq 0 ] || say "training failed"
cp run/encoder.safetensors whole.safetensors
expect 0 embed whole.safetensors --data data:test --out before.npy

newest=$(ls run/checkpoints/*.safetensors | tail -n 1)
flip "$newest"
train run --resume --epochs 2
[ "$code" -eq 0 ] || say "resuming past a damaged checkpoint failed"
says "$(basename "$newest")"
expect 0 embed run --data data:test --out after.npy
cmp -s before.npy after.npy || say "resumed from the older checkpoint, the result is another"

flip whole.safetensors
expect 1 embed whole.safetensors --data data:test --out x.npy
says whole.safetensors damaged
head -c 1000 run/encoder.safetensors >short.safetensors
expect 1 knn short.safetensors
says short.safetensors
echo "no weights" >text.safetensors
expect 1 info text.safetensors
says text.safetensors
# weights that lie about their images, with no digest to tell: no room is laid out for two channels
LC_ALL=C sed 's/"xxh3":/"xxhx":/; s/"writer":/"wrote_":/; s/"byol.channels":"1"/"byol.channels":"2"/' run/encoder.safetensors >lying.safetensors
cmp -s run/encoder.safetensors lying.safetensors && say "the number of channels was not changed"
expect 1 embed lying.safetensors --data data:test --out x.npy
says lying.safetensors byol.channels
[ ! -e x.npy ] || say "a failed embed left a file"

# a finished run that has lost its checkpoints: what it came to stays
cp run/encoder.safetensors finished.safetensors
rm -r run/checkpoints
train run --resume --epochs 1
[ "$code" -eq 0 ] || say "a run without its checkpoints begins anew"
says "nothing to resume" ".old1"
cmp -s run/encoder.safetensors.old1 finished.safetensors || say "the finished encoder is lost"
[ -s run/metrics.jsonl.old1 ] && [ -s run/summary.json.old1 ] && [ -s run/config.yaml.old1 ] || say "what belongs to it is lost"
rm -r run/checkpoints
train run --resume --epochs 1
cmp -s run/encoder.safetensors.old1 finished.safetensors || say "the finished encoder is lost the second time"
[ -s run/encoder.safetensors.old2 ] || say "the second encoder is lost"
finish
