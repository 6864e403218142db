# ONNX Runtime and Hugging Face's BertModel compute from what is written what byol embed computes.
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
for pool in class mean; do
    expect 0 pretrain --data texts.tsv --out $pool --encoder transformer --width 16 --epochs 2 --batch-size 20 --quiet \
        --set encoder.depth=2 --set encoder.heads=4 --set encoder.pool=$pool --set data.length=16 --set data.vocabulary=100
    expect 0 embed $pool --data texts.tsv --out vectors.npy
    expect 0 export $pool --out network.onnx
    expect 0 export $pool --out weights.safetensors
    expect 0 export $pool --out bert/
    "$python" "$here/check_transformers.py" network.onnx weights.safetensors vectors.npy $pool/tokenizer.json texts.tsv 4 $pool bert \
        >stdout 2>stderr || say "others compute something else, pool $pool"
    cat stdout
done
finish
