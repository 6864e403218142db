# The studies run through on a tiny setting, do nothing twice, and name what the monitor named.
. "$(dirname "$0")/library.sh"
if ! command -v python3 >/dev/null; then
    echo "skipped: no python3"
    exit 77
fi
make_data
export PYTHONDONTWRITEBYTECODE=1

# study SCRIPT FOLDER ARGUMENT...: exit code in $code
study() {
    script=$1
    folder=$2
    shift 2
    code=0
    python3 "$source_dir/studies/$script" --byol "$byol" --train data:train --test data:test --out "$folder" --seeds 1 \
        --threads 1 --set encoder.width=8 --set train.batch_size=16 --set projector.hidden=16 --set projector.out=8 \
        --set predictor.hidden=16 "$@" >stdout 2>stderr </dev/null || code=$?
}

study tau.py tau --epochs 1 --only tau-0,cosine
[ "$code" -eq 0 ] || say "tau.py"
grep -q '^| tau 0 |.*| 0.3 |$' tau/table.md && grep -q '^| cosine schedule |' tau/table.md || say "no table"
grep -q '^| raw pixels |' tau/table.md || say "no baseline in the table"
grep -q '</svg>' tau/plot.svg || say "no plot"
says "tau-0, seed 1"
cp tau/table.md before.md
study tau.py tau --epochs 1 --only tau-0,cosine
[ "$code" -eq 0 ] && cmp -s before.md tau/table.md || say "a second call gives another table"
if grep -q "seed 1" stderr; then say "a second call does it all again"; fi
study tau.py tau --epochs 2 --only tau-0
[ "$code" -eq 1 ] || say "results of other settings are taken for these"
says "other settings"

# without predictor, average and stop-gradient there is nothing that prevents collapse
study ablations.py ablations --epochs 60 --only no-predictor --set target.kind=online --set target.stop_gradient=false
[ "$code" -eq 0 ] || say "ablations.py"
grep -q '^| no predictor |.*seed 1, step [0-9]*: collapsed' ablations/table.md || say "the table does not name the collapse"

# recipes: a line a run, none twice; by epochs, by FLOPs and by the clock
recipe() {
    code=0
    python3 "$source_dir/studies/recipe.py" "$@" --byol "$byol" --train data:train --test data:test --out recipes --threads 1 \
        --table recipes.csv --set encoder.width=8 --set train.batch_size=16 --set projector.hidden=16 --set projector.out=8 \
        --set encoder.name=conv4 --set train.precision=fp32 >stdout 2>stderr </dev/null || code=$?
}
recipe by-epochs --epochs 1 --seeds 1,2
[ "$code" -eq 0 ] || say "recipe.py --epochs"
[ "$(wc -l <recipes.csv)" -eq 3 ] || say "not a line for each seed"
recipe by-epochs --epochs 1
[ "$code" -eq 0 ] && [ "$(wc -l <recipes.csv)" -eq 3 ] || say "a recipe is made twice"
says "is in the table"
recipe by-flops --pflop 0.0000001
[ "$code" -eq 0 ] || say "recipe.py --pflop"
grep -q '^by-flops,data,1,1,' recipes.csv || say "less than an epoch's FLOPs make no epoch"
recipe by-clock --minutes 0.02
[ "$code" -eq 0 ] && grep -q '^by-clock,' recipes.csv || say "recipe.py --minutes"
recipe nothing
[ "$code" -eq 2 ] || say "a recipe without a length"

# images are set aside, each in one of the two parts
python3 "$source_dir/studies/held_out.py" data parted --count 16 >stdout 2>stderr || say "held_out.py"
for part in images-idx3 labels-idx1; do # but for the header, the two parts one after the other are the whole
    head=8 && [ $part = labels-idx1 ] || head=16
    { tail -c +$((head + 1)) parted/train-$part-ubyte && tail -c +$((head + 1)) parted/t10k-$part-ubyte; } >both
    tail -c +$((head + 1)) data/train-$part-ubyte | cmp -s - both || say "the two parts of $part are not the whole"
done
expect 0 data parted:test --json
grep -q '"count": 16,' stdout || say "16 images were to be set aside"

# members of the family get the same time, and few labels are tried on what one of them has learned
family() {
    code=0
    python3 "$source_dir/studies/family.py" --byol "$byol" --train data:train --test data:test --out family --threads 1 \
        --minutes 0.001 --finetune-epochs 1 --only simsiam,softmax-pair --set encoder.width=8 --set data.image_size=20 \
        --set train.batch_size=16 --set projector.hidden=16 --set projector.out=8 --set predictor.hidden=16 >stdout 2>stderr </dev/null || code=$?
}
family
[ "$code" -eq 0 ] || say "family.py"
grep -qE '^\| simsiam \| [0-9]+ \| [0-9]+ \|( [0-9.]+ \|){7} ' family/table.md || say "no row of simsiam in the table"
grep -q '^| raw pixels |' family/table.md || say "no baseline in the table"
cp family/table.md before.md
family
[ "$code" -eq 0 ] && cmp -s before.md family/table.md || say "a second call gives another table"
[ ! -s stderr ] || say "a second call does it all again"

code=0
python3 "$source_dir/studies/labels.py" family/simsiam --byol "$byol" --train data:train --test data:test --out labels --threads 1 \
    --fractions 0.1:1,1:1 --seeds 1,2 >stdout 2>stderr </dev/null || code=$?
[ "$code" -eq 0 ] || say "labels.py"
grep -qE '^\| 10 % \| [0-9]+ \| 1 \| [0-9.]+ ± [0-9.]+ \| [0-9.]+ ± [0-9.]+ \|$' labels/table.md || say "no row of 10 % in the table"
finish
