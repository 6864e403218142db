"""A ResNet-18 of torchvision or timm as a file to begin with, and whether a run began with it.

usage: check_init.py make LIBRARY FILE         random weights, as the library's state_dict names them, classifier and all
       check_init.py same FILE EXPORTED        every parameter of the backbone is bit for bit the file's
       check_init.py load LIBRARY EXPORTED VECTORS     the library's network, without its classifier, gives these vectors
"""
import importlib
import json
import sys

import numpy as np
import torch

from check_torchvision import cifar_images, load


def network(library, **options):
    if library == "timm":
        return importlib.import_module("timm").create_model("resnet18", pretrained=False, **options)
    net = importlib.import_module("torchvision").models.resnet18()
    if options.get("num_classes") == 0:
        net.fc = torch.nn.Identity()
    return net


def save(tensors, path):
    """As safetensors has it: a header in JSON, then the values. Counts of batches are left away, as timm's own files may."""
    header, blobs, at = {}, [], 0
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32:
            continue
        blob = tensor.numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


what, arguments = sys.argv[1], sys.argv[2:]
if what == "make":
    torch.manual_seed(3)
    save(network(arguments[0]).state_dict(), arguments[1])
elif what == "same":
    begun, exported = load(arguments[0]), load(arguments[1])
    names = [name for name in exported if not name.split(".")[-1].startswith(("running_", "num_batches"))]
    assert len(names) == 60, f"{len(names)} parameters, a ResNet-18 has 60 without its classifier"
    for name in names:
        assert torch.equal(begun[name], exported[name]), f"{name} is not the file's"
else:
    net = network(arguments[0], num_classes=0)
    net.load_state_dict(load(arguments[1]), strict=True)
    net.eval()
    with torch.no_grad():
        difference = (net(cifar_images()) - torch.from_numpy(np.load(arguments[2]))).abs().max().item()
    assert difference < 1e-4, f"vectors differ by {difference}"
    print(f"{arguments[0]}: largest difference {difference:.2g}")
