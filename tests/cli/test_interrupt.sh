# Ctrl-C writes a checkpoint and ends with 130; --resume goes on to the same weights as a run that was never stopped.
. "$(dirname "$0")/library.sh"
make_data

train whole --epochs 20
[ "$code" -eq 0 ] || say "training failed"

# mask_of NAME PROCESS: one of its signal masks, in hexadecimal
mask_of() {
    mask=$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status" 2>/dev/null)
    echo "${mask:-0}"
}

# interrupt SIGNAL FOLDER: starts a run, sends the signal once it has logged a step
interrupt() {
    # shellcheck disable=SC2086
    env --default-signal=INT "$byol" pretrain --data data:train --out "$2" $tiny --epochs 20 --set train.log_every=1 \
        >stdout 2>stderr &
    process=$!
    waited=0
    while [ ! -s "$2/metrics.jsonl" ] && [ $waited -lt 300 ] && kill -0 $process 2>/dev/null; do
        sleep 0.1
        waited=$((waited + 1))
    done
    handled=$(mask_of SigCgt $process)
    kill -s "$1" $process
    code=0
    wait $process || code=$?
}

for signal in INT TERM; do
    folder=stopped-$signal
    interrupt $signal "$folder"
    # bits 1 and 14: a handler's frame could be written into the heap (cli.h)
    [ $((0x$handled & 0x4002)) -eq 0 ] || say "a thread may be interrupted by a handler: $handled"
    [ "$code" -eq 130 ] || say "after SIG$signal: exit code 130 was expected"
    says "$folder" --resume
    ls "$folder"/checkpoints/*.safetensors >/dev/null 2>&1 || say "no checkpoint was written"
    expect 0 pretrain --out "$folder" --resume --set train.log_every=10
    says resumed
    expect 0 pretrain --out "$folder" --resume --set train.log_every=10
    grep -q "complete already" stdout || say "a run that is complete is not said to be"
    if grep -q nan stdout; then say "figures that nobody measured are printed"; fi
    expect 0 pretrain --out "$folder" --resume --json
    is_json loss images_per_second
    if grep -q '"loss": null' stdout; then say "a run that is complete forgets what it came to"; fi
    expect 0 embed "$folder" --data data:test --out "$folder.npy"
    expect 0 embed whole --data data:test --out whole.npy
    cmp -s "$folder.npy" whole.npy || say "the resumed run came to other weights"
done

# a second signal ends the program where it is: here it waits for paths that never come
mkfifo never
exec 3<>never
env --default-signal=INT "$byol" embed whole --data - --out never.npy <&3 >stdout 2>stderr &
process=$!
# bit 14: it has begun to wait for signals (and, a moment later, to remember the first)
waited=0
while [ $((0x$(mask_of SigBlk $process) & 0x4000)) -eq 0 ] && [ $waited -lt 100 ]; do
    sleep 0.1
    waited=$((waited + 1))
done
sleep 1
kill -s TERM $process
sleep 1
kill -0 $process 2>/dev/null || say "the first SIGTERM ended it"
kill -s TERM $process
code=0
wait $process || code=$?
[ "$code" -eq 143 ] || say "after two SIGTERM: an end by SIGTERM (143) was expected"

train stopped-INT --resume --epochs 20 --width 16
[ "$code" -ne 0 ] || say "resuming with another width was accepted"
says encoder.width
# a run of before there were recipes: what its config.yaml does not say is BYOL's, as it was then
train before --set checkpoint.every_steps=1 --set checkpoint.keep=20
cp before/encoder.safetensors whole-before
rm before/checkpoints/step-00000[5-8].safetensors
sed -i -e '/^recipe:/d' -e '/^  own_negatives:/d' -e '/^  schedule: cosine/d' before/config.yaml
expect 0 pretrain --out before --resume
says "resumed after step 4"
cmp -s whole-before before/encoder.safetensors || say "a run without a recipe goes on otherwise"
finish
