# Folders of pictures: training, evaluation and embedding of files of many sizes, some of which cannot be read.
. "$(dirname "$0")/library.sh"

# gray FILE SIDE OCTAL: a square of one value
gray() {
    mkdir -p "$(dirname "$1")"
    {
        printf 'P5 %d %d 255\n' "$2" "$2"
        head -c $(($2 * $2)) /dev/zero | tr '\0' "\\$3"
    } >"$1"
}
i=0
while [ $i -lt 100 ]; do
    gray photos/train/dark/$i.pgm $((20 + i % 9)) 0$((20 + i % 30))
    gray photos/train/light/$i.pgm $((24 + i % 9)) 3$((20 + i % 30))
    [ $i -ge 20 ] || gray photos/val/dark/v$i.pgm 30 03$((i % 8))
    [ $i -ge 20 ] || gray photos/val/light/v$i.pgm 30 32$((i % 8))
    i=$((i + 1))
done
: >photos/train/dark/empty.jpg
ln -s .. photos/train/dark/loop

# what is there
cp photos/train/dark/7.pgm photos/train/light/of-the-dark.pgm
expect 0 data photos --json
is_json count readable height width classes unreadable duplicates mean std
grep -q '"count": 202, "readable": 201, "channels": 1, "gray": 201, "height": \[20, [0-9]*, 32\]' stdout || say "other figures"
grep -q '"unreadable": \["train/dark/empty.jpg"\]' stdout || say "the empty file is not named"
grep -qF '["train/light/of-the-dark.pgm", "train/dark/7.pgm"]' stdout || say "the duplicate is not named"
grep -q '{"name": "light", "count": 101}' stdout || say "101 light pictures were expected"
rm photos/train/light/of-the-dark.pgm
expect 0 data photos:val
grep -q '20 .. 20 images' stdout || say "two classes of 20 were expected"
expect 1 data nowhere/at/all
expect 2 data

train run --data photos --json
[ "$code" -eq 0 ] || say "pre-training on a folder: exit code 0 was expected"
cp stdout first.json
is_json run epochs steps loss unreadable
grep -q '"unreadable": 1[,}]' stdout || say "one unreadable picture was expected"
says "dark/empty.jpg: the file is empty"
grep -q '^train/dark/empty.jpg	' run/unreadable.txt || say "unreadable.txt does not name the file"
grep -q '"unreadable": 1' run/summary.json || say "summary.json does not count the file"
grep -q 'mean: \[0.4914' run/config.yaml && say "mean and std were not measured"

# what was measured is what the run goes on with and is judged by
cp run/config.yaml first.yaml
run pretrain --out run --resume --json
[ "$code" -eq 0 ] || say "resuming a finished run"
for key in loss unreadable; do
    told=$(grep -o "\"$key\": [0-9.]*" stdout) && grep -qF "$told" first.json || say "the finished run tells another $key: $told"
done
cmp -s run/config.yaml first.yaml || say "resuming changed the configuration"
expect 0 knn run --json
is_json accuracy classes train_count test_count
grep -q '"train_count": 200, "test_count": 40' stdout || say "200 training and 40 test images were expected"
says "1 of 201 images"
expect 0 embed run --data photos/val --out val.npy
[ "$(wc -c <val.npy)" -eq $((128 + 40 * 64 * 4)) ] || say "40 vectors of 64 floats were expected"

# stopped half way, it goes on bit for bit
often="--set checkpoint.every_steps=10 --set checkpoint.keep=9"
# shellcheck disable=SC2086
train whole --data photos $often
cp -r whole half
rm half/encoder.safetensors half/checkpoints/step-0000[2-9]*
run pretrain --out half --resume
says "resumed after step 10"
[ "$code" -eq 0 ] || say "resuming from the middle"
cmp -s whole/encoder.safetensors half/encoder.safetensors || say "a resumed run has other weights"

# packed, it is the same set: trained on, gone on with, and judged on
expect 0 pack photos:train shards/train --shard-size 90 --json
is_json out images unreadable shards bytes
grep -q '"images": 200, "unreadable": 1, "shards": 3' stdout || say "200 images in 3 shards were expected"
expect 0 pack photos:val shards/val
expect 2 pack photos:val shards/val
says "already holds shards"
expect 2 pack photos:val
expect 0 data shards:train
grep -q "200 pictures.* gray, 2 classes" stdout || say "200 gray pictures in 2 classes were expected"
# shellcheck disable=SC2086
train packed --data 'shards/train/{000000..000002}.tar' $often
[ "$code" -eq 0 ] || say "training on shards"
cp -r packed parted
rm parted/encoder.safetensors parted/checkpoints/step-0000[2-9]*
run pretrain --out parted --resume
says "resumed after step 10"
cmp -s packed/encoder.safetensors parted/encoder.safetensors || say "a resumed run on shards has other weights"
expect 0 knn packed --train shards:train --test shards:val --json
grep -q '"train_count": 200, "test_count": 40' stdout || say "evaluation on shards"
rm photos/train/dark/loop
tar -czf photos.tgz photos/train photos/val
expect 0 data photos.tgz:test
grep -q "40 pictures.* gray, 2 classes" stdout || say "a packed folder has the folder's splits"

# forty compressed shards need no forty descriptors
expect 0 pack photos:train many --shard-size 5 --json
grep -q '"shards": 40' stdout || say "40 shards were expected"
gzip many/*.tar
expect 0 data many --json
cp stdout free.json
code=0
(ulimit -n 24 && "$byol" data many --json >stdout 2>stderr </dev/null) || code=$?
[ "$code" -eq 0 ] || say "40 compressed shards with 24 descriptors"
cmp -s stdout free.json || say "few descriptors give other figures"

# too many are too many
printf 'no picture' >photos/train/light/words.png
printf 'P5 20000 20000 255 x' >photos/train/light/huge.pgm
train stopped --data photos
[ "$code" -eq 1 ] || say "more than 1 % unreadable: exit code 1 was expected"
says "3 of 203 images could not be read" "data.max_unreadable" "1 %"
train allowed --data photos --set data.max_unreadable=0.02 --json
[ "$code" -eq 0 ] || say "2 % are allowed"
grep -q '"unreadable": 3[,}]' stdout || say "three unreadable pictures were expected"

# of other splits and classes
expect 1 knn run --train photos:train --test photos:nonsense
says "no split 'nonsense'"
gray other/light/1.pgm 30 320
gray other/other/1.pgm 30 30
expect 1 knn run --train photos:train --test other
says "class 0 is 'dark' in the training images and 'light' in the test images"
# class folders without splits: there is nothing to test with, and the way out is said
mkdir plain && cp -r photos/train/dark photos/train/light plain/
expect 1 knn run --train plain
says "--test SRC"
(cd / && "$byol" knn "$work/run" >/dev/null 2>"$work/stderr") && say "images that are not there were no failure"
says "--train SRC" config.yaml

# without labels there is nothing to measure by, and nothing is recommended
mkdir unlabelled && cp photos/train/light/*.pgm unlabelled/
train blind --data unlabelled --epochs 1
[ "$code" -eq 0 ] || say "training without labels"
says "byol report blind"
if grep -q "byol knn" stderr; then say "kNN is recommended where there are no labels"; fi

# a file that tar met twice is written as a link: both its names are pictures
gray linked/dark/1.pgm 30 020
gray linked/light/1.pgm 30 300
ln linked/dark/1.pgm linked/light/again.pgm
tar -cf linked.tar linked
tar -czf linked.tgz linked
for tar in linked.tar linked.tgz; do
    expect 0 data $tar --json
    grep -q '"count": 3, "readable": 3' stdout || say "$tar: three readable pictures were expected"
    grep -qF '"classes": [{"name": "dark", "count": 1}, {"name": "light", "count": 2}]' stdout || say "$tar: other classes"
    grep -q '"duplicates": \[\["[^"]*again.pgm", "[^"]*dark/1.pgm"\]\]' stdout || grep -q '"duplicates": \[\["[^"]*dark/1.pgm", "[^"]*again.pgm"\]\]' stdout || say "$tar: not the same picture"
done

# classes that are not the same cannot be held against each other, during training no more than after it
gray zoo/zebra/1.pgm 30 100
gray zoo/dark/1.pgm 30 020
train mixed --data photos --eval-every 1 --set eval.train=photos:train --set eval.test=zoo
[ "$code" -eq 1 ] || say "other classes: exit code 1 was expected"
says "class 1 is 'light'" "'zebra'"

# names that are not UTF-8, which JSON cannot hold, are null there; nobody else's place changes
latin=$(printf 'v\366gel')
gray "zoo/$latin/1.pgm" 30 100
expect 0 data zoo --json
grep -qF '"classes": [{"name": "dark", "count": 1}, {"name": null, "count": 1}, {"name": "zebra", "count": 1}]' stdout || say "a class is lost"
expect 0 embed run --data zoo --out "$latin.npy" --json
is_json out csv count dimension

# where the table cannot go is said before the work
mkdir vectors.csv
expect 2 embed run --data zoo --out vectors.npy
says vectors.csv "a folder"
[ ! -e vectors.npy ] || say "vectors without their table"
expect 2 report run --out nowhere/report.html
says nowhere/report.html
finish
