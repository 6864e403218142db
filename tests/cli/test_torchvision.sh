# torchvision's load_state_dict takes exported weights strictly, as they are, and computes what byol embed computes.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no torch, torchvision and numpy.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
"$python" -c 'import torch, torchvision, numpy' 2>/dev/null || {
    echo "skipped: $python has no torch, torchvision and numpy (BYOL_TEST_PYTHON names another)"
    exit 77
}
"$python" "$here/check_onnx.py" --make-data || exit 1

for stem in imagenet small; do
    train $stem --data cifar:1 --epochs 1 --width 64 --image-size 32 --stem $stem --preset byol
    [ "$code" -eq 0 ] || say "training failed"
    expect 0 embed $stem --data cifar:1 --out vectors.npy
    expect 0 export $stem --out backbone.safetensors
    [ $stem = imagenet ] || says "net.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)"
    expect 0 export $stem --out whole.safetensors --part all --classes 1000
    "$python" "$here/check_torchvision.py" $stem backbone.safetensors whole.safetensors vectors.npy >stdout 2>stderr ||
        say "torchvision disagrees, with the $stem stem"
    cat stdout
done
finish
