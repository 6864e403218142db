# Vectors and their table, the nearest images and near-duplicates.
. "$(dirname "$0")/library.sh"
make_data
# image 20 is image 3 once more: 144 bytes each behind a header of 16
{
    head -c $((16 + 144 * 20)) data/train-images-idx3-ubyte
    tail -c +$((16 + 144 * 3 + 1)) data/train-images-idx3-ubyte | head -c 144
    tail -c +$((16 + 144 * 21 + 1)) data/train-images-idx3-ubyte
} >twice && mv twice data/train-images-idx3-ubyte
train run --epochs 1
[ "$code" -eq 0 ] || say "training failed"

expect 0 embed run --data data:train --out train.npy --json
is_json out csv count dimension layer
[ "$(wc -l <train.csv)" -eq 65 ] || say "train.csv has not a line for each image"
[ "$(sed -n 1p train.csv)" = index,path,label ] || say "train.csv has no header"
[ "$(sed -n 7p train.csv)" = 5,,1 ] || say "image 5 of class 1 is '$(sed -n 7p train.csv)'"
expect 0 embed run --data data:test --out test.npy --csv table.csv
[ "$(wc -l <table.csv)" -eq 33 ] || say "--csv names another file"
[ ! -e test.csv ] || say "there is a table although another was named"
expect 2 embed run --data data:test --out x.npy --csv nowhere/x.csv
says nowhere/x.csv
# maps: 32 pictures of 12 x 24 pixels, channels of layer 2 of width 8, half as high and wide
expect 0 embed run --data data:test --layer stage2 --dense --size 12x24 --out maps.npy --json
is_json out csv count dimension layer height width
grep -q '"dimension": 16, .*"height": 6, "width": 12' stdout || say "the maps have another shape"
head -c 128 maps.npy | grep -q '(32, 16, 6, 12)' || say "the header of maps.npy tells another shape"
[ "$(wc -c <maps.npy)" -eq $((128 + 32 * 16 * 6 * 12 * 4)) ] || say "maps.npy has another length"
expect 1 embed run --data data:test --layer stage9 --dense --out x.npy
says stage9 stage4
expect 2 embed run --data data:test --dense --out x.npy
says --layer
expect 2 embed run --data data:test --layer stage2 --out x.npy
expect 2 embed run --data data:test --layer stage2 --dense --size 12 --out x.npy
says 180x240

expect 2 search
expect 2 search --vectors train.npy
says --query --duplicates
expect 2 search --data data:train --query 1
says RUN
expect 2 search --vectors train.npy --query 64
says 64 rows
expect 2 search --vectors train.npy --query data:test
says RUN
expect 2 search --vectors train.npy --duplicates --above 2
expect 1 search --vectors nowhere.npy --query 1
says nowhere.npy
head -c 500 train.npy >short.npy
expect 1 search --vectors short.npy --query 1
says short.npy
expect 1 search --vectors train.csv --query 1
says train.csv .npy

# the image that is there twice, by number and as a pair
expect 0 search --vectors train.npy --query 20 -k 2
[ "$(sed -n 's/^ *\([0-9]*\)  0.000000  .*/\1/p' stdout | tr '\n' ' ')" = "3 20 " ] || say "20 is nearest to 3 and itself"
expect 0 search --vectors train.npy --duplicates --above 0.999999 --json
is_json count total above pairs
grep -q '"rows": \[3, 20\]' stdout || say "the pair was not found"
expect 0 search run --data data:train --duplicates --above 0.999999 --json
grep -q '"rows": \[3, 20\]' stdout || say "the pair was not found in the images"

# images as the query: each is nearest to itself
expect 0 search run --vectors train.npy --query data:train -k 1 --json
is_json count queries
[ "$(grep -o '"query"' stdout | wc -l)" -eq 64 ] || say "not all images were asked about"
grep -q '"query": "image 41", "nearest": \[{"index": 41,' stdout || say "image 41 is not nearest to itself"
expect 1 search run --vectors train.npy --query data:train --layer projection
says 64 8

# paths on standard input, relative ones from here; the picture that is there twice is found by its path
mkdir pictures
for i in 0 1 2 3; do
    { printf 'P5 20 20 255\n' && noise 400 $i; } >pictures/$i.pgm
done
cp pictures/1.pgm pictures/again.pgm
find pictures -name '*.pgm' | sort >paths
code=0
"$byol" embed run --data - --out paths.npy <paths >stdout 2>stderr || { code=$?; say "paths on standard input"; }
[ "$(wc -l <paths.csv)" -eq 6 ] || say "paths.csv has not five rows"
grep -q '^4,.*pictures/again.pgm,$' paths.csv || say "paths.csv does not name the file: $(tail -n 1 paths.csv)"
expect 0 search run --vectors paths.npy --query pictures/again.pgm -k 2
grep -q ' 1  0.000000 .*pictures/1.pgm' stdout || say "the same picture under another name was not found"
"$byol" embed run --data - --out none.npy </dev/null >stdout 2>stderr && say "no paths at all was no failure"
says "standard input names no pictures"
# a line is a path, whatever is in it: a comment in a list, or a label
for name in "#1.pgm" "c 7" "tab	7"; do cp pictures/0.pgm "$name" && echo "$name"; done >paths
code=0
"$byol" embed run --data - --out odd.npy <paths >stdout 2>stderr || { code=$?; say "odd names on standard input"; }
[ "$(cut -d, -f2 odd.csv | tail -n +2)" = "$(cat paths)" ] || say "odd.csv has other names: $(cat odd.csv)"
# what cannot be read is zeros, however much of it there is; none at all is a mistake
printf '%s\n' pictures/0.pgm missing.pgm gone.pgm | "$byol" embed run --data - --out holes.npy >stdout 2>stderr || say "pictures that cannot be read"
says "2 pictures could not be read"
echo missing.pgm | "$byol" embed run --data - --out none.npy >stdout 2>stderr && say "nothing that can be read was no failure"

# a table with names in it
awk -F, 'NR == 1 { print; next } { print $1 ",\"cats, \"\"and\"\"/" $1 ".jpg\"," $3 }' train.csv >named.csv
cp train.npy named.npy
expect 0 search --vectors named.npy --query 3 -k 2
grep -qF 'cats, "and"/20.jpg' stdout || say "names are not taken from the table"
finish
