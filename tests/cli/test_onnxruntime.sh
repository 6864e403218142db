# What ONNX Runtime computes from an exported network is what byol embed computes; onnx's own checker agrees with it.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no onnx, onnxruntime and numpy.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
"$python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null || {
    echo "skipped: $python has no onnx, onnxruntime and numpy (BYOL_TEST_PYTHON names another)"
    exit 77
}

# compare RUN SOURCE FILE ARGUMENT...: every output of the network
compare() {
    folder=$1 images=$2 file=$3
    shift 3
    for layer in backbone projection prediction; do
        expect 0 export "$folder" --out network.onnx --output $layer "$@"
        expect 0 embed "$folder" --data "$images" --out vectors.npy --layer $layer
        for stage in 1 2 3 4; do # maps of a network with features are those of byol embed --dense
            rm -f map$stage.npy
            [ "$layer $*" = "backbone --features" ] && run embed "$folder" --data "$images" --layer stage$stage --dense --out map$stage.npy
        done
        "$python" "$here/check_onnx.py" network.onnx vectors.npy "$file" $layer "$@" >stdout 2>stderr ||
            say "ONNX Runtime and byol embed differ in $layer of $folder $*"
        cat stdout
    done
}

"$python" "$here/check_onnx.py" --make-data || exit 1
train grey --data grey-images-idx3-ubyte --epochs 1
[ "$code" -eq 0 ] || say "training on grey images failed"
compare grey grey-images-idx3-ubyte grey-images-idx3-ubyte
compare grey grey-images-idx3-ubyte grey-images-idx3-ubyte --features

train colour --data cifar:1 --epochs 1 --image-size 32 --stem imagenet --preset byol
[ "$code" -eq 0 ] || say "training on colour images failed"
compare colour cifar:1 cifar/data_batch_1.bin

train deep --data cifar:1 --epochs 1 --image-size 32 --encoder resnet50
[ "$code" -eq 0 ] || say "training a deep network failed"
compare deep cifar:1 cifar/data_batch_1.bin --features

# classify FILE SOURCE IMAGES: logits of a classifier, and the names of its classes
classify() {
    expect 0 export "$1" --out classifier.onnx --output logits
    expect 0 predict "$1" --data "$2" --top 3 --out predictions.csv
    "$python" "$here/check_onnx.py" --classifier classifier.onnx predictions.csv "$3" >stdout 2>stderr ||
        say "ONNX Runtime and byol predict differ in $1"
    cat stdout
}
expect 0 linear colour --train cifar:1 --test cifar:1 --no-baselines --epochs 3 --out probe.safetensors
classify probe.safetensors cifar:1 cifar/data_batch_1.bin
expect 0 finetune colour --train cifar:1 --test cifar:1 --no-scratch --epochs 1 --batch-size 8 --out tuned.safetensors
classify tuned.safetensors cifar:1 cifar/data_batch_1.bin
expect 1 export colour --out classifier.onnx --output logits
says "without a classifier"

for pool in class mean max; do
    train vit-$pool --data cifar:1 --epochs 1 --image-size 32 --encoder vit --width 32 --set encoder.depth=2 \
        --set encoder.heads=4 --set encoder.patch=8 --set encoder.pool=$pool
    [ "$code" -eq 0 ] || say "training a transformer failed"
    compare vit-$pool cifar:1 cifar/data_batch_1.bin --features
    expect 0 linear vit-$pool --train cifar:1 --test cifar:1 --no-baselines --epochs 3 --out vit.safetensors
    classify vit.safetensors cifar:1 cifar/data_batch_1.bin
done
finish
