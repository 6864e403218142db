# Encoders learn from sounds, go on where they were stopped, and are judged and used as those of pictures are.
. "$(dirname "$0")/library.sh"
make_sounds=${BYOL_BUILD_DIR:-$here/../../build}/tests/make_sounds
[ -x "$make_sounds" ] || { echo "skipped: no $make_sounds"; exit 77; }
"$make_sounds" sounds 16 || exit 1

# What a source of sounds holds.
expect 0 data sounds:train --json
is_json samples count readable silent seconds milliseconds rate channels classes unreadable duplicates
grep -q '"count": 48' stdout || say "not 48 sounds: $(cat stdout)"
expect 0 data sounds:test
grep -q '15 sounds' stdout || say "not 15 sounds for testing"
find sounds/train -name '*.wav' | sort | sed 's|.*/train/\([a-z]*\)/.*|&\t\1|' >list.txt
expect 0 data list.txt
grep -q 'classes  *3, of 16 .. 16 sounds' stdout || say "the list has other classes"

# Views before training.
expect 0 views --data sounds:train --out views.html --count 4 --set data.sample_rate=8000 --set data.mel_high=3900 --json
is_json out sounds mels frames
[ "$(grep -o '<audio' views.html | wc -l)" -eq 4 ] || say "not four sounds on the page"
expect 2 views --data sounds:train --out views.png --set data.sample_rate=8000 --set data.mel_high=3900
says "let it end in .html"

small="--recipe byol --encoder audio --width 8 --batch-size 16 --threads 2 --precision fp32 --quiet
    --set projector.hidden=32 --set projector.out=16 --set predictor.hidden=32 --set optimizer.name=adam
    --set optimizer.lr=0.01 --set optimizer.warmup_epochs=0 --set data.sample_rate=8000 --set data.mel_high=4000
    --set data.window=512 --set data.mels=32 --set data.hop=80"
# shellcheck disable=SC2086
expect 0 pretrain --data sounds:train --out whole --epochs 4 $small
grep -q '^  frames: [1-9]' whole/config.yaml || say "config.yaml does not say how many frames there are"
grep -q '^  sound_std: [1-9]' whole/config.yaml || say "config.yaml does not say what the sounds are divided by"

# Stopped and resumed: the same weights, bit for bit, though every view has another sound in its background.
# shellcheck disable=SC2086
expect 0 pretrain --data sounds:train --out parts --epochs 4 $small --set checkpoint.every_steps=5 --set checkpoint.keep=50
for newer in parts/checkpoints/*; do case $newer in *000005*) ;; *) rm "$newer" ;; esac; done
# shellcheck disable=SC2086
expect 0 pretrain --data sounds:train --out parts --epochs 4 $small --set checkpoint.every_steps=5 --set checkpoint.keep=50 --resume
tensors() { tail -c +$(($(od -An -t u8 -N 8 "$1" | tr -d ' ') + 9)) "$1" | cksum; }
[ "$(tensors whole/encoder.safetensors)" = "$(tensors parts/encoder.safetensors)" ] || say "the resumed run has other weights"
# shellcheck disable=SC2086
expect 1 pretrain --data sounds:train --out parts --epochs 4 $small --set checkpoint.every_steps=5 --set checkpoint.keep=50 --resume \
    --set views.mixup=0.2
says "views.view1.mixup was 0.4 and is 0.2"

# Judged, beside what needs no network.
expect 0 knn whole --train sounds:train --test sounds:test --json
is_json accuracy random_init_accuracy logmel_accuracy mfcc_accuracy classes
expect 0 linear whole --report
grep -q 'log-mels' stdout || say "nothing beside the encoder"
if grep -qw images stdout stderr; then say "sounds are called images: $(grep -hw images stdout stderr)"; fi
expect 0 finetune whole --epochs 12 --batch-size 16 --no-scratch --out tuned.safetensors
grep -Eq 'fine-tuned +([89][0-9]|100)' stdout || say "three kinds of sounds are not told apart: $(cat stdout)"
expect 0 predict tuned.safetensors --data sounds:test --out named.csv
[ "$(wc -l <named.csv)" -eq 16 ] || say "not a line for each sound and one for the head"
expect 1 explain tuned.safetensors --data sounds:test --out explained
says "an encoder of sounds"
expect 1 embed whole --data sounds:test --dense --layer stage1 --out maps.npy
says "an encoder of sounds"

# The report shows spectrograms, and plays what they are of.
expect 0 report whole --out page.html
for word in 'id="views"' 'id="neighbours"' 'id="map"' 'id="confusion"' 'src="data:audio/wav;base64,' 'Log-mels' 'Sounds a second'; do
    grep -qF -e "$word" page.html || say "the report of sounds does not hold '$word'"
done
grep -q 'Without' page.html && say "something is missing: $(grep Without page.html)"
grep -qE 'test images|training images' page.html && say "sounds are called images"
find sounds/train -name '*.wav' | sort >bare.txt
expect 0 report whole --train bare.txt --test bare.txt --out bare.html
grep -q 'by pixels' bare.html || say "no neighbours by the spectrograms alone"

# Used.
expect 0 embed whole --data sounds:test --out vectors.npy
[ "$(sed -n 2p vectors.csv | cut -d, -f2)" = test/high/00.wav ] || say "the table does not name the sounds: $(sed -n 2p vectors.csv)"
expect 0 search --vectors vectors.npy --query 0
expect 0 search whole --data sounds:train --query sounds/test/low/00.wav
expect 0 export whole --out whole.onnx
expect 0 export whole --out weights.safetensors
expect 0 info whole
grep -q 'sounds of 32 bands x' stdout || say "info does not say what the network is given"
expect 0 bench step --encoder audio --width 8 --batch-size 8 --seconds 1 --set data.frames=24 --json

# ResNets and transformers take the same input, which is not square.
# shellcheck disable=SC2086
expect 0 pretrain --data list.txt --out resnet --epochs 1 $small --encoder resnet18
# shellcheck disable=SC2086
expect 0 pretrain --data list.txt --out vit --epochs 1 $small --encoder vit --width 16 --set encoder.depth=2 --set encoder.heads=2 \
    --set encoder.patch=8 --set encoder.positions=sine
expect 0 embed vit --data sounds:test --out vit.npy

# The configurations for sounds, made small.
for config in "$source_dir"/configs/sound/*.yaml; do
    # shellcheck disable=SC2086
    expect 0 pretrain "$config" --data sounds:train --out "$(basename "$config" .yaml)" --epochs 1 --width 8 --batch-size 16 --json \
        --set projector.hidden=32 --set predictor.hidden=32 --set optimizer.warmup_epochs=0
    is_json run epochs steps loss
done

# Bad sounds are named; a run goes on without a few of them.
cp -r sounds/train bad
head -c 700 sounds/train/low/01.wav >bad/low/01.wav
head -c 20 sounds/train/low/02.wav >bad/low/02.wav
: >bad/high/03.wav
expect 0 data bad --json
grep -q '"unreadable": \["high/03.wav", "low/02.wav"\]' stdout || say "other sounds are unreadable: $(cat stdout)"
# shellcheck disable=SC2086
expect 0 pretrain --data bad --out mended --epochs 1 $small --set data.max_unreadable=0.1
[ -s mended/unreadable.txt ] || say "what could not be read is not named"
# shellcheck disable=SC2086
expect 1 pretrain --data bad --out strict --epochs 1 $small --set data.max_unreadable=0
says "sounds could not be read"

# What does not go together is said in words.
make_data
expect 2 pretrain --data sounds:train --out wrong --encoder transformer --quiet
says "needs texts, but these are sounds"
expect 2 pretrain --data data:train --out wrong --set data.frames=32 --quiet
says "data.frames is 32, for sounds, but these are images"
expect 2 embed whole --data data:test --out wrong.npy
says "was trained on sounds, but these are images"
expect 1 linear whole --mean 2
says "sounds are embedded as they are"
expect 1 data sounds:nosuch
says "has no split 'nosuch'" "train"
expect 2 pretrain --data sounds:train --out wrong --quiet --set data.sample_rate=8000
says "data.mel_high 7800"
finish
