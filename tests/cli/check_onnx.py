"""Holds an exported network against byol embed. usage: check_onnx.py NETWORK VECTORS IMAGES LAYER [--features]
--make-data: writes 32 grey images (IDX) and 32 coloured ones (CIFAR-10 binary) into this folder."""
import os
import sys

import numpy as np


def make_data():
    draw = np.random.default_rng(1)
    with open("grey-images-idx3-ubyte", "wb") as f:
        f.write(b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (32, 20, 20)))
        f.write(draw.integers(0, 256, (32, 20, 20), dtype=np.uint8).tobytes())
    os.mkdir("cifar")
    records = draw.integers(0, 256, (32, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    records.tofile("cifar/data_batch_1.bin")


def read_images(path):
    """(N, C, H, W) in 0 .. 1"""
    data = np.fromfile(path, np.uint8)
    images = data.reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32) if "cifar" in path else data[16:].reshape(-1, 1, 20, 20)
    return images.astype(np.float32) / 255


def check(network, vectors, path, layer, features):
    import onnx
    import onnxruntime

    model = onnx.load(network)
    onnx.checker.check_model(model, full_check=True)
    assert [o.version for o in model.opset_import] == [17], model.opset_import
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    is_vit = any(i.name == "pos_embed" for i in model.graph.initializer)
    stages = ["blocks.0", "blocks.1"] if is_vit else ["layer1", "layer2", "layer3", "layer4"]
    names = [layer] + (stages if features else [])
    assert [i.name for i in session.get_inputs()] == ["images"]
    assert [o.name for o in session.get_outputs()] == names
    images, expected = read_images(path), np.load(vectors)
    for batch in (1, 5, len(images)):  # the batch is free
        results = session.run(None, {"images": images[:batch]})
        for declared, found in zip(session.get_outputs(), results):
            assert declared.shape[0] == "batch" and list(found.shape[1:]) == declared.shape[1:], declared
        difference = np.abs(results[0] - expected[:batch]).max()
        assert difference < 1e-4, f"{layer}: vectors differ by {difference}"
    assert np.abs(expected).max() > 1e-3, "vectors of nothing"
    if features and layer == "backbone" and not is_vit:  # the last stage, averaged, is the representation
        assert np.abs(results[-1].mean((2, 3)) - expected).max() < 1e-4
    for stage in range(1, len(results) if layer == "backbone" else 1):
        maps = np.load(f"map{stage}.npy")
        found = results[stage]
        if is_vit:  # rows of tokens, the class token before them
            found = found[:, found.shape[1] - maps[0, 0].size:].transpose(0, 2, 1).reshape(maps.shape)
        assert np.abs(found - maps).max() < 1e-4 * max(1, np.abs(maps).max()), f"stage{stage}: maps differ"
    print(f"{network} {layer}: largest difference {difference:.2g} of {np.abs(expected).max():.3g}")


def read_tokens(path, tokenizer, places=16):
    """(N, length) of the texts of LABEL<tab>TEXT lines"""
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(tokenizer)
    words.enable_truncation(places)
    ids = [words.encode(line.split("\t", 1)[1].rstrip("\n")).ids for line in open(path)]
    return np.array([row + [0] * (max(map(len, ids)) - len(row)) for row in ids], dtype=np.int64)


def check_classifier(network, predictions, path, *tokenizer):
    """Softmax of the logits beside path,class,probability,class 2,probability 2 ... of byol predict."""
    import csv
    import json

    import onnx
    import onnxruntime

    model = onnx.load(network)
    onnx.checker.check_model(model, full_check=True)
    names = json.loads({p.key: p.value for p in model.metadata_props}["classes"])
    classes = [str(i) if name is None else name for i, name in enumerate(names)]
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    assert [o.name for o in session.get_outputs()] == ["logits"]
    images = read_tokens(path, *tokenizer) if tokenizer else read_images(path)
    logits = session.run(None, {"input_ids" if tokenizer else "images": images})[0].astype(np.float64)
    assert logits.shape == (len(images), len(classes)), logits.shape
    found = np.exp(logits - logits.max(1, keepdims=True))
    found /= found.sum(1, keepdims=True)
    rows = list(csv.reader(open(predictions)))[1:]
    assert len(rows) == len(images)
    worst = 0.0
    for row, probabilities in zip(rows, found):
        for name, probability in zip(row[1::2], row[2::2]):
            worst = max(worst, abs(float(probability) - probabilities[classes.index(name)]))
    assert worst < 1e-4, f"probabilities differ by {worst}"
    assert found.std(0).max() > 1e-4, "all pictures have the same probabilities"
    print(f"{network}: {len(classes)} classes, largest difference {worst:.2g}")


if sys.argv[1] == "--make-data":
    make_data()
elif sys.argv[1] == "--classifier":
    check_classifier(*sys.argv[2:])
else:
    check(*sys.argv[1:5], "--features" in sys.argv)
