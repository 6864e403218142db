# --budget: a time in, a whole configuration out; what the user sets stands; the run takes its time and no more.
. "$(dirname "$0")/library.sh"
make_data

expect 0 pretrain --data data:train --budget 3s --out run --threads 1 --json
is_json run epochs steps loss
says "views of 24 pixels (judged at 32)" "encoder conv4" "InfoNCE" "batches of" "Muon" "it ends after"
grep -q '  minutes: 0.05$' run/config.yaml || say "the time is not in config.yaml"
grep -q '  schedule: trapezoid' run/config.yaml || say "the schedule is not in config.yaml"
grep -q '  own_negatives: true' run/config.yaml || say "the loss is not in config.yaml"
seconds=$(sed -n 's/.*"seconds": \([0-9]*\).*/\1/p' run/metrics.jsonl | tail -n 1)
[ "$seconds" -ge 2 ] && [ "$seconds" -le 6 ] || say "a run of 3 seconds took $seconds"

# what was set by hand stands, the rest is chosen around it
expect 0 pretrain --data data:train --budget 1s --out set --threads 1 --width 8 --set loss.temperature=0.3 --json
grep -q '  width: 8$' set/config.yaml || say "--width does not stand"
grep -q '  temperature: 0.3$' set/config.yaml || say "--set does not stand"
grep -q '  name: conv4$' set/config.yaml || say "the encoder was not chosen"

# a run that goes on keeps what was chosen
cp run/config.yaml before
expect 0 pretrain --budget 3s --out run --resume --json
says "complete"
cmp -s before run/config.yaml || say "resuming chose anew"

expect 2 pretrain --data data:train --budget soon --out wrong
says "30m"
expect 2 pretrain --data data:train --budget -5m --out wrong
says "30m"
expect 1 pretrain --data nowhere --budget 1s --out wrong
[ ! -e wrong ] || say "a run folder without a run"

# combinations that the time does not allow are named
expect 2 pretrain --data data:train --budget 1s --out wrong --set optimizer.schedule=cosine
says "trapezoid"
finish
