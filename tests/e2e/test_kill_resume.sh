#!/bin/sh
# kill -9 at ten random moments, each time --resume: the same weights as the run that nobody disturbed.
set -eu
byol=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 512 pictures of 8 x 8 noise (IDX: magic, count, rows, columns).
{
    printf '\000\000\010\003\000\000\002\000\000\000\000\010\000\000\000\010'
    head -c 32768 /dev/urandom
} >"$work/train-images-idx3-ubyte"

pretrain() { # RUN
    exec "$byol" pretrain --data "$work/train-images-idx3-ubyte" --out "$1" --resume --threads 2 --precision fp32 \
        --set encoder.width=8 --set encoder.stem=small --set projector.hidden=32 --set projector.out=16 \
        --set predictor.hidden=32 --set train.batch_size=32 --epochs 40 --set checkpoint.every_steps=5 \
        --set train.log_every=1 2>>"$work/words"
}

fail() {
    echo "FAILED: $1" >&2
    tail -5 "$work/words" >&2
    exit 1
}

(pretrain "$work/whole") || fail "the undisturbed run"

landed=0
moments=$(awk -v seed=$$ 'BEGIN { srand(seed); for (i = 0; i < 10; i++) printf "%.3f ", 0.05 + 0.75 * rand() }')
for moment in $moments; do
    pretrain "$work/killed" &
    sleep "$moment"
    if kill -9 $! 2>/dev/null; then landed=$((landed + 1)); fi
    wait $! 2>/dev/null || true
done
[ "$landed" -ge 5 ] || fail "the run was over too soon: only $landed of 10 kills found it running"
(pretrain "$work/killed") || fail "resuming after the last kill"

cmp "$work/whole/encoder.safetensors" "$work/killed/encoder.safetensors" || fail "the weights differ"
lines() { sed -e 's/, "images_per_second": [^,}]*//' -e 's/, "seconds": [^,}]*//' "$1/metrics.jsonl"; }
lines "$work/whole" >"$work/a"
lines "$work/killed" >"$work/b"
cmp "$work/a" "$work/b" || fail "the logs differ"
[ -z "$(find "$work/killed" -name '*.tmp')" ] || fail "temporary files were left"
echo "$landed kills, the same weights"
