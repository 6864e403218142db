# Pairs of pictures from the command line: figures, thresholds, the run folder and the report, and what is refused.
. "$(dirname "$0")/library.sh"

# face FILE PERSON PICTURE: a person is a pattern of 20 x 20 pixels, a picture adds noise
face() {
    mkdir -p "$(dirname "$1")"
    {
        printf 'P5 20 20 255\n'
        LC_ALL=C awk -v person="$2" -v picture="$3" 'BEGIN {
            state = picture * 7919 + person * 104729 + 1
            for (y = 0; y < 20; y++) for (x = 0; x < 20; x++) {
                state = state * 16807 % 2147483647
                printf "%c", int(64 + 50 * (1 + sin(x * person / 6) * cos(y * (9 - person) / 6)) / 2 + state % 40)
            }
        }'
    } >"$1"
}
for person in 1 2 3 4 5 6 7 8; do
    for picture in 1 2 3 4; do face faces/s$person/$picture.pgm $person $picture; done
done
# all pairs of persons FIRST to LAST
list_pairs() {
    awk -v first="$1" -v last="$2" 'BEGIN {
        for (p = first; p <= last; p++) for (q = p; q <= last; q++) for (i = 1; i <= 4; i++) for (j = 1; j <= 4; j++)
            if (p < q || i < j) printf "%d\ts%d/%d.pgm\ts%d/%d.pgm\n", p == q, p, i, q, j
    }'
}
list_pairs 4 8 >faces/test.txt
list_pairs 1 3 >faces/choose.txt
mkdir -p train && for person in 1 2 3; do ln -s "../faces/s$person" train/s$person; done
# shellcheck disable=SC2086
expect 0 pretrain --data train --out run $tiny --batch-size 8 --epochs 1

expect 0 verify run --pairs faces/test.txt --json
is_json same different pictures persons trained random_init pixels eer tar_at_far_1 auc threshold folds
grep -q '"same": 30, "different": 160, "self": 0, "pictures": 20, "persons": 5' stdout || say "other pairs were counted"
says "too few to mean much" "not measured" "does not transfer well"
grep -q '"verify": {' run/evaluation.json && grep -q '"curve": \[' run/evaluation.json || say "the result is not in the run folder"
pixels=$(sed 's/.*"pixels": {"eer": \([0-9.]*\).*/\1/' stdout)

# the result does not depend on the order of the file, nor on the order within a pair
awk -F'\t' '{ print $1 "\t" $3 "\t" $2 }' faces/test.txt | sort >faces/turned.txt
cp stdout first
expect 0 verify run --pairs faces/turned.txt --json --quiet
cmp -s first stdout || say "another order of the pairs gives another result"

expect 0 verify run --pairs faces/test.txt --threshold-pairs faces/choose.txt --far 0.1 --mean 1 --no-baselines --roc roc.csv
grep -q "chosen for 10 % FAR on faces/choose.txt" stdout || say "no threshold of the other pairs"
grep -q "means over picture, mirror image and 1 crops" stdout || say "the mean is not told"
if grep -q "raw pixels" stdout; then say "--no-baselines measures pixels"; fi
[ "$(head -n 1 roc.csv)" = threshold,far,tar ] && grep -q '^inf,0,0$' roc.csv && tail -n 1 roc.csv | grep -q ',1,1$' ||
    say "roc.csv does not go from nothing to all"

expect 0 report run --out page.html
grep -q 'id="verify"' page.html && grep -q 'ROC by FAR in percent' page.html || say "no ROC curve in the report"
grep -q 'TAR at 1 % FAR' page.html || say "no table of verification in the report"

# weights alone, pictures of several sizes, a pair of the same file
cp faces/s4/1.pgm faces/s4/5.pgm
{
    printf 'P5 30 40 255\n'
    head -c 1200 /dev/zero
} >faces/s4/6.pgm
{
    cat faces/test.txt
    printf '1\ts4/1.pgm\ts4/6.pgm\n1\ts5/2.pgm\ts5/2.pgm\n'
} >faces/more.txt
expect 0 verify run/encoder.safetensors --pairs faces/more.txt
says "line 192 pairs faces/s5/2.pgm with itself" "left out"
grep -q "^  31 pairs\|^31 pairs" stdout || say "the pair of the same file counts"
awk '/raw pixels/ { exit 1 }' stdout && say "no pixels where sizes differ"
cp run/evaluation.json before
expect 0 verify run/encoder.safetensors --pairs faces/test.txt --root faces --quiet
cmp -s before run/evaluation.json || say "weights alone change a run"
case $pixels in [0-9]*) ;; *) say "no figure of pixels: $pixels" ;; esac

# what is refused
expect 2 verify
says RUN
expect 2 verify run
says --pairs
expect 1 verify run --pairs nowhere.txt
says nowhere.txt
printf '1 s4/1.pgm s4/2.pgm\n0 s4/1.pgm s9/1.pgm\n' >faces/bad.txt
expect 1 verify run --pairs faces/bad.txt
says "line 2" s9/1.pgm
printf '1 s4/1.pgm s4/2.pgm\nyes s4/1.pgm s5/1.pgm\n' >faces/bad.txt
expect 1 verify run --pairs faces/bad.txt
says "line 2" "'yes'"
printf '1 s4/1.pgm s4/2.pgm\n' >faces/bad.txt
expect 2 verify run --pairs faces/bad.txt
says "both kinds"
: >faces/s4/empty.pgm
printf '1 s4/1.pgm s4/empty.pgm\n0 s4/1.pgm s5/2.pgm\n' >faces/bad.txt
expect 1 verify run --pairs faces/bad.txt
says s4/empty.pgm
expect 2 verify run --pairs faces/test.txt --far 2
says --far
expect 2 verify run --pairs faces/test.txt --roc roc.txt
says .csv
expect 1 verify nothing --pairs faces/test.txt
says nothing
expect 0 verify run --pairs faces/test.txt --threshold-pairs faces/test.txt --no-baselines
says "share pictures"
finish
