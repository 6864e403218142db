# Boxes of objects: a head of centres and sizes learns what make_scenes draws; results, pictures, words for bad input.
. "$(dirname "$0")/library.sh"
"${BYOL_BUILD_DIR:-$(dirname "$byol")}/tests/make_scenes" scenes 24 8 || { echo "make_scenes failed"; exit 1; }
voc=scenes/voc
# shellcheck disable=SC2086
run pretrain --data scenes/images/train --out run $tiny --encoder conv4 --width 16 --image-size 16 --epochs 1
[ "$code" -eq 0 ] || say "training failed"

# ap NAME: the first figure of that row
ap() {
    sed -n "s/.*\"name\": \"$1\", \"values\": \[\([0-9.]*\).*/\1/p" stdout
}

quick="--threads 1 --precision fp32 --stages stage3,stage4 --lr 0.01"
# shellcheck disable=SC2086
expect 0 detect run --train $voc:train --test $voc:test $quick --fine-tune --epochs 40 --crop 0.7 --predict found.json --onnx head.onnx --out head.safetensors --json
is_json how measures rows by_class train_count test_count
tuned=$(ap fine-tuned)
awk "BEGIN { exit !($tuned > 50) }" || say "AP is $tuned: bright boxes are not found"
for other in 'from scratch' 'boxes at random' red blue; do
    [ -n "$(ap "$other")" ] || say "nothing is said of '$other'"
done
grep -q '"image_id": 7,' found.json && grep -q '"category": "blue"' found.json || say "found.json lacks pictures or classes"
[ -s head.safetensors ] && [ -s head.onnx ] || say "the network was not saved"
expect 0 report run --out page.html
grep -q 'id="detect-finetune"' page.html || say "the report does not tell of detection"
[ "$(sed -n '/id="detect-finetune"/,/<.section>/p' page.html | grep -c 'data:image/png')" -eq 8 ] || say "the report does not show the pictures"

# the same boxes as COCO's JSON: the same answer to the last digit
coco() {
    {
        printf '{"categories": [{"id": 4, "name": "blue"}, {"id": 9, "name": "red"}], "images": ['
        i=0
        for name in $(cat $voc/ImageSets/Main/$1.txt); do
            [ $i -eq 0 ] || printf ', '
            printf '{"id": %d, "file_name": "%s.ppm", "width": 48, "height": 32}' $((100 + i)) "$name"
            i=$((i + 1))
        done
        printf '], "annotations": ['
        i=0
        for name in $(cat $voc/ImageSets/Main/$1.txt); do
            sed -n "s/.*<name>\(.*\)<.name>.*<xmin>\(.*\)<.xmin><ymin>\(.*\)<.ymin><xmax>\(.*\)<.xmax><ymax>\(.*\)<.ymax>.*/$((100 + i)) \1 \2 \3 \4 \5/p" $voc/Annotations/"$name".xml
            i=$((i + 1))
        done | awk '{ printf "%s{\"id\": %d, \"image_id\": %d, \"category_id\": %d, \"bbox\": [%d, %d, %d, %d]}", (NR > 1 ? ", " : ""), NR, $1, ($2 == "red" ? 9 : 4), $3, $4, $5 - $3, $6 - $4 }'
        printf ']}\n'
    } >$voc/$1.json
}
coco train && coco test
mkdir $voc/images && cp $voc/JPEGImages/* $voc/images/
# shellcheck disable=SC2086
expect 0 detect run --train $voc/train.json --test $voc/test.json $quick --fine-tune --epochs 40 --crop 0.7 --predict again.json --no-baselines --json
[ "$(ap fine-tuned)" = "$tuned" ] || say "boxes from COCO's file give $(ap fine-tuned), from VOC's $tuned"
grep -q '"image_id": 107, "category_id": 4' again.json || say "again.json does not have the file's numbers"

# ---- what cannot be, and what is skipped ----
once="$quick --epochs 1 --no-baselines"
cp -r $voc broken
sed 's/<xmax>[0-9]*/<xmax>0/; s/<xmin>[0-9]*/<xmin>0/' $voc/Annotations/train00.xml >broken/Annotations/train00.xml
printf '<annotation><size><width>48</width></size></annotation>\n' >broken/Annotations/train01.xml
# shellcheck disable=SC2086
expect 0 detect run --train broken:train --test $voc:test $once
says train00.xml 'no area' train01.xml 'no boxes'
sed 's/>red</>green</; s/>blue</>green</' $voc/Annotations/test00.xml >broken/Annotations/test00.xml
# shellcheck disable=SC2086
expect 1 detect run --train broken:train --test broken:test $once
says test00.xml green 'blue, red'
printf '<annotation><size>' >broken/Annotations/train02.xml
# shellcheck disable=SC2086
expect 1 detect run --train broken:train --test $voc:test $once
says train02.xml 'line 1'
printf '<html></html>\n' >broken/Annotations/train02.xml
# shellcheck disable=SC2086
expect 1 detect run --train broken:train --test $voc:test $once
says train02.xml html
sed 's/<width>48/<width>480/' $voc/Annotations/train02.xml >broken/Annotations/train02.xml
# shellcheck disable=SC2086
expect 1 detect run --train broken:train --test $voc:test $once
says train02.xml '480 x 32' '48 x 32'
sed 's/<ymax>.*<.ymax>//' $voc/Annotations/train02.xml >broken/Annotations/train02.xml
# shellcheck disable=SC2086
expect 1 detect run --train broken:train --test $voc:test $once
says train02.xml ymax
rm broken/JPEGImages/train02.ppm
# shellcheck disable=SC2086
expect 1 detect run --train broken:train --test $voc:test $once
says JPEGImages/train02
printf '{"images": []}\n' >broken/none.json
# shellcheck disable=SC2086
expect 1 detect run --train broken/none.json --test $voc:test $once
says none.json annotations
printf '{"images": [' >broken/none.json
# shellcheck disable=SC2086
expect 1 detect run --train broken/none.json --test $voc:test $once
says none.json
expect 1 detect run --train $voc:nowhere --test $voc:test
says ImageSets/Main/nowhere.txt
expect 2 detect run --train $voc:train --test $voc:test --predict found.txt
says .json
finish
