#!/usr/bin/env python3
"""Makes roc.safetensors with scikit-learn and SciPy: ROC curves and what is measured on them.

    python3 make_roc.py

In the file, for each case (some scores equal, others all different, perfect, useless, upside down):
    <case>/score, <case>/same       of the pairs
    <case>/far, <case>/tar          roc_curve(drop_intermediate=False), without its thresholds
    <case>/measures                 AUC, EER (where the linear interpolation of the curve meets 1 - FAR), the highest TAR with a
                                    FAR of at most 1 % and of at most 10 %
"""
import os

import numpy as np
from safetensors.numpy import save_file
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

draw = np.random.default_rng(7)


def overlapping(count, distance, decimals):
    same = draw.random(count) < 0.4
    return np.round(draw.normal(0, 1, count) + distance * same, decimals), same


cases = {
    "different": overlapping(300, 1.2, 6),
    "equal": overlapping(300, 1.2, 0),
    "good": overlapping(250, 3.0, 2),
    "perfect": (np.arange(40.0), np.arange(40) >= 25),
    "useless": (np.full(30, 0.5), np.arange(30) % 3 == 0),
    "upside_down": (np.arange(30.0), np.arange(30) < 12),
}
tensors = {}
for name, (score, same) in cases.items():
    score = score.astype(np.float32)
    far, tar, _ = roc_curve(same, score, drop_intermediate=False)
    at, index = np.unique(far + tar, return_index=True)  # both only rise; interpolate along the curve
    where = brentq(lambda s: interp1d(at, far[index])(s) + interp1d(at, tar[index])(s) - 1, at[0], at[-1])
    eer = float(interp1d(at, far[index])(where))
    measures = [roc_auc_score(same, score), eer, tar[far <= 0.01].max(), tar[far <= 0.1].max()]
    print(f"{name:12s} AUC {measures[0]:.4f} EER {eer:.4f} TAR@1% {measures[2]:.4f}")
    tensors |= {f"{name}/score": score, f"{name}/same": same.astype(np.float32), f"{name}/far": far.astype(np.float32),
                f"{name}/tar": tar.astype(np.float32), f"{name}/measures": np.array(measures, np.float32)}
save_file(tensors, os.path.join(os.path.dirname(os.path.abspath(__file__)), "roc.safetensors"))
