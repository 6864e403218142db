# Texts are found by texts: rows, other files, or words; and near-duplicates.
. "$(dirname "$0")/library.sh"

# text 7 is text 2 once more; text 4 holds what a table and a terminal must be kept from
awk 'BEGIN {
    split("the film was good and warm|a bad and boring film|what a fine and happy day|the food was cold , the room dark", forms, "|")
    for (i = 0; i < 40; i++) {
        text = forms[1 + i % 4] " number" i
        if (i == 4) text = "she said \"no, <b>\"\033[31m & left"
        if (i == 7) text = forms[3] " number2"
        printf "%s\t%s\n", i % 2 ? "sour" : "sweet", text
    }
}' >texts.tsv
small="--encoder transformer --width 16 --set encoder.depth=1 --set encoder.heads=2 --set data.length=16 --set data.vocabulary=300"
# shellcheck disable=SC2086
expect 0 pretrain --data texts.tsv --out run --epochs 2 --batch-size 20 --threads 1 --quiet $small

# the table beside the vectors says what each row is
expect 0 embed run --data texts.tsv --out texts.npy --json
is_json out csv count dimension layer
[ "$(sed -n 1p texts.csv)" = index,path,label,text ] || say "another header: $(sed -n 1p texts.csv)"
[ "$(wc -l <texts.csv)" -eq 41 ] || say "not a line for each text"
[ "$(sed -n 4p texts.csv)" = '2,texts.tsv:3,sweet,what a fine and happy day number2' ] || say "row 2 is '$(sed -n 4p texts.csv)'"
[ "$(sed -n 6p texts.csv)" = '4,texts.tsv:5,sweet,"she said ""no, <b>"" [31m & left"' ] || say "row 4 is '$(sed -n 6p texts.csv)'"

# a row, by the table and by the texts themselves
expect 0 search --vectors texts.npy --query 7 -k 2
head -n 1 stdout | grep -q 'texts.tsv:8  what a fine and happy day number2' || say "the query is not shown: $(head -n 1 stdout)"
[ "$(grep -c ' 0.000000  texts.tsv:[38]  what a fine and happy day number2$' stdout)" -eq 2 ] || say "text 7 is nearest to text 2 and itself"
expect 0 search run --data texts.tsv --query 4 -k 1 --json
grep -qF '"queries": [{"query": "texts.tsv:5", "text": "she said \"no, <b>\" [31m & left", "nearest": [{"index": 4, ' stdout || say "text 4 is not nearest to itself"
grep -qF '"path": "texts.tsv:5", "text": "she said ' stdout || say "what was found has no text"
cp texts.npy renamed.npy
expect 0 search --vectors renamed.npy --query 7 -k 2
grep -q '  row 2$' stdout || say "without the table rows have numbers"

# words, of which a number is none; a file is its texts
expect 0 search run --vectors texts.npy --query 'what a fine and happy day number2' -k 2
[ "$(head -n 1 stdout)" = 'what a fine and happy day number2' ] || say "the words are not shown: $(head -n 1 stdout)"
[ "$(grep -c ' 0.000000  texts.tsv:[38]  ' stdout)" -eq 2 ] || say "the words do not find their texts"
expect 0 search run --data texts.tsv --query 'price: 5 stars' -k 1 --json
grep -qF '{"query": "price: 5 stars", "nearest": [' stdout || say "words with a colon are words"
expect 0 search run --data texts.tsv --query texts.tsv -k 1 --json
[ "$(grep -o '"query"' stdout | wc -l)" -eq 40 ] || say "not all texts were asked about"
mkdir set && cp texts.tsv set/test.tsv
expect 0 search run --data texts.tsv --query set:test -k 1 --json
[ "$(grep -o '"query"' stdout | wc -l)" -eq 40 ] || say "a split of a folder is no words"
expect 2 search run --data texts.tsv --query ''
says "is empty"
expect 2 search --vectors texts.npy --query 'fine day'
says RUN

# the text that is there twice
expect 0 search run --data texts.tsv --duplicates --above 0.999999
grep -q ' 2         7  1.000000  texts.tsv:3  texts.tsv:8' stdout || say "the pair was not found"
[ "$(grep -c '^            what a fine and happy day number2$' stdout)" -eq 2 ] || say "the texts of the pair are not shown"
expect 0 search --vectors texts.npy --duplicates --above 0.999999 --json
grep -qF '"rows": [2, 7], ' stdout || say "the pair was not found among the vectors"
grep -qF '"texts": ["what a fine and happy day number2", "what a fine and happy day number2"]' stdout || say "the pair has no texts"

# a long text is cut, and ends of lines are blanks
mkdir long
awk 'BEGIN { for (i = 0; i < 100; i++) print "word" i }' >long/a.txt
echo short >long/b.txt
expect 0 embed run --data long --out long.npy
[ "$(wc -l <long.csv)" -eq 3 ] || say "a text of many lines is many lines in the table"
grep -q '^0,.*a.txt,,word0 word1 .*\.\.\.$' long.csv || say "the long text is '$(sed -n 2p long.csv)'"
finish
