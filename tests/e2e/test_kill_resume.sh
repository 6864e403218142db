#!/bin/sh
# kill -9 at ten random moments, each time --resume: the same weights as the run that nobody disturbed.
set -eu
byol=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 128 pictures of 20 x 20 noise (IDX: magic, count, rows, columns): 8 batches an epoch.
{
    printf '\000\000\010\003\000\000\000\200\000\000\000\024\000\000\000\024'
    head -c 51200 /dev/urandom
} >"$work/train-images-idx3-ubyte"

pretrain() { # RUN
    exec "$byol" pretrain --data "$work/train-images-idx3-ubyte" --out "$1" --resume --threads 2 --precision fp32 \
        --recipe byol --set encoder.width=8 --set encoder.stem=small --set projector.hidden=32 --set projector.out=16 \
        --set predictor.hidden=32 --set train.batch_size=16 --epochs 12 --set checkpoint.every_steps=2 \
        --set train.log_every=1 2>>"$work/words"
}

fail() {
    echo "FAILED: $1" >&2
    tail -5 "$work/words" >&2
    exit 1
}

export OMP_WAIT_POLICY=passive # threads that wait do not spin: other tests may run beside this one
began=$(date +%s.%N)
(pretrain "$work/whole") || fail "the undisturbed run"
ended=$(date +%s.%N)

# Moments within the first sixth of what the whole run takes: so that most of them find it running.
moments=$(awk -v seed=$$ -v time="$(echo "$ended $began" | awk '{print $1 - $2}')" \
    'BEGIN { srand(seed); for (i = 0; i < 10; i++) printf "%.3f ", rand() * time / 6 }')
landed=0
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
