"""What the studies share: runs that can be interrupted and taken up again, a table in Markdown, a plot in SVG.

A study is a list of variants, each a name, a label and the settings in which it differs. For every seed and variant it
calls `byol pretrain --resume`, `byol knn` and `byol linear`, and keeps the figures beside the run (NAME-sSEED.json): what is there
is not done again. Python 3 and its standard library only.
"""
import argparse
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COLOURS = ["#1b6ca8", "#d1495b", "#3a7d44", "#edae49", "#66477e", "#8d99ae", "#00798c", "#b5651d", "#30343f", "#c06c84"]


class Variant:
    def __init__(self, name, label, **settings):
        """settings: keys of the configuration with `__` for the dot, as in target__tau=0.9."""
        self.name, self.label = name, label
        self.settings = {key.replace("__", "."): str(value) for key, value in settings.items()}


def parse_arguments(description, out, epochs):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--byol", default=os.path.join(ROOT, "build", "byol"), help="the program (default: build/byol)")
    parser.add_argument("--config", default=os.path.join(ROOT, "configs", "fashion-mnist-resnet18.yaml"))
    parser.add_argument("--train", default="fashion-mnist:train", help="images to train on, with labels for evaluation")
    parser.add_argument("--test", default="fashion-mnist:test")
    parser.add_argument("--out", default=out, help=f"folder of the runs and of the result (default: {out})")
    parser.add_argument("--epochs", type=int, default=epochs, help=f"of each run (default: {epochs})")
    parser.add_argument("--seeds", default="1,2", help="of the runs, with commas between (default: 1,2)")
    parser.add_argument("--limit", type=int, default=10000, help="evaluate on at most so many images of each set")
    parser.add_argument("--threads", type=int, default=0, help="0: every processor the process may use")
    parser.add_argument("--only", default="", help="names of variants, with commas between (default: all)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for every run alike")
    args = parser.parse_args()
    args.seeds = [int(seed) for seed in args.seeds.split(",")]
    return args


def number_in_config(args, key):
    """The number that the configuration file gives for the last part of a key ("lr")."""
    with open(args.config) as stream:
        match = re.search(rf"\b{key}:\s*([0-9.eE+-]+)", stream.read())
    if not match:
        sys.exit(f"{args.config} does not say what {key} is")
    return float(match[1])


# ---- One run ----


def settings_of(args, variant, seed):
    """Everything that the figures depend on, in the order in which it is applied."""
    common = dict(pair.split("=", 1) for pair in args.set)
    return {**common, **variant.settings, "train.epochs": str(args.epochs), "train.seed": str(seed)}


def call(command, log):
    """Runs the program: exit code and standard output. Ctrl-C is handed on to it once (twice would end it without a
    checkpoint: therefore a session of its own) and ends the study."""
    log.write("$ " + " ".join(command) + "\n")
    log.flush()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                               start_new_session=True)
    try:
        output, _ = process.communicate()
    except KeyboardInterrupt:
        process.terminate()  # not SIGINT, which whoever started this in the background may have had ignored
        process.communicate()
        sys.exit("interrupted; the same command goes on from here")
    return process.returncode, output


def last_metrics(folder):
    with open(os.path.join(folder, "metrics.jsonl")) as stream:
        return json.loads(stream.read().strip().split("\n")[-1])


def what_the_monitor_named(log_path):
    """(step, words) of every warning of the monitor, each once although a resumed run may repeat it."""
    found = []
    with open(log_path) as stream:
        for line in stream:
            match = re.search(r"warning: step (\d+): (the representation has collapsed|the projections use few directions)", line)
            if match and (int(match[1]), match[2]) not in found:
                found.append((int(match[1]), match[2]))
    return found


def write_json(result, path):
    """Whole or not at all."""
    with open(path + ".tmp", "w") as stream:
        json.dump(result, stream, indent=1)
    os.replace(path + ".tmp", path)


def evaluate(args, folder, method, log, *options):
    command = [args.byol, method, folder, "--train", args.train, "--test", args.test, "--limit", str(args.limit)]
    command += ["--threads", str(args.threads), "--quiet", "--json", *options]
    code, output = call(command, log)
    if code != 0:
        sys.exit(f"{' '.join(command)} failed; the end of {log.name} says why")
    return json.loads(output)


def measure(args, variant, seed, base):
    """Trains (or goes on, or finds it done) and evaluates. A run that diverges is a result too."""
    command = [args.byol, "pretrain", args.config, "--data", args.train, "--out", base, "--resume", "--quiet"]
    command += ["--threads", str(args.threads)]
    for key, value in settings_of(args, variant, seed).items():
        command += ["--set", f"{key}={value}"]
    with open(base + ".log", "a") as log:
        code, _ = call(command, log)
        result = {"settings": settings_of(args, variant, seed), "diverged": False}
        if code != 0:
            with open(base + ".log") as stream:
                words = stream.read().strip().split("\n")[-1]
            if "no longer a number" not in words and "not a finite number" not in words:
                sys.exit(f"{variant.name}, seed {seed}: {words}")
            result.update(diverged=True, words=words)
        else:
            metrics = last_metrics(base)
            result.update({key: metrics[key] for key in ("loss", "spread", "steps") if key in metrics}, step=metrics["step"])
            result["knn"] = evaluate(args, base, "knn", log)
            result["linear"] = evaluate(args, base, "linear", log)
            for method in ("knn", "linear"):
                result[method].pop("report", None)
    result["monitor"] = what_the_monitor_named(base + ".log")
    return result


def run_study(args, variants):
    """{(variant name, seed): result}, seed by seed, so that an early stop leaves whole comparisons."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.makedirs(args.out, exist_ok=True)
    chosen = [name for name in args.only.split(",") if name]
    unknown = set(chosen) - {variant.name for variant in variants}
    if unknown:
        sys.exit(f"--only: there is no variant {', '.join(sorted(unknown))}")
    variants = [variant for variant in variants if not chosen or variant.name in chosen]
    results = {}
    for seed in args.seeds:
        for variant in variants:
            base = os.path.join(args.out, f"{variant.name}-s{seed}")
            path = base + ".json"
            if os.path.exists(path):
                with open(path) as stream:
                    result = json.load(stream)
                if result["settings"] != settings_of(args, variant, seed):
                    sys.exit(f"{path} is of other settings: take another --out, or remove it and {base}")
            else:
                print(f"{variant.name}, seed {seed} ...", file=sys.stderr, flush=True)
                result = measure(args, variant, seed, base)
                write_json(result, path)
            results[variant.name, seed] = result
    return variants, results


# ---- Figures ----


def accuracies(args, results, name, method, key="accuracy"):
    """Of the seeds that did not diverge."""
    runs = [results[name, seed] for seed in args.seeds]
    return [run[method][key] for run in runs if not run["diverged"]]


def mean_and_spread(values):
    if not values:
        return "diverged"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"


def said(args, results, name):
    """What the monitor said, seed by seed, in few words."""
    words = []
    for seed in args.seeds:
        run = results[name, seed]
        if run["diverged"]:
            words.append(f"seed {seed}: diverged")
        for step, what in run["monitor"]:
            words.append(f"seed {seed}, step {step}: {what.replace('the representation has ', '').replace('the projections use ', '')}")
    return "; ".join(words) if words else "nothing"


def baseline(args, results, variants, method, key):
    """Random weights and pixels do not depend on the variant's training; each seed has its own random network."""
    for variant in variants:
        values = accuracies(args, results, variant.name, method, key)
        if values:
            return values
    return []


def write_table(args, results, variants, title, extra=None):
    """`extra`: (heading, {variant name: text}) of one more column. Returns the Markdown text, which is also printed."""
    heading = ["variant", "kNN", "linear", "loss at the end", "spread at the end", "the monitor said"]
    rows = []
    for variant in variants:
        runs = [results[variant.name, seed] for seed in args.seeds if not results[variant.name, seed]["diverged"]]
        rows.append([
            variant.label,
            mean_and_spread(accuracies(args, results, variant.name, "knn")),
            mean_and_spread(accuracies(args, results, variant.name, "linear")),
            ", ".join(f"{run['loss']:.3g}" for run in runs) or "-",
            ", ".join(f"{run['spread']:.2g}" for run in runs) or "-",
            said(args, results, variant.name),
        ])
        if extra:
            rows[-1].append(extra[1].get(variant.name, "-"))
    for label, key in (("random weights", "random_init_accuracy"), ("raw pixels", "pixel_accuracy")):
        rows.append([label] + [mean_and_spread(baseline(args, results, variants, method, key)) for method in ("knn", "linear")]
                    + ["-"] * (len(heading) - 3 + (1 if extra else 0)))
    if extra:
        heading.append(extra[0])
    count = f"{len(args.seeds)} seeds, mean and standard deviation" if len(args.seeds) > 1 else f"seed {args.seeds[0]}"
    text = f"# {title}\n\n`{os.path.relpath(args.config, ROOT)}`, {args.epochs} epochs, {count}. Accuracies are percent, on up to "
    text += f"{args.limit} training and test images; k and the probe's learning rate are chosen on held-out training images.\n\n"
    for row in [heading, ["---"] * len(heading)] + rows:
        text += "| " + " | ".join(row) + " |\n"
    with open(os.path.join(args.out, "table.md"), "w") as stream:
        stream.write(text)
    print(text)
    return text


# ---- Plots ----


def nice_step(span):
    """1, 2 or 5 times a power of ten, for about five steps."""
    power = 10 ** math.floor(math.log10(max(span, 1e-9) / 5))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= span / 5)


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Panel:
    """One pair of axes within a picture."""

    def __init__(self, left, top, width, height, low, high, least=0.1):
        step = nice_step(max(high - low, least))
        self.left, self.top, self.width, self.height, self.step = left, top, width, height, step
        self.low, self.high = math.floor(low / step) * step, math.ceil(high / step) * step
        if self.high == self.low:
            self.high += step
        self.parts = []

    def y(self, value):
        value = min(max(value, self.low), self.high)
        return self.top + self.height * (1 - (value - self.low) / (self.high - self.low))

    def x(self, share):
        return self.left + self.width * share

    def text(self, x, y, words, anchor="middle", colour="#222", size=12):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(words)}</text>')

    def line(self, points, colour, width=1.5, dashes=""):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def dot(self, x, y, colour, radius=4):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}" fill-opacity="0.8"/>')

    def axes(self, title):
        self.text(self.left, self.top - 12, title, "start", size=13)
        for i in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + i * self.step
            self.line([(self.left, self.y(value)), (self.left + self.width, self.y(value))], "#ddd", 1)
            self.text(self.left - 6, self.y(value) + 4, f"{value:g}", "end", size=11)


def accuracy_panel(args, results, variants, method, left, top, width, height):
    """A column of dots for each variant, a bar at their mean, and the two baselines."""
    lines = {"random weights": "random_init_accuracy", "raw pixels": "pixel_accuracy"}
    levels = {label: baseline(args, results, variants, method, key) for label, key in lines.items()}
    columns = {variant.name: accuracies(args, results, variant.name, method) for variant in variants}
    everything = [value for values in list(columns.values()) + list(levels.values()) for value in values]
    panel = Panel(left, top, width, height, min(everything, default=0), max(everything, default=1), 1)
    panel.axes(f"{'kNN' if method == 'knn' else 'linear'} accuracy, percent")
    for (label, values), dashes, x, anchor in zip(levels.items(), ("6 4", "2 3"), (0, 1), ("start", "end")):
        if not values:
            continue
        y = panel.y(statistics.mean(values))
        panel.line([(left, y), (left + width, y)], "#888", 1.2, dashes)
        panel.text(panel.x(x), y - 4, label, anchor, "#777", 11)
    for i, variant in enumerate(variants):
        x = panel.x((i + 0.5) / len(variants))
        for value in columns[variant.name]:
            panel.dot(x, panel.y(value), COLOURS[i % len(COLOURS)])
        if columns[variant.name]:
            y = panel.y(statistics.mean(columns[variant.name]))
            panel.line([(x - 12, y), (x + 12, y)], COLOURS[i % len(COLOURS)], 2)
        else:
            panel.text(x, top + height - 6, "diverged", size=11)
        panel.text(x, top + height + 18, variant.label, size=11)
    return panel


def read_curve(args, variant, key):
    """[(epoch, value)] of the first seed."""
    path = os.path.join(args.out, f"{variant.name}-s{args.seeds[0]}", "metrics.jsonl")
    if not os.path.exists(path):
        return []
    with open(path) as stream:
        lines = [json.loads(line) for line in stream]
    return [(line["epoch"], line[key]) for line in lines if isinstance(line.get(key), (int, float))]


def curve_panel(args, variants, key, title, left, top, width, height):
    curves = [read_curve(args, variant, key) for variant in variants]
    values = [value for curve in curves for _, value in curve]
    panel = Panel(left, top, width, height, min(values + [0]), max(values, default=1))
    panel.axes(title)
    for i, curve in enumerate(curves):
        points = [(panel.x(epoch / args.epochs), panel.y(value)) for epoch, value in curve]
        if points:
            panel.line(points, COLOURS[i % len(COLOURS)])
    for epoch in range(0, args.epochs + 1, max(1, args.epochs // 6)):
        panel.text(panel.x(epoch / args.epochs), top + height + 18, str(epoch), size=11)
    panel.text(left + width / 2, top + height + 34, f"epoch (seed {args.seeds[0]})", size=11)
    for i, variant in enumerate(variants):
        y = top + 4 + 16 * i
        panel.line([(left + width + 10, y), (left + width + 28, y)], COLOURS[i % len(COLOURS)], 2.5)
        panel.text(left + width + 33, y + 4, variant.label, "start", size=11)
    return panel


def write_plot(args, results, variants, title):
    width, height = 1060, 830
    panels = [
        accuracy_panel(args, results, variants, "knn", 60, 70, 960, 190),
        accuracy_panel(args, results, variants, "linear", 60, 330, 960, 190),
        curve_panel(args, variants, "spread", "spread of the projections (healthy near 1, collapsed near 0)", 60, 590, 760, 180),
    ]
    body = "\n".join(part for panel in panels for part in panel.parts)
    text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">\n'
    text += f'<rect width="{width}" height="{height}" fill="white"/>\n'
    text += f'<text x="60" y="30" font-size="17">{escape(title)}</text>\n{body}\n</svg>\n'
    path = os.path.join(args.out, "plot.svg")
    with open(path, "w") as stream:
        stream.write(text)
    print(f"{path}\n{os.path.join(args.out, 'table.md')}", file=sys.stderr)


def finish(args, results, variants, title, extra=None):
    write_table(args, results, variants, title, extra)
    write_plot(args, results, variants, title)
