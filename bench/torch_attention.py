"""PyTorch's scaled_dot_product_attention, forward and backward, on rows of tokens; bench/attention.py runs it.

usage: torch_attention.py BATCH TOKENS WIDTH HEADS fp32|bf16 THREADS SECONDS"""
import json
import statistics
import sys
import time

import torch

batch, tokens, width, heads = map(int, sys.argv[1:5])
dtype = torch.bfloat16 if sys.argv[5] == "bf16" else torch.float32
torch.set_num_threads(int(sys.argv[6]))
torch.manual_seed(1)


def rows():
    return torch.randn(batch, tokens, width, dtype=dtype, requires_grad=True)


def split(x):
    return x.view(batch, tokens, heads, width // heads).transpose(1, 2)


q, k, v = rows(), rows(), rows()
dy = torch.randn(batch, heads, tokens, width // heads, dtype=dtype)
times = [[], []]
began = time.perf_counter()
while len(times[0]) < 4 or time.perf_counter() - began < float(sys.argv[7]):
    q.grad = k.grad = v.grad = None
    first = time.perf_counter()
    y = torch.nn.functional.scaled_dot_product_attention(split(q), split(k), split(v))
    second = time.perf_counter()
    y.backward(dy)
    times[1].append(time.perf_counter() - second)
    times[0].append(second - first)
print(json.dumps({"forward_ms": 1e3 * statistics.median(times[0][1:]), "backward_ms": 1e3 * statistics.median(times[1][1:]),
                  "torch": torch.__version__}))
