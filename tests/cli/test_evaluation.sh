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
train run --lr 0.0001 # it need not learn: what follows wants an encoder that tells dark from bright, as a random one does
[ "$code" -eq 0 ] || say "training"
holds run/summary.json '"steps": 8,' '"steps_planned": 8,' '"precision": "fp32"' '"peak_memory_bytes": ' '"engine": "oneDNN'

expect 0 knn run --train data:train --test data:test --quiet
holds run/evaluation.json '"knn": {' '"step": 8,' '"train_count": 64,' '"test_count": 32,' '"pixel_accuracy": ' '"confusion": ['
says "too few or too easy" # dark and bright ones: raw pixels and random weights tell them apart as well
if grep -q "worth nothing" stderr; then say "what gets every image right is worth nothing"; fi
expect 0 linear run --train data:train --test data:test --epochs 2 --quiet
holds run/evaluation.json '"knn": {' '"linear": {' '"choice_name": "lr"'
expect 0 linear run --train data:train --test data:test --regression --out classifier.safetensors
grep -q ' C$' stdout || say "the regression does not say which C: $(cat stdout)"
holds run/evaluation.json '"regression": {' '"choice_name": "C"' '"linear": {'
expect 0 predict classifier.safetensors --data data:test --out named.csv
expect 2 linear run --regression --epochs 2
says "has no epochs"

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

# tested on what was learned from: it is said, whatever the source is called, and does not replace the honest result
cp run/evaluation.json honest.json
cp -r data copy
expect 0 knn run --train data:train --test copy/train-images-idx3-ubyte
says "the test images are the training images" "not kept"
cmp -s honest.json run/evaluation.json || say "a result on the training images replaced one on others"
expect 0 knn run --train data:train --test data:train --limit 20 --quiet
says "the test images are the training images"
rm run/evaluation.json
expect 0 linear run --train data:train --test data:train --epochs 2 --quiet
says "the test images are the training images"
holds run/evaluation.json '"same_images": true'
if grep -q "worth nothing\|too easy" stderr; then say "accuracies that mean little are judged"; fi
expect 0 linear run --train data:train --test data:test --epochs 2
if grep -q "not kept\|are the training images" stderr; then say "test images are taken for training images"; fi
if grep -q same_images run/evaluation.json; then say "the honest result did not replace the other"; fi
expect 0 finetune run --train data:test --test data:test --epochs 2 --batch-size 16 --threads 1 --no-scratch --quiet
says "the test images are the training images"

# a damaged one is replaced, weights alone have no place to keep it
echo '{"knn": ' >run/evaluation.json
expect 0 knn run --train data:train --test data:test --quiet
holds run/evaluation.json '"knn": {' '"step": 8,'
mkdir alone
cp run/encoder.safetensors alone/
expect 0 knn alone/encoder.safetensors --train data:train --test data:test --quiet
[ ! -e alone/evaluation.json ] || say "evaluating a file wrote beside it"

# during training: at the first step that has passed so many epochs, where one step spans several (4 batches an epoch)
train spanning --epochs 12 --set train.accumulate=6 --eval-every 2 --set train.log_every=1
[ "$code" -eq 0 ] || say "training with kNN on the way"
[ "$(grep -c '"knn"' spanning/metrics.jsonl)" -eq 6 ] || say "8 steps end after 1.5, 3, 4.5 ... 12 epochs: six of them pass an even one"
finish
