# Classifiers that travel with their classes' names: made by linear and finetune, used by predict, on pictures and texts.
. "$(dirname "$0")/library.sh"

# gray FILE OCTAL: a square of one value
gray() {
    mkdir -p "$(dirname "$1")"
    {
        printf 'P5 20 20 255\n'
        head -c 400 /dev/zero | tr '\0' "\\$2"
    } >"$1"
}
i=0
while [ $i -lt 24 ]; do
    gray photos/train/dark/$i.pgm 0$((20 + i))
    gray photos/train/light/$i.pgm 3$((20 + i % 30))
    [ $i -ge 6 ] || gray "photos/val/dark/v $i.pgm" 03$i
    [ $i -ge 6 ] || gray photos/val/light/v$i.pgm 32$i
    i=$((i + 1))
done
train run --data photos --epochs 1
[ "$code" -eq 0 ] || say "training"

# pictures
expect 0 linear run --train photos --test photos:val --no-baselines --out probe.safetensors --json --quiet
is_json accuracy out
linear=$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' stdout)
grep -q 'byol.classes":"\[\\"dark\\",\\"light\\"\]' probe.safetensors || say "the names of the classes are not in the file"
expect 0 predict probe.safetensors --data photos:val --out seen.csv --json
is_json count classes accuracy predictions out
[ "$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' stdout)" = "$linear" ] || say "predict and linear differ in their accuracy"
[ "$(head -n 1 seen.csv)" = path,class,probability ] || say "another head: $(head -n 1 seen.csv)"
[ "$(wc -l <seen.csv)" -eq 13 ] || say "not a row for each picture"
awk -F, 'NR > 1 && (($2 != "dark" && $2 != "light") || $3 < .5 || $3 > 1) { exit 1 }' seen.csv || say "rows that cannot be"
expect 0 predict probe.safetensors --data photos:val --top 5
[ "$(head -n 1 stdout)" = "path,class,probability,class 2,probability 2" ] || say "not two classes of each"
awk -F, 'NR > 1 && ($2 == $4 || $3 < $5 || ($3 + $5 - 1) ^ 2 > 1e-9) { exit 1 }' stdout || say "two classes do not add up to 1"
says accuracy
echo "photos/val/light/v1.pgm" | "$byol" predict probe.safetensors --data - >stdout 2>stderr || say "no paths on standard input"
[ "$(wc -l <stdout)" -eq 2 ] || say "not one row for one path"
if grep -q accuracy stderr; then say "an accuracy without labels"; fi

expect 0 finetune run --train photos --test photos:val --epochs 2 --batch-size 16 --threads 1 --precision fp32 --no-scratch \
    --out tuned.safetensors --json --quiet
tuned=$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' stdout)
expect 0 predict tuned.safetensors --data photos:val --json --quiet
[ "$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' stdout)" = "$tuned" ] || say "predict and finetune differ in their accuracy"

# classes are known by their names, not their numbers; one that it does not know is an error of its own
mkdir -p other/aaa && cp photos/val/light/v0.pgm other/aaa/ && cp -r photos/val/dark photos/val/light other/
expect 0 predict probe.safetensors --data other --json
says aaa "does not know"
awk -v wanted="$linear" '{ sub(/.*"accuracy": /, ""); found = $0 + 0; if ((found * 13 - wanted * 12) ^ 2 > 1) exit 1 }' stdout ||
    say "the unknown class changes the others"

# a picture that cannot be read
: >other/light/empty.png
expect 0 predict probe.safetensors --data other --out other.csv --quiet
grep -qx 'light/empty.png,,' other.csv || say "no empty row for the empty file"
expect 0 predict probe.safetensors --data other --out other.csv
says "could not be read"

# texts
awk 'BEGIN {
    srand(1)
    split("good fine warm|bad cold dark", words, "|")
    for (i = 0; i < 60; i++) {
        split(words[i % 2 + 1], own, " ")
        printf "%s\tthe %s thing, the %s one\n", i % 2 ? "sour" : "sweet", own[1 + int(rand() * 3)], own[1 + int(rand() * 3)]
    }
}' >texts.tsv
expect 0 pretrain --data texts.tsv --out words --epochs 1 --encoder transformer --width 16 --set encoder.depth=1 --set encoder.heads=2 \
    --set data.length=16 --set data.vocabulary=200 --batch-size 20 --threads 1 --quiet
expect 0 linear words --train texts.tsv --test texts.tsv --no-baselines --out words.safetensors --json --quiet
linear=$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' stdout)
expect 0 predict words.safetensors --data texts.tsv --json --quiet
[ "$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' stdout)" = "$linear" ] || say "predict and linear differ on texts"
grep -q '"class": "sweet"' stdout || say "no class by its name"
expect 2 predict words.safetensors --data photos
says texts

# what is refused
expect 2 predict
says CLASSIFIER
expect 2 predict probe.safetensors
says --data
expect 1 predict run --data photos
says "without a classifier" "byol finetune"
expect 1 predict run/encoder.safetensors --data photos
says "without a classifier"
expect 1 predict nothing.safetensors --data photos
says nothing.safetensors
expect 1 predict probe.safetensors --data nowhere
says nowhere
expect 2 predict probe.safetensors --data photos --top 0
says --top
expect 2 predict probe.safetensors --data photos --out predictions.txt
says .csv
expect 2 linear run --mean 2 --out other.safetensors
says --mean
expect 2 linear run --out nowhere/probe.safetensors
says nowhere
head -c 3000 probe.safetensors >cut.safetensors
expect 1 predict cut.safetensors --data photos
says cut.safetensors
finish
