#!/usr/bin/env python3
"""How fast should the target follow? Constant tau 0, .9, .99, .999 and 1, and the cosine schedule from the recipe's own tau.

    studies/tau.py [--out runs/study-tau] [--epochs 3] [--seeds 1,2]

The paper (arXiv 2006.07733, table 5a) has the same five on ImageNet: with tau 0 everything collapses, with tau 1 the target stays
random and the encoder learns what a random network can teach. Can be stopped at any time and called again. Leaves table.md and
plot.svg in the folder of --out.
"""
import study

PAPER = {"tau-0": "0.3", "tau-0.9": "68.4", "tau-0.99": "72.5", "tau-0.999": "69.8", "tau-1": "18.8"}


def constant(tau):
    return study.Variant(f"tau-{tau}", f"tau {tau}", target__tau=tau, target__schedule="constant")


def main():
    args = study.parse_arguments(__doc__, "runs/study-tau", 3)
    variants = [constant(tau) for tau in ("0", "0.9", "0.99", "0.999", "1")]
    variants.append(study.Variant("cosine", "cosine schedule", target__schedule="cosine"))
    variants, results = study.run_study(args, variants)
    study.finish(args, results, variants, "The target's moving average: tau", ("the paper: linear, ImageNet, 300 epochs", PAPER))


main()
