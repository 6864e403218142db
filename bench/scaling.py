"""Time per image against batch size, width, image size and threads; bench/README.md says how to run it.

Writes a table (Markdown, standard output) and a plot (SVG) of the milliseconds an image and of the share of the machine's
peak: work that grows as it should keeps that share; a cliff would show as a fall."""
import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
# What is varied around ResNet-18 width 16, 32 pixels, batch 256, all processors.
STUDIES = {
    "batch size": ("--batch-size", [16, 32, 64, 128, 256, 512, 1024]),
    "width": ("--width", [16, 32, 64, 128]),
    "image size": ("--image-size", [32, 64, 96, 160, 224]),
    "threads": ("--threads", [1, 2]),
}
BASE = {"--batch-size": 256, "--width": 16, "--image-size": 32}
# Large pictures and networks in smaller batches: the work of a step stays within seconds.
BATCH = {("--width", 64): 64, ("--width", 128): 32, ("--image-size", 96): 64, ("--image-size", 160): 32, ("--image-size", 224): 16}


def measure(byol, flag, value, precision):
    settings = {**BASE, flag: value}
    settings["--batch-size"] = BATCH.get((flag, value), settings["--batch-size"])
    command = [byol, "bench", "step", "--json", "--recipe", "byol", "--seconds", "2", "--precision", precision, "--set", "projector.hidden=1024",
               "--set", "predictor.hidden=1024"]
    for name, setting in settings.items():
        command += [name, str(setting)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


SIDE, GAP, LEFT, TOP = 220, 30, 70, 40


def panel(x0, y0, ticks, rows, height_of, title_of, first):
    """One curve: `ticks` are (value, words), `rows` (what is varied, result); `height_of` takes a value to 0 .. 1."""
    out = []
    for value, words in ticks:
        y = y0 + SIDE * (1 - height_of(value))
        out.append(f'<line x1="{x0}" x2="{x0 + SIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        if first:
            out.append(f'<text x="{x0 - 8}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
    points = []
    for i, (varied, value, title) in enumerate((varied, *title_of(varied, result)) for varied, result in rows):
        x, y = x0 + SIDE * (i + 0.5) / len(rows), y0 + SIDE * (1 - height_of(value))
        points.append(f"{x:.1f},{y:.1f}")
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0072b2"><title>{title}</title></circle>')
        out.append(f'<text x="{x:.1f}" y="{y0 + SIDE + 18}" text-anchor="middle">{varied}</text>')
    return out + [f'<polyline points="{" ".join(points)}" fill="none" stroke="#0072b2" stroke-width="2"/>']


def plot(results):
    """A column a study: above the milliseconds an image, each line ten times the one below it; below the share of the peak."""
    every = [r for rows in results.values() for _, r in rows]
    low = math.floor(math.log10(1e3 / max(r["images_per_second"] for r in every)))  # powers of ten
    high = math.ceil(math.log10(1e3 / min(r["images_per_second"] for r in every)))
    most = max(r["peak_fraction"] for r in every) * 1.1
    width, height = LEFT + len(results) * (SIDE + GAP), TOP + 2 * (SIDE + 70)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
           'fill="#444">', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for number, (study, rows) in enumerate(results.items()):
        x0, below = LEFT + number * (SIDE + GAP), TOP + SIDE + 70
        out.append(f'<text x="{x0 + SIDE / 2}" y="{TOP - 16}" text-anchor="middle" font-weight="bold">{study}</text>')
        out += panel(x0, TOP, [(10 ** p, f"{10 ** p:g} ms") for p in range(low, high + 1)], rows,
                     lambda ms: (math.log10(ms) - low) / (high - low),
                     lambda varied, r: (1e3 / r["images_per_second"], f'{study} {varied}: {1e3 / r["images_per_second"]:.2f} ms an image'),
                     number == 0)
        out += panel(x0, below, [(t / 4, f"{25 * t} %") for t in range(int(most * 4) + 1)], rows, lambda share: share / most,
                     lambda varied, r: (r["peak_fraction"], f'{study} {varied}: {r["peak_fraction"]:.0%} of peak'), number == 0)
    out.append(f'<text x="{LEFT}" y="{TOP + SIDE + 42}">Milliseconds an image of a training step of ResNet-18</text>')
    out.append(f'<text x="{LEFT}" y="{height - 22}">Share of the machine\'s peak that the step reaches, counted in the products of a '
               'direct convolution</text></svg>')
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--byol", default=str(here.parent / "build" / "byol"), help="our program (%(default)s)")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--plot", default="scaling.svg", help="where the plot goes (%(default)s)")
    args = parser.parse_args()
    results = {}
    print("| varied | value | batch | images/s | ms an image | of peak | peak memory, MiB |\n|---|---|---|---|---|---|---|")
    for study, (flag, values) in STUDIES.items():
        results[study] = []
        for value in values:
            print(f"{study} {value}", file=sys.stderr)
            result = measure(args.byol, flag, value, args.precision)
            batch = value if flag == "--batch-size" else BATCH.get((flag, value), BASE["--batch-size"])
            results[study].append((value, result))
            print(f"| {study} | {value} | {batch} | {result['images_per_second']:.1f} | {1e3 / result['images_per_second']:.2f} | "
                  f"{result['peak_fraction']:.0%} | {result['peak_memory_bytes'] / 2**20:,.0f} |", flush=True)
    Path(args.plot).write_text(plot(results))


if __name__ == "__main__":
    main()
