"""One BYOL training step in PyTorch, for bench/compare.py: ResNet-18 or -50 with the 3x3 stem, a vision transformer of 12 blocks
on patches of 8, or BERT's encoder of 6 layers on tokens, heads and recipe as `byol bench step` is asked for there. Random views
that lie ready: PyTorch's data loading is left out of its time.

    python3 torch_step.py resnet18|resnet50|vit|transformer WIDTH BATCH IMAGE_SIZE|LENGTH fp32|bf16 plain|channels_last THREADS STEPS

Prints one JSON object: the seconds of each step after the first, and the peak memory of the process in bytes."""
import copy
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

encoder, precision, layout = sys.argv[1], sys.argv[5], sys.argv[6]
width, batch, size, threads, steps = (int(sys.argv[i]) for i in (2, 3, 4, 7, 8))
hidden = 4096 if width >= 64 else 1024
torch.set_num_threads(threads)
torch.manual_seed(0)


def shortcut(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut(inputs, outputs, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs // 4, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs // 4)
        self.conv2 = nn.Conv2d(outputs // 4, outputs // 4, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs // 4)
        self.conv3 = nn.Conv2d(outputs // 4, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut(inputs, outputs, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x), inplace=True)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, length, _ = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, width // 64, 64).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, width))


def token_mlp():
    return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class Block(nn.Module):
    def __init__(self, norm_first):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.mlp, self.norm_first = Attention(), token_mlp(), norm_first

    def forward(self, x):
        if self.norm_first:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


class Transformer(nn.Module):
    """Of patches (vit) or of tokens, with a class token's vector at the end."""

    def __init__(self):
        super().__init__()
        if encoder == "vit":
            self.embed = nn.Conv2d(3, width, 8, 8)
            self.first = nn.Parameter(torch.zeros(1, 1, width))
            self.places = nn.Parameter(torch.randn(1, (size // 8) ** 2 + 1, width) * 0.02)
        else:
            self.embed = nn.Embedding(8000, width)
            self.places = nn.Parameter(torch.randn(1, size, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*[Block(encoder == "vit") for _ in range(12 if encoder == "vit" else 6)])
        self.projector = mlp(width)

    def forward(self, x):
        x = self.embed(x)
        if encoder == "vit":
            x = torch.cat([self.first.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1) + self.places
            return self.projector(self.norm(self.blocks(x))[:, 0])
        return self.projector(self.blocks(self.norm(x + self.places))[:, 0])


def mlp(inputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, 256))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        blocks, inputs = [], width
        kind, depths = (Basic, (2, 2, 2, 2)) if encoder == "resnet18" else (Bottleneck, (3, 4, 6, 3))
        for stage, depth in enumerate(depths):
            outputs = (width << stage) * kind.expansion
            for block in range(depth):
                blocks.append(kind(inputs, outputs, 2 if stage and block == 0 else 1))
                inputs = outputs
        self.stages = nn.Sequential(*blocks)
        self.projector = mlp(inputs)

    def forward(self, x):
        return self.projector(self.stages(self.stem(x)).mean((2, 3)))


is_resnet = encoder.startswith("resnet")
online, predictor = Network() if is_resnet else Transformer(), mlp(256)
target = copy.deepcopy(online).requires_grad_(False)
views = [torch.randint(1, 8000, (batch, size)) if encoder == "transformer" else torch.randn(batch, 3, size, size)
         for _ in range(2)]
if layout == "channels_last" and is_resnet:
    online, target = (n.to(memory_format=torch.channels_last) for n in (online, target))
    views = [v.contiguous(memory_format=torch.channels_last) for v in views]
optimizer = torch.optim.SGD([*online.parameters(), *predictor.parameters()], lr=0.03, momentum=0.9, weight_decay=5e-4)


def distance(p, z):
    return 2 - 2 * F.cosine_similarity(p, z, dim=-1).mean()


def step():
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        predictions = [predictor(online(v)) for v in views]
        with torch.no_grad():
            targets = [target(v) for v in views]
        loss = sum(distance(predictions[v].float(), targets[1 - v].float()) for v in range(2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        torch._foreach_mul_(list(target.parameters()), 0.99)
        torch._foreach_add_(list(target.parameters()), list(online.parameters()), alpha=0.01)


step()
seconds = []
for _ in range(steps):
    begin = time.perf_counter()
    step()
    seconds.append(time.perf_counter() - begin)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "peak_memory_bytes": peak, "version": torch.__version__}))
