#!/usr/bin/env python3
"""Makes the golden files of this folder with PyTorch: one first step in full, then ten whole BYOL steps.

    python3 make_golden.py            writes the .safetensors of this folder anew
    python3 make_golden.py --check    computes again and compares with the files that are there
    python3 make_golden.py vit        the same of one file or several, named without their ending

Everything is computed in float64 and stored as float32, so the files carry no rounding of PyTorch's own. How far float32
may stray from them is measured here too: the same steps run in float32, from weights that are disturbed by one rounding,
and the largest difference is printed. test_golden.c allows losses 1e-5 and tensors 1e-4 of their largest element; the
seeds below were chosen so that no ReLU or max pool is so near its kink that rounding alone would use that up.

Needs nothing but numpy and PyTorch (1.13 and 2.6 give the same files to the last bit but a few).

In a file:
    init/<parameter>                    where all begins; the target is a copy; BN statistics are 0 and 1
    activation/<block>/view1            of the first step, the first two samples; also projection, prediction (all samples)
    target/projection/view1             of the first step
    loss                                of the first step
    grad/<parameter>                    of the first step, both views added
    <optimizer>/loss                    of ten steps
    <optimizer>/loss_of_batch32         of ten steps with batches of 32, which bf16 is held against: in the mean over 8
                                        samples bf16's rounding is still seen (PyTorch's own bf16 is off by up to 3 %)
    <optimizer>/final/online/<parameter>, .../target/<parameter>, .../state0/<parameter>, .../state1/<parameter> (Adam)
    <optimizer>/final/online_stat/<bn>.running_mean, .../target_stat/...
family.safetensors has three steps of the other members of the family (FAMILY), from resnet18's init/: the first step's
gradient and the end of a few tensors:
    <member>/loss, <member>/grad/<parameter>, <member>/online/<parameter>, <member>/online_stat/..., <member>/target/...
losses.safetensors has five steps of the losses that push apart and of several views (LOSSES), in the same form.
vit.safetensors has ten steps of vision transformers (VITS), with the first step's gradients and the end of a few tensors:
    init/<parameter>, or <member>/init/<parameter> where it is not the same for all
    <member>/loss, <member>/loss_of_batch32, <member>/grad/<parameter>, <member>/online/<parameter>, <member>/target/<parameter>
Where timm is installed, its VisionTransformer is held against ours. Views are not stored: images() makes them from an integer hash, test_golden.c has the same lines in C.
text.safetensors has five steps of transformers on tokens (TEXTS), in the form of vit.safetensors; the views are words(). Of a
member with `only`, just the gradients of the names that have it in them are there; and
    <member>/nodes                      the numbers of the attention nodes in our graphs, which noise is drawn by
Where transformers is installed, its BertModel is held against ours.
audio.safetensors has ten steps of an encoder of spectrograms (AUDIO), in the form of vit.safetensors.
"""
import functools
import json
import math
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

STEPS, WARMUP, TAU = 10, 2, 0.9
RESIDUAL = 0.25  # scale of the last batch norm of a block: less than 1 keeps rounding from growing with depth
NETS = {
    # hidden and out are of the projector; the predictor has the same two. lr: for the batch as it is.
    "resnet18": dict(depth=18, width=4, stem="small", size=16, batch=8, hidden=32, out=16, seed=3,
                     lr=dict(sgd=0.005, lars=0.05, adam=0.001)),
    "resnet50": dict(depth=50, width=2, stem="imagenet", size=16, batch=16, hidden=32, out=16, seed=158,
                     lr=dict(sgd=0.002, lars=0.01, adam=0.0005)),
}
# Adam's epsilon is large because with the usual 1e-8 the first steps are lr * sign(gradient): where a gradient is zero
# but for rounding (a bias before batch norm) that is noise.
OPTIMIZERS = {
    "sgd": dict(momentum=0.9, weight_decay=1e-3),
    "lars": dict(momentum=0.9, weight_decay=1e-3, trust=0.02),
    "adam": dict(beta1=0.9, beta2=0.99, epsilon=1e-2, weight_decay=1e-3),
    "adamw": dict(beta1=0.9, beta2=0.99, epsilon=1e-2, weight_decay=0.05),
}
VIT = dict(depth=2, width=24, heads=3, patch=4, size=16, batch=8, hidden=32, out=16, seed=5)
# pool: the class token, or the mean of the patches' tokens. moco: MoCo v3's, sines for places and patches that stay as they are
VITS = {
    "class": dict(VIT, pool="class", lr=dict(adamw=0.003)),
    "mean": dict(VIT, pool="mean", lr=dict(adamw=0.003)),
    "moco": dict(VIT, pool="class", moco=True, lr=dict(sgd=0.005)),
}
VIT_TENSORS = ("cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "blocks.0.norm1.weight",
               "blocks.0.attn.qkv.weight", "blocks.0.attn.qkv.bias", "blocks.1.attn.proj.weight", "blocks.1.mlp.fc1.bias",
               "norm.weight", "fc_norm.weight", "projector.0.weight", "predictor.3.weight")
# One channel of size x columns; no square.
AUDIO = dict(width=4, size=16, columns=24, batch=8, hidden=32, out=16, seed=11, lr=dict(adam=0.002))
AUDIO_TENSORS = ("features.0.weight", "features.1.weight", "features.4.weight", "features.8.weight", "features.9.bias",
                 "fc.0.weight", "fc.0.bias", "fc.3.bias", "projector.0.weight", "predictor.3.weight")
FAMILY_STEPS, FAMILY_LR, TEMPERATURE, MARGIN = 3, 0.005, 0.5, 0.5
# distance - target: an average, the online network behind a stop-gradient or (both) without one and without a predictor, or
# a frozen copy in evaluation mode. Frozen: one direction; mse with its second, detached term.
FAMILY = [(d, t) for d in ("cosine", "mse", "infonce", "triplet") for t in ("ema", "online", "frozen")]
FAMILY += [("infonce", "both"), ("triplet", "both")]
# target: an average, or the online network without a stop-gradient and without a predictor (both). small: how many views of
# half the side besides the two large ones. lr: FAMILY_LR. The rest are weights of regularizers of the projections.
LOSSES_STEPS = 5
LOSSES = {
    "simclr": dict(distance="own_negatives", target="both"),
    "barlow": dict(distance="cross_correlation", target="both", lr=0.0002),
    "vicreg": dict(distance="mse", target="both", variance=2, covariance=0.16),
    "tcr": dict(distance="cosine", target="both", coding_rate=0.1),
    "byol-tcr": dict(distance="cosine", target="ema", coding_rate=0.1),
    "crops": dict(distance="cosine", target="ema", small=2),
    "crops-simclr": dict(distance="own_negatives", target="both", small=2),
}
CODING_PRECISION, REDUNDANCY = 0.2, 0.005
FAMILY_TENSORS = ("conv1.weight", "bn1.weight", "layer3.0.downsample.0.weight", "projector.3.weight", "predictor.3.weight")
FAMILY_STATS = ("bn1.running_mean", "layer4.1.bn2.running_var")

TEXT_STEPS, TEXT_TAU, SEED = 5, 0.9, 1
TEXT = dict(width=24, depth=2, heads=3, length=12, vocabulary=50, batch=6, hidden=32, out=16, rank=4, pool="mean", seed=11,
            attention="full", target="ema", norm="post", lr=0.001)
# attention: of the online network; a target of its own has full attention in any case. shared: encoder.rank_shared. noise: on
# the attention weights of the online network and of the target, drawn by the numbers of their attention nodes in our graphs.
# layers: how many of the target's last ones each hidden word's target is the mean of. target: as in LOSSES.
TEXTS = {
    "lowrank": dict(attention="lowrank", shared="key_value", distance="mse"),
    "lowrank-none": dict(attention="lowrank", shared="none", distance="mse", only="attention.self"),
    "lowrank-noise": dict(attention="lowrank", shared="heads", distance="mse", only="attention.self", noise=(0.05, 0.1),
                          nodes=((10, 24), (8, 20))),
    "data2vec": dict(distance="smooth_l1", layers=2, depth=3),
    "simcse": dict(distance="infonce", target="both", pool="class", temperature=0.05),
    "pre": dict(distance="mse", norm="pre", pool="max"),
}
TEXT_TENSORS = ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight", "embeddings.LayerNorm.bias",
                "encoder.layer.0.attention.self.key.weight", "encoder.layer.0.attention.self.value.bias",
                "encoder.layer.0.attention.self.compress.weight", "encoder.layer.0.attention.self.compress_k.weight",
                "encoder.layer.1.attention.self.compress_v.weight", "encoder.layer.1.attention.output.LayerNorm.weight",
                "encoder.layer.1.output.dense.bias", "encoder.layer.1.intermediate.LayerNorm.weight", "LayerNorm.bias", "projector.0.weight", "predictor.0.weight", "predictor.2.weight")


def hash32(x):
    """Wellons' lowbias32: a 32-bit mix with wrap-around arithmetic, the same in C."""
    x = np.asarray(x, dtype=np.uint32)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def noise(stream, count):
    """`count` multiples of 2^-15 in [-1, 1); element i depends on (stream, i) only."""
    key = hash32(np.uint32(stream))
    bits = hash32(np.arange(count, dtype=np.uint32) + key) & np.uint32(0xFFFF)
    return bits.astype(np.float64) / 32768 - 1


def images(net, step, view):
    """(batch, 3, size, size), or (batch, 1, size, columns): a coarse 4 x 4 pattern, which the two views of a sample share, and
    a fine one of the view."""
    columns, channels = net.get("columns", net["size"]), 1 if "columns" in net else 3
    shape = (net["batch"], channels, net["size"], columns)
    coarse = noise(3 * step, net["batch"] * channels * 16).reshape(net["batch"], channels, 4, 4)
    coarse = coarse.repeat(net["size"] // 4, axis=2).repeat(columns // 4, axis=3)
    fine = noise(3 * step + view, int(np.prod(shape))).reshape(shape)
    return torch.from_numpy(coarse + 0.5 * fine)


class Network:
    """Parameters and BN statistics by torchvision's names; `forward` is ResNet v1 with the two heads."""

    def __init__(self, net, dtype):
        self.net, self.dtype, self.params, self.stats, self.taps = net, dtype, {}, {}, {}
        self.generator = torch.Generator().manual_seed(net["seed"])
        self.evaluating = False  # running statistics instead of the batch's
        self.building = True  # the first pass through forward() makes what it meets
        self.forward(self.example())
        self.building = False
        self.stats = {k: torch.full_like(v, float(k.endswith("running_var"))) for k, v in self.stats.items()}

    def example(self):
        return torch.zeros(2, 3, self.net["size"], self.net["size"], dtype=self.dtype)

    def parameter(self, name, shape, scale, offset=0.0):
        if self.building:
            value = torch.randn(shape, generator=self.generator, dtype=torch.float64) * scale + offset
            # what is stored is float32, so that is where float64 begins too
            self.params[name] = value.float().to(self.dtype).requires_grad_(True)
        return self.params[name]

    def conv(self, name, x, out, kernel, stride=1):
        weight = self.parameter(name + ".weight", (out, x.shape[1], kernel, kernel), math.sqrt(2 / (out * kernel**2)))
        return F.conv2d(x, weight, stride=stride, padding=kernel // 2)

    def batch_norm(self, name, x, scale=1.0):
        channels = x.shape[1]
        weight = self.parameter(name + ".weight", (channels,), 0.2 * scale, scale)
        bias = self.parameter(name + ".bias", (channels,), 0.1, 0.2)
        if self.building:
            self.stats[name + ".running_mean"] = torch.zeros(channels, dtype=self.dtype)
            self.stats[name + ".running_var"] = torch.ones(channels, dtype=self.dtype)
        mean, variance = self.stats[name + ".running_mean"], self.stats[name + ".running_var"]
        return F.batch_norm(x, mean, variance, weight, bias, training=not self.evaluating, momentum=0.1, eps=1e-5)

    def linear(self, name, x, out, bias):
        weight = self.parameter(name + ".weight", (out, x.shape[1]), 1 / math.sqrt(x.shape[1]))
        return F.linear(x, weight, self.parameter(name + ".bias", (out,), 0.1) if bias else None)

    def block(self, name, x, width, stride):
        if self.net["depth"] == 18:
            y = F.relu(self.batch_norm(name + ".bn1", self.conv(name + ".conv1", x, width, 3, stride)))
            y = self.batch_norm(name + ".bn2", self.conv(name + ".conv2", y, width, 3), RESIDUAL)
        else:
            y = F.relu(self.batch_norm(name + ".bn1", self.conv(name + ".conv1", x, width, 1)))
            y = F.relu(self.batch_norm(name + ".bn2", self.conv(name + ".conv2", y, width, 3, stride)))
            y = self.batch_norm(name + ".bn3", self.conv(name + ".conv3", y, 4 * width, 1), RESIDUAL)
        if stride != 1 or x.shape[1] != y.shape[1]:
            x = self.batch_norm(name + ".downsample.1", self.conv(name + ".downsample.0", x, y.shape[1], 1, stride))
        self.taps[name] = F.relu(y + x)
        return self.taps[name]

    def head(self, name, x):
        x = self.linear(name + ".0", x, self.net["hidden"], bias=True)
        return self.linear(name + ".3", F.relu(self.batch_norm(name + ".1", x)), self.net["out"], bias=False)

    def forward(self, x):
        width, blocks = self.net["width"], {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}[self.net["depth"]]
        if self.net["stem"] == "small":
            x = F.relu(self.batch_norm("bn1", self.conv("conv1", x, width, 3)))
        else:
            x = F.relu(self.batch_norm("bn1", self.conv("conv1", x, width, 7, 2)))
            x = F.max_pool2d(x, 3, 2, 1)
        for stage in range(4):
            for block in range(blocks[stage]):
                x = self.block(f"layer{stage + 1}.{block}", x, width << stage, 2 if stage > 0 and block == 0 else 1)
        projection = self.head("projector", x.mean((2, 3)))
        return projection, self.head("predictor", projection)


def sines(side, channels):
    """(1, 1 + side^2, channels): of the column, then of the row; zeros for the class token, which comes first."""
    row, column = (x.flatten().double() for x in torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"))
    frequency = 10000.0 ** (-torch.arange(channels // 4, dtype=torch.float64) / (channels // 4))
    x, y = (torch.outer(place, frequency) for place in (column, row))
    return F.pad(torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], 1), (0, 0, 1, 0))[None]


class Transformer(Network):
    epsilon = 1e-6

    def parameter(self, name, shape, scale, offset=0.0):
        if self.building:  # the number of places depends on the pool; what else has the same name is the same
            self.generator.manual_seed(self.net["seed"] + zlib.crc32(name.encode()))
        return super().parameter(name, shape, scale, offset)

    def layer_norm(self, name, x):
        weight = self.parameter(name + ".weight", (x.shape[-1],), 0.2, 1.0)
        return F.layer_norm(x, x.shape[-1:], weight, self.parameter(name + ".bias", (x.shape[-1],), 0.1), self.epsilon)

    def tokens(self, name, x, out):
        weight = self.parameter(name + ".weight", (out, x.shape[-1]), 1 / math.sqrt(x.shape[-1]))
        return F.linear(x, weight, self.parameter(name + ".bias", (out,), 0.1))


class VisionTransformer(Transformer):
    """A pre-norm vision transformer by timm's names, with the same two heads."""

    def parameter(self, name, shape, scale, offset=0.0):
        value = super().parameter(name, shape, scale, offset)
        if self.building and self.net.get("moco") and name == "pos_embed":
            value.data = sines(self.net["size"] // self.net["patch"], self.net["width"]).float().to(self.dtype)
        if self.net.get("moco") and name.startswith(("pos_embed", "patch_embed")):
            value.requires_grad_(False)
        return value

    def attention(self, name, x):
        n, length, width = x.shape
        qkv = self.tokens(name + ".qkv", x, 3 * width).reshape(n, length, 3, self.net["heads"], width // self.net["heads"])
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.tokens(name + ".proj", (weights @ v).transpose(1, 2).reshape(n, length, width), width)

    def features(self, images):
        width, patch = self.net["width"], self.net["patch"]
        weight = self.parameter("patch_embed.proj.weight", (width, 3, patch, patch), 1 / math.sqrt(3 * patch**2))
        x = F.conv2d(images, weight, self.parameter("patch_embed.proj.bias", (width,), 0.1), stride=patch)
        x = x.flatten(2).transpose(1, 2)
        if self.net["pool"] == "class":
            x = torch.cat([self.parameter("cls_token", (1, 1, width), 0.5).expand(len(x), -1, -1).to(x.dtype), x], 1)
        x = x + self.parameter("pos_embed", (1, x.shape[1], width), 0.5)
        for i in range(self.net["depth"]):
            x = x + self.attention(f"blocks.{i}.attn", self.layer_norm(f"blocks.{i}.norm1", x))
            y = F.gelu(self.tokens(f"blocks.{i}.mlp.fc1", self.layer_norm(f"blocks.{i}.norm2", x), 4 * width))
            x = x + self.tokens(f"blocks.{i}.mlp.fc2", y, width)
        return self.layer_norm("norm", x)[:, 0] if self.net["pool"] == "class" else self.layer_norm("fc_norm", x.mean(1))

    def forward(self, images):
        projection = self.head("projector", self.features(images))
        return projection, self.head("predictor", projection)


class AudioNetwork(Network):
    """BYOL-A's encoder (arXiv 2103.06695, table I; 2204.07402), with the same two heads."""

    def example(self):
        return torch.zeros(2, 1, self.net["size"], self.net["columns"], dtype=self.dtype)

    def frames(self, name, x, out):
        weight = self.parameter(name + ".weight", (out, x.shape[-1]), math.sqrt(2 / x.shape[-1]))
        return F.relu(F.linear(x, weight, self.parameter(name + ".bias", (out,), 0.1)))

    def forward(self, x):
        for i in (0, 4, 8):
            x = self.batch_norm(f"features.{i + 1}", self.conv(f"features.{i}", x, self.net["width"], 3))
            x = F.max_pool2d(F.relu(x), 2)
        x = x.permute(0, 3, 2, 1).flatten(2)  # (n, columns / 8, size / 8 * width)
        x = self.frames("fc.3", self.frames("fc.0", x, 32 * self.net["width"]), 32 * self.net["width"])
        projection = self.head("projector", x.mean(1) + x.max(1).values)
        return projection, self.head("predictor", projection)


def words(net, step, view):
    """(batch, length) numbers: a text begins with 2, and 0 stands behind its end. View 0 is the whole text. The others hide
    about a third of its words behind 4, and view 2 has one text in three without its last word."""
    n, length = net["batch"], net["length"]
    drawn = lambda stream, count: (noise(stream, count) * 32768 + 32768).astype(np.int64)
    ids = 5 + drawn(3 * step, n * length).reshape(n, length) % (net["vocabulary"] - 5)
    lengths = length - drawn(3 * step + 1000, n) % (length - 3)
    if view > 0:
        ids[drawn(3 * step + view, n * length).reshape(n, length) % 3 == 0] = 4
    if view == 2:
        lengths = lengths - (np.arange(n) % 3 == 0)
    ids[:, 0] = 2
    ids[np.arange(length) >= lengths[:, None]] = 0
    return torch.from_numpy(ids)


def philox(counter, key):
    """Philox 4x32-10 (Salmon et al., SC'11) of four arrays of counters."""
    c, low = [np.asarray(x, dtype=np.uint64) for x in np.broadcast_arrays(*counter)], np.uint64(0xFFFFFFFF)
    for i in range(10):
        k = [np.uint64((key[0] + i * 0x9E3779B9) & 0xFFFFFFFF), np.uint64((key[1] + i * 0xBB67AE85) & 0xFFFFFFFF)]
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ k[0], b & low, (a >> np.uint64(32)) ^ c[3] ^ k[1], a & low]
    return c


def attention_noise(shape, step, node, view):
    """Normal numbers for weights (samples, heads, queries, keys), as src/ops/attention_kernels.h has them drawn."""
    rows, keys = np.arange(math.prod(shape[:3]))[:, None], np.arange(shape[3])
    purpose = 9  # BYOL__PURPOSE_ATTENTION
    counter = ((rows * -(-shape[3] // 64) + keys // 64) * 16 + keys % 16, step, node, view << 8 | purpose)
    bits = np.choose(np.broadcast_to(keys // 16 % 4, counter[0].shape), philox(counter, (SEED, 0)))
    return torch.special.ndtri(torch.from_numpy(((bits >> np.uint64(9)).astype(np.float64) + 0.5) / 2**23)).reshape(shape)


class TextTransformer(Transformer):
    """BERT's encoder by the names of Hugging Face's BertModel, with the same two heads, with data2vec's for each token, or
    with one linear layer (SimCSE's without its tanh). Its attention is full, or Linformer's (arXiv 2006.04768, equation 7)."""

    epsilon = 1e-12

    def __init__(self, net, dtype):
        self.full = net["attention"] == "full"
        self.strength, self.nodes, self.draws_for = 0, (), (0, 0)  # noise; the last are step and view
        super().__init__(net, dtype)

    def example(self):
        return torch.ones(2, self.net["length"], dtype=torch.int64)

    def mix(self, name):
        shape = (self.net["rank"], self.net["length"])
        if self.net["shared"] == "none":
            shape = (self.net["heads"], *shape)
        return self.parameter(name + ".weight", shape, 1 / math.sqrt(shape[-1]))

    def attention(self, number, x, real):
        name, (n, length, width) = f"encoder.layer.{number}.attention.self", x.shape
        q, k, v = (self.tokens(f"{name}.{part}", x, width).reshape(n, length, self.net["heads"], -1).transpose(1, 2)
                   for part in ("query", "key", "value"))
        counts = real[:, None, None, :]  # which keys do
        if self.net["attention"] == "lowrank":  # a target of full attention has the matrices, but has no use for them
            parts = ("compress",) * 2 if self.net["shared"] == "key_value" else ("compress_k", "compress_v")
            e, f = (self.mix(f"{name}.{part}") for part in parts)
            if not self.full:
                k, v = e @ (k * real[:, None, :, None]), f @ (v * real[:, None, :, None])
                counts = torch.ones(1, 1, 1, self.net["rank"], dtype=torch.bool)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(~counts, -math.inf).softmax(-1)
        if self.strength > 0:
            drawn = attention_noise(tuple(weights.shape), self.draws_for[0], self.nodes[number], self.draws_for[1])
            weights = weights + self.strength * drawn.to(weights.dtype) * counts
        return (weights @ v).transpose(1, 2).reshape(n, length, width)

    def states(self, ids):
        """What the last layer gives, and what each layer's MLP gave before it was added."""
        width, real, outputs, pre = self.net["width"], ids != 0, [], self.net["norm"] == "pre"
        x = self.parameter("embeddings.word_embeddings.weight", (self.net["vocabulary"], width), 0.05)[ids]
        x = x + self.parameter("embeddings.position_embeddings.weight", (self.net["length"], width), 0.05)
        x = x + self.parameter("embeddings.token_type_embeddings.weight", (2, width), 0.05)[0]
        x = self.layer_norm("embeddings.LayerNorm", x)
        for i in range(self.net["depth"]):
            name = f"encoder.layer.{i}."
            y = self.layer_norm(name + "attention.LayerNorm", x) if pre else x
            x = x + self.tokens(name + "attention.output.dense", self.attention(i, y, real), width)
            x = x if pre else self.layer_norm(name + "attention.output.LayerNorm", x)
            y = self.layer_norm(name + "intermediate.LayerNorm", x) if pre else x
            y = F.gelu(self.tokens(name + "intermediate.dense", y, 4 * width))
            outputs.append(self.tokens(name + "output.dense", y, width))
            x = x + outputs[-1] if pre else self.layer_norm(name + "output.LayerNorm", x + outputs[-1])
        return self.layer_norm("LayerNorm", x) if pre else x, outputs

    def top(self, ids):
        """data2vec's targets (arXiv 2202.03555, section 3.3): the mean of the last layers, each normalised."""
        outputs = self.states(ids)[1][-self.net["layers"]:]
        return sum(F.layer_norm(y, y.shape[-1:], eps=1e-5) for y in outputs) / self.net["layers"]

    def features(self, ids):
        x, real = self.states(ids)[0], (ids != 0)[..., None]
        if self.net["pool"] == "max":
            return x.masked_fill(~real, -math.inf).amax(1)
        return x[:, 0] if self.net["pool"] == "class" else (x * real).sum(1) / real.sum(1)

    def forward(self, ids):
        if "layers" in self.net:
            x = self.states(ids)[0]
            y = F.gelu(self.tokens("predictor.0", x, self.net["hidden"]))
            return x, self.tokens("predictor.2", y, self.net["width"])
        if self.net["target"] == "both":
            return (self.tokens("projector.0", self.features(ids), self.net["out"]),) * 2
        projection = self.head("projector", self.features(ids))
        return projection, self.head("predictor", projection)


def network_of(net, dtype):
    kind = VisionTransformer if "patch" in net else AudioNetwork if "columns" in net else Network
    return kind(net, dtype)


def hold_against_timm(net):
    """timm's own network with the weights of ours says the same."""
    try:
        from timm.models.vision_transformer import VisionTransformer as Theirs
    except ImportError:
        print("  timm is not installed: nothing to hold the network against")
        return
    ours, is_class = network_of(net, torch.float64), net["pool"] == "class"
    theirs = Theirs(img_size=net["size"], patch_size=net["patch"], embed_dim=net["width"], depth=net["depth"],
                    num_heads=net["heads"], num_classes=0, class_token=is_class, global_pool="token" if is_class else "avg")
    theirs.double().eval()
    theirs.load_state_dict({k: v for k, v in ours.params.items() if not k.startswith(("projector.", "predictor."))})
    with torch.no_grad():
        expected = theirs(images(net, 0, 1))
        far = (ours.features(images(net, 0, 1)) - expected).abs().max().item() / expected.abs().max().item()
    print(f"  timm's network differs by {far:.1e}")
    assert far < 1e-12, "this is not timm's network"


def hold_against_bert(net):
    """Hugging Face's own network with the weights of ours says the same."""
    try:
        from transformers import BertConfig, BertModel, RobertaPreLayerNormConfig, RobertaPreLayerNormModel
    except ImportError:
        print("  transformers is not installed: nothing to hold the network against")
        return
    ours, ids, place = TextTransformer(net, torch.float64), words(net, 0, 1), "embeddings.position_embeddings.weight"
    config, model = (RobertaPreLayerNormConfig, RobertaPreLayerNormModel) if net["norm"] == "pre" else (BertConfig, BertModel)
    weights = {k: v for k, v in ours.params.items() if k.startswith(("embeddings.", "encoder.", "LayerNorm."))}
    if net["norm"] == "pre":  # RoBERTa's places begin behind the padding token's
        weights[place] = torch.cat([torch.zeros(1, net["width"], dtype=torch.float64), weights[place]])
    theirs = model(config(vocab_size=net["vocabulary"], hidden_size=net["width"], num_hidden_layers=net["depth"],
                          num_attention_heads=net["heads"], intermediate_size=4 * net["width"], pad_token_id=0,
                          type_vocab_size=2, max_position_embeddings=len(weights[place]), layer_norm_eps=1e-12),
                   add_pooling_layer=False).double().eval()
    theirs.load_state_dict(weights)
    with torch.no_grad():
        expected, real = theirs(ids, attention_mask=(ids != 0).long()).last_hidden_state, (ids != 0)[..., None]
        far = ((ours.states(ids)[0] - expected) * real).abs().max().item() / expected.abs().max().item()
    print(f"  Hugging Face's network differs by {far:.1e}")
    assert far < 1e-12, "this is not Hugging Face's network"


def normalize(x):
    return x * torch.rsqrt(torch.clamp((x * x).sum(1, keepdim=True), min=1e-12))


def regression_loss(prediction, target):
    """|n(p) - n(z)|^2, mean over the batch."""
    return ((normalize(prediction) - normalize(target)) ** 2).sum(1).mean()


def learning_rate(base, step):
    if step < WARMUP:
        return base * step / WARMUP
    return base * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))) / 2


def tau_at(step):
    return 1 - (1 - TAU) * (1 + math.cos(math.pi * step / STEPS)) / 2


def update(kind, o, lr, t, w, g, state, plain=None):
    """One parameter; `t` counts from 1. In place."""
    if plain is None:
        plain = w.dim() in (1, 3)  # biases, scale and shift of norms, tokens: no weight decay, no LARS scaling
    if kind == "adamw" and not plain:
        w.mul_(1 - lr * o["weight_decay"])
    elif not plain:
        g = g + o["weight_decay"] * w
    if kind in ("adam", "adamw"):
        m, v = state
        m.mul_(o["beta1"]).add_((1 - o["beta1"]) * g)
        v.mul_(o["beta2"]).add_((1 - o["beta2"]) * g * g)
        denominator = (v / (1 - o["beta2"] ** t)).sqrt() + o["epsilon"]
        w.sub_(lr * (m / (1 - o["beta1"] ** t)) / denominator)
        return
    if kind == "lars" and not plain:
        w_norm, g_norm = w.norm(), g.norm()
        if w_norm > 0 and g_norm > 0:
            g = g * (o["trust"] * w_norm / g_norm)
    state[0].mul_(o["momentum"]).add_(g)
    w.sub_(lr * state[0])


def train(net, kind, dtype=torch.float64, disturb=None, size=2.0**-22):
    """Ten steps. Returns {name: tensor} of the first step alone, and of the ten steps."""
    online, target = network_of(net, dtype), network_of(net, dtype)
    if disturb is not None:  # each weight moved by up to one rounding of float32
        generator = torch.Generator().manual_seed(disturb)
        for p in online.params.values():
            p.data *= 1 + (torch.rand(p.shape, generator=generator, dtype=dtype) - 0.5) * size
    for name, p in target.params.items():
        p.requires_grad_(False)
        p.copy_(online.params[name].detach())
    first = {"init/" + k: p.detach().clone() for k, p in online.params.items()}
    state = {k: [torch.zeros_like(p.data) for _ in range(2 if kind.startswith("adam") else 1)] for k, p in online.params.items()}
    losses = []
    for step in range(STEPS):
        views = [images(net, step, 1).to(dtype), images(net, step, 2).to(dtype)]
        with torch.no_grad():
            z = [target.forward(view)[0] for view in views]
        loss = 0
        for p in online.params.values():
            p.grad = None
        for k in (0, 1):
            projection, prediction = online.forward(views[k])
            term = regression_loss(prediction, z[1 - k])
            term.backward()
            loss += term.item()
            if step == 0:
                first.update({f"activation/{name}/view{k + 1}": v.detach()[:2] for name, v in online.taps.items()})
                first[f"projection/view{k + 1}"] = projection.detach()
                first[f"prediction/view{k + 1}"] = prediction.detach()
                first[f"target/projection/view{k + 1}"] = z[k]
        if step == 0:
            first["loss"] = torch.tensor([loss], dtype=dtype)
            first.update({"grad/" + name: p.grad.clone() for name, p in online.params.items() if p.requires_grad})
        with torch.no_grad():
            lr = learning_rate(net["lr"][kind], step)
            for name, p in online.params.items():
                if not p.requires_grad:
                    continue
                update(kind, OPTIMIZERS[kind], lr, step + 1, p, p.grad, state[name])
            for name, p in target.params.items():
                p.mul_(tau_at(step)).add_((1 - tau_at(step)) * online.params[name])
        losses.append(loss)
    whole = {f"{kind}/loss": torch.tensor(losses, dtype=dtype)}
    for name, p in online.params.items():
        whole[f"{kind}/final/online/{name}"] = p.detach()
        whole[f"{kind}/final/target/{name}"] = target.params[name]
        whole.update({f"{kind}/final/state{i}/{name}": s for i, s in enumerate(state[name])})
    whole.update({f"{kind}/final/online_stat/{name}": s for name, s in online.stats.items()})
    whole.update({f"{kind}/final/target_stat/{name}": s for name, s in target.stats.items()})
    return first, whole


def family_distance(kind, target, p, z):
    """One direction, mean over the batch."""
    if kind == "cosine":
        return regression_loss(p, z)
    if kind == "mse":
        second = F.mse_loss(p.detach(), z) if target == "frozen" else 0
        return F.mse_loss(p, z) + second
    cosines = normalize(p) @ normalize(z).t()
    if kind == "infonce":
        return F.cross_entropy(cosines / TEMPERATURE, torch.arange(len(p)))
    squared = 2 - 2 * cosines
    others = squared + torch.diag(torch.full((len(p),), 100.0, dtype=p.dtype))
    return F.relu(squared.diag() - others.min(1).values + MARGIN).mean()


def family_step(kind, target_kind, online, target, views):
    """The loss of a step, with its gradients left in online.params. Running statistics: view 1 before view 2, but where the
    online network is its own target, view 2 before view 1 (docs/architecture.md)."""
    if target_kind in ("online", "both"):
        z2, p2 = online.forward(views[1])
        z1, p1 = online.forward(views[0])
        if target_kind == "both":
            p1, p2 = z1, z2
        else:
            z1, z2 = z1.detach(), z2.detach()
    else:
        with torch.no_grad():
            z1 = target.forward(views[0])[0] if target_kind == "ema" else None
            z2 = target.forward(views[1])[0]
        p1 = online.forward(views[0])[1]
        p2 = online.forward(views[1])[1] if target_kind == "ema" else None
    loss = family_distance(kind, target_kind, p1, z2)
    if target_kind != "frozen":
        loss = loss + family_distance(kind, target_kind, p2, z1)
    loss.backward()
    return loss.item()


def train_member(net, prefix, steps, has_predictor, step_of, dtype=torch.float64, disturb=None, evaluating=False, ema=False,
                 lr=FAMILY_LR):
    """Steps of SGD as train() makes them; `step_of(step, online, target)` leaves the gradients and returns the loss."""
    online, target = Network(net, dtype), Network(net, dtype)
    if disturb is not None:
        generator = torch.Generator().manual_seed(disturb)
        for p in online.params.values():
            p.data *= 1 + (torch.rand(p.shape, generator=generator, dtype=dtype) - 0.5) * 2.0**-22
    for name, p in target.params.items():
        p.requires_grad_(False)
        p.copy_(online.params[name].detach())
    target.evaluating = evaluating
    state = {k: [torch.zeros_like(p.data)] for k, p in online.params.items()}
    kept = [k for k in FAMILY_TENSORS if has_predictor or not k.startswith("predictor")]
    losses, result = [], {}
    for step in range(steps):
        for p in online.params.values():
            p.grad = None
        losses.append(step_of(step, online, target))
        if step == 0:
            result.update({f"{prefix}/grad/{k}": online.params[k].grad.clone() for k in kept})
        with torch.no_grad():
            for name, p in online.params.items():
                if p.grad is not None:  # without a predictor, its parameters are not there
                    update("sgd", OPTIMIZERS["sgd"], lr, step + 1, p, p.grad, state[name])
            for name, p in target.params.items():
                if ema:
                    p.mul_(TAU).add_((1 - TAU) * online.params[name])
    result[f"{prefix}/loss"] = torch.tensor(losses, dtype=dtype)
    result.update({f"{prefix}/online/{k}": online.params[k].detach() for k in kept})
    result.update({f"{prefix}/online_stat/{k}": online.stats[k] for k in FAMILY_STATS})
    if ema:
        result[f"{prefix}/target/conv1.weight"] = target.params["conv1.weight"]
        result[f"{prefix}/target_stat/bn1.running_mean"] = target.stats["bn1.running_mean"]
    return result


def train_family(net, kind, target_kind, dtype=torch.float64, disturb=None):
    def step_of(step, online, target):
        return family_step(kind, target_kind, online, target, [images(net, step, v).to(dtype) for v in (1, 2)])

    return train_member(net, f"{kind}-{target_kind}", FAMILY_STEPS, target_kind != "both", step_of, dtype, disturb,
                        evaluating=target_kind == "frozen", ema=target_kind == "ema")


def train_losses(net, name, dtype=torch.float64, disturb=None):
    member = LOSSES[name]

    def step_of(step, online, target):
        return losses_step(member, online, target, losses_views(net, member, step, dtype))

    is_ema = member["target"] == "ema"
    return train_member(net, name, LOSSES_STEPS, is_ema, step_of, dtype, disturb, ema=is_ema,
                        lr=member.get("lr", FAMILY_LR))


def text_step(net, step, online, target, views):
    """The loss of a step, with its gradients left in online.params."""
    for network in (online, target):
        network.draws_for = (step, 0)
    if "layers" in net:
        hidden = views[0] != views[1]
        with torch.no_grad():
            target.draws_for = (step, 1)
            z = target.top(views[1])
        loss = F.smooth_l1_loss(online.forward(views[0])[1][hidden], z[hidden], beta=4.0)
    elif net["target"] == "both":
        p = [normalize(online.forward(view)[0]) for view in views]
        cosines = p[0] @ p[1].t() / net["temperature"]
        loss = sum(F.cross_entropy(c, torch.arange(len(c))) for c in (cosines, cosines.t()))
    else:
        z, loss = [], 0
        for v in (0, 1):
            target.draws_for = (step, v)
            with torch.no_grad():
                z.append(target.forward(views[v])[0])
        for v in (0, 1):
            online.draws_for = (step, v)
            loss = loss + F.mse_loss(online.forward(views[v])[1], z[1 - v])
    loss.backward()
    return loss.item()


def train_text(name, dtype=torch.float64, disturb=None, batch=None):
    """Steps of AdamW. As train_member()."""
    net = {**TEXT, **TEXTS[name]}
    net["batch"] = batch or net["batch"]
    online, target = TextTransformer(net, dtype), TextTransformer(net, dtype)
    if disturb is not None:
        generator = torch.Generator().manual_seed(disturb)
        for p in online.params.values():
            p.data *= 1 + (torch.rand(p.shape, generator=generator, dtype=dtype) - 0.5) * 2.0**-22
    result = {f"{name}/init/{k}": p.detach().clone() for k, p in online.params.items()}
    for k, p in target.params.items():
        p.requires_grad_(False)
        p.copy_(online.params[k].detach())
    target.full = True
    (online.strength, target.strength), (online.nodes, target.nodes) = net.get("noise", (0, 0)), net.get("nodes", ((), ()))
    state = {k: [torch.zeros_like(p.data), torch.zeros_like(p.data)] for k, p in online.params.items()}
    losses = []
    for step in range(TEXT_STEPS):
        for p in online.params.values():
            p.grad = None
        views = [words(net, step, v) for v in ((1, 0) if "layers" in net else (1, 2))]
        losses.append(text_step(net, step, online, target, views))
        if step == 0:
            result.update({f"{name}/grad/{k}": p.grad.clone() for k, p in online.params.items() if net.get("only", "") in k})
        with torch.no_grad():
            for k, p in online.params.items():
                plain = p.dim() == 1 or "position_embeddings" in k or "token_type_embeddings" in k
                update("adamw", OPTIMIZERS["adamw"], net["lr"], step + 1, p, p.grad, state[k], plain)
            for k, p in target.params.items():
                p.mul_(TEXT_TAU).add_((1 - TEXT_TAU) * online.params[k])
    result[f"{name}/loss"] = torch.tensor(losses, dtype=dtype)
    result.update({f"{name}/online/{k}": p.detach() for k, p in online.params.items() if k in TEXT_TENSORS})
    if net["target"] == "ema":
        kept = [k for k in target.params if k in TEXT_TENSORS and not k.startswith("predictor.")]
        result.update({f"{name}/target/{k}": target.params[k] for k in kept})
    return result


def loss_between(kind, p, z):
    """One pair, mean over the batch."""
    if kind == "own_negatives":
        p, z = normalize(p), normalize(z)
        own = (p @ p.t() / TEMPERATURE).masked_fill(torch.eye(len(p), dtype=torch.bool), -math.inf)
        return F.cross_entropy(torch.cat([p @ z.t() / TEMPERATURE, own], 1), torch.arange(len(p)))
    if kind == "cross_correlation":
        p, z = ((x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt() for x in (p, z))
        c = p.t() @ z / len(p)
        diagonal = torch.eye(len(c), dtype=c.dtype)
        return ((c - diagonal) ** 2 * (diagonal + REDUNDANCY * (1 - diagonal))).sum()
    return family_distance(kind, "ema", p, z)


def regularizers(member, z):
    n, d = z.shape
    loss = member.get("variance", 0) * F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean()
    c = torch.cov(z.t())
    loss = loss + member.get("covariance", 0) * (c - torch.diag(c.diag())).pow(2).sum() / d
    y = normalize(z)
    rate = torch.logdet(torch.eye(d, dtype=z.dtype) + d / (n * CODING_PRECISION) * y.t() @ y) / 2
    return loss - member.get("coding_rate", 0) * rate


def losses_step(member, online, target, views):
    """The loss of a step, with its gradients left in online.params: every view predicts both large ones but itself."""
    both, count = member["target"] == "both", len(views)
    if not both:
        with torch.no_grad():
            z_target = [target.forward(view)[0] for view in views[:2]]
    order = reversed(range(count)) if both else range(count)
    outputs = {v: online.forward(views[v]) for v in order}
    z = [outputs[v][0] for v in range(count)]
    p = z if both else [outputs[v][1] for v in range(count)]
    if both:
        z_target = z
    pairs = [(v, t) for v in range(count) for t in (0, 1) if t != v]
    loss = sum(loss_between(member["distance"], p[v], z_target[t]) for v, t in pairs) * 2 / len(pairs)
    loss = loss + sum(regularizers(member, z[v]) for v in range(count)) / count
    loss.backward()
    return loss.item()


def losses_views(net, member, step, dtype):
    small = {**net, "size": net["size"] // 2}
    views = [images(net, step, v) for v in (1, 2)]
    return [v.to(dtype) for v in views + [images(small, step, 3 + i) for i in range(member.get("small", 0))]]


def make_members(members):
    """{name: function of (dtype, disturb)} to the tensors of all, saying how far float32 strays from them."""
    tensors = {}
    for name, run in members.items():
        tensors.update(run())
        worst = (0, "")
        for disturb in range(1, 6):
            strayed = run(torch.float32, disturb)
            worst = max([worst] + [(distance(k, v, tensors[k]), k) for k, v in strayed.items()])
        losses = ["%.4f" % x for x in tensors[f"{name}/loss"]]
        print(f" {name}: loss {losses}; float32 strays by {worst[0]:.1e} in {worst[1]}")
    return tensors


def distance(name, a, b):
    """As in test_golden.c: losses absolute, tensors in parts of the largest element; what is zero in exact arithmetic (a
    bias before batch norm has no gradient) has no such part."""
    a, b = a.double(), b.double()
    if "loss" in name:
        return (a - b).abs().max().item()
    largest = b.abs().max().item()
    return (a - b).abs().max().item() / largest if largest > 1e-9 else 0.0


def report_bf16(net, kind, reference):
    """How far PyTorch's own bf16 strays from the losses that ours is held against."""
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        losses = train(net, kind, torch.float32)[1][kind + "/loss"]
    print(f"  PyTorch's bf16 strays by {((losses - reference) / reference).abs().max():.1%} in the losses of batches of 32")


def report_float32(net, kind, reference):
    """How far five disturbed float32 runs stray from the float64 one."""
    worst = {}
    for disturb in range(1, 6):
        first, whole = train(net, kind, torch.float32, disturb)
        for name, value in {**first, **whole}.items():
            group = name if name.endswith("loss") else name.split("/")[0] if name in first else "/".join(name.split("/")[:3])
            worst[group] = max(worst.get(group, (0, "")), (distance(name, value, reference[name]), name))
    for group, (far, name) in sorted(worst.items()):
        if kind == "sgd" or group.startswith(kind):
            print(f"  float32 strays by {far:.1e} in {name}")


def write_safetensors(path, tensors, metadata):
    header, offset, parts = {"__metadata__": metadata}, 0, []
    for name, value in tensors.items():
        data = np.ascontiguousarray(value.numpy().astype("<f4"))
        header[name] = {"dtype": "F32", "shape": list(data.shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
        parts.append(data.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    return {
        name: torch.from_numpy(np.frombuffer(body[row["data_offsets"][0] : row["data_offsets"][1]], "<f4").copy().reshape(row["shape"]))
        for name, row in header.items()
        if name != "__metadata__"
    }


def finish(path, tensors):
    """Writes the file, or compares with it."""
    if "--check" in sys.argv:
        stored = read_safetensors(path)
        assert stored.keys() == tensors.keys(), "the file holds other tensors: make it again"
        far, name = max((distance(k, v, stored[k]), k) for k, v in tensors.items())
        print(f" the file differs by at most {far:.1e}, in {name}")
        assert far < 1e-6, "the file is not what this script makes"
        return
    write_safetensors(path, tensors, {"format": "pt", "made_by": "tests/golden/make_golden.py", "torch": torch.__version__})
    print(f" wrote {path}, {os.path.getsize(path)} bytes")


def make_net(net):
    tensors = {}
    for kind in net["lr"]:
        first, whole = train(net, kind)
        tensors.update({**first, **whole})
        moved = {k: v for k, v in whole.items() if "/final/online/" in k and v.dim() > 1}
        change = [distance(k, first["init/" + k.split("/final/online/")[1]], v) for k, v in moved.items()]
        print(f" {kind}: loss {['%.4f' % x for x in whole[kind + '/loss']]}, kernels moved by {min(change):.1e} .. {max(change):.1e}")
        report_float32(net, kind, {**first, **whole})
        wide = {**net, "batch": 32}
        tensors[kind + "/loss_of_batch32"] = train(wide, kind)[1][kind + "/loss"]
        report_bf16(wide, kind, tensors[kind + "/loss_of_batch32"])
    return tensors


def make_vits():
    """Of all that make_net() makes, what VIT_TENSORS names, and the gradients that are not zero in exact arithmetic."""
    tensors = {}
    for member, net in VITS.items():
        print(f" {member}: {net}")
        hold_against_timm(net)
        made, (kind,) = make_net(net), net["lr"]
        for name, value in made.items():
            what, _, parameter = name.partition("/")
            if what == "init":
                shared = torch.equal(tensors.setdefault(name, value), value)
                tensors[name if shared else f"{member}/{name}"] = value
            elif what == "grad" and value.abs().max() > 1e-9:
                tensors[f"{member}/{name}"] = value
        tensors.update({f"{member}/{k}": made[f"{kind}/{k}"] for k in ("loss", "loss_of_batch32")})
        for side, names in (("online", VIT_TENSORS), ("target", VIT_TENSORS[:-1])):  # the target has no predictor
            kept = {k: made.get(f"{kind}/final/{side}/{k}") for k in names}
            tensors.update({f"{member}/{side}/{k}": v for k, v in kept.items() if v is not None})
    return tensors


def make_audio():
    """Of all that make_net() makes, what AUDIO_TENSORS names, and the gradients that are not zero in exact arithmetic."""
    made, (kind,) = make_net(AUDIO), AUDIO["lr"]
    tensors = {k: v for k, v in made.items() if k.startswith("init/")}
    tensors.update({"audio/" + k: v for k, v in made.items() if k.startswith("grad/") and v.abs().max() > 1e-9})
    tensors.update({f"audio/{k}": made[f"{kind}/{k}"] for k in ("loss", "loss_of_batch32")})
    for side, names in (("online", AUDIO_TENSORS), ("target", AUDIO_TENSORS[:-1])):  # the target has no predictor
        tensors.update({f"audio/{side}/{k}": made[f"{kind}/final/{side}/{k}"] for k in names})
    return tensors


def make_family():
    net = NETS["resnet18"]
    return make_members({f"{kind}-{target}": functools.partial(train_family, net, kind, target) for kind, target in FAMILY})


def make_losses():
    return make_members({name: functools.partial(train_losses, NETS["resnet18"], name) for name in LOSSES})


def make_texts():
    """Of the first step's gradients those that are not zero in exact arithmetic."""
    made, tensors = make_members({name: functools.partial(train_text, name) for name in TEXTS}), {}
    for name in ("simcse", "pre"):
        hold_against_bert({**TEXT, **TEXTS[name]})
    for name, value in made.items():
        member, what, parameter = name.split("/") if name.count("/") == 2 else (*name.split("/"), "")
        if what == "init":
            shared = torch.equal(tensors.setdefault(f"init/{parameter}", value), value)
            name = f"init/{parameter}" if shared else name
        if what != "grad" or value.abs().max() > 1e-9:
            tensors[name] = value
    for member in TEXTS:
        wide = f"{member}/loss_of_batch32"
        tensors[wide] = train_text(member, batch=32)[f"{member}/loss"]
        with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
            losses = train_text(member, torch.float32, batch=32)[f"{member}/loss"]
        far = ((losses - tensors[wide]) / tensors[wide]).abs().max()
        print(f" {member}: PyTorch's bf16 strays by {far:.1%} in the losses of batches of 32")
        if "nodes" in TEXTS[member]:
            tensors[f"{member}/nodes"] = torch.tensor(TEXTS[member]["nodes"], dtype=torch.float64)
    return tensors


def main():
    np.seterr(over="ignore")  # the hash wraps around
    torch.set_num_threads(2)
    folder = os.path.dirname(os.path.abspath(__file__))
    files = {name: functools.partial(make_net, net) for name, net in NETS.items()}
    files.update(family=make_family, losses=make_losses, vit=make_vits, text=make_texts, audio=make_audio)
    for name in [name for name in sys.argv[1:] if not name.startswith("--")] or files:
        print(f"{name}: {NETS.get(name, '')}")
        finish(os.path.join(folder, name + ".safetensors"), files[name]())


if __name__ == "__main__":
    main()
