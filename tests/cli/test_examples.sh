# Every command that the documents, the configurations' comments and --help show is run as it stands there, in a folder that
# has what they speak of: small data under the same names. A `byol` in front of the program keeps it short (an epoch,
# small batches, narrow networks). What is run elsewhere is listed with the place; a command that is neither is a failure.
. "$(dirname "$0")/library.sh"

elsewhere() {
    case $1 in
    script/* | "cmake --preset"*) echo "run by fresh-machine and CI" ;;
    "cmake --install"* | "cc "* | "cpack "*) echo "run in cli_test_install" ;;
    "tensorboard "*) echo "run in cli_test_tensorboard" ;;
    "chromium "*) echo "run in cli_test_report_browser" ;;
    "python3 -m venv "*) echo "not run, it installs PyTorch from elsewhere" ;;
    "python3 bench/compare.py"* | "python3 bench/attention.py"*) echo "not run, it measures for minutes beside PyTorch" ;;
    "python3 bench/scaling.py"* | "python3 bench/targets.py"* | "studies/torch_baseline.py"* | "studies/torch_minutes.py"* | "python3 studies/torch_baseline.py"*)
        echo "not run, it takes an hour or more" ;;
    "studies/"* | "python3 studies/"*) echo "run in cli_test_studies" ;;
    *) return 1 ;;
    esac
}

# ---- The folder that the documents speak of ----

# cifar FILE COUNT: a batch in CIFAR-10's format, labels 0 and 1
cifar() {
    i=0
    while [ $i -lt "$2" ]; do
        printf "\\00$((i % 2))"
        noise 3072 "$i"
        i=$((i + 1))
    done >"$1"
}

# ppm FILE: a colour picture of 40 x 36
ppm() {
    mkdir -p "$(dirname "$1")"
    {
        printf 'P6 40 36 255\n'
        noise 4320 "$(printf %s "$1" | cksum | cut -c 1-5)"
    } >"$1"
}

mkdir -p stage/path/to/cifar-10 bin
make_idx stage/fashion-mnist train 64
make_idx stage/fashion-mnist t10k 32
make_idx stage/runs/held-out train 64
make_idx stage/runs/held-out t10k 32
for batch in 1 2 3 4 5; do cifar stage/path/to/cifar-10/data_batch_$batch.bin 16; done
cifar stage/path/to/cifar-10/test_batch.bin 16
for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
    for class in cats dogs; do
        ppm stage/photos/train/$class/$number.ppm
        ppm stage/photos/val/$class/v$number.ppm
    done
done
cp -r stage/photos stage/path/to/imagenette96
cp -r stage/photos/val/cats stage/new-photos
for person in 1 2 3 4 5 6; do
    for number in 1 2 3; do ppm stage/faces/s$person/$number.pgm; done
done
mkdir stage/faces/train && cp -r stage/faces/s5 stage/faces/s6 stage/faces/train/
printf '1 s1/1.pgm s1/2.pgm\n1 s2/1.pgm s2/2.pgm\n0 s1/1.pgm s2/1.pgm\n0 s1/3.pgm s2/2.pgm\n' >stage/faces/pairs_test.txt
sed 's/s1/s3/g; s/s2/s4/g' stage/faces/pairs_test.txt >stage/faces/pairs_choose.txt
"$BYOL_BUILD_DIR/tests/make_scenes" stage/roads 6 4 && cp -r stage/roads/voc stage/cells || say "no scenes"
if "$BYOL_BUILD_DIR/tests/make_sounds" stage/recordings 16; then
    cp stage/recordings/test/high/00.wav stage/new.wav
    for part in train test; do
        (cd stage && find recordings/$part -name '*.wav' | sort | sed 's|.*/\([a-z]*\)/[^/]*$|&\t\1|' >$part.txt)
    done
else
    say "no sounds"
fi
mkdir stage/reviews
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do echo "sentence $number of some words"; done >stage/sentences.txt
for number in 1 2 3 4; do printf '"a text, number %s",%s\n' $number $((number % 2)); done >rows
{ echo body,stars && cat rows; } | tee stage/reviews.csv stage/reviews/train.csv >stage/reviews/test.csv
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
    printf '%s\tthe plot of film %s is %s\n' $((number % 2)) $number "$([ $((number % 2)) -eq 0 ] && echo bad || echo good)"
done | tee stage/reviews.tsv | sed 's/film/book/' >stage/held.tsv
cp -r "$source_dir/configs" stage/configs

cat >bin/byol <<'END'
#!/bin/sh
# pretrain reads the file first, then the rest in its order: what is added here has the last word
command=$1
case " $* " in *" --budget "*) set -- "$@" --budget 1s ;; esac
case $command in
pretrain) set -- "$@" --epochs 1 --batch-size 16 --width 8 --image-size 32 --threads 1 --set optimizer.warmup_epochs=0 ;;
finetune | segment | detect) set -- "$@" --epochs 1 --threads 1 ;;
bench) set -- "$@" --seconds 1 --threads 1 ;;
esac
[ "$command ${2-}" != "bench step" ] || set -- "$@" --batch-size 8 --width 8
exec "$BYOL_PROGRAM" "$@"
END
chmod +x bin/byol
export BYOL_PROGRAM="$byol" PATH="$work/bin:$PATH" OMP_WAIT_POLICY=passive

# runs, vectors and a classifier that a document takes for granted
(cd stage && byol pretrain --data fashion-mnist:train --encoder resnet18 --width 16 --out ../made-run --quiet &&
    byol embed ../made-run --data fashion-mnist:test --out ../made-vectors.npy --quiet &&
    byol linear ../made-run --train photos:train --test photos:val --no-baselines --out ../made-tuned.safetensors --quiet &&
    byol pretrain configs/text/simcse-text.yaml --data reviews.tsv --out ../made-texts --quiet) >stdout 2>stderr ||
    { code=$? && say "the run that the documents speak of" && finish; }

# ---- What the documents say ----

# shell_lines FILE: the lines of its indented and ```sh blocks
shell_lines() {
    awk '/^```/ { fenced = !fenced; shell = $0 ~ /sh$/; before = ""; next }
         fenced && shell { print; next }
         !fenced && /^    [^ ]/ && (before == "" || indented) { sub(/^ */, ""); print; indented = 1; before = $0; next }
         { indented = 0; before = $0 }' "$1"
}

# is_command LINE: begins as a command does, not as the formulas and pictures that are indented too
is_command() {
    case $1 in
    "byol "* | script/* | studies/* | "python3 "* | "cmake "* | "cc "* | "cpack "* | "pip "* | "chromium "* | "tensorboard "*) return 0 ;;
    *) return 1 ;;
    esac
}

mkdir lines
for document in README.md CONTRIBUTING.md bench/README.md studies/README.md $(cd "$source_dir" && ls docs/*.md); do
    shell_lines "$source_dir/$document" >"lines/$(echo "$document" | tr / _)"
done
for config in $(cd "$source_dir" && ls configs/*.yaml configs/family/*.yaml); do
    sed -n 's/^#     //p' "$source_dir/$config" >"lines/$(echo "$config" | tr / _)"
done
for command in "" $("$byol" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    # a long example goes on in a second line
    "$byol" $command --help | awk '/^Examples?:/ { on = 1; next } on && /^  byol/ { if (line != "") print line; line = $0; next }
        on && line != "" { line = line " " $0 } END { if (line != "") print line }' | sed 's/^ *//; s/  */ /g' >"lines/help$command"
done
# a document without a command is either fine or not read rightly: together they must have many
find lines -size 0 -delete

# ---- They are run ----

# prepare LINE: runs and vectors that it reads and no line before it made
prepare() {
    for word in $1; do
        word=${word%/tokenizer.json}
        case $word in
        *:*) ;; # images
        tuned.safetensors)
            case "$1 " in *"--out $word "*) continue ;; esac
            [ -e "$word" ] || cp ../made-tuned.safetensors "$word"
            ;;
        runs/*)
            case "$1 " in *"--out $word "*) [ "${1%--resume*}" != "$1" ] || continue ;; esac
            made=../made-run
            [ "$word" != runs/texts ] || made=../made-texts
            [ -e "$word" ] || { mkdir -p runs && cp -r $made "$word"; }
            ;;
        esac
    done
    case $1 in
    *"--vectors "*)
        vectors=${1##*--vectors } && vectors=${vectors%% *}
        [ -e "$vectors" ] || cp ../made-vectors.npy "$vectors"
        ;;
    esac
}

ran=0
for file in lines/*; do
    rm -rf here
    cp -r stage here
    while IFS= read -r line; do
        line=${line#\$ } && line=${line%%  #*}
        is_command "$line" || continue
        if place=$(elsewhere "$line"); then
            echo "$place: $line"
            continue
        fi
        code=0
        (cd here && prepare "$line" && sh -c "$line") >stdout 2>stderr </dev/null || code=$?
        [ $code -eq 0 ] || say "${file#lines/}: $line"
        ran=$((ran + 1))
    done <"$file"
done
[ $ran -ge 40 ] || say "only $ran commands were found and run"

# ---- The Python that docs/export.md shows, on what the commands before it wrote ----

rm -rf here
cp -r stage here
: >stderr
shell_lines "$source_dir/docs/export.md" | grep '^byol' >lines/export
(cd here && while IFS= read -r line; do prepare "$line" && sh -c "$line" || exit 1; done <../lines/export) >stdout 2>stderr ||
    say "the commands of docs/export.md, one after the other"
awk -v out=here/block '/^```python/ { n++; on = 1; next } /^```/ { on = 0 } on { print > (out n ".py") }' "$source_dir/docs/export.md"
for block in here/block*.py; do
    if grep -q torchvision "$block"; then
        echo "run in cli_test_torchvision: ${block#here/}"
        continue
    fi
    modules=$(sed -n 's/^import \([a-z]*\).*/\1/p' "$block" | paste -s -d,)
    if ! python3 -c "import $modules" 2>/dev/null; then
        echo "note: not run, for python3 here has not all of $modules: ${block#here/}"
        continue
    fi
    code=0
    (cd here && python3 "${block#here/}") >stdout 2>stderr || code=$?
    [ $code -eq 0 ] || say "${block#here/}"
done
finish
