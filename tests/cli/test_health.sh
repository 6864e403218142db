# A run that collapses and one whose numbers break off: told at once, in the exit code, and in the report.
. "$(dirname "$0")/library.sh"
make_data

# 64 pictures that are all equally black: there is nothing to tell apart
mkdir black
head -c 16 data/train-images-idx3-ubyte >black/train-images-idx3-ubyte
head -c 9216 /dev/zero >>black/train-images-idx3-ubyte
plain="--set views.jitter=0 --set views.solarize=0"
# shellcheck disable=SC2086
run pretrain --data black --out collapsed $tiny $plain --epochs 20 --set train.log_every=1
[ "$code" -eq 0 ] || say "a collapse ends no run that was not told to"
says "the representation has collapsed"
expect 0 report collapsed --no-pictures --quiet
grep -q 'has <strong class="bad">collapsed' collapsed/report.html || say "the report does not tell the collapse"
# shellcheck disable=SC2086
run pretrain --data black --out stopped $tiny $plain --epochs 20 --set train.stop_on_collapse=true
[ "$code" -eq 1 ] || say "a collapse that is to end the run: exit code 1 was expected"
says "stopped: " "collapsed"

# every step makes the weights many times larger, until they overflow
train broken --epochs 10 --lr 1000 --set optimizer.weight_decay=10 --set checkpoint.every_steps=1 --set train.log_every=1
[ "$code" -eq 1 ] || say "numbers that break off: exit code 1 was expected"
says optimizer.lr "the last good checkpoint"
expect 0 embed broken --data data:test --out broken.npy
expect 0 report broken --no-pictures --quiet
grep -q '<strong class="bad">broke off' broken/report.html || say "the report does not tell that the numbers broke off"

# what the monitor said at the last checkpoint is the report's word too: figures that look well do not hide it
train narrow
expect 0 report narrow --no-pictures --quiet
grep -q '<strong class="good">not collapsed' narrow/report.html || say "the report does not say that a sound run has not collapsed"
sed -i 's/"monitor": "healthy"/"monitor": "few directions"/' narrow/summary.json
grep -q '"few directions"' narrow/summary.json || say "the summary does not hold the monitor's verdict"
expect 0 report narrow --no-pictures --quiet
grep -q 'the projections use few directions' narrow/report.html || say "the report does not tell the few directions"
finish
