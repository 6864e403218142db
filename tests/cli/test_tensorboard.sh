# TensorBoard itself reads what a run has written, and a run that was stopped and resumed has one history.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no tensorboard and PIL.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
"$python" -c 'import tensorboard, numpy, PIL' 2>/dev/null || {
    echo "skipped: $python has no tensorboard and PIL (BYOL_TEST_PYTHON names another)"
    exit 77
}
make_data
train run --epochs 3 --eval-every 1 --set eval.train=data:train --set eval.test=data:test --set train.log_every=2 \
    --set checkpoint.every_steps=5 --set checkpoint.keep=9
[ "$code" -eq 0 ] || say "training failed"
"$python" "$here/check_tensorboard.py" run >stdout 2>stderr || say "TensorBoard does not show what metrics.jsonl has"
cat stdout

# back to the checkpoint of step 5 (of 12), and on again
rm "run/checkpoints/step-000012.safetensors" "run/checkpoints/step-000010.safetensors"
train run --resume --epochs 3 --eval-every 1 --set eval.train=data:train --set eval.test=data:test \
    --set train.log_every=2 --set checkpoint.every_steps=5 --set checkpoint.keep=9
[ "$code" -eq 0 ] || say "resuming failed"
says "resumed after step 5"
"$python" "$here/check_tensorboard.py" run >stdout 2>stderr || say "after resuming TensorBoard shows something else"
cat stdout
finish
