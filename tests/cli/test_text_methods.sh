# data2vec, attention of low rank and its teachers: their runs go on where they stopped, begin with others' weights, and what does
# not go together is said in words.
. "$(dirname "$0")/library.sh"

awk 'BEGIN {
    srand(3)
    for (i = 0; i < 80; i++) {
        line = i % 3 "\t"
        for (j = 0; j < 1 + i % 15; j++) line = line "word" int(rand() * 30) " "
        print line
    }
}' >texts.tsv
small="--data texts.tsv --recipe byol --encoder transformer --width 16 --batch-size 16 --epochs 4 --threads 1 --quiet
    --set encoder.depth=2 --set encoder.heads=2 --set encoder.pool=mean --set encoder.dropout=0.1 --set data.length=16
    --set data.vocabulary=60 --set projector.hidden=16 --set projector.out=8 --set predictor.hidden=16
    --set optimizer.name=adamw --set optimizer.warmup_epochs=0"
data2vec="--set target.layers=2 --set loss.distance=smooth_l1 --set loss.beta=4 --set loss.symmetric=false
    --set projector.kind=none --set views.crop_min=1 --set views.drop=0 --set views.view1.mask=0.4 --set views.view1.mask_span=2
    --set views.view2.mask=0"
lowrank="--set encoder.attention=lowrank --set encoder.rank=4"
teacher="--set target.attention=full --set target.attention_noise=0.1"

tensors() { tail -c +$(($(od -An -t u8 -N 8 "$1" | tr -d ' ') + 9)) "$1" | cksum; }

# goes_on NAME ARGUMENT...: the run NAME, killed behind its tenth step of 20 and resumed, has the weights of one in one go; the
# whole checkpoint is compared, for a target and an optimizer are in it
goes_on() {
    name=$1
    shift
    # shellcheck disable=SC2086
    expect 0 pretrain --out "$name" $small "$@"
    # shellcheck disable=SC2086
    expect 0 pretrain --out parts $small "$@" --set checkpoint.every_steps=5 --set checkpoint.keep=50
    for newer in parts/checkpoints/*; do case $newer in *000010*) ;; *) rm "$newer" ;; esac; done
    [ "$(ls parts/checkpoints | wc -l)" -eq 1 ] || say "not one checkpoint is left: $(ls parts/checkpoints)"
    # shellcheck disable=SC2046
    expect 0 pretrain --out parts $(echo "$small" | sed 's/--quiet//') "$@" --set checkpoint.every_steps=5 --set checkpoint.keep=50 --resume
    says "resumed after step 10"
    for file in encoder.safetensors checkpoints/step-000020.safetensors; do
        [ "$(tensors "$name/$file")" = "$(tensors "parts/$file")" ] || say "$name, resumed: another $file"
    done
    rm -r parts
}

# shellcheck disable=SC2086
goes_on data2vec $data2vec
# shellcheck disable=SC2086
goes_on student $lowrank $teacher --set encoder.attention_noise=0.05 --set encoder.drop_path=0.2 --set loss.distance=mse

# The sample's vector is measured though only its tokens learn; the heads of tokens are none of the sample.
grep -q '"representation_rank": [0-9]' data2vec/metrics.jsonl || say "data2vec: the rank of representations is not measured"
expect 0 embed data2vec --data texts.tsv --out vectors.npy
expect 2 embed data2vec --data texts.tsv --out wrong.npy --layer projection
says "data2vec holds no projection layer"
expect 1 export data2vec --out wrong.onnx --output prediction
says "one vector for each sample"
expect 0 export data2vec --out data2vec.onnx
expect 1 export student --out bert/
says "low rank"

# Weights of full attention begin a student; of what a student has more, nothing is taken.
# shellcheck disable=SC2086
expect 0 pretrain --out full $small
# shellcheck disable=SC2086
expect 0 pretrain --out narrow $small $lowrank --init full
says "matrices of low rank that it lacks begin at random"
# shellcheck disable=SC2086
expect 0 pretrain --out wide $small --init narrow
says "left out: encoder.layer.0.attention.self.compress.weight"

# A teacher of full attention that stays as it is: the student's parameters move, its do not.
# shellcheck disable=SC2086
expect 0 pretrain --out taught $small $lowrank $teacher --init full --set target.kind=frozen --set target.init=full \
    --set loss.distance=mse --set checkpoint.every_steps=10 --set checkpoint.keep=50 --json
grep -q '"loss": [0-9]' stdout || say "a frozen teacher: no loss"
# tensor FILE NAME: a checksum of one tensor
tensor() {
    offsets=$(head -c 65536 "$1" | LC_ALL=C sed 's/.*"'"$2"'":{[^}]*"data_offsets":\[\([0-9,]*\)\].*/\1/;q')
    begin=${offsets%,*} end=${offsets#*,}
    tail -c +$(($(od -An -t u8 -N 8 "$1" | tr -d ' ') + 9 + begin)) "$1" | head -c $((end - begin)) | cksum
}
word=embeddings.word_embeddings.weight
of_full=$(tensor full/encoder.safetensors "$word")
[ "$of_full" != "$(tensor wide/encoder.safetensors "$word")" ] || say "two runs have the same tensor"
for step in 10 20; do
    saved=taught/checkpoints/step-0000$step.safetensors
    [ "$(tensor $saved "target.$word")" = "$of_full" ] || say "step $step: the frozen teacher is not the run it was taken from"
    [ "$(tensor $saved "online.$word")" != "$of_full" ] || say "step $step: the student has not moved"
done

# refused WORDS ARGUMENT...
refused() {
    words=$1
    shift
    # shellcheck disable=SC2086
    expect 2 pretrain --out wrong $small "$@"
    says "$words"
}

needs="target.layers 2: view 1 is to hide tokens that view 2 shows"
# shellcheck disable=SC2086
{
    refused "beside encoder.attention lowrank" --set target.attention=full
    refused "target network (target.kind ema or frozen)" $lowrank --set target.attention=full --set target.kind=online
    refused "$needs" --set target.layers=2
    refused "$needs" $data2vec --encoder vit
    refused "$needs" $data2vec --set target.kind=online --set predictor.kind=none
    refused "$needs" $data2vec --set loss.symmetric=true
    refused "$needs" $data2vec --set views.view1.mask=0
    refused "$needs" $data2vec --set views.view2.mask=0.1
    refused "$needs" $data2vec --set views.view2.crop_min=0.5
    refused "$needs" $data2vec --set views.view1.drop=0.1
    refused "$needs" $data2vec --set views.view1.swap=0.1
    refused "$needs" $data2vec --set views.view2.span=0.1
    refused "$needs" $data2vec --set views.view1.count=2
    refused "target.layers is 3, but encoder.depth is 2" $data2vec --set target.layers=3
    refused "compares tokens: take loss.distance smooth_l1, mse or cosine" $data2vec --set loss.distance=infonce
    refused "without regularizers or loss.mispaired" $data2vec --set loss.variance=1
    refused "without regularizers or loss.mispaired" $data2vec --set loss.covariance=1
    refused "without regularizers or loss.mispaired" $data2vec --set loss.coding_rate=1
    refused "encoder.heads is 3: it must divide encoder.width" $data2vec --set encoder.heads=3
}
[ ! -e wrong ] || say "a refused run left a folder"
finish
