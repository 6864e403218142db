# What ONNX Runtime computes of librosa's log-mels is what byol embed computes of the sounds themselves.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no onnx, onnxruntime, librosa and soundfile.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
make_sounds=${BYOL_BUILD_DIR:-$here/../../build}/tests/make_sounds
[ -x "$make_sounds" ] || { echo "skipped: no $make_sounds"; exit 77; }
"$python" -c 'import onnx, onnxruntime, librosa, soundfile' 2>/dev/null || {
    echo "skipped: $python has no onnx, onnxruntime, librosa and soundfile (BYOL_TEST_PYTHON names another)"
    exit 77
}
"$make_sounds" sounds 12 || exit 1
small="--recipe byol --batch-size 12 --epochs 2 --precision fp32 --quiet --set projector.hidden=32 --set projector.out=16
    --set predictor.hidden=32 --set data.sample_rate=8000 --set data.mel_high=4000 --set data.window=512 --set data.mels=32
    --set data.hop=80 --set data.frames=40"
for network in "audio --width 8" "resnet18 --width 8" "vit --width 16 --set encoder.depth=2 --set encoder.heads=2 --set encoder.patch=8"; do
    # shellcheck disable=SC2086
    expect 0 pretrain --data sounds:train --out run $small --encoder $network
    expect 0 embed run --data sounds:test --out vectors.npy
    expect 0 export run --out network.onnx --features
    "$python" "$here/check_sound_onnx.py" network.onnx vectors.npy vectors.csv sounds run/config.yaml >stdout 2>stderr ||
        say "ONNX Runtime and byol embed differ: $network"
    cat stdout
    rm -r run
done
finish
