#!/usr/bin/env python3
"""What is each part of BYOL good for? It is taken away, and the rest stays as it was.

    studies/ablations.py [--out runs/study-ablations] [--epochs 3] [--seeds 1,2]

    no predictor       the online projection itself is compared with the target's
    no average         the target is the online network as it is, behind the stop-gradient (SimSiam's)
    averaged loss      the mean of the two directions instead of their sum. Under SGD that is half the learning rate with
                       twice the weight decay, to the bit but for rounding, and that is how it is run
    mispaired views    each view predicts its own target projection, not the other view's
    no crop ...        one step of the views left out of both

Steps that do nothing to the images are left out: grey pictures have no saturation, hue or grayscale. Can be stopped at any time
and called again. Leaves table.md and plot.svg in the folder of --out.
"""
import study


def without(name, **settings):
    """A step of both views taken away."""
    both = {f"views__{view}__{key}": value for view in ("view1", "view2") for key, value in settings.items()}
    return study.Variant(f"no-{name}", f"no {name}", **both)


def main():
    args = study.parse_arguments(__doc__, "runs/study-ablations", 3)
    lr, weight_decay = study.number_in_config(args, "lr"), study.number_in_config(args, "weight_decay")
    variants = [
        study.Variant("byol", "BYOL"),
        study.Variant("no-predictor", "no predictor", predictor__kind="none"),
        study.Variant("no-average", "no average", target__kind="online"),
        study.Variant("averaged-loss", "averaged loss", optimizer__lr=lr / 2, optimizer__weight_decay=weight_decay * 2),
        study.Variant("mispaired", "mispaired views", loss__mispaired="true"),
        without("crop", crop_area_min=1, crop_aspect_min=1, crop_aspect_max=1),
        without("flip", flip=0),
        without("jitter", jitter=0),
        without("solarize", solarize=0),
    ]
    variants, results = study.run_study(args, variants)
    study.finish(args, results, variants, "Parts of BYOL taken away, one at a time")


main()
