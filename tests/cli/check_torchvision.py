"""Loads exported weights into torchvision's resnet18. usage: check_torchvision.py STEM BACKBONE WHOLE VECTORS"""
import json
import sys

import numpy as np
import torch
import torchvision


def load(path):
    """A safetensors file, without the package of that name."""
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        assert t["dtype"] == "F32"
        begin, end = t["data_offsets"]
        values = np.frombuffer(data[8 + length + begin : 8 + length + end], np.float32)
        tensors[name] = torch.from_numpy(values.reshape(t["shape"]).copy())
    return tensors


def network(stem):
    net = torchvision.models.resnet18()
    if stem == "small":
        net.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        net.maxpool = torch.nn.Identity()
    return net


def cifar_images():
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    records = np.fromfile("cifar/data_batch_1.bin", np.uint8).reshape(-1, 3073)
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32)) / 255
    return (images - mean[:, None, None]) / std[:, None, None]


def main(stem, backbone, whole, vectors):
    images = cifar_images()
    expected = torch.from_numpy(np.load(vectors))

    # the backbone: strictly, with fc taken away
    net = network(stem)
    net.fc = torch.nn.Identity()
    net.load_state_dict(load(backbone))
    net.eval()
    with torch.no_grad():
        difference = (net(images) - expected).abs().max().item()
    assert difference < 1e-4, f"vectors differ by {difference}"

    # with a classifier: strictly, the network untouched; and the heads by themselves
    weights = load(whole)
    heads = {name: weights.pop(name) for name in list(weights) if name.startswith(("projector.", "predictor."))}
    assert sorted(heads)[0] == "predictor.0.bias" and len(heads) == 14, sorted(heads)
    net = network(stem)
    net.load_state_dict(weights)
    net.eval()
    with torch.no_grad():
        assert (net(images) == 0).all(), "a classifier of zeros says zero"
    projector = torch.nn.Sequential(
        torch.nn.Linear(512, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), torch.nn.Linear(16, 8, bias=False)
    )
    projector.load_state_dict({k[10:]: v for k, v in heads.items() if k.startswith("projector.")})
    print(f"torchvision {torchvision.__version__}, {stem} stem: largest difference {difference:.2g} of {expected.abs().max():.3g}")


if __name__ == "__main__":
    main(*sys.argv[1:])
