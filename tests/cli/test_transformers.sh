# ONNX Runtime and (but for attention of low rank) Hugging Face's BertModel compute from what is written what byol embed computes.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) lacks onnx, onnxruntime, torch, tokenizers or transformers.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
"$python" -c 'import onnx, onnxruntime, torch, safetensors, tokenizers, transformers' 2>/dev/null || {
    echo "skipped: $python has not all of onnx, onnxruntime, torch, safetensors, tokenizers, transformers"
    exit 77
}
awk 'BEGIN {
    srand(2)
    for (i = 0; i < 60; i++) {
        line = i % 3 "\t"
        for (j = 0; j < 1 + i % 17; j++) line = line "word" int(rand() * 30) " "
        print line
    }
}' >texts.tsv
# learn NAME POOL ARGUMENT...
learn() {
    name=$1 pool=$2
    shift 2
    expect 0 pretrain --data texts.tsv --out "$name" --encoder transformer --width 16 --epochs 2 --batch-size 20 --quiet \
        --set encoder.depth=2 --set encoder.heads=4 --set encoder.pool="$pool" --set data.length=16 --set data.vocabulary=100 "$@"
}

# compare NAME POOL [FOLDER]: what others compute from the run is what byol embed does
compare() {
    expect 0 embed "$1" --data texts.tsv --out vectors.npy
    expect 0 export "$1" --out network.onnx --features
    expect 0 export "$1" --out weights.safetensors
    # shellcheck disable=SC2086
    "$python" "$here/check_transformers.py" network.onnx weights.safetensors vectors.npy "$1/tokenizer.json" texts.tsv 4 "$2" $3 \
        >stdout 2>stderr || say "others compute something else from $1"
    cat stdout
}

for pool in class mean max; do
    learn $pool $pool
    expect 0 export $pool --out bert/
    compare $pool $pool bert
done
expect 0 linear mean --train texts.tsv --test texts.tsv --no-baselines --out probe.safetensors
expect 0 predict probe.safetensors --data texts.tsv --top 3 --out predictions.csv
expect 0 export probe.safetensors --out classifier.onnx --output logits
"$python" "$here/check_onnx.py" --classifier classifier.onnx predictions.csv texts.tsv mean/tokenizer.json >stdout 2>stderr ||
    say "ONNX Runtime and byol predict differ on texts"
cat stdout

learn bag mean --set encoder.depth=0
expect 0 export bag --out bag-of-words/
compare bag mean bag-of-words

learn pre max --set encoder.norm=pre --set encoder.embedding_std=0.2
compare pre max ""
expect 1 export pre --out pre-folder/
says "norms"

learn data2vec mean --recipe byol --set target.layers=2 --set loss.distance=smooth_l1 --set loss.symmetric=false \
    --set projector.kind=none --set views.crop_min=1 --set views.drop=0 --set views.view2.mask=0
expect 0 export data2vec --out tokens/
compare data2vec mean tokens

for shared in key_value heads none; do
    learn $shared mean --set encoder.attention=lowrank --set encoder.rank=5 --set encoder.rank_shared=$shared
    compare $shared mean ""
done
learn first class --set encoder.attention=lowrank --set encoder.rank=5
compare first class ""
finish
