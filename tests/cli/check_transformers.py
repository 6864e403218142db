"""Holds an encoder of texts against ONNX Runtime and Hugging Face's BertModel.
usage: check_transformers.py NETWORK.onnx ENCODER.safetensors VECTORS.npy TOKENIZER.json TEXTS.tsv HEADS mean|class|max [FOLDER]
Without FOLDER against ONNX Runtime alone: BertModel has no attention of low rank."""
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

network, weights, vectors, tokenizer, texts, heads, pool, *folder = sys.argv[1:]
if folder:  # they take seconds to load
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel
expected = np.load(vectors)
lines = [line.split("\t", 1)[1].rstrip("\n") for line in open(texts)]
tokenizer = Tokenizer.from_file(tokenizer)
state = load_file(weights)
normed_last = "LayerNorm.weight" in state  # behind the last layer's features
state = {k: v for k, v in state.items() if k.startswith(("embeddings.", "encoder."))}
places, width = state["embeddings.position_embeddings.weight"].shape
tokenizer.enable_truncation(places)

model = onnx.load(network)
onnx.checker.check_model(model, full_check=True)
names = [node.name for node in model.graph.node]
assert len(set(names)) == len(names), "two nodes have one name"
layers = 1 + max((int(k.split(".")[2]) for k in state if k.startswith("encoder.layer.")), default=-1)
assert [o.name for o in model.graph.output] == ["backbone"] + ([f"encoder.layer.{i}" for i in range(layers)] or ["layer1"])
session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
assert [i.name for i in session.get_inputs()] == ["input_ids"]


def berts():
    """BertModel with the weights, and from the folder; none without one."""
    if not folder:
        return []
    config = BertConfig(vocab_size=len(state["embeddings.word_embeddings.weight"]), hidden_size=width, num_hidden_layers=layers,
                        num_attention_heads=int(heads), intermediate_size=4 * width, max_position_embeddings=places)
    bert = BertModel(config, add_pooling_layer=False)
    missing, unexpected = bert.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    assert not unexpected and all("position_ids" in name for name in missing), (missing, unexpected)
    loaded, info = BertModel.from_pretrained(folder[0], add_pooling_layer=False, output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    words = AutoTokenizer.from_pretrained(folder[0])
    assert words(lines, padding=True, truncation=True)["input_ids"][0][: places] == (tokenizer.encode(lines[0]).ids + [0] * places)[
        : len(words(lines, padding=True, truncation=True)["input_ids"][0])]
    return [bert.eval(), loaded.eval()]


def pooled(hidden, batch):
    m = (batch != 0)[..., None].astype(np.float32)
    if pool == "max":
        return np.where(m > 0, hidden, -np.inf).max(1)
    return hidden[:, 0] if pool == "class" else (hidden * m).sum(1) / m.sum(1)


def by_bert(bert, batch):
    ids = torch.from_numpy(batch)
    with torch.no_grad():
        return bert(ids, attention_mask=(ids != 0).long()).last_hidden_state.numpy()


models, largest = berts(), 0.0
for size, more in ((1, 0), (7, 0), (7, places), (len(lines), 0)):  # batch and length are free
    ids = [tokenizer.encode(line).ids for line in lines[:size]]
    length = max(more, *map(len, ids), 0)
    batch = np.array([row + [0] * (length - len(row)) for row in ids], dtype=np.int64)
    hidden = [by_bert(bert, batch) for bert in models]
    assert all(np.array_equal(found, hidden[0]) for found in hidden)
    backbone, *stages = session.run(None, {"input_ids": batch})
    assert all(stage.shape == (size, length, width) for stage in stages)
    for found in [backbone] + [pooled(x, batch) for x in (stages[-1:] if not normed_last else []) + hidden[:1]]:
        largest = max(largest, np.abs(found - expected[:size]).max())
assert np.abs(expected).max() > 1e-3, "vectors of nothing"
assert largest < 1e-4, f"vectors differ by {largest}"
print(f"largest difference {largest:.2g} of {np.abs(expected).max():.3g}")
