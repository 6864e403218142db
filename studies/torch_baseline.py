#!/usr/bin/env python3
"""The recipe of configs/cifar10-small.yaml in plain PyTorch, to hold our kNN accuracy against.

    python3 torch_baseline.py CIFAR10_FOLDER [--epochs 30] [--limit N] [--seed 1] [--precision fp32|bf16] [--state FILE]
                              [--weights FILE]

Trains on data_batch_1 .. 4 and prints, as one JSON object, the kNN accuracy (k 20, temperature 0.07) on data_batch_5, of
the trained encoder and of the same encoder before training. With --state, each epoch ends with a checkpoint there and a
second call goes on from it. --weights begins with the networks of one of byol's runs (its encoder.safetensors) in place of
random ones; with --epochs 0 that encoder is only judged. --limit takes the first N training images, --max-steps stops early
(to see that it runs).

Needs PyTorch and numpy only. Views are made in batches by tensor arithmetic; what they do is torchvision's
RandomResizedCrop (bicubic, as Pillow), RandomHorizontalFlip, ColorJitter, RandomGrayscale, RandomSolarize.
"""
import argparse
import json
import math
import os
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
STD = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
WIDTH, HIDDEN, OUT = 16, 1024, 256
BATCH, WARMUP_EPOCHS, LR, MOMENTUM, WEIGHT_DECAY, TAU = 256, 2, 0.12, 0.9, 5e-4, 0.99


# ---- Data and views ----


def read_cifar(folder, batches):
    records = np.concatenate([np.fromfile(f"{folder}/data_batch_{b}.bin", np.uint8).reshape(-1, 3073) for b in batches])
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy())
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


def uniform(n, low, high, generator):
    return torch.rand(n, generator=generator) * (high - low) + low


def cubic(x):
    """Keys' kernel with a = -1/2, as Pillow's BICUBIC."""
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def resize_weights(start, length, size):
    """(N, size, size): row o holds what output o takes from each input, where the crop is start .. start + length - 1. The
    crop is never larger than the output here, so the kernel is not widened."""
    outputs, inputs = torch.arange(size).view(1, size, 1), torch.arange(size).view(1, 1, size)
    start, length = start.view(-1, 1, 1), length.view(-1, 1, 1)
    center = start + (outputs + 0.5) * length / size - 0.5
    weights = cubic(inputs - center) * ((inputs >= start) & (inputs < start + length))
    return weights / weights.sum(2, keepdim=True)


def crop_boxes(n, size, generator):
    """RandomResizedCrop: the first of ten tries that fits, else the whole image. Tops, lefts, heights, widths."""
    area = uniform((n, 10), 0.08, 1, generator) * size * size
    ratio = torch.exp(uniform((n, 10), math.log(3 / 4), math.log(4 / 3), generator))
    width, height = torch.sqrt(area * ratio).round(), torch.sqrt(area / ratio).round()
    fits = (width > 0) & (width <= size) & (height > 0) & (height <= size)
    first = fits.int().argmax(1, keepdim=True)
    whole = torch.full((n,), float(size))
    width = torch.where(fits.any(1), width.gather(1, first)[:, 0], whole)
    height = torch.where(fits.any(1), height.gather(1, first)[:, 0], whole)
    top = (torch.rand(n, generator=generator) * (size - height + 1)).floor()
    left = (torch.rand(n, generator=generator) * (size - width + 1)).floor()
    return top, left, height, width


def gray(x):
    return (x * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)


def shift_hue(x, shift):
    """Through HSV and back; x in [0, 1], shift in turns, one per image."""
    high, low = x.amax(1), x.amin(1)
    chroma = high - low
    r, g, b = x.unbind(1)
    divisor = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    hue = torch.where(high == r, (g - b) / divisor, torch.where(high == g, 2 + (b - r) / divisor, 4 + (r - g) / divisor))
    hue = (hue / 6 + shift.view(-1, 1, 1)) % 1 * 6
    # each channel is a trapezoid over the circle of colours
    turned = [(hue + offset) % 6 for offset in (5, 3, 1)]
    return torch.stack([high - chroma * torch.clamp(torch.minimum(k, 4 - k), 0, 1) for k in turned], 1)


def jitter(x, generator):
    """Brightness, contrast, saturation, hue, in a random order of each image's own, clipped after each."""
    n = len(x)
    factor = torch.stack([uniform(n, 1 - s, 1 + s, generator) for s in (0.4, 0.4, 0.2)], 1).view(n, 3, 1, 1, 1)
    shift = uniform(n, -0.1, 0.1, generator)
    order = torch.rand((n, 4), generator=generator).argsort(1)
    for place in range(4):
        for op in range(4):
            chosen = order[:, place] == op
            y = x[chosen]
            if op == 0:
                y = y * factor[chosen, 0]
            elif op == 1:
                y = y * factor[chosen, 1] + (1 - factor[chosen, 1]) * gray(y).mean((2, 3), keepdim=True)
            elif op == 2:
                y = y * factor[chosen, 2] + (1 - factor[chosen, 2]) * gray(y)
            else:
                y = shift_hue(y, shift[chosen])
            x[chosen] = y.clamp(0, 1)
    return x


def make_view(images, view, generator):
    """`images` bytes (N, 3, 32, 32); view 0 or 1."""
    n, size = len(images), images.shape[2]

    def chance(p):
        return torch.rand(n, generator=generator) < p

    top, left, height, width = crop_boxes(n, size, generator)
    rows, columns = resize_weights(top, height, size).unsqueeze(1), resize_weights(left, width, size).unsqueeze(1)
    x = (rows @ (images.float() / 255) @ columns.transpose(2, 3)).clamp(0, 1)
    flipped = chance(0.5)
    x[flipped] = x[flipped].flip(3)
    jittered = chance(0.8)
    x[jittered] = jitter(x[jittered], generator)
    grayed = chance(0.2)
    x[grayed] = gray(x[grayed]).expand(-1, 3, -1, -1)
    solarized = chance(0.2 if view == 1 else 0.0)
    y = x[solarized]
    x[solarized] = torch.where(y >= 0.5, 1 - y, y)
    return (x - MEAN) / STD


# ---- Networks ----


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet18(nn.Module):
    """3x3 stem with stride 1, no max pool."""

    def __init__(self, width):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        channels, blocks = width, []
        for stage in range(4):
            for block in range(2):
                blocks.append(Block(channels, width << stage, 2 if stage > 0 and block == 0 else 1))
                channels = width << stage
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(F.relu(self.bn1(self.conv1(x)), inplace=True)).mean((2, 3))


def mlp(size):
    return nn.Sequential(nn.Linear(size, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(True), nn.Linear(HIDDEN, OUT, bias=False))


def initialise(network):
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            std = 1 / math.sqrt(module.in_features)
            nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    return {
        name: torch.from_numpy(np.frombuffer(data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]).copy())
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }


def our_name(name):
    """byol's name of an entry of the online network's state: torchvision's for the encoder, the heads' behind theirs."""
    part, rest = name.split(".", 1)
    if part != "0":
        return ("projector.", "predictor.")[int(part) - 1] + rest
    if not rest.startswith("blocks."):
        return rest
    _, block, entry = rest.split(".", 2)
    return f"layer{int(block) // 2 + 1}.{int(block) % 2}.{entry}"


def read_weights(online, path):
    tensors, own = read_safetensors(path), online.state_dict()
    online.load_state_dict({name: tensors[our_name(name)] for name in own if "num_batches_tracked" not in name}, strict=False)


# ---- Training and evaluation ----


def regression_loss(prediction, target):
    return (2 - 2 * F.cosine_similarity(prediction.float(), target.float(), dim=1)).mean()


def train_step(online, target, optimizer, views, tau, bf16):
    """`online` is (backbone, projector, predictor), `target` (backbone, projector). The loss is summed over both ways."""
    loss = 0.0
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        with torch.no_grad():
            z = [target(view) for view in views]
        optimizer.zero_grad()
        for k in (0, 1):
            term = regression_loss(online(views[k]), z[1 - k])
            term.backward()
            loss += term.item()
    optimizer.step()
    with torch.no_grad():
        for average, parameter in zip(target.parameters(), online[:2].parameters()):
            average.mul_(tau).add_(parameter, alpha=1 - tau)
    return loss


@torch.no_grad()
def embed(backbone, images):
    backbone.eval()
    parts = [backbone((x.float() / 255 - MEAN) / STD) for x in images.split(1000)]
    backbone.train()
    return F.normalize(torch.cat(parts), dim=1)


def knn_accuracy(backbone, train, test, k=20, temperature=0.07):
    bank, right = embed(backbone, train[0]), 0
    for x, labels in zip(embed(backbone, test[0]).split(1000), test[1].split(1000)):
        similarity, index = (x @ bank.T).topk(min(k, len(bank)), 1)
        votes = torch.zeros(len(x), 10).scatter_add_(1, train[1][index], torch.exp(similarity / temperature))
        right += (votes.argmax(1) == labels).sum().item()
    return 100 * right / len(test[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--limit", type=int, default=40000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--weights", help="encoder.safetensors of one of byol's runs: begin with its networks")
    parser.add_argument("--state", help="checkpoint: written after each epoch, gone on from where it is there")
    parser.add_argument("--max-steps", type=int, default=10**9)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    train = [t[: args.limit] for t in read_cifar(args.folder, (1, 2, 3, 4))]
    test = read_cifar(args.folder, (5,))
    online = nn.Sequential(ResNet18(WIDTH), mlp(8 * WIDTH), mlp(OUT)).to(memory_format=torch.channels_last)
    initialise(online)
    if args.weights:
        read_weights(online, args.weights)
    target = nn.Sequential(ResNet18(WIDTH), mlp(8 * WIDTH)).to(memory_format=torch.channels_last)
    target.load_state_dict(online[:2].state_dict())
    random_init = knn_accuracy(online[0], train, test)

    decayed = [p for p in online.parameters() if p.dim() > 1]
    plain = [p for p in online.parameters() if p.dim() == 1]  # biases, BN scale and shift
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.0, momentum=MOMENTUM)
    state = {"epoch": 0, "loss": None, "seconds": 0.0}
    if args.state and os.path.exists(args.state):
        saved = torch.load(args.state)
        online.load_state_dict(saved["online"])
        target.load_state_dict(saved["target"])
        optimizer.load_state_dict(saved["optimizer"])
        state = saved["state"]
        settings = {name: getattr(args, name) for name in ("epochs", "limit", "seed", "precision")}
        assert settings == saved["settings"], f"{args.state} is of another run: {saved['settings']}"

    batches = len(train[0]) // BATCH
    steps, warmup, done = args.epochs * batches, WARMUP_EPOCHS * batches, 0
    while state["epoch"] < args.epochs and done < args.max_steps:
        began, losses = time.time(), []
        generator = torch.Generator().manual_seed(args.seed * 100003 + state["epoch"])
        order = torch.randperm(len(train[0]), generator=generator)
        for batch in range(min(batches, args.max_steps - done)):
            step = state["epoch"] * batches + batch
            lr = LR * step / warmup if step < warmup else LR * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
            for group in optimizer.param_groups:
                group["lr"] = lr
            tau = 1 - (1 - TAU) * (1 + math.cos(math.pi * step / steps)) / 2
            images = train[0][order[batch * BATCH : (batch + 1) * BATCH]]
            views = [make_view(images, v, generator).contiguous(memory_format=torch.channels_last) for v in (0, 1)]
            losses.append(train_step(online, target, optimizer, views, tau, args.precision == "bf16"))
            done += 1
        state = {
            "epoch": state["epoch"] + 1,
            "loss": sum(losses) / len(losses),
            "seconds": state["seconds"] + time.time() - began,
        }
        rate = len(losses) * BATCH / (time.time() - began)
        print(f"epoch {state['epoch']} of {args.epochs}: loss {state['loss']:.4f}, {rate:.0f} images/s", file=sys.stderr, flush=True)
        if args.state and done < args.max_steps:
            saved = {"online": online.state_dict(), "target": target.state_dict(), "optimizer": optimizer.state_dict()}
            saved["state"] = state
            saved["settings"] = {name: getattr(args, name) for name in ("epochs", "limit", "seed", "precision")}
            torch.save(saved, args.state + ".tmp")
            os.replace(args.state + ".tmp", args.state)

    result = {
        "accuracy": knn_accuracy(online[0], train, test) if state["epoch"] > 0 else random_init,
        "random_init_accuracy": random_init,
        "epochs": state["epoch"],
        "loss": state["loss"],
        "seconds": state["seconds"],
        "train_count": len(train[0]),
        "test_count": len(test[0]),
        "seed": args.seed,
        "precision": args.precision,
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
