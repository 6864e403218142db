"""Holds an encoder of texts against ONNX Runtime and Hugging Face's BertModel.
usage: check_transformers.py NETWORK.onnx ENCODER.safetensors VECTORS.npy TOKENIZER.json TEXTS.tsv HEADS mean|class FOLDER"""
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertConfig, BertModel

network, weights, vectors, tokenizer, texts, heads, pool, folder = sys.argv[1:]
expected = np.load(vectors)
lines = [line.split("\t", 1)[1].rstrip("\n") for line in open(texts)]
tokenizer = Tokenizer.from_file(tokenizer)
state = {k: v for k, v in load_file(weights).items() if k.startswith(("embeddings.", "encoder."))}
places, width = state["embeddings.position_embeddings.weight"].shape
tokenizer.enable_truncation(places)

onnx.checker.check_model(onnx.load(network), full_check=True)
session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
assert [i.name for i in session.get_inputs()] == ["input_ids"]
config = BertConfig(vocab_size=state["embeddings.word_embeddings.weight"].shape[0], hidden_size=width, num_attention_heads=int(heads),
                    num_hidden_layers=1 + max(int(k.split(".")[2]) for k in state if k.startswith("encoder.layer.")),
                    intermediate_size=4 * width, max_position_embeddings=places)
bert = BertModel(config, add_pooling_layer=False).eval()
missing, unexpected = bert.load_state_dict(state, strict=False)
assert not unexpected and all("position_ids" in name for name in missing), (missing, unexpected)

loaded, info = BertModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
assert not info["missing_keys"] and not info["mismatched_keys"], info
words = AutoTokenizer.from_pretrained(folder)
assert words(lines, padding=True, truncation=True)["input_ids"][0][: places] == (tokenizer.encode(lines[0]).ids + [0] * places)[
    : len(words(lines, padding=True, truncation=True)["input_ids"][0])]

largest = 0.0
for size in (1, 7, len(lines)):  # batch and length are free
    ids = [tokenizer.encode(line).ids for line in lines[:size]]
    length = max(map(len, ids))
    batch = np.array([row + [0] * (length - len(row)) for row in ids], dtype=np.int64)
    by_onnx = session.run(None, {"input_ids": batch})[0]
    mask = torch.from_numpy((batch != 0).astype(np.int64))
    with torch.no_grad():
        hidden = bert(torch.from_numpy(batch), attention_mask=mask).last_hidden_state
        assert torch.equal(hidden, loaded.eval()(torch.from_numpy(batch), attention_mask=mask).last_hidden_state)
    m = mask[..., None].float()
    by_bert = (hidden[:, 0] if pool == "class" else (hidden * m).sum(1) / m.sum(1)).numpy()
    for found in (by_onnx, by_bert):
        largest = max(largest, np.abs(found - expected[:size]).max())
assert np.abs(expected).max() > 1e-3, "vectors of nothing"
assert largest < 1e-4, f"vectors differ by {largest}"
print(f"largest difference {largest:.2g} of {np.abs(expected).max():.3g}")
