#!/usr/bin/env python3
"""Runs recipes at an equal budget and keeps one line a run in a table, so that no choice is made twice.

    studies/recipe.py NAME --train path/to/cifar-10:1,2,3 --test path/to/cifar-10:4 --epochs 4 \\
        --set encoder.name=conv4 --set encoder.width=32 [--seeds 1,2] [--config FILE]
    studies/recipe.py NAME ... --pflop 0.06       as many whole epochs as so many peta-FLOP pay for
    studies/recipe.py NAME ... --minutes 10       until the time is over (train.minutes)
    studies/recipe.py --list                      the table, the best first

Choose on held-out training images: --test names some of them, never the test set. A run that is in the table is not made
again; one that was interrupted goes on. FLOPs are those of all passes of a step over all views, 2 for each multiply-add.
Python 3 and its standard library only.
"""
import argparse
import csv
import json
import os
import subprocess
import sys

from study import ROOT, call, last_metrics

TABLE = os.path.join(ROOT, "studies", "recipes.csv")
COLUMNS = ["name", "data", "seed", "epochs", "pflop", "seconds", "knn", "linear", "rank", "loss", "encoder", "settings"]
# What a recipe is unless it says otherwise: SimCLR's loss, which learns from the first epoch.
BASE = {"loss.distance": "infonce", "loss.own_negatives": "true", "loss.temperature": "0.1", "target.kind": "online",
        "target.stop_gradient": "false", "predictor.kind": "none", "optimizer.warmup_epochs": "0.3",
        "views.crop_area_min": "0.2", "train.batch_size": "128"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="what the recipe is called in the table")
    parser.add_argument("--byol", default=os.path.join(ROOT, "build", "byol"), help="the program (default: build/byol)")
    parser.add_argument("--config", default=os.path.join(ROOT, "configs", "cifar10-small.yaml"))
    parser.add_argument("--train", help="images to train on, with labels for evaluation")
    parser.add_argument("--test", help="held-out images")
    parser.add_argument("--out", default=os.path.join(ROOT, "runs", "recipes"), help="folder of the runs")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--pflop", type=float, help="peta-FLOP of training")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--table", default=TABLE, help="where the lines are kept (default: studies/recipes.csv)")
    parser.add_argument("--threads", type=int, default=0, help="0: every processor the process may use")
    parser.add_argument("--list", action="store_true", help="show the table")
    args = parser.parse_args()
    if not args.list and not (args.name and args.train and args.test):
        parser.error("a run needs NAME, --train and --test")
    if not args.list and sum(x is not None for x in (args.epochs, args.pflop, args.minutes)) != 1:
        parser.error("one of --epochs, --pflop and --minutes says how long a run is")
    return args


def read_table(args):
    if not os.path.exists(args.table):
        return []
    with open(args.table, newline="") as stream:
        return list(csv.DictReader(stream))


def append_row(args, row):
    new = not os.path.exists(args.table)
    with open(args.table, "a", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def show(args):
    rows = sorted(read_table(args), key=lambda row: (row["data"], -float(row["linear"])))
    for row in rows:
        print(f'{row["data"]:12} {row["name"]:28} seed {row["seed"]}  {float(row["epochs"]):6.1f} epochs '
              f'{float(row["pflop"]):.3f} PFLOP  kNN {row["knn"]:>6}  linear {row["linear"]:>6}  rank {row["rank"]}')


def train(args, command, log):
    code, _ = call(command, log)
    if code != 0:
        sys.exit(f"{args.name}: {' '.join(command)} failed; the end of {log.name} says why")


def flops_per_image(args, settings, folder, log):
    """Of a whole step, by one that is made: the summary of a run of one epoch's first batch tells."""
    probe = folder + "-probe"
    command = [args.byol, "pretrain", args.config, "--data", args.train, "--out", probe, "--quiet"]
    for key, value in {**settings, "train.epochs": "1", "optimizer.schedule": "trapezoid", "train.minutes": "0.01",
                       "target.schedule": "constant"}.items():
        command += ["--set", f"{key}={value}"]
    if not os.path.exists(os.path.join(probe, "summary.json")):
        train(args, command, log)
    with open(os.path.join(probe, "summary.json")) as stream:
        return json.load(stream)["flops_per_image"]


def evaluate(args, folder, method, log):
    command = [args.byol, method, folder, "--train", args.train, "--test", args.test, "--no-baselines", "--quiet", "--json"]
    command += ["--threads", str(args.threads)]
    code, output = call(command, log)
    if code != 0:
        sys.exit(f"{' '.join(command)} failed; the end of {log.name} says why")
    return json.loads(output)


def run(args, seed):
    settings = {**BASE, **dict(pair.split("=", 1) for pair in args.set), "train.seed": str(seed)}
    folder = os.path.join(args.out, f"{args.name}-s{seed}")
    os.makedirs(args.out, exist_ok=True)
    with open(folder + ".log", "a") as log:
        if args.minutes:
            settings.update({"train.minutes": str(args.minutes), "optimizer.schedule": "trapezoid"})
        elif args.epochs:
            settings["train.epochs"] = str(args.epochs)
        else:
            images = count_images(args, log)
            epochs = args.pflop * 1e15 / (flops_per_image(args, settings, folder, log) * images)
            settings["train.epochs"] = str(max(1, round(epochs)))
        command = [args.byol, "pretrain", args.config, "--data", args.train, "--out", folder, "--resume", "--quiet"]
        command += ["--threads", str(args.threads)]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        train(args, command, log)
        knn, linear = evaluate(args, folder, "knn", log), evaluate(args, folder, "linear", log)
    with open(os.path.join(folder, "summary.json")) as stream:
        summary = json.load(stream)
    metrics = last_metrics(folder)
    data = os.path.basename(args.train.rstrip("/")).split(":")[0]
    images = summary["steps"] * int(settings.get("train.batch_size", 256))
    append_row(args, {
        "name": args.name, "data": data, "seed": seed, "epochs": round(metrics["epoch"], 2),
        "pflop": round(summary["flops_per_image"] * images / 1e15, 4), "seconds": round(metrics["seconds"]),
        "knn": knn["accuracy"], "linear": linear["accuracy"], "rank": round(metrics.get("representation_rank", 0), 1),
        "loss": round(metrics["loss"], 4), "encoder": settings.get("encoder.name", "resnet18") + "-w" + settings.get("encoder.width", "16"),
        "settings": " ".join(f"{key}={value}" for key, value in sorted(settings.items())),
    })


def count_images(args, log):
    command = [args.byol, "data", args.train, "--json"]
    code, output = call(command, log)
    if code != 0:
        sys.exit(f"{' '.join(command)} failed; the end of {log.name} says why")
    return json.loads(output)["count"]


def main():
    args = parse_arguments()
    if args.list:
        return show(args)
    data = os.path.basename(args.train.rstrip("/")).split(":")[0]
    for seed in (int(seed) for seed in args.seeds.split(",")):
        if any(row["name"] == args.name and row["data"] == data and int(row["seed"]) == seed for row in read_table(args)):
            print(f"{args.name}, seed {seed}: is in the table", file=sys.stderr)
            continue
        run(args, seed)
    show(args)


if __name__ == "__main__":
    main()
