# Fine-tuning and the classification report from the command line, with good and with bad input.
. "$(dirname "$0")/library.sh"
make_data
train run
[ "$code" -eq 0 ] || say "training"

quick="--epochs 2 --batch-size 16 --threads 1 --precision fp32"
# shellcheck disable=SC2086
expect 0 finetune run $quick --report --csv report.csv --out tuned.safetensors
grep -q "fine-tuned" stdout && grep -q "from scratch" stdout || say "no table of both"
grep -q "precision .* recall .* F1" stdout && grep -q "taken for class" stdout || say "no report"
[ "$(head -n 1 report.csv)" = "class,precision,recall,f1,support,predicted 0,predicted 1" ] || say "wrong head of report.csv"
[ "$(wc -l <report.csv)" -eq 5 ] || say "report.csv has not two classes and two means"
# supports and the matrix are those of 16 images of each class
awk -F, 'NR == 2 || NR == 3 { if ($5 != 16 || $6 + $7 != 16) exit 1 }' report.csv || say "report.csv does not add up"
# the warning fits the two figures: none, both perfect (the images are too easy), or worth nothing
tuned=$(awk '/fine-tuned/ { print $(NF - 7) }' stdout) scratch=$(awk '/from scratch/ { print $(NF - 7) }' stdout)
case $(awk -v tuned="$tuned" -v scratch="$scratch" 'BEGIN { print (tuned > scratch) ? "" : tuned == 100 ? "easy" : "nothing" }') in
easy) says "too few or too easy" ;;
nothing) says "worth nothing here" "$tuned" "$scratch" ;;
*) if grep -q warning stderr; then say "a warning where $tuned is more than $scratch"; fi ;;
esac

# the saved network: a head with torchvision's names, and an encoder that can be evaluated
head -c 20000 tuned.safetensors | grep -q '"fc.weight"' || say "no fc.weight in tuned.safetensors"
head -c 20000 tuned.safetensors | grep -q '"layer4.1.bn2.running_var"' || say "no batch norm in tuned.safetensors"
expect 0 knn tuned.safetensors --train data:train --test data:test --quiet --json
is_json accuracy report

# shellcheck disable=SC2086
expect 0 finetune run $quick --label-fraction 0.25 --train-stages 1 --optimizer sgd --no-scratch --json --quiet
is_json accuracy held_out_accuracy classes train_count test_count label_count label_fraction epochs best_epoch report confusion
grep -q '"label_count": 16,' stdout && grep -q '"held_out_count": 2,' stdout || say "not a quarter of the labels"
grep -q '"label_fraction": 0.25,' stdout || say "label_fraction is not as given"
grep -q from_scratch stdout && say "--no-scratch trains from scratch"
cp stdout first
# shellcheck disable=SC2086
expect 0 finetune run $quick --label-fraction 0.25 --train-stages 1 --optimizer sgd --no-scratch --json --quiet
sed 's/"seconds": [^,]*//' first >one
sed 's/"seconds": [^,]*//' stdout | cmp -s - one || say "the same call gives another result"
# shellcheck disable=SC2086
expect 0 finetune run $quick --train-stages 0 --json --quiet
is_json accuracy from_scratch_accuracy
train vit --encoder vit --width 16 --epochs 1 --set encoder.depth=2 --set encoder.heads=2 --set encoder.patch=5
# shellcheck disable=SC2086
expect 0 finetune vit $quick --train-stages 1 --no-scratch --json --quiet
is_json accuracy
grep -q '"finetune": {' run/evaluation.json || say "the result is not kept in the run folder"

expect 0 linear run --epochs 3 --report --csv linear.csv --json
is_json accuracy report
[ -s linear.csv ] || say "no linear.csv"
grep -q "mean over classes" stderr || say "with --json the report is not on standard error"

expect 2 finetune
says RUN
expect 2 finetune run --label-fraction 0
says "label fraction" 0
expect 2 finetune run --label-fraction most
says label-fraction most
expect 2 finetune run --train-stages 6
says 6 "has 5"
expect 2 finetune run --train-stages some
says train-stages some
expect 2 finetune run --optimizer lars
says "adamw, sgd" lars
expect 2 finetune run --lr -1
says "learning rate"
expect 2 finetune run --batch-size 1
says "batch size"
expect 2 finetune run --out nowhere/tuned.safetensors
says nowhere/tuned.safetensors
expect 2 finetune run --csv nowhere/report.csv
says nowhere/report.csv
expect 1 finetune nothing
says nothing
expect 1 finetune run --train missing:train
says missing
# shellcheck disable=SC2086
expect 1 finetune run $quick --lr 1000 --weight-decay 1 --optimizer sgd --epochs 20
says "lower learning rate"
rm -r data/t10k-labels-idx1-ubyte
expect 2 finetune run
[ ! -e nowhere ] || say "a folder was made"
finish
