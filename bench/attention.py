"""Attention alone, forward and backward: ours in full and of low rank beside PyTorch's scaled_dot_product_attention, from 128 to
4,096 tokens, in turn on one machine; bench/README.md says how to run it. Writes a Markdown table, and with --plot a picture."""
import argparse
import json
import math
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
ROWS = 8192  # tokens in a batch, whatever their length


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--byol", default=str(here.parent / "build" / "byol"), help="our program (%(default)s)")
    parser.add_argument("--torch-python", default="python3", help="a command that runs a Python with torch (%(default)s)")
    parser.add_argument("--tokens", default="128,256,512,1024,2048,4096")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--precision", default="bf16", choices=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2, help="of a measurement")
    parser.add_argument("--plot", help="an SVG file")
    return parser.parse_args()


def ours(args, tokens, low_rank):
    command = [args.byol, "bench", "attention", "--json", "--quiet", "--seconds", str(math.ceil(args.seconds)), "--width", str(args.width),
               "--batch-size", str(max(2, ROWS // tokens)), "--precision", args.precision, "--threads", str(args.threads),
               "--set", f"data.length={tokens}", "--set", f"encoder.heads={args.heads}"]
    if low_rank:
        command += ["--set", "encoder.attention=lowrank", "--set", f"encoder.rank={args.rank}"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def torchs(args, tokens):
    command = [*shlex.split(args.torch_python), str(here / "torch_attention.py"), str(max(2, ROWS // tokens)), str(tokens),
               str(args.width), str(args.heads), args.precision, str(args.threads), str(args.seconds)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def measure(args, tokens):
    full, low, theirs = [], [], []
    for number in range(args.rounds):
        print(f"{tokens} tokens, round {number + 1} of {args.rounds}", file=sys.stderr)
        full.append(ours(args, tokens, False))
        low.append(ours(args, tokens, True))
        theirs.append(torchs(args, tokens))
    return full, low, theirs


def both(runs):
    return median(runs, "forward_ms") + median(runs, "backward_ms")


def row(tokens, full, low, theirs):
    ways = [f"{median(runs, 'forward_ms'):.1f} + {median(runs, 'backward_ms'):.1f}" for runs in (full, theirs, low)]
    batch = max(2, ROWS // tokens)
    return (f"| {tokens} x {batch} | {ways[0]} | {ways[1]} | **{both(theirs) / both(full):.2f}** | {ways[2]} | "
            f"{median(full, 'memory_bytes') / 2**20:.0f} / {median(low, 'memory_bytes') / 2**20:.0f} |")


# ---- The plot: milliseconds for 8,192 tokens against their number in a row, both logarithmic ----

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 70, 150, 30, 50
COLOURS = {"ours, full": "#0072b2", "ours, low rank": "#009e73", "PyTorch, full": "#d55e00"}


def plot(path, args, results):
    curves = {"ours, full": [both(r[0]) for r in results.values()], "ours, low rank": [both(r[1]) for r in results.values()],
              "PyTorch, full": [both(r[2]) for r in results.values()]}
    tokens = list(results)
    values = [v for curve in curves.values() for v in curve]
    low, high = math.log10(min(values)) - 0.1, math.log10(max(values)) + 0.1

    def x_of(n):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(n / tokens[0]) / max(1, math.log2(tokens[-1] / tokens[0])))

    def y_of(value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(value)) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="#444">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for n in tokens:
        out.append(f'<text x="{x_of(n):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{n}</text>')
    for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000):
        if low <= math.log10(tick) <= high:
            y = y_of(tick)
            out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick} ms</text>')
    for name, curve in curves.items():
        points = " ".join(f"{x_of(n):.1f},{y_of(v):.1f}" for n, v in zip(tokens, curve))
        out.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        words = name if name != "ours, low rank" else f"{name} {args.rank}"
        out.append(f'<text x="{WIDTH - RIGHT + 8}" y="{y_of(curve[-1]) + 4:.1f}" fill="{COLOURS[name]}">{words}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">tokens in a row, '
               f'{ROWS:,} in a batch; width {args.width}, {args.heads} heads, {args.precision}, {args.threads} threads</text></svg>')
    Path(path).write_text("\n".join(out) + "\n")


def main():
    args = arguments()
    print(f"| tokens x rows, {args.precision} | ours, ms | PyTorch, ms | ratio | ours, rank {args.rank}, ms | memory, MiB |\n"
          "|---|---|---|---|---|---|")
    results = {}
    for tokens in map(int, args.tokens.split(",")):
        results[tokens] = measure(args, tokens)
        print(row(tokens, *results[tokens]), flush=True)
    if args.plot:
        plot(args.plot, args, results)


if __name__ == "__main__":
    main()
