# timm's vision transformer takes exported weights strictly, as they are, and computes what byol embed computes; and --init
# begins with timm's weights, whose places are resized as timm resizes them where they are of another size of image.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no timm.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1
"$python" -c 'import timm, torch, torchvision, safetensors, numpy' 2>/dev/null || {
    echo "skipped: $python has no timm (BYOL_TEST_PYTHON names another)"
    exit 77
}
"$python" "$here/check_onnx.py" --make-data || exit 1
"$python" "$here/check_timm.py" make || exit 1

# train_vit RUN POOL ARGUMENT...: a tiny transformer, 4 x 4 patches of an image
train_vit() {
    vit=$1 pool=$2
    shift 2
    train "$vit" --data cifar:1 --encoder vit --width 24 --image-size 32 --preset byol --set encoder.depth=2 \
        --set encoder.heads=3 --set encoder.patch=8 --set "encoder.pool=$pool" --set optimizer.name=adamw "$@"
    [ "$code" -eq 0 ] || say "training $vit"
}

# hand_over RUN: its weights, its vectors and the note that names timm's network, for check_timm.py
hand_over() {
    expect 0 embed "$1" --data cifar:1 --out "$1.npy"
    expect 0 export "$1" --out "$1.safetensors"
    cp stderr "$1.note"
}

for pool in class mean max; do
    train_vit $pool $pool --epochs 2 --lr 0.1
    hand_over $pool
    says 'timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3'
    expect 0 export $pool --out $pool-classes.safetensors --classes 7
    cp stderr $pool-classes.note

    # the other way, while nothing moves
    for places in 4 7 2; do
        train_vit $pool-$places $pool --epochs 1 --lr 0 --init timm-$pool-$places.safetensors
        says "left out: head.bias; head.weight"
        [ $places -eq 4 ] || says "places of patches are resized"
        hand_over $pool-$places
    done
done
code=0
"$python" "$here/check_timm.py" check >stdout 2>stderr || say "timm disagrees"
cat stdout

train wrong --data cifar:1 --encoder vit --width 24 --image-size 32 --set encoder.depth=3 --set encoder.heads=3 \
    --set encoder.patch=8 --init class.safetensors
[ "$code" -eq 1 ] || say "three blocks began with two"
says "12 tensors do not fit" "holds no tensor 'blocks.2.norm1.weight'"
finish
