# torchvision's load_state_dict takes exported weights strictly, as they are, and computes what byol embed computes; timm's too,
# where it is there; and --init begins with the weights of both.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no torch, torchvision and numpy.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1
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
    # maps of answers, and of likenesses with the first picture, which is written as a file
    expect 0 linear $stem --train cifar:1 --test cifar:1 --no-baselines --epochs 3 --out probe.safetensors
    { printf 'P6 32 32 255\n' && tail -c +2 cifar/data_batch_1.bin | head -c 3072 |
        LC_ALL=C od -An -v -t u1 -w1 | LC_ALL=C awk '{ v[NR - 1] = $1 } END { for (i = 0; i < 1024; i++)
            for (c = 0; c < 3; c++) printf "%c", v[c * 1024 + i] }'; } >first.ppm
    expect 0 explain probe.safetensors --data cifar:1 --out answers --maps answers.npy
    expect 0 explain probe.safetensors --data cifar:1 --like first.ppm --out alike --maps alike.npy
    "$python" "$here/check_gradcam.py" $stem probe.safetensors answers.npy alike.npy >stdout 2>stderr ||
        say "torch has other maps, with the $stem stem"
    cat stdout
done

# the other way: a run begins with the libraries' own weights, which nothing moves while the learning rate is 0
for library in torchvision timm; do
    "$python" -c "import $library" 2>/dev/null || {
        echo "note: $python has no $library, it is not tried"
        continue
    }
    "$python" "$here/check_init.py" make $library weights.safetensors || exit 1
    train from-$library --data cifar:1 --epochs 1 --width 64 --image-size 32 --stem imagenet --preset byol --lr 0 \
        --init weights.safetensors
    [ "$code" -eq 0 ] || say "training from $library's weights"
    expect 0 export from-$library --out exported.safetensors
    expect 0 embed from-$library --data cifar:1 --out vectors.npy
    "$python" "$here/check_init.py" same weights.safetensors exported.safetensors >stdout 2>stderr || say "--init, $library"
    "$python" "$here/check_init.py" load $library exported.safetensors vectors.npy >stdout 2>stderr || say "$library disagrees"
    cat stdout
done
finish
