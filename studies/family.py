#!/usr/bin/env python3
"""What does each member of the family learn in the same time?

    studies/family.py --train path/to/cifar-10:1,2 --test path/to/cifar-10:5 [--out runs/study-family] [--minutes 2]

Every configuration of configs/family/ is given the same time: the rate of its step is measured first, and the whole epochs that fit are
trained (at least one), with the schedule made for them. Then kNN, a linear probe and fine-tuning with some of the labels, each beside
the same network untrained. Run it on a quiet machine: the epochs depend on its speed. Can be stopped at any time and called
again. Leaves table.md in the folder of --out.
"""
import argparse
import glob
import json
import os
import sys

import study


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--byol", default=os.path.join(study.ROOT, "build", "byol"), help="the program (default: build/byol)")
    parser.add_argument("--train", required=True, help="images to train on, with labels for evaluation")
    parser.add_argument("--test", required=True)
    parser.add_argument("--out", default="runs/study-family")
    parser.add_argument("--minutes", type=float, default=2, help="of training for each member (default: 2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=10000, help="evaluate on at most so many images of each set")
    parser.add_argument("--threads", type=int, default=0, help="0: every processor the process may use")
    parser.add_argument("--label-fraction", default="0.1", help="of --limit training images, for fine-tuning (default: 0.1)")
    parser.add_argument("--finetune-epochs", type=int, default=10)
    parser.add_argument("--only", default="", help="names of members, with commas between (default: all)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for every member alike")
    return parser.parse_args()


def output_of(command, log):
    code, output = study.call(command, log)
    if code != 0:
        sys.exit(f"{' '.join(command)} failed; the end of {log.name} says why")
    return json.loads(output)


def epochs_that_fit(args, log):
    """Whole epochs within the minutes, at the rate that the machine has now."""
    images = output_of([args.byol, "data", args.train, "--json", "--quiet"], log)["count"]
    command = [args.byol, "bench", "step", args.config, "--threads", str(args.threads), "--json"]
    for pair in args.set:
        command += ["--set", pair]
    rate = output_of(command, log)["images_per_second"]
    return max(1, round(args.minutes * 60 * rate / images))


def measure(args, name, base):
    """One member: trained, judged three ways."""
    with open(base + ".log", "a") as log:
        if not os.path.exists(base + ".epochs"):
            epochs = epochs_that_fit(args, log)
            with open(base + ".epochs", "w") as stream:
                stream.write(str(epochs))
        with open(base + ".epochs") as stream:
            args.epochs = int(stream.read())
    result = study.measure(args, study.Variant(name, name), args.seed, base)
    if not result["diverged"]:
        result["seconds"] = study.last_metrics(base)["seconds"]
        with open(base + ".log", "a") as log:
            result["finetune"] = study.evaluate(args, base, "finetune", log, "--label-fraction", args.label_fraction, "--epochs",
                                                str(args.finetune_epochs), "--seed", str(args.seed))
            result["finetune"].pop("report", None)
    return result


def write_table(args, results):
    heading = ["member", "epochs", "seconds", "loss", "kNN", "untrained", "linear", "untrained", "fine-tuned", "from scratch",
               "the monitor said"]
    share = f"{float(args.label_fraction) * 100:g} % of the labels of {args.limit} images"
    text = f"The same {args.minutes:g} minutes for each, seed {args.seed}; accuracies are percent on up to {args.limit} test images; "
    text += f"fine-tuned: with {share}, {args.finetune_epochs} epochs.\n\n"
    rows = [heading, ["---"] * len(heading)]
    for name, run in results.items():
        if run["diverged"]:
            rows.append([name, run["settings"]["train.epochs"]] + ["diverged"] + ["-"] * (len(heading) - 3))
            continue
        knn, linear, tuned = run["knn"], run["linear"], run["finetune"]
        figures = [knn["accuracy"], knn["random_init_accuracy"], linear["accuracy"], linear["random_init_accuracy"],
                   tuned["accuracy"], tuned["from_scratch_accuracy"]]
        words = "; ".join(f"step {step}: {what}" for step, what in run["monitor"]) or "nothing"
        rows.append([name, run["settings"]["train.epochs"], f"{run['seconds']:.0f}", f"{run['loss']:.3g}"] +
                    [f"{figure:.2f}" for figure in figures] + [words])
    pixels = next((run for run in results.values() if not run["diverged"]), None)
    if pixels:
        rows.append(["raw pixels", "", "", "", f"{pixels['knn']['pixel_accuracy']:.2f}", "", f"{pixels['linear']['pixel_accuracy']:.2f}"] +
                    [""] * 4)
    text += "".join("| " + " | ".join(row) + " |\n" for row in rows)
    with open(os.path.join(args.out, "table.md"), "w") as stream:
        stream.write(text)
    print(text)


def main():
    args = parse_arguments()
    os.makedirs(args.out, exist_ok=True)
    configs = {os.path.basename(path)[:-5]: path for path in glob.glob(os.path.join(study.ROOT, "configs", "family", "*.yaml"))}
    chosen = [name for name in args.only.split(",") if name] or sorted(configs)
    results = {}
    for name in chosen:
        if name not in configs:
            sys.exit(f"--only: there is no configs/family/{name}.yaml")
        base = os.path.join(args.out, name)
        args.config = configs[name]
        if os.path.exists(base + ".json"):
            with open(base + ".json") as stream:
                results[name] = json.load(stream)
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        results[name] = measure(args, name, base)
        study.write_json(results[name], base + ".json")
    write_table(args, results)


main()
