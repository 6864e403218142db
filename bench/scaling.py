"""Time per image against batch size, width, image size and threads; bench/README.md says how to run it.

Writes a table (Markdown, standard output) and a plot (SVG) of the share of the machine's peak: work that grows as it
should keeps that share; a cliff would show as a fall."""
import argparse
import json
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
    command = [byol, "bench", "step", "--json", "--seconds", "2", "--precision", precision, "--set", "projector.hidden=1024",
               "--set", "predictor.hidden=1024"]
    for name, setting in settings.items():
        command += [name, str(setting)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def plot(results):
    """One panel a study, side by side: the share of the peak by what is varied."""
    side, gap, left, top = 190, 40, 60, 40
    width, height = left + len(results) * (side + gap), top + side + 60
    most = max(r["peak_fraction"] for rows in results.values() for _, r in rows) * 1.1
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
           'fill="#444">', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for panel, (study, rows) in enumerate(results.items()):
        x0 = left + panel * (side + gap)
        out.append(f'<text x="{x0 + side / 2}" y="{top - 16}" text-anchor="middle" font-weight="bold">{study}</text>')
        for tick in range(0, int(most * 4) + 1):
            y = top + side * (1 - tick / 4 / most)
            out.append(f'<line x1="{x0}" x2="{x0 + side}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            if panel == 0:
                out.append(f'<text x="{x0 - 8}" y="{y + 4:.1f}" text-anchor="end">{25 * tick} %</text>')
        points = []
        for i, (value, result) in enumerate(rows):
            x = x0 + side * (i + 0.5) / len(rows)
            y = top + side * (1 - result["peak_fraction"] / most)
            points.append(f"{x:.1f},{y:.1f}")
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0072b2"><title>{study} {value}: '
                       f'{result["peak_fraction"]:.0%} of peak, {1e3 / result["images_per_second"]:.2f} ms an image</title></circle>')
            out.append(f'<text x="{x:.1f}" y="{top + side + 18}" text-anchor="middle">{value}</text>')
        out.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="#0072b2" stroke-width="2"/>')
    out.append(f'<text x="{left}" y="{height - 12}">Share of the machine\'s peak that a training step of ResNet-18 reaches, '
               'counted in the products of a direct convolution</text></svg>')
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
