"""Vision transformers of timm against ours, by the files of test_timm.sh in this folder.

usage: check_timm.py make      random weights of timm's, with a classifier: timm-POOL-PLACES.safetensors, PLACES to a side
       check_timm.py check     the network that byol export names in RUN.note takes RUN.safetensors strictly and gives RUN.npy,
                               and zeros where it has a classifier; a run that began with weights of timm's still has them, the
                               places resized as timm does
"""
import ast
import re
import sys

import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file
from timm.models.vision_transformer import checkpoint_filter_fn

from check_torchvision import cifar_images

POOLS = {"class": {}, "mean": dict(class_token=False, global_pool="avg"), "max": dict(class_token=False, global_pool="max")}


def make(pool, places):
    torch.manual_seed(places)
    net = timm.create_model("vit_tiny_patch16_224", img_size=8 * places, patch_size=8, embed_dim=24, depth=2, num_heads=3,
                            **POOLS[pool])
    with torch.no_grad():
        for p in net.parameters():  # timm's zeros and ones would hide what is swapped or left out
            p += 0.2 * torch.randn_like(p)
    save_file(net.state_dict(), f"timm-{pool}-{places}.safetensors")


def network(run):
    note = re.search(r"timm\.create_model\(.*\)", open(run + ".note").read()).group()
    call = ast.parse(note, mode="eval").body
    return timm.create_model(call.args[0].value, **{option.arg: ast.literal_eval(option.value) for option in call.keywords})


def features(net, weights):
    net.load_state_dict(weights, strict=True)
    with torch.no_grad():
        return net.eval()(cifar_images())


def compare(run, weights):
    expected = torch.from_numpy(np.load(run + ".npy"))
    difference = (features(network(run), weights) - expected).abs().max().item()
    assert expected.std(0).mean() > 0.01, f"{run}: vectors of nothing"
    assert difference < 1e-4, f"{run}: vectors differ by {difference}"
    print(f"timm {timm.__version__}, {run}: largest difference {difference:.2g} of {expected.abs().max():.3g}")


def check_begun(run):
    begun, exported = load_file(f"timm-{run}.safetensors"), load_file(run + ".safetensors")
    wanted = checkpoint_filter_fn(begun, network(run))
    wanted = {name: value for name, value in wanted.items() if not name.startswith("head.")}
    assert wanted.keys() == exported.keys(), wanted.keys() ^ exported.keys()
    for name, value in wanted.items():
        difference = (exported[name] - value).abs().max().item()
        is_resized = value is not begun[name]
        assert name == "pos_embed" or not is_resized
        assert difference <= (1e-4 if is_resized else 0), f"{run}: {name} differs by {difference}"
        if is_resized:
            print(f"{run}: places differ by {difference:.2g} of {value.abs().max():.3g}")
    compare(run, wanted)


def check(pool):
    compare(pool, load_file(pool + ".safetensors"))
    logits = features(network(pool + "-classes"), load_file(pool + "-classes.safetensors"))
    assert logits.shape[1] == 7 and (logits == 0).all(), "a classifier of zeros says zero"
    for places in (4, 7, 2):
        check_begun(f"{pool}-{places}")


for pool in POOLS:
    if sys.argv[1] == "make":
        for places in (4, 7, 2):
            make(pool, places)
    else:
        check(pool)
