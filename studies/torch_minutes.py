#!/usr/bin/env python3
"""What PyTorch learns of CIFAR-10 in so many minutes: the recipe of configs/cifar10-small.yaml (torch_baseline.py), or
BYOL as lightly gives it. What it has learned is written as weights that `byol knn` and `byol linear` read, so that all are
judged alike.

    byol pretrain configs/cifar10-small.yaml --data CIFAR10:train --set train.minutes=0.02 \\
        --set optimizer.schedule=trapezoid --set target.schedule=constant --out runs/like
    studies/torch_minutes.py CIFAR10 --minutes 10 --like runs/like/encoder.safetensors --out runs/torch.safetensors
    byol linear runs/torch.safetensors --train CIFAR10:train --test CIFAR10:test

`--like` lends its header: names, shapes and the configuration. With --lightly, views, loss and update of the target are
lightly's, and its data loader has a worker for each core. Both see the training images (batches 1 to 5) in bf16 and
channels-last, the fastest setting measured; half a cosine falls over the minutes. Needs PyTorch, with --lightly that too.
"""
import argparse
import json
import math
import os
import struct
import sys
import time

import torch
from torch import nn

import torch_baseline as base


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--like", required=True, help="encoder.safetensors of a run of configs/cifar10-small.yaml")
    parser.add_argument("--out", required=True)
    parser.add_argument("--lightly", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


# ---- Batches: pairs of views, without end ----


def own_batches(images, seed):
    epoch = 0
    while True:
        generator = torch.Generator().manual_seed(seed * 100003 + epoch)
        order = torch.randperm(len(images), generator=generator)
        for first in range(0, len(images) - base.BATCH + 1, base.BATCH):
            chosen = images[order[first : first + base.BATCH]]
            yield [base.make_view(chosen, view, generator) for view in (0, 1)]
        epoch += 1


class Pictures(torch.utils.data.Dataset):
    def __init__(self, images, transform):
        self.images, self.transform = images.permute(0, 2, 3, 1).numpy(), transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index]))


def lightly_batches(images, workers):
    from lightly.transforms.byol_transform import BYOLTransform, BYOLView1Transform, BYOLView2Transform

    small = {"input_size": 32, "gaussian_blur": 0.0}
    pictures = Pictures(images, BYOLTransform(BYOLView1Transform(**small), BYOLView2Transform(**small)))
    loader = torch.utils.data.DataLoader(
        pictures, base.BATCH, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=True)
    while True:
        yield from loader


# ---- A step ----


def lightly_step(online, target, optimizer, views, tau):
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.utils import update_momentum

    criterion = NegativeCosineSimilarity()
    update_momentum(online[:2], target, m=tau)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        predictions = [online(view) for view in views]
        with torch.no_grad():
            targets = [target(view) for view in views]
        loss = 0.5 * (criterion(predictions[0], targets[1]) + criterion(predictions[1], targets[0]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train(args, images):
    online = nn.Sequential(base.ResNet18(base.WIDTH), base.mlp(8 * base.WIDTH), base.mlp(base.OUT))
    base.initialise(online)
    target = nn.Sequential(base.ResNet18(base.WIDTH), base.mlp(8 * base.WIDTH))
    target.load_state_dict(online[:2].state_dict())
    online, target = online.to(memory_format=torch.channels_last), target.to(memory_format=torch.channels_last)
    decayed = [p for p in online.parameters() if p.dim() > 1]
    plain = [p for p in online.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": base.WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.0, momentum=base.MOMENTUM)
    batches = lightly_batches(images, args.threads) if args.lightly else own_batches(images, args.seed)
    began, steps = time.time(), 0
    for views in batches:
        done = (time.time() - began) / (60 * args.minutes)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = base.LR * min(done / 0.05, (1 + math.cos(math.pi * done)) / 2)
        views = [view.contiguous(memory_format=torch.channels_last) for view in views[:2]]
        if args.lightly:
            lightly_step(online, target, optimizer, views, base.TAU)
        else:
            tau = 1 - (1 - base.TAU) * (1 + math.cos(math.pi * done)) / 2
            base.train_step(online, target, optimizer, views, tau, True)
        steps += 1
        if steps % 50 == 0:
            print(f"\r{100 * done:.0f} %, {steps} steps", end="", file=sys.stderr, flush=True)
    return online, steps, time.time() - began


# ---- The weights ----


def write_like(path, like, state):
    """The file `like` with the tensors that `state` has in place of its own."""
    with open(like, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        text = file.read(size)
        data = bytearray(file.read())
    header, written = json.loads(text), 0
    for name, tensor in state.items():
        entry = header.get(base.our_name(name))
        if entry is None or entry["dtype"] != "F32":
            continue
        values = tensor.detach().float().contiguous().numpy()
        assert list(values.shape) == entry["shape"], f"{name}: {values.shape} here, {entry['shape']} in {like}"
        data[slice(*entry["data_offsets"])] = values.tobytes()
        written += 1
    missing = [name for name, entry in header.items()
               if name != "__metadata__" and entry["dtype"] == "F32" and name not in map(base.our_name, state)]
    assert not missing, f"not trained here: {missing}"
    for key in ("xxh3", "writer"):  # byol's digest of the bytes that were
        header["__metadata__"].pop(key, None)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    return written


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images, _ = base.read_cifar(args.folder, (1, 2, 3, 4, 5))
    online, steps, seconds = train(args, images)
    state = {name: value for name, value in online.state_dict().items() if "num_batches_tracked" not in name}
    tensors = write_like(args.out, args.like, state)
    print(json.dumps({"steps": steps, "epochs": steps * base.BATCH / len(images), "seconds": seconds, "tensors": tensors,
                      "images_per_second": steps * base.BATCH / seconds, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
