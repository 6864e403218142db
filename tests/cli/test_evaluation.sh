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
expect 0 linear run --train data:train --test data:test --epochs 2 --quiet
holds run/evaluation.json '"knn": {' '"linear": {' '"choice_name": "lr"'

# a damaged one is replaced, weights alone have no place to keep it
echo '{"knn": ' >run/evaluation.json
expect 0 knn run --train data:train --test data:test --quiet
holds run/evaluation.json '"knn": {' '"step": 8,'
mkdir alone
cp run/encoder.safetensors alone/
expect 0 knn alone/encoder.safetensors --train data:train --test data:test --quiet
[ ! -e alone/evaluation.json ] || say "evaluating a file wrote beside it"
finish
