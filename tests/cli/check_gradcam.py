"""Holds the maps of byol explain against Grad-CAM by torch's autograd, on torchvision's resnet18 with the same weights.
usage: check_gradcam.py STEM CLASSIFIER.safetensors ANSWERS.npy LIKENESSES.npy (with the first picture)"""
import sys

import numpy as np
import torch
from check_torchvision import cifar_images, load, network

stem, weights, answers, likenesses = sys.argv[1:]
state = load(weights)
net = network(stem)
net.fc = torch.nn.Linear(512, len(state["fc.bias"]))
net.load_state_dict(state)
net.eval()
kept = {}
net.layer4.register_forward_hook(lambda module, source, result: kept.update(maps=result))
net.avgpool.register_forward_hook(lambda module, source, result: kept.update(vector=result.flatten(1)))


def gradcam(y):
    """Equations 1 and 2 of Selvaraju et al. 2017: y depends on kept["maps"], (1, C, h, w)"""
    (gradient,) = torch.autograd.grad(y, kept["maps"])
    alpha = gradient.mean((2, 3), keepdim=True)
    return torch.relu((alpha * kept["maps"]).sum(1))[0].detach().flatten().numpy()


images = cifar_images()
with torch.no_grad():
    net(images[:1])
first = kept["vector"].detach()
worst, largest = 0.0, 0.0
for image, answer, likeness in zip(images, np.load(answers), np.load(likenesses)):
    wanted = gradcam(net(image[None]).max())
    net(image[None])
    alike = gradcam(torch.nn.functional.cosine_similarity(kept["vector"], first).sum())
    for found, other in ((answer, wanted), (likeness, alike)):
        # a likeness with itself has no gradient: what rounding leaves of it is held against the other maps
        scale = max(np.abs(other).max(), 1e-3)
        worst = max(worst, np.abs(found - other).max() / scale)
        largest = max(largest, np.abs(other).max())
assert worst < 1e-3, f"maps differ by {worst} of their highest value"
assert largest > 1e-3, "maps of nothing"
print(f"Grad-CAM by torch, {stem} stem: largest difference {worst:.2g} of a map's highest value")
