"""Whole BYOL training steps, ours and PyTorch's, in turn on one machine; bench/README.md says how to run it.

Writes a Markdown table with medians, their spread over the rounds, and ratios. Ours makes its views within the step;
PyTorch's are ready. Of PyTorch's two memory layouts the faster one counts."""
import argparse
import json
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--byol", default=str(here.parent / "build" / "byol"), help="our program (%(default)s)")
    parser.add_argument("--torch-python", default="python3", help="a command that runs a Python with torch (%(default)s); to get the newest: "
                        "python3 -m venv torch && torch/bin/pip install torch, then torch/bin/python")
    parser.add_argument("--cases", default="16x256xfp32,64x64xfp32",
                        help="WIDTHxBATCHxPRECISION, ... (%(default)s); of another network ENCODER:WIDTHxBATCHxPRECISION@PIXELS, of texts "
                        "transformer:WIDTHxBATCHxPRECISION@LENGTH")
    parser.add_argument("--rounds", type=int, default=3, help="of both programs (%(default)s)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="of PyTorch in a round (%(default)s)")
    return parser.parse_args()


def read_case(text):
    """resnet50:64x32xfp32@96, or 16x256xfp32 of ResNet-18 at 32 pixels."""
    encoder, _, rest = text.rpartition(":")
    rest, _, size = rest.partition("@")
    width, batch, precision = rest.split("x")
    return encoder or "resnet18", int(width), int(batch), precision, int(size or 32)


OWN = {"vit": ["--set", "encoder.patch=8"], "transformer": ["--set", "encoder.depth=6"]}


def size_of(encoder, size):
    return ["--set", f"data.length={size}"] if encoder == "transformer" else ["--image-size", str(size)]


def ours(args, encoder, width, batch, precision, size):
    hidden = 4096 if width >= 64 else 1024
    command = [args.byol, "bench", "step", "--json", "--recipe", "byol", "--encoder", encoder, "--width", str(width), "--batch-size",
               str(batch), "--precision", precision, "--threads", str(args.threads), "--set", f"projector.hidden={hidden}",
               "--set", f"predictor.hidden={hidden}", *OWN.get(encoder, []), *size_of(encoder, size)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def torchs(args, encoder, width, batch, precision, size, layout):
    command = [*shlex.split(args.torch_python), "-", encoder, str(width), str(batch), str(size), precision, layout,
               str(args.threads), str(args.steps)]
    script = (here / "torch_step.py").read_bytes()
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, input=script).stdout)
    return {**result, "images_per_second": batch / statistics.median(result["seconds"])}


def spread(values):
    return (max(values) - min(values)) / statistics.median(values)


def compare(args, case):
    encoder, width, batch, precision, size = read_case(case)
    mine, theirs = [], {"plain": [], "channels_last": []} if encoder.startswith("resnet") else {"plain": []}
    for number in range(args.rounds):
        print(f"{case}, round {number + 1} of {args.rounds}", file=sys.stderr)
        mine.append(ours(args, encoder, width, batch, precision, size))
        for layout, results in theirs.items():
            results.append(torchs(args, encoder, width, batch, precision, size, layout))
    rate = [r["images_per_second"] for r in mine]
    layout = max(theirs, key=lambda l: statistics.median(r["images_per_second"] for r in theirs[l]))
    their_rate = [r["images_per_second"] for r in theirs[layout]]
    peak = statistics.median(r["peak_fraction"] for r in mine)
    memory, their_memory = (max(r["peak_memory_bytes"] for r in runs) / 2**20 for runs in (mine, theirs[layout]))
    middle, their_middle = statistics.median(rate), statistics.median(their_rate)
    network = "" if encoder == "resnet18" else f"{encoder}, {size} {'tokens' if encoder == 'transformer' else 'px'}, "
    print(f"| {network}width {width}, batch {batch}, {precision} | {middle:.1f} (±{spread(rate) / 2:.1%}) | {peak:.0%} | "
          f"{their_middle:.1f} (±{spread(their_rate) / 2:.1%}), {layout.replace('_', ' ')} | **{middle / their_middle:.2f}** | "
          f"{memory:,.0f} / {their_memory:,.0f} = {memory / their_memory:.0%} |", flush=True)


def main():
    args = arguments()
    print("| ResNet-18 | byol, images/s | of peak | PyTorch, images/s | ratio | peak memory, MiB |\n|---|---|---|---|---|---|")
    for case in args.cases.split(","):
        compare(args, case)


if __name__ == "__main__":
    main()
