# byol report: one page of one run, one of several, and what is said where something is missing.
. "$(dirname "$0")/library.sh"

# page FILE WORD...: the page is there and holds each word
page() {
    file=$1
    shift
    [ -s "$file" ] || say "there is no page $file"
    for word in "$@"; do
        grep -qF -e "$word" "$file" || say "$file does not hold '$word'"
    done
}

make_data
train "a <b>&c" --set train.log_every=1
[ "$code" -eq 0 ] || say "training"
expect 0 report "a <b>&c" --json
is_json out runs
says "byol knn"
page "a <b>&c/report.html" '<h1>a &lt;b&gt;&amp;c</h1>' 'id="views"' 'id="neighbours"' 'id="map"' 'id="confusion"' 'id="worth"'

# what was measured is not measured again
expect 0 report "a <b>&c"
if grep -q measuring stderr; then say "kNN was measured twice"; fi
grep -q 'report.html$' stdout || say "the page's name is not said"

train other --set train.log_every=1 --lr 0.01 --width 16
expect 2 report "a <b>&c" other
says --out
expect 0 report "a <b>&c" other --out both.html --quiet
page both.html 'encoder.width' 'optimizer.lr' 'class="line s1"'

# classes have their names where the training images alone know them
for i in 0 1 2 3 4 5 6 7 8 9; do
    for class in dusk noon; do
        mkdir -p photos/$class
        { printf 'P5 12 12 255\n'; head -c 144 /dev/zero | tr '\0' "\\$([ $class = dusk ] && echo 02$((i % 8)) || echo 33$((i % 8)))"; } >photos/$class/$i.pgm
    done
done
expect 0 pretrain --data photos --out named $tiny --batch-size 8 --epochs 1
expect 0 report named --test data:test --quiet
page named/report.html '<th scope="row">dusk</th>' 'title="noon taken for dusk:'
if grep -q 'class 0' named/report.html; then say "a class with a name is called class 0"; fi

# the data are gone: the page says so; or nobody asked for pictures
mv data elsewhere
expect 0 report other
says data
page other/report.html 'Without pictures' 'id="curves"'
expect 0 report other --no-pictures --out bare.html
[ ! -s stderr ] || say "without pictures there is nothing to complain about"
if grep -q '<img' bare.html; then say "a picture in a page without pictures"; fi

# other images than the run's own
expect 0 report other --train elsewhere:train --test elsewhere:test --out given.html

expect 1 report nowhere
says nowhere
expect 2 report other --no-pictures --out not/there.html
says not/there.html
expect 2 report
# a network of one channel, asked about colour pictures: they are decoded to what it takes
i=0
while [ $i -lt 24 ]; do
    mkdir -p colour/$((i % 2)) && { printf 'P6 20 20 255\n' && noise 1200 $i; } >colour/$((i % 2))/$i.ppm
    i=$((i + 1))
done
mv elsewhere data
expect 0 report "a <b>&c" --train colour --test colour --out colour.html
page colour.html 'id="neighbours"' 'id="map"'
finish
