#!/usr/bin/env python3
"""What can be had without training a network: colour histograms, and whitened patches with k-means (Coates, Ng and Lee, "An
analysis of single-layer networks in unsupervised feature learning", AISTATS 2011), by the protocol of `byol knn` and `byol
linear`, which measure raw pixels and histograms of gradients themselves.

    studies/simple.py --train path/to/cifar-10:1,2,3,4 --test path/to/cifar-10:5 [--centres 800,1600] [--only kmeans]

Takes CIFAR-10's binary files, IDX files, and folders of pictures with a folder for each class (with Pillow). Needs NumPy.
Patches of 6 x 6 pixels, normalised and whitened (ZCA, .1), 12 rounds of k-means on 200,000 of them, the "triangle" activation,
summed over four quadrants. kNN: cosine, votes weighted exp(s / .07), k of 1, 5, 20, 50, 200. Linear: softmax on standardised
features, SGD with Nesterov's momentum, half a cosine, the rate chosen among five. k and rate are chosen on a tenth of the
training images.
"""
import argparse
import glob
import gzip
import os
import sys
import time

import numpy as np

PATCH, ROUNDS, PATCHES = 6, 12, 200000


# ---- Images: (N, C, H, W) bytes and labels ----


def read_cifar(folder, split):
    batches = split.split(",") if split not in ("train", "test", "") else ["1", "2", "3", "4", "5"]
    names = ["test_batch.bin"] if split == "test" else [f"data_batch_{b}.bin" for b in batches]
    data = np.concatenate([np.fromfile(os.path.join(folder, n), np.uint8).reshape(-1, 3073) for n in names])
    return data[:, 1:].reshape(-1, 3, 32, 32), data[:, 0].astype(int)


def read_idx(path):
    opened = gzip.open(path + ".gz") if not os.path.exists(path) else open(path, "rb")
    data = opened.read()
    dims = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(dims)


def read_pictures(folder, side, channels):
    from PIL import Image
    images, labels = [], []
    for label, name in enumerate(sorted(d for d in os.listdir(folder) if os.path.isdir(os.path.join(folder, d)))):
        for path in sorted(glob.glob(os.path.join(folder, name, "*"))):
            picture = Image.open(path).convert("RGB" if channels == 3 else "L")
            scale = side / min(picture.size)
            picture = picture.resize([max(side, round(scale * x)) for x in picture.size], Image.BICUBIC)
            left, top = (picture.size[0] - side) // 2, (picture.size[1] - side) // 2
            array = np.asarray(picture.crop((left, top, left + side, top + side)))
            images.append(array.reshape(side, side, -1).transpose(2, 0, 1))
            labels.append(label)
    return np.stack(images), np.array(labels)


def read(spec, side):
    folder, _, split = spec.rpartition(":") if ":" in spec else (spec, "", "")
    folder = "/usr/share/datasets/fashion-mnist" if folder == "fashion-mnist" else folder
    if os.path.exists(os.path.join(folder, "data_batch_1.bin")):
        return read_cifar(folder, split)
    part = os.path.join(folder, ("t10k" if split == "test" else "train"))
    if glob.glob(part + "-images-idx3-ubyte*"):
        return read_idx(part + "-images-idx3-ubyte")[:, None], read_idx(part + "-labels-idx1-ubyte").astype(int)
    return read_pictures(os.path.join(folder, split), side, 3)


# ---- Features ----


def colour_histograms(images):
    """Of each channel 16 bins over the whole picture, and 8 in each of its quadrants; square roots (Hellinger)."""
    n, c, h, w = images.shape
    parts = [(images, 16)] + [(images[:, :, y:y + h // 2, x:x + w // 2], 8) for y in (0, h // 2) for x in (0, w // 2)]
    features = []
    for part, bins in parts:
        index = part.reshape(n, c, -1).astype(int) * bins // 256
        counts = np.zeros((n, c, bins), np.float32)
        for b in range(bins):
            counts[:, :, b] = (index == b).mean(2)
        features.append(np.sqrt(counts).reshape(n, -1))
    return np.concatenate(features, 1)


def patches_of(images, rows, columns):
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(2, 3))
    return windows[np.arange(len(images)), :, rows, columns].reshape(len(images), -1).astype(np.float32)


def normalise(patches):
    mean = patches.mean(1, keepdims=True)
    return (patches - mean) / np.sqrt(patches.var(1, keepdims=True) + 10)


class Patches:
    def __init__(self, images, centres, rng):
        which = rng.integers(len(images), size=PATCHES)
        high, wide = images.shape[2] - PATCH + 1, images.shape[3] - PATCH + 1
        p = normalise(np.concatenate([patches_of(images[i], rng.integers(high, size=len(i)), rng.integers(wide, size=len(i)))
                                      for i in np.array_split(which, 20)]))
        self.mean = p.mean(0)
        values, vectors = np.linalg.eigh(np.cov((p - self.mean).T))
        self.whiten = (vectors / np.sqrt(values + 0.1) @ vectors.T).astype(np.float32)
        p = (p - self.mean) @ self.whiten
        self.centres = rng.standard_normal((centres, p.shape[1])).astype(np.float32) * 0.1
        for _ in range(ROUNDS):
            nearest = np.concatenate([self.distances(part).argmin(1) for part in np.array_split(p, 40)])
            for k in range(centres):
                members = p[nearest == k]
                self.centres[k] = members.mean(0) if len(members) else rng.standard_normal(p.shape[1]) * 0.1

    def distances(self, p):
        return np.sqrt(np.maximum((p * p).sum(1)[:, None] - 2 * p @ self.centres.T + (self.centres ** 2).sum(1), 0))

    def features(self, images, step):
        """Four quadrants of summed triangle activations; every `step`-th position of larger pictures."""
        out = []
        for part in np.array_split(images, max(1, len(images) // 50)):
            w = np.lib.stride_tricks.sliding_window_view(part, (PATCH, PATCH), axis=(2, 3))[:, :, ::step, ::step]
            n, _, high, wide = w.shape[:4]
            p = normalise(w.transpose(0, 2, 3, 1, 4, 5).reshape(n * high * wide, -1).astype(np.float32))
            d = self.distances((p - self.mean) @ self.whiten)
            f = np.maximum(d.mean(1, keepdims=True) - d, 0).reshape(n, high, wide, -1)
            y, x = high // 2, wide // 2
            out.append(np.concatenate([f[:, a, b].sum((1, 2)) for a in (slice(0, y), slice(y, None))
                                       for b in (slice(0, x), slice(x, None))], 1))
        return np.concatenate(out)


# ---- Judging ----


def knn(train, labels, test, test_labels, ks, classes):
    unit = [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in (train, test)]
    right = {k: 0 for k in ks}
    for first in range(0, len(test), 500):
        s = unit[1][first:first + 500] @ unit[0].T
        order = np.argsort(-s, axis=1)[:, :max(ks)]
        votes, near = np.exp(np.take_along_axis(s, order, 1) / 0.07), labels[order]
        for k in ks:
            sums = np.stack([(votes[:, :k] * (near[:, :k] == c)).sum(1) for c in range(classes)], 1)
            right[k] += (sums.argmax(1) == test_labels[first:first + 500]).sum()
    return {k: 100 * right[k] / len(test) for k in ks}


def train_linear(features, labels, classes, lr, epochs, rng):
    weights, bias = np.zeros((features.shape[1], classes), np.float32), np.zeros(classes, np.float32)
    velocity, velocity_bias = np.zeros_like(weights), np.zeros_like(bias)
    steps, step = epochs * (len(features) // 256), 0
    for _ in range(epochs):
        order = rng.permutation(len(features))
        for first in range(0, len(order) - 255, 256):
            batch = order[first:first + 256]
            x, rate = features[batch], lr * (1 + np.cos(np.pi * step / steps)) / 2
            z = x @ weights + bias
            e = np.exp(z - z.max(1, keepdims=True))
            g = e / e.sum(1, keepdims=True)
            g[np.arange(256), labels[batch]] -= 1
            grad, grad_bias = x.T @ g / 256, g.mean(0)
            velocity, velocity_bias = 0.9 * velocity + grad, 0.9 * velocity_bias + grad_bias
            weights -= rate * (grad + 0.9 * velocity)
            bias -= rate * (grad_bias + 0.9 * velocity_bias)
            step += 1
    return weights, bias


def judge(name, train, labels, test, test_labels, rng, epochs, began):
    classes, held = labels.max() + 1, len(train) // 10
    order = rng.permutation(len(train))
    a, b = order[held:], order[:held]
    ks = [k for k in (1, 5, 20, 50, 200) if k <= len(a)]
    tried = knn(train[a], labels[a], train[b], labels[b], ks, classes)
    k = max(tried, key=tried.get)
    by_knn = knn(train, labels, test, test_labels, [k], classes)[k]
    mean, deviation = train.mean(0), train.std(0) + 1e-5
    train, test = (train - mean) / deviation, (test - mean) / deviation
    best = (-1, 0)
    for lr in (0.0003, 0.001, 0.003, 0.01, 0.03):
        w, bias = train_linear(train[a], labels[a], classes, lr, epochs // 3, rng)
        best = max(best, ((np.argmax(train[b] @ w + bias, 1) == labels[b]).mean(), lr))
    w, bias = train_linear(train, labels, classes, best[1], epochs, rng)
    linear = 100 * (np.argmax(test @ w + bias, 1) == test_labels).mean()
    print(f"| {name} ({train.shape[1]:,} numbers) | {by_knn:.2f} (k {k}) | {linear:.2f} | {time.time() - began:.0f} s |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--side", type=int, default=96, help="pictures of folders are cut to this (default: 96)")
    parser.add_argument("--centres", default="800,1600")
    parser.add_argument("--only", default="colours,kmeans")
    parser.add_argument("--epochs", type=int, default=30, help="of the linear layer (default: 30)")
    parser.add_argument("--limit", type=int, default=0, help="at most so many training images")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    (train, labels), (test, test_labels) = read(args.train, args.side), read(args.test, args.side)
    if args.limit and args.limit < len(train):
        kept = np.random.default_rng(args.seed).permutation(len(train))[:args.limit]
        train, labels = train[kept], labels[kept]
    print(f"{len(train)} training images, {len(test)} test images of {train.shape[1:]}", file=sys.stderr)
    print("| features | kNN | linear | time, judging included |\n|---|---|---|---|")
    if "colours" in args.only:
        began, rng = time.time(), np.random.default_rng(args.seed)
        judge("colour histograms", colour_histograms(train), labels, colour_histograms(test), test_labels, rng, args.epochs, began)
    for centres in args.centres.split(",") if "kmeans" in args.only else []:
        began, rng = time.time(), np.random.default_rng(args.seed)
        patches, step = Patches(train, int(centres), rng), 1 if train.shape[2] <= 48 else 3
        judge(f"whitened patches, {centres} centres", patches.features(train, step), labels, patches.features(test, step),
              test_labels, rng, args.epochs, began)


main()
