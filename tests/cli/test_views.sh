# A contact sheet: a PNG of the size that is said, the same for the same seed, none where something is wrong.
. "$(dirname "$0")/library.sh"
make_data

# png_size FILE: "WIDTH HEIGHT" from its header
png_size() {
    od -A n -t u1 -j 16 -N 8 "$1" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4, (($5 * 256 + $6) * 256 + $7) * 256 + $8 }'
}

expect 0 views --data data:train --image-size 20 --out one.png --count 10 --json
is_json out images view_size magnified width height
grep -q '"images": 10, "view_size": 20, "magnified": 5' stdout || say "ten images of 20 pixels, magnified 5 times, were expected"
[ "$(od -A n -t x1 -N 8 one.png | tr -d ' ')" = 89504e470d0a1a0a ] || say "one.png is not a PNG"
# shellcheck disable=SC2046
set -- $(png_size one.png)
grep -q "\"width\": $1, \"height\": $2" stdout || say "the PNG is $1 x $2"
expect 0 views --data data:train --image-size 20 --out again.png --count 10
grep -q "again.png: 10 images" stdout || say "no line for people"
cmp -s one.png again.png || say "the same seed made another sheet"
expect 0 views --data data:train --image-size 20 --out other.png --count 10 --seed 2
cmp -s one.png other.png && say "another seed made the same sheet"
printf 'data: {train: data:test, image_size: 24}\nviews: {preset: byol}\n' >config.yaml
expect 0 views config.yaml --out all.png --count 100 --json --quiet
grep -q '"images": 32, "view_size": 24' stdout || say "all 32 images were expected"

# of a folder: what cannot be read is passed over, unless it is all there is
mkdir -p photos bad
for i in 1 2 3 4 5 6 7 8; do
    { printf 'P5 30 20 255\n'; noise 600 $i; } >photos/$i.pgm
done
: >photos/5.pgm
: >bad/1.pgm
expect 0 views --data photos --image-size 20 --out photos.png --json
grep -q '"images": 7' stdout || say "the seven pictures that can be read were expected"
expect 1 views --data bad --image-size 20 --out none.png

expect 2 views --data data:train
says --out
expect 2 views --out none.png
says --data
for count in 0 -3 many 1001; do
    expect 2 views --data data:train --out none.png --count=$count
    says --count "$count"
done
expect 2 views config.yaml config.yaml --out none.png
expect 2 views nowhere.yaml --out none.png
says nowhere.yaml
expect 1 views --data nowhere --out none.png
says nowhere
expect 2 views --data data:train --out no/folder/none.png
says no/folder/none.png
[ ! -e none.png ] || say "a picture was left by a command that failed"
finish
