# Every member of the family from its configuration to a vector: tiny, so that it shows only that it runs.
. "$(dirname "$0")/library.sh"
make_data

small="--width 8 --batch-size 16 --threads 1 --precision fp32 --set train.epochs=1 --set optimizer.warmup_epochs=0"
small="$small --set projector.hidden=16 --set projector.out=8 --set predictor.hidden=16"

count=0
for file in "$source_dir"/configs/family/*.yaml; do
    name=$(basename "$file" .yaml)
    outputs="--set encoder.out=0"
    grep -q 'out: 10' "$file" && outputs="--set encoder.out=24"
    # shellcheck disable=SC2086
    expect 0 pretrain "$file" --data data:train --out "$name" $small $outputs --json
    is_json run epochs steps loss
    grep -q '"steps": 4' stdout || say "$name: not four steps"
    grep -q '"loss": null' stdout && say "$name: no loss"
    expect 0 embed "$name" --data data:test --out "$name.npy" --layer projection --json
    expect 0 knn "$name" -k 3 --train data:train --test data:test --json --quiet
    is_json accuracy random_init_accuracy
    count=$((count + 1))
done
[ $count -eq 13 ] || say "$count configurations in configs/family, 13 were expected"

# encoders that end in a layer of their own, and one that does not
for name in contrastive-conv byol-resnet18-cifar distill-conv; do
    expect 0 finetune $name --train data:train --test data:test --epochs 1 --json --quiet
    is_json accuracy
done

# a teacher of another architecture, from the run above, and what does not go together
expect 0 pretrain --data data:train --out student $tiny --image-size 32 --set target.kind=frozen --set target.init=simsiam \
    --set target.encoder=resnet18 --set target.width=8 --set encoder.name=conv5 --set projector.kind=none \
    --set predictor.kind=linear --set loss.distance=mse --set train.epochs=1
grep -q "predictor.0.weight" student/encoder.safetensors || say "no linear layer between student and teacher"

# a teacher that is a file of vectors, one for each image
expect 0 embed simsiam --data data:train --out teacher.npy --quiet
every="--set checkpoint.every_steps=1 --set checkpoint.keep=20"
expect 0 pretrain --data data:train --out taught $tiny $every --set target.kind=vectors --set target.vectors=teacher.npy --json
grep -q '  dimension: 64$' taught/config.yaml || say "the length of the vectors is not in config.yaml"
cp taught/encoder.safetensors whole
rm taught/checkpoints/step-00000[5-8].safetensors
expect 0 pretrain --out taught --resume
says "resumed after step 4"
cmp -s whole taught/encoder.safetensors || say "a resumed student is another one"
expect 0 knn taught --train data:train --test data:test --json --quiet
expect 1 pretrain --data data:test --out wrong $tiny --set target.kind=vectors --set target.vectors=teacher.npy
says "64 vectors" "32 images" "byol embed"
head -c 300 teacher.npy >short.npy
expect 1 pretrain --data data:train --out wrong $tiny --set target.kind=vectors --set target.vectors=short.npy
says "short.npy" "truncated"
expect 1 pretrain --data data:train --out wrong $tiny --set target.kind=vectors --set target.vectors=missing.npy
says "missing.npy"
expect 2 pretrain --data data:train --out wrong $tiny --set target.kind=vectors
says "target.vectors"
expect 2 pretrain --data data:train --out wrong $tiny --set target.stop_gradient=false
says "target.kind online"
expect 2 pretrain --data data:train --out wrong $tiny --set loss.distance=cosin
says "loss.distance" "infonce"
finish
