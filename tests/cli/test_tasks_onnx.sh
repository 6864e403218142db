# Heads in ONNX Runtime answer as segment and detect do, and pycocotools judges detections as detect does.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no onnx, onnxruntime, numpy and Pillow.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
"$python" -c 'import onnx, onnxruntime, numpy, PIL' 2>/dev/null || {
    echo "skipped: $python has no onnx, onnxruntime, numpy and Pillow (BYOL_TEST_PYTHON names another)"
    exit 77
}
"${BYOL_BUILD_DIR:-$(dirname "$byol")}/tests/make_scenes" scenes 24 8 || { echo "make_scenes failed"; exit 1; }

# check RUN: both heads on the encoder of that run, frozen and fine-tuned
check() {
    for how in '' --fine-tune; do
        # shellcheck disable=SC2086
        expect 0 segment "$1" --train scenes:train --test scenes:test --epochs 2 --lr 0.01 --precision fp32 --no-baselines --predict masks --onnx head.onnx $how
        "$python" "$here/check_tasks.py" segment head.onnx scenes/images/test masks >stdout 2>stderr || say "segment $1 $how"
        cat stdout
        # shellcheck disable=SC2086
        expect 0 detect "$1" --train scenes/voc:train --test scenes/voc:test --epochs 4 --lr 0.01 --precision fp32 --no-baselines --predict found.json --onnx head.onnx $how --json
        cp stdout result.json
        "$python" "$here/check_tasks.py" detect head.onnx scenes/voc found.json result.json >stdout 2>stderr || say "detect $1 $how"
        cat stdout
    done
}

# shellcheck disable=SC2086
run pretrain --data scenes/images/train --out conv $tiny --encoder conv4 --image-size 16 --epochs 1
[ "$code" -eq 0 ] || say "training failed"
check conv
# shellcheck disable=SC2086
run pretrain --data scenes/images/train --out vit $tiny --encoder vit --width 32 --image-size 16 --epochs 1 --set encoder.depth=2 --set encoder.patch=8 --set encoder.heads=2
[ "$code" -eq 0 ] || say "training a transformer failed"
check vit
finish
