#!/usr/bin/env python3
"""What is a pre-trained encoder worth where labels are few?

    studies/labels.py runs/cifar10-small --train path/to/cifar-10:1,2,3,4 --test path/to/cifar-10:5 [--out runs/study-labels]

Fine-tunes with 1, 10 and 100 % of the labels, each with several seeds (which draw the images, too), beside the same network trained
as long from random weights. Can be stopped at any time and called again. Leaves table.md in the folder of --out.
"""
import argparse
import json
import os

import study


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run, or its weights")
    parser.add_argument("--byol", default=os.path.join(study.ROOT, "build", "byol"), help="the program (default: build/byol)")
    parser.add_argument("--train", required=True, help="labelled images")
    parser.add_argument("--test", required=True)
    parser.add_argument("--out", default="runs/study-labels")
    parser.add_argument("--fractions", default="0.01:100,0.1:20,1:4",
                        help="of the labels, and how many epochs each (default: 0.01:100,0.1:20,1:4)")
    parser.add_argument("--seeds", default="1,2,3", help="with commas between (default: 1,2,3)")
    parser.add_argument("--limit", type=int, default=1000000, help="at most so many images of each set")
    parser.add_argument("--threads", type=int, default=0, help="0: every processor the process may use")
    return parser.parse_args()


def finetune(args, fraction, epochs, seed):
    base = os.path.join(args.out, f"labels-{fraction}-epochs-{epochs}-s{seed}")
    if not os.path.exists(base + ".json"):
        with open(base + ".log", "a") as log:
            result = study.evaluate(args, args.run, "finetune", log, "--label-fraction", fraction, "--epochs", epochs, "--seed", seed)
        study.write_json(result, base + ".json")
    with open(base + ".json") as stream:
        return json.load(stream)


def main():
    args = parse_arguments()
    os.makedirs(args.out, exist_ok=True)
    seeds = args.seeds.split(",")
    count = f"{len(seeds)} seeds, mean and standard deviation" if len(seeds) > 1 else f"seed {seeds[0]}"
    text = f"`{args.run}`; percent on the test images, {count}.\n\n"
    text += "| labels | images | epochs | fine-tuned | from scratch |\n| --- | --- | --- | --- | --- |\n"
    for pair in args.fractions.split(","):
        fraction, epochs = pair.split(":")
        runs = [finetune(args, fraction, epochs, seed) for seed in seeds]
        tuned, scratch = ([run[key] for run in runs] for key in ("accuracy", "from_scratch_accuracy"))
        text += f"| {float(fraction) * 100:g} % | {runs[0]['label_count']:,} | {epochs} | {study.mean_and_spread(tuned)} | "
        text += f"{study.mean_and_spread(scratch)} |\n"
    with open(os.path.join(args.out, "table.md"), "w") as stream:
        stream.write(text)
    print(text)


main()
