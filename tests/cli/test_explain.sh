# Maps of what an answer and a likeness hang on, as pictures and as numbers.
. "$(dirname "$0")/library.sh"

# picture FILE CLASS SEED: 20 x 20 pixels of noise; class 1 has a bright square at the upper left, class 2 at the lower right
picture() {
    mkdir -p "$(dirname "$1")"
    {
        printf 'P5 20 20 255\n'
        LC_ALL=C awk -v class="$2" -v seed="$3" 'BEGIN {
            state = seed * 7919 + 1
            for (y = 0; y < 20; y++) for (x = 0; x < 20; x++) {
                state = state * 16807 % 2147483647
                inside = class == 1 ? x < 8 && y < 8 : x >= 12 && y >= 12
                printf "%c", int(60 + state % 60 + inside * 100)
            }
        }'
    } >"$1"
}
i=0
while [ $i -lt 24 ]; do
    picture photos/train/left/$i.pgm 1 $i
    picture photos/train/right/$i.pgm 2 $((100 + i))
    [ $i -ge 3 ] || picture photos/val/left/v$i.pgm 1 $((200 + i))
    [ $i -ge 3 ] || picture photos/val/right/v$i.pgm 2 $((300 + i))
    i=$((i + 1))
done
train run --data photos --epochs 1
[ "$code" -eq 0 ] || say "training"
expect 0 finetune run --train photos --test photos:val --epochs 8 --batch-size 12 --crop 1 --threads 1 --precision fp32 --no-scratch \
    --out tuned.safetensors --quiet

expect 0 explain tuned.safetensors --data photos:val --out answers --maps maps.npy --json
is_json out count side explanations file path class probability
[ "$(ls answers | wc -l)" -eq 7 ] || say "not six pictures and explain.csv: $(ls answers)"
[ "$(head -n 1 answers/explain.csv)" = file,path,class,probability ] || say "another head of explain.csv"
grep -q '^00000.png,.*left/v0.pgm,' answers/explain.csv || say "explain.csv does not say what 00000.png is of"
[ "$(head -c 8 answers/00005.png | od -An -c | tr -d ' \n')" = '211PNG\r\n032\n' ] || say "00005.png is no PNG"
# 3 x 3 numbers of each picture, none below 0
[ "$(wc -c <maps.npy)" -eq $((128 + 6 * 9 * 4)) ] || say "maps.npy has another size"
tail -c $((6 * 9 * 4)) maps.npy | od -An -v -t f4 -w36 >numbers
awk '{ for (i = 1; i <= 9; i++) if (!($i >= 0)) exit 1 }' numbers || say "a map is below 0"
awk '{ for (i = 1; i <= 9; i++) sum += $i } END { exit !(sum > 0) }' numbers || say "all maps are empty"

expect 0 explain tuned.safetensors --data photos:val --class right --out right --limit 2 --quiet
[ "$(grep -c ',right,' right/explain.csv)" -eq 2 ] || say "not two maps of the class right"
expect 0 explain run --data photos:val --like photos/val/left/v0.pgm --out alike
[ "$(head -n 1 alike/explain.csv)" = file,path,cosine ] || say "no cosines"
grep -q 'left/v0.pgm,1.000000$' alike/explain.csv || say "a picture is not like itself"
expect 0 explain tuned.safetensors --data photos:val --like photos/val/left/v0.pgm --out alike --limit 1

# a picture that cannot be read is named and passed over
mkdir some && cp photos/val/left/v0.pgm some/a.pgm && : >some/b.png && cp photos/val/right/v1.pgm some/c.pgm
expect 0 explain tuned.safetensors --data some --out some-maps --quiet
says b.png
[ "$(wc -l <some-maps/explain.csv)" -eq 3 ] && [ ! -e some-maps/00001.png ] || say "the unreadable picture is not passed over"

expect 2 explain run --data photos --out out
says "no classifier" --like
expect 2 explain tuned.safetensors --data photos --out out --class middle
says middle "2 classes" left
expect 2 explain tuned.safetensors --data photos
says --out
expect 2 explain tuned.safetensors --data photos --out out --class left --like photos/val/left/v0.pgm
says "one of the two"
expect 1 explain tuned.safetensors --data photos --out nowhere/out
says nowhere/out
expect 1 explain run --data photos --out out --like nothing.png
says nothing.png
expect 1 explain nothing --data photos --out out
says nothing
printf 'one\ta word or two\ntwo\tother words\n' >texts.tsv
expect 0 pretrain --data texts.tsv --out words --epochs 1 --encoder transformer --width 16 --set encoder.depth=1 --set encoder.heads=2 \
    --set data.length=16 --set data.vocabulary=200 --batch-size 2 --threads 1 --quiet
expect 1 explain words --data texts.tsv --out out
says "encoder of texts"
finish
