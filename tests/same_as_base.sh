#!/bin/sh
# Builds an earlier commit beside the working tree and compares what both learn: the encoder's tensors after 60 steps must be the
# same, byte for byte, for the configurations below, in fp32 and bf16, with each instruction set.
#
#     tests/same_as_base.sh COMMIT [FOLDER] [ISA ...]      FOLDER (default /tmp/same-as-base) keeps the other build
#
# It stays until the structure of the engine is what it should be (docs/architecture.md, 39).
set -eu
cd "$(dirname "$0")/.."
commit=${1:?the commit to compare with}
folder=${2:-/tmp/same-as-base}
mkdir -p "$folder"
[ -d "$folder/tree" ] || git worktree add --detach "$folder/tree" "$commit" >/dev/null
(cd "$folder/tree" && cmake --preset release >/dev/null && cmake --build build --target byol_program >/dev/null)
old=$folder/tree/build/byol
new=$PWD/build/byol
failures=0

# COUNT CHANNELS: 32 x 32 images of noise that always are the same, as .npy
images() {
    shape="(120, 32, 32$2)"
    header="{'descr': '|u1', 'fortran_order': False, 'shape': $shape, }"
    printf '\223NUMPY\001\000v\000%-117s\n' "$header"
    awk -v count=$((120 * 32 * 32 * $1)) 'BEGIN { srand(1); for (i = 0; i < count; i++) printf "%c", 32 + int(rand() * 95) }'
}
[ -f "$folder/grey.npy" ] || images 1 "" >"$folder/grey.npy"
[ -f "$folder/colour.npy" ] || images 3 ", 3" >"$folder/colour.npy"

# The digest of a file's tensors. What stands before them names the options, of which there are more now.
tensors() {
    header=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
    tail -c +$((header + 9)) "$1" | sha256sum
}

# NAME IMAGES CONFIG [KEY=VALUE ...]
compare() {
    name=$1 data=$2 config=$3
    shift 3
    for program in "$old" "$new"; do
        out=$folder/run
        rm -rf "$out"
        set -- "$@"
        args=
        for pair in "$@"; do args="$args --set $pair"; done
        # 120 images in batches of 8: 15 steps an epoch, 4 epochs
        # shellcheck disable=SC2086
        "$program" pretrain "$config" --data "$data" --out "$out" --quiet --set train.batch_size=8 --set train.epochs=4 \
            --set optimizer.warmup_epochs=1 --set train.accumulate=1 $args >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
        if [ "$program" = "$old" ]; then cp "$out/encoder.safetensors" "$folder/old.safetensors"; fi
    done
    if [ "$(tensors "$folder/old.safetensors")" = "$(tensors "$folder/run/encoder.safetensors")" ]; then
        echo "same  $name"
    else
        echo "OTHER $name"
        failures=$((failures + 1))
    fi
}

if [ $# -gt 2 ]; then
    shift 2
    isas=$*
else
    isas="plain avx2"
    grep -q avx512f /proc/cpuinfo && isas="$isas avx512"
fi
for isa in $isas; do
    export BYOL_ISA=$isa
    for precision in fp32 bf16; do
        p=train.precision=$precision
        tag="$isa $precision"
        compare "fashion-mnist $tag" "$folder/grey.npy" configs/fashion-mnist.yaml $p
        compare "fashion-mnist-resnet18 $tag" "$folder/grey.npy" configs/fashion-mnist-resnet18.yaml $p
        compare "cifar10-small $tag" "$folder/colour.npy" configs/cifar10-small.yaml $p
        compare "resnet50 at 96 $tag" "$folder/colour.npy" configs/cifar10-small.yaml $p encoder.name=resnet50 \
            encoder.width=8 encoder.stem=imagenet data.image_size=96
        compare "simsiam $tag" "$folder/colour.npy" configs/family/simsiam.yaml $p encoder.width=8 data.image_size=32
        compare "simclr $tag" "$folder/colour.npy" configs/family/simclr.yaml $p encoder.width=8 data.image_size=32
        compare "multi-crop $tag" "$folder/colour.npy" configs/cifar10-small.yaml $p views.view3.count=2 views.view3.size=16
        compare "distill $tag" "$folder/colour.npy" configs/family/distill-conv.yaml $p data.image_size=32
    done
done
[ "$failures" = 0 ] || { echo "same-as-base: $failures differ" >&2; exit 1; }
