# What a run leaves beside its weights: what it cost, and what it was found to be worth.
. "$(dirname "$0")/library.sh"

# holds FILE WORD...: each stands in the file
holds() {
    file=$1
    shift
    for word in "$@"; do
        grep -qF -e "$word" "$file" || say "$file does not hold '$word'"
    done
}

make_data
train run
[ "$code" -eq 0 ] || say "training"
holds run/summary.json '"steps": 8,' '"steps_planned": 8,' '"precision": "fp32"' '"peak_memory_bytes": ' '"engine": "oneDNN'

expect 0 knn run --train data:train --test data:test --quiet
holds run/evaluation.json '"knn": {' '"step": 8,' '"train_count": 64,' '"test_count": 32,' '"pixel_accuracy": ' '"confusion": ['
says "too few or too easy" # dark and bright ones: raw pixels and random weights tell them apart as well
if grep -q "worth nothing" stderr; then say "what gets every image right is worth nothing"; fi
expect 0 linear run --train data:train --test data:test --epochs 2 --quiet
holds run/evaluation.json '"knn": {' '"linear": {' '"choice_name": "lr"'

# a quick look does not replace it, and says so; as many images do
cp run/evaluation.json full.json
expect 0 knn run --limit 1
says "not kept" run/evaluation.json
expect 0 linear run --limit 40 --epochs 2
says "not kept"
cmp -s full.json run/evaluation.json || say "a quick look replaced the result of all images"
expect 0 knn run -k 3
grep -q "not kept" stderr && say "a result of as many images is not kept"
holds run/evaluation.json '"choice": 3.0'

# a damaged one is replaced, weights alone have no place to keep it
echo '{"knn": ' >run/evaluation.json
expect 0 knn run --train data:train --test data:test --quiet
holds run/evaluation.json '"knn": {' '"step": 8,'
mkdir alone
cp run/encoder.safetensors alone/
expect 0 knn alone/encoder.safetensors --train data:train --test data:test --quiet
[ ! -e alone/evaluation.json ] || say "evaluating a file wrote beside it"
finish
