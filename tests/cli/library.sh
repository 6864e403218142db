# What the command-line tests share. Sourced: . "$(dirname "$0")/library.sh"; the program is the first argument.

byol=$1
here=$(cd "$(dirname "$0")" && pwd)
source_dir=${BYOL_SOURCE_DIR:-$here/../..}
case $byol in
/*) ;;
*) byol=$(pwd)/$byol ;;
esac
[ -x "$byol" ] || { echo "no program at '$byol'"; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/byol-cli.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# say WHAT: one more failure, with what the program said
say() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    echo "  exit code $code"
    sed 's/^/  stderr: /' stderr | head -n 20
    head -c 2000 stdout | sed 's/^/  stdout: /' | head -n 20
}

# run ARGUMENT...: runs the program; its exit code is in $code, its words in the files stdout and stderr
run() {
    code=0
    "$byol" "$@" >stdout 2>stderr </dev/null || code=$?
}

# expect CODE ARGUMENT...: runs, and wants this exit code, words on stderr where it is not 0, and no crash
expect() {
    wanted=$1
    shift
    run "$@"
    [ "$code" -eq "$wanted" ] || say "byol $*: exit code $wanted was expected"
    [ "$wanted" -eq 0 ] || [ -s stderr ] || say "byol $*: fails without a word"
}

# says WORD...: each stands in stderr
says() {
    for word in "$@"; do
        grep -qF -e "$word" stderr || say "stderr does not say '$word'"
    done
}

# silent: nothing on standard output
silent() {
    [ ! -s stdout ] || say "something is on standard output"
}

# is_json KEY...: standard output is one JSON object on one line with these keys and nothing else
is_json() {
    [ "$(wc -l <stdout)" -eq 1 ] || say "standard output is not one line"
    grep -q '^{.*}$' stdout || say "standard output is not a JSON object"
    for key in "$@"; do
        grep -q "\"$key\": " stdout || say "no key '$key' in the JSON object"
    done
}

# number32 N: as four bytes, the highest first
number32() {
    printf "\\$(printf %o $(($1 >> 24 & 255)))\\$(printf %o $(($1 >> 16 & 255)))"
    printf "\\$(printf %o $(($1 >> 8 & 255)))\\$(printf %o $(($1 & 255)))"
}

# noise COUNT SEED: that many bytes, the same ones at every run and on every machine (Park and Miller's generator)
noise() {
    LC_ALL=C awk -v count="$1" -v seed="$2" 'BEGIN {
        state = seed * 7919 + 1
        for (i = -4; i < count; i++) { # the first few still look like the seed
            state = state * 16807 % 2147483647
            if (i >= 0) printf "%c", int(state / 8388608)
        }
    }'
}

[ "$(noise 5000 1 | wc -c)" -eq 5000 ] || { echo "this awk cannot write every byte"; exit 1; }

# make_idx FOLDER PART COUNT: COUNT grey 12 x 12 images and labels, two classes (dark, bright) one after the other
make_idx() {
    mkdir -p "$1"
    {
        printf '\0\0\010\003'
        number32 "$3"
        number32 12
        number32 12
        i=0
        while [ $i -lt "$3" ]; do
            noise 144 $(($3 * 1000 + i)) | if [ $((i % 2)) -eq 0 ]; then tr '\200-\377' '\0-\177'; else tr '\0-\177' '\200-\377'; fi
            i=$((i + 1))
        done
    } >"$1/$2-images-idx3-ubyte"
    {
        printf '\0\0\010\001'
        number32 "$3"
        i=0
        while [ $i -lt "$3" ]; do
            if [ $((i % 2)) -eq 0 ]; then printf '\0'; else printf '\001'; fi
            i=$((i + 1))
        done
    } >"$1/$2-labels-idx1-ubyte"
}

# a data set of 64 + 32 images in ./data
make_data() {
    make_idx data train 64
    make_idx data t10k 32
}

# a small network, but one that oneDNN 2.6 has fast convolutions for: channels by eight, images not below 3 x 3
tiny="--recipe byol --encoder resnet18 --width 8 --image-size 20 --batch-size 16 --epochs 2 --threads 1 --precision fp32"
tiny="$tiny --set projector.hidden=16 --set projector.out=8 --set predictor.hidden=16"
tiny="$tiny --set optimizer.warmup_epochs=0.5"

# train RUN ARGUMENT...: a tiny run on ./data
train() {
    folder=$1
    shift
    # shellcheck disable=SC2086
    run pretrain --data data:train --out "$folder" $tiny "$@"
}

finish() {
    [ $failures -eq 0 ] || { echo "$failures failed"; exit 1; }
    exit 0
}
