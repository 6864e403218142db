# Sources of texts: what `byol data` tells of them, and what is said where pictures are needed.
. "$(dirname "$0")/library.sh"

mkdir set
printf 'pos\tgood film\nneg\tbad film , really bad\n\npos\tgood film\n' >set/train.tsv
printf 'neg\tworse\n' >set/test.tsv

expect 0 data set
grep -q '^set/train.tsv: 3 texts, 2 classes, 1 empty line skipped$' stdout || say "another description"
grep -q '^  texts  *3$' stdout || say "3 texts were expected"
grep -q '^  empty, skipped  *1$' stdout || say "1 empty line was expected"
grep -q '^  bytes  *9 \.\. 21, median 9, 95 % up to 21$' stdout || say "other lengths in bytes"
grep -q '^  words  *2 \.\. 5, median 2, 95 % up to 5$' stdout || say "other lengths in words"
grep -q '^  classes  *2, of 1 \.\. 2 texts$' stdout || say "other classes"
grep -q '^    train.tsv:4 is train.tsv:1$' stdout || say "the duplicate is not named"
expect 0 data set --json
is_json samples count skipped bytes words classes duplicates
grep -qF '"samples": "texts", "count": 3, "skipped": 1, "bytes": {"min": 9, "median": 9, "p95": 21, "max": 21}' stdout || say "other figures"
grep -qF '"classes": [{"name": "neg", "count": 1}, {"name": "pos", "count": 2}]' stdout || say "other classes"
grep -qF '"duplicates": [["train.tsv:4", "train.tsv:1"]]' stdout || say "the duplicate is not named"

# tokens, by a tokenizer that knows other words
printf 'good film\ngood film\nbad film\nbad film\n' >words.txt
expect 0 tokenizer words.txt --out own.json --quiet
expect 0 data set --tokenizer own.json
grep -q '^  tokens  *2 \.\. 5, median 2, 95 % up to 5$' stdout || say "other lengths in tokens"
grep -q '^  unknown tokens  *22 % (2 of 9)$' stdout || say "other unknown tokens: $(grep unknown stdout)"
expect 0 data set --tokenizer own.json --json
is_json samples tokens token_count unknown_count unknown_share
grep -qF '"tokens": {"min": 2, "median": 2, "p95": 5, "max": 5}, "token_count": 9, "unknown_count": 2, "unknown_share": 0.222222' stdout || say "other figures"
expect 1 data set --tokenizer none.json
says none.json
expect 1 data set --tokenizer set/train.tsv
expect 0 data set:test --json
grep -qF '"classes": [{"name": "neg", "count": 1}, {"name": "pos", "count": 0}]' stdout || say "a split has the classes of all"

printf 'id,body,stars\n1,"fine, really",5\n2,bad,1\n' | gzip >own.csv.gz
expect 2 data own.csv.gz
says "own.csv.gz:1" "'id', 'body', 'stars'" "own.csv.gz:text=NAME"
expect 0 data own.csv.gz:text=body,label=stars --json
grep -qF '"classes": [{"name": "1", "count": 1}, {"name": "5", "count": 1}]' stdout || say "other columns"
printf 'pos\tgood\nneg bad\n' >damaged.tsv
expect 1 data damaged.tsv
says "damaged.tsv:2" "no tab" "neg bad"
expect 1 data set/none.txt

# what needs pictures says so, and leaves nothing behind
train run --data set
[ "$code" -eq 2 ] || say "training on texts: exit code 2 was expected"
says "needs images" "these are texts" "3 texts"
[ ! -e run ] || say "a run folder of nothing"
expect 2 pretrain --data set --out run --budget 1m
says "these are texts"
expect 2 views --data set --out views.png
says "these are texts" ".html"
expect 2 pack set shards
says "these are texts"
expect 2 bench load --data set
says "these are texts"
[ ! -e shards ] && [ ! -e views.png ] || say "something was left behind"
# their views are a page
expect 0 views --data set --out views.html --json
is_json out texts views length vocabulary
grep -q '"texts": 3, "views": 2, "length": 64' stdout || say "three texts of two views were expected"
grep -q 'train.tsv:1</figcaption>' views.html || say "a text is not named"
expect 0 views --data set --out again.html --count 3
grep -q 'again.html: 3 texts' stdout || say "no line for people"
cmp -s views.html again.html || say "the same seed made another page"
expect 0 views --data set --out one.html --count 1 --set data.tokenizer=own.json --set data.length=8 --json
grep -q '"texts": 1, .*"length": 8' stdout || say "one text of length 8 was expected"
grep -qF '[UNK]' one.html && say "the first text has no unknown word"
expect 1 views --data set --out none.html --set data.tokenizer=none.json
says none.json
[ ! -e none.html ] || say "a page of nothing"
make_data
expect 2 views --data data:train --out views.html
says "these are images" ".png"
expect 2 data data:train --tokenizer own.json
says "--tokenizer is for texts"
train run
expect 2 embed run --data set --out vectors.npy
says "these are texts"
expect 2 knn run --train set:train --test set:test
says "these are texts"
expect 2 finetune run --train set:train --test set:test
says "these are texts"
expect 0 info --data set
finish
