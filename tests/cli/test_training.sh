# A tiny run from beginning to end, and everything that can be done with it.
. "$(dirname "$0")/library.sh"
make_data

train run --json
[ "$code" -eq 0 ] || say "training failed"
is_json run epochs steps loss images_per_second peak_memory_bytes
grep -q '"epochs": 2' stdout || say "not two epochs"
grep -q '"steps": 8' stdout || say "not eight steps"
says "encoder.width" "settings"
for file in config.yaml metrics.jsonl encoder.safetensors checkpoints; do
    [ -e run/$file ] || say "run/$file is missing"
done
# what it takes to make it again stands in the run and in the weights
for key in byol engine processor threads precision data seed steps; do
    grep -q "\"$key\": " run/summary.json || say "run/summary.json lacks '$key'"
done
version=$("$byol" --version | sed -n '1s/^byol //p')
for words in "\"writer\":\"byol $version\"" '"byol.seed":"' '"byol.data":"64 x 1 x 12 x 12, ' '"byol.config":"recipe:'; do
    LC_ALL=C grep -aqF -e "$words" run/encoder.safetensors || say "run/encoder.safetensors lacks '$words'"
done
train run
[ "$code" -eq 2 ] || say "a second run into the same folder: exit code 2 was expected"
says run

train quiet --quiet --json
[ "$code" -eq 0 ] && [ ! -s stderr ] || say "--quiet is not quiet"
is_json run

train online --eval-every 1 --json
[ "$code" -eq 0 ] || say "training with online kNN failed"
is_json run knn
grep -q '"knn"' online/metrics.jsonl || say "no kNN in metrics.jsonl"

expect 0 knn run --json
is_json accuracy random_init_accuracy pixel_accuracy hog_accuracy classes train_count test_count
grep -q '"classes": 2' stdout && grep -q '"test_count": 32' stdout || say "wrong counts"
expect 0 knn run -k 3 --train data:train --test data:test --limit 20
grep -q "raw pixels" stdout && grep -q "trained encoder" stdout || say "no table"
expect 0 knn run --no-baselines --json
is_json accuracy classes
grep -q pixel_accuracy stdout && say "--no-baselines measures pixels"
expect 0 knn run --mean 2 --json
is_json accuracy mean_over_views
expect 0 linear run --epochs 5 --mean 0
grep -q "its mirror image and 0 crops" stdout || say "the table does not say that vectors are means"
expect 0 knn run/encoder.safetensors --json --quiet
is_json accuracy
expect 0 linear run --epochs 5 --json
is_json accuracy random_init_accuracy pixel_accuracy classes train_count test_count
expect 0 linear run --epochs 5 --views 2
grep -q "raw pixels" stdout || say "no table"

expect 0 embed run --data data:test --out features.npy --json
is_json out count dimension layer
# 128 bytes of header, 32 vectors of 64 numbers
[ "$(wc -c <features.npy)" -eq $((128 + 32 * 64 * 4)) ] || say "features.npy has a wrong size"
head -c 6 features.npy | tail -c 5 | grep -q NUMPY || say "features.npy is not NumPy's"
expect 0 embed run --data data:test --out projection.npy --layer projection
[ "$(wc -c <projection.npy)" -eq $((128 + 32 * 8 * 4)) ] || say "projection.npy has a wrong size"
expect 0 info run
grep -q "layer4.1.conv2" stdout || say "no layer table"
finish
