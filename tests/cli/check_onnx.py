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
    print(f"{network} {layer}: largest difference {difference:.2g} of {np.abs(expected).max():.3g}")


if sys.argv[1] == "--make-data":
    make_data()
else:
    check(*sys.argv[1:5], "--features" in sys.argv)
