# The class of each pixel: a head on maps learns what the boxes of make_scenes are; masks, pictures, words for bad input.
. "$(dirname "$0")/library.sh"
"${BYOL_BUILD_DIR:-$(dirname "$byol")}/tests/make_scenes" scenes 24 8 || { echo "make_scenes failed"; exit 1; }
# shellcheck disable=SC2086
run pretrain --data scenes/images/train --out run $tiny --encoder conv4 --image-size 16 --epochs 1
[ "$code" -eq 0 ] || say "training failed"

# miou NAME: the first figure of that row
miou() {
    sed -n "s/.*\"name\": \"$1\", \"values\": \[\([0-9.]*\).*/\1/p" stdout
}

quick="--train scenes:train --test scenes:test --threads 1 --precision fp32"
# shellcheck disable=SC2086
expect 0 segment run $quick --stages stage1,stage3 --lr 0.02 --epochs 12 --predict masks --onnx head.onnx --out head.safetensors --json
is_json how measures rows by_class train_count test_count
trained=$(miou 'trained encoder')
awk "BEGIN { exit !($trained > 70) }" || say "mIoU is $trained: bright boxes are not found"
for other in 'untrained network' 'colour and place' 'most frequent there'; do
    [ -n "$(miou "$other")" ] || say "nothing is said of '$other'"
done
[ "$(ls masks | wc -l)" -eq 8 ] || say "there is not a mask for each test picture"
[ -s head.safetensors ] && [ -s head.onnx ] || say "the network was not saved"
grep -q '"segment"' run/evaluation.json || say "the result is not kept"
[ -s run/segment/0.png ] || say "no picture for the report"
expect 0 report run --out page.html
grep -q 'id="segment"' page.html || say "the report does not tell of segmentation"
grep -q 'most frequent there' page.html || say "the report does not tell what stands beside it"
[ "$(sed -n '/id="segment"/,/<.section>/p' page.html | grep -c 'data:image/png')" -eq 8 ] || say "the report does not show the pictures"

# predicted masks are a folder to measure against: as masks they are their own truth
mkdir again && cp -r scenes/images again/images && mkdir -p again/labels/test && cp masks/*.png again/labels/test/
# shellcheck disable=SC2086
expect 0 segment run --train scenes:train --test again:test --threads 1 --precision fp32 --stages stage1,stage3 --lr 0.02 --epochs 12 --no-baselines --json
[ "$(miou 'trained encoder')" = 100.0 ] || say "the masks that are written are not what was predicted: $(miou 'trained encoder')"

# fine-tuned, beside it from scratch
# shellcheck disable=SC2086
expect 0 segment run $quick --fine-tune --epochs 2
grep -q 'from scratch' stdout || say "nothing is said of the network from scratch"
grep -q '"segment-finetune"' run/evaluation.json || say "the result of fine-tuning is not kept"

# few labels: the same pictures for the same seed
# shellcheck disable=SC2086
expect 0 segment run $quick --label-fraction 0.2 --seed 3 --epochs 2 --json
grep -q '20 % of the labels' stdout || say "the share of the labels is not told"
cp stdout few
# shellcheck disable=SC2086
expect 0 segment run $quick --label-fraction 0.2 --seed 3 --epochs 2 --json
cmp -s stdout few || say "the same seed gives something else"

# ---- what cannot be ----
# shellcheck disable=SC2086
expect 2 segment run $quick --label-fraction 2
says 'label fraction'
expect 2 segment run --train scenes:train
says --test
expect 1 segment run --train scenes:nowhere --test scenes:test
says scenes/images/nowhere
# shellcheck disable=SC2086
expect 1 segment run $quick --stages stage7
says stage7 stage1
# shellcheck disable=SC2086
expect 2 segment run $quick --stages stage1,stage1
# shellcheck disable=SC2086
expect 2 segment run $quick --size 4x4
says small
# shellcheck disable=SC2086
expect 1 segment run $quick --classes 2
says labels/train '2 classes' --ignore
cp -r scenes broken
rm broken/labels/train/03.png
expect 1 segment run --train broken:train --test scenes:test
says images/train/03.ppm labels/train/03.png
cp scenes/images/train/04.ppm broken/labels/train/03.png # no PNG
expect 1 segment run --train broken:train --test scenes:test
says labels/train/03.png PNG
cp run/segment/0.png broken/labels/train/03.png # of colours
expect 1 segment run --train broken:train --test scenes:test
says labels/train/03.png colours
printf 'P6\n20 10\n255\n' >broken/images/train/03.ppm && head -c 600 /dev/zero >>broken/images/train/03.ppm
cp scenes/labels/train/03.png broken/labels/train/03.png
expect 1 segment run --train broken:train --test scenes:test
says '48 x 32' '20 x 10'
printf 'ground\nred\n' >scenes/classes.txt
expect 1 segment run --train scenes:train --test scenes:test
says classes.txt

# a mask beside each picture
mkdir beside && cp scenes/images/train/0[0-5].ppm beside/ && cp scenes/labels/train/0[0-5].png beside/
expect 0 segment run --train beside --test beside --epochs 1 --no-baselines --threads 1
finish
