# A transformer learns from texts, goes on where it was stopped, and is judged and used as other encoders are.
. "$(dirname "$0")/library.sh"

awk 'BEGIN {
    srand(1)
    split("good fine warm bright happy|bad cold dark sad grim", words, "|")
    for (i = 0; i < 160; i++) {
        label = i % 2
        count = split(words[label + 1], own, " ")
        line = ""
        for (j = 0; j < 6; j++) line = line " the " own[1 + int(rand() * count)] " thing"
        printf "%s\t%s .\n", label ? "sour" : "sweet", line
    }
}' >all.tsv
head -n 120 all.tsv >texts.tsv
tail -n 40 all.tsv >held.tsv
small="--encoder transformer --width 16 --set encoder.depth=1 --set encoder.heads=2 --set data.length=16 --set data.vocabulary=200
    --set encoder.dropout=0.1 --batch-size 20 --threads 1 --quiet"

# shellcheck disable=SC2086
expect 0 pretrain --data texts.tsv --out whole --epochs 4 $small
[ -s whole/tokenizer.json ] || say "the run has no tokenizer.json"
expect 0 info whole
grep -q 'texts of [0-9]* tokens' stdout || say "info does not speak of texts: $(tail -5 stdout)"
grep -q '^  vocabulary: [1-9]' whole/config.yaml || say "config.yaml does not say how many tokens there are"

# Killed and resumed: the same weights, bit for bit; the tokenizer is the checkpoint's.
# shellcheck disable=SC2086
expect 0 pretrain --data texts.tsv --out parts --epochs 4 $small --set checkpoint.every_steps=5 --set checkpoint.keep=50
for newer in parts/checkpoints/*; do case $newer in *000010*) ;; *) rm "$newer" ;; esac; done
[ "$(ls parts/checkpoints | wc -l)" -eq 1 ] || say "not one checkpoint is left: $(ls parts/checkpoints)"
rm parts/tokenizer.json
# shellcheck disable=SC2086
expect 0 pretrain --data texts.tsv --out parts --epochs 4 $small --set checkpoint.every_steps=5 --set checkpoint.keep=50 --resume
cmp -s whole/tokenizer.json parts/tokenizer.json || say "the resumed run has another tokenizer"
tensors() { tail -c +$(($(od -An -t u8 -N 8 "$1" | tr -d ' ') + 9)) "$1" | cksum; }
[ "$(tensors whole/encoder.safetensors)" = "$(tensors parts/encoder.safetensors)" ] || say "the resumed run has other weights"

expect 0 knn whole --train texts.tsv --test held.tsv --no-baselines
expect 0 linear whole --train texts.tsv --test held.tsv --json
is_json accuracy random_init_accuracy tfidf_accuracy majority_accuracy
expect 0 embed whole --data held.tsv --out vectors.npy
expect 0 finetune whole --train texts.tsv --test held.tsv --epochs 20 --batch-size 20
grep -Eq 'fine-tuned +(9[0-9]|100)' stdout || say "two kinds of words are not told apart: $(cat stdout)"
expect 0 finetune whole --train texts.tsv --test held.tsv --epochs 1 --mask 0.5 --no-scratch --quiet
expect 2 finetune whole --train texts.tsv --test held.tsv --mask 1.5 --quiet
expect 0 export whole --out whole.onnx

# The report shows texts where pictures would be.
expect 0 report whole --train texts.tsv --test held.tsv --out page.html
for word in 'id="views"' 'class="mask">[MASK]<' 'id="neighbours"' 'id="map"' 'data-t="the ' 'id="confusion"' 'Words (TF-IDF)' 'Texts a second'; do
    grep -qF -e "$word" page.html || say "the report of texts does not hold '$word'"
done
grep -q 'Without' page.html && say "something is missing: $(grep Without page.html)"
grep -qE '[0-9] images|test images' page.html && say "texts are called images"
# Without labels: beside random weights and words.
cut -f2 texts.tsv >bare.txt
expect 0 report whole --train bare.txt --test bare.txt --out bare.html
grep -q 'by words (TF-IDF)' bare.html || say "no neighbours by words"
mv texts.tsv gone.tsv
expect 0 report whole --out without.html
says texts.tsv
grep -q 'Without texts:' without.html || say "the page does not say that the texts are missing"
mv gone.tsv texts.tsv

# A run is told of as of texts.
# shellcheck disable=SC2086
expect 0 pretrain --data texts.tsv --out told --epochs 1 $(echo "$small" | sed 's/--quiet//')
grep -q 'texts a second' stdout || say "the result does not count texts"
says "FLOP a text"
if grep -qw images stdout stderr; then say "texts are called images: $(grep -hw images stdout stderr)"; fi
expect 0 linear whole --train texts.tsv --test held.tsv --no-baselines --report
if grep -qw images stdout stderr; then say "texts are called images: $(grep -hw images stdout stderr)"; fi
expect 0 finetune whole --train texts.tsv --test held.tsv --epochs 1 --batch-size 20 --no-scratch --report
if grep -qw images stdout stderr; then say "texts are called images: $(grep -hw images stdout stderr)"; fi

# Weights to begin with bring their tokenizer, and take no other.
# shellcheck disable=SC2086
expect 0 pretrain --data held.tsv --out more --epochs 1 --init whole $small
cmp -s whole/tokenizer.json more/tokenizer.json || say "--init has another tokenizer"
# shellcheck disable=SC2086
expect 0 pretrain --data held.tsv --out other --epochs 1 $small
# shellcheck disable=SC2086
expect 1 pretrain --data held.tsv --out wrong --epochs 1 --init whole $small --set data.tokenizer=other/tokenizer.json
says "another tokenizer"
expect 1 linear whole --train texts.tsv --test held.tsv --mean 2
says "texts are embedded as they are"

# A tokenizer learned by itself is the run's.
expect 0 tokenizer texts.tsv --size 150 --out own.json --json
is_json out vocabulary
# shellcheck disable=SC2086
expect 0 pretrain --data texts.tsv --out with-own --epochs 1 $small --set data.tokenizer=own.json
cmp -s own.json with-own/tokenizer.json || say "the run has another tokenizer than it was given"
expect 0 tokenizer texts.tsv --size 300 --byte-level --out bytes.json --quiet
grep -q ByteLevel bytes.json || say "--byte-level makes another"
expect 2 tokenizer texts.tsv --size 3 --out wrong.json
expect 1 tokenizer missing.tsv --out wrong.json
expect 2 tokenizer
expect 2 tokenizer texts.tsv --out nowhere/wrong.json
says "nowhere"
[ ! -e wrong.json ] || say "a tokenizer was written for nothing"

# A folder for transformers, of texts only.
expect 0 export whole --out bert/ --json
grep -q '"format": "transformers"' stdout || say "the folder is not named as what it is"
for file in config.json model.safetensors tokenizer.json tokenizer_config.json; do
    [ -s bert/$file ] || say "no $file in the folder for transformers"
done
cmp -s bert/tokenizer.json whole/tokenizer.json || say "the folder has another tokenizer"
expect 2 export whole --out bert/ --features
expect 0 embed bert/model.safetensors --data held.tsv --out again.npy

# The configurations for texts, made small.
for config in "$source_dir"/configs/text/*.yaml; do
    name=$(basename "$config" .yaml)
    # shellcheck disable=SC2086
    expect 0 pretrain "$config" --data texts.tsv --out "$name" --epochs 2 $small --set encoder.depth=3 --set encoder.dropout=0.1 --set projector.hidden=16 \
        --set projector.out=8 --set predictor.hidden=16 --set optimizer.warmup_epochs=0 --json
    is_json run epochs steps loss
    grep -q '"loss": null' stdout && say "$name: no loss"
    expect 0 embed "$name" --data held.tsv --out "$name.npy"
done

# What does not go together is said in words.
make_data
expect 2 pretrain --data texts.tsv --out wrong --encoder conv4 --quiet
says "take encoder.name transformer"
expect 2 pretrain --data data:train --out wrong --encoder transformer --quiet
says "needs texts, but these are images"
expect 2 embed whole --data data:test --out wrong.npy
says "was trained on texts, but these are images"
printf '{"version": "1.0", "model": {"type": "Unigram"}}' >unigram.json
expect 1 pretrain --data texts.tsv --out wrong --encoder transformer --set data.tokenizer=unigram.json --quiet
says "Unigram"
expect 1 pretrain --data texts.tsv --out wrong --encoder transformer --set data.tokenizer=missing.json --quiet
says "missing.json"
finish
