#!/usr/bin/env python3
"""Makes tasks.safetensors with PyTorch and pycocotools: what the tasks on every pixel compute.

    python3 make_golden_tasks.py            writes the file anew
    python3 make_golden_tasks.py --check    computes again and compares with the file that is there

In it:
    head/a                              maps of a stage, (N, C, h, w); those of a coarser one, b, are a convolution of them
    head/labels                         (N, H, W), 255: ignored
    head/init/<parameter>, head/loss, head/logits, head/grad/<parameter>
                                        of b brought to a's size, both, batch norm, a 1x1 convolution, bilinear to H x W
                                        and the mean cross-entropy
    center/maps, center/boxes, center/heat, center/loss, center/grad
                                        boxes are (picture, class, left, top, right, bottom) in cells of the map; the
                                        sizes in maps are of units of 2.5 cells
    coco/truth, coco/found              (picture, class, x, y, width, height, crowd or score)
    coco/all, coco/class                AP, AP at .5, at .75; of all classes and of each
Floats are computed in float64. The radius of a Gaussian is that of CornerNet's and CenterNet's code.
"""
import contextlib
import io
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from make_golden import finish


def make_head():
    draw = torch.Generator().manual_seed(7)
    classes, n, size = 4, 3, (9, 11)
    a = torch.randn(n, 6, 4, 5, generator=draw, dtype=torch.float64)
    labels = torch.randint(0, classes, (n, *size), generator=draw)
    labels[torch.rand(n, *size, generator=draw) < 0.2] = 255
    params = {"head.0.weight": 1 + 0.3 * torch.randn(11, generator=draw, dtype=torch.float64),
              "head.0.bias": torch.randn(11, generator=draw, dtype=torch.float64),
              "head.1.weight": torch.randn(classes, 11, 1, 1, generator=draw, dtype=torch.float64),
              "head.1.bias": torch.randn(classes, generator=draw, dtype=torch.float64),
              "second.weight": torch.randn(5, 6, 3, 3, generator=draw, dtype=torch.float64)}
    for value in params.values():
        value.requires_grad_(True)
    b = F.conv2d(a, params["second.weight"], stride=2, padding=1)  # (N, 5, 2, 3)
    whole = torch.cat([a, F.interpolate(b, a.shape[2:], mode="bilinear", align_corners=False)], 1)
    y = F.batch_norm(whole, None, None, params["head.0.weight"], params["head.0.bias"], training=True)
    y = F.conv2d(y, params["head.1.weight"], params["head.1.bias"])
    logits = F.interpolate(y, size, mode="bilinear", align_corners=False)
    loss = F.cross_entropy(logits, labels, ignore_index=255)
    loss.backward()
    return {"head/a": a, "head/labels": labels, "head/logits": logits, "head/loss": loss.reshape(1),
            **{f"head/init/{k}": v for k, v in params.items()}, **{f"head/grad/{k}": v.grad for k, v in params.items()}}


def radius_of(height, width, overlap=0.7):
    """CornerNet's gaussian_radius."""
    b1, c1 = height + width, width * height * (1 - overlap) / (1 + overlap)
    b2, c2 = 2 * (height + width), (1 - overlap) * width * height
    a3, b3, c3 = 4 * overlap, -2 * overlap * (height + width), (overlap - 1) * width * height
    return min((b1 + math.sqrt(b1 ** 2 - 4 * c1)) / 2, (b2 + math.sqrt(b2 ** 2 - 16 * c2)) / 2,
               (b3 + math.sqrt(b3 ** 2 - 4 * a3 * c3)) / 2)


def make_center():
    draw = np.random.default_rng(5)
    classes, n, height, width, unit = 3, 2, 12, 16, 2.5
    boxes = []
    for picture in range(n):
        for _ in range(5):
            x, y = draw.uniform(0, width - 2), draw.uniform(0, height - 2)
            boxes.append((picture, draw.integers(classes), x, y, min(width, x + draw.uniform(1, 9)), min(height, y + draw.uniform(1, 7))))
    boxes = np.float32(boxes)  # as they are stored
    heat = np.zeros((n, classes, height, width))
    cells, wanted = [], []
    for picture, label, x0, y0, x1, y1 in boxes.astype(np.float64):
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        r = max(0, int(radius_of(math.ceil(y1 - y0), math.ceil(x1 - x0))))
        v, u = np.mgrid[:height, :width]
        v, u = v - int(cy), u - int(cx)
        peak = np.exp(-(u * u + v * v) / (2 * ((2 * r + 1) / 6) ** 2)) * ((abs(u) <= r) & (abs(v) <= r))
        at = heat[int(picture), int(label)]
        np.maximum(at, peak, out=at)
        cells.append((int(picture), int(cy), int(cx)))
        wanted.append((x1 - x0, y1 - y0, cx - int(cx), cy - int(cy)))
    maps = torch.from_numpy(draw.normal(size=(n, classes + 4, height, width))).requires_grad_(True)
    y, p = torch.from_numpy(heat), torch.sigmoid(maps[:, :classes])
    focal = torch.where(y == 1, (1 - p) ** 2 * torch.log(p), (1 - y) ** 4 * p ** 2 * torch.log(1 - p))
    picture, row, column = (torch.tensor(c) for c in zip(*cells))
    at = maps[picture, classes:, row, column] * torch.tensor([unit, unit, 1, 1])
    off = (at - torch.tensor(wanted)).abs()
    loss = (-focal.sum() + 0.1 * off[:, :2].sum() + off[:, 2:].sum()) / len(boxes)
    loss.backward()
    return {"center/maps": maps, "center/boxes": torch.from_numpy(boxes), "center/heat": y, "center/loss": loss.reshape(1),
            "center/grad": maps.grad}


def judge(truth, found, classes):
    """COCOeval's numbers. (AP, AP50, AP75) of all, and of each class."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def entry(i, row, **more):
        x, y, w, h = (float(v) for v in row[2:6])
        return dict(id=i + 1, image_id=int(row[0]), category_id=int(row[1]), bbox=[x, y, w, h], area=w * h, **more)

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(images=[dict(id=i) for i in range(int(max(truth[:, 0].max(), found[:, 0].max())) + 1)],
                            categories=[dict(id=k, name=str(k)) for k in range(classes)],
                            annotations=[entry(i, r, iscrowd=int(r[6])) for i, r in enumerate(truth)])
        coco.createIndex()
        e = COCOeval(coco, coco.loadRes([entry(i, r, score=float(r[6])) for i, r in enumerate(found)]), "bbox")
        e.evaluate()
        e.accumulate()
    precision = e.eval["precision"][:, :, :, 0, 2]  # (overlaps, recalls, classes), all sizes, 100 detections

    def mean(values):
        return values[values > -1].mean() if (values > -1).any() else -1

    def three(values):
        return [100 * mean(values), 100 * mean(values[0]), 100 * mean(values[5])]

    return three(precision), [three(precision[:, :, k]) for k in range(classes)]


def make_coco():
    """Detections near the truth, some twice, some nowhere; class 3 has no truth; a few scores are equal."""
    draw = np.random.default_rng(3)
    classes, truth, found = 4, [], []
    for picture in range(12):
        for _ in range(draw.integers(0, 9)):
            label, box = draw.integers(3), np.array([*draw.uniform(0, 80, 2), *draw.uniform(8, 40, 2)])
            crowd = draw.random() < 0.1
            truth.append((picture, label, *box, crowd))
            for _ in range(draw.integers(0, 4)):
                moved = box + draw.normal(0, draw.choice([0.5, 2, 5]), 4)
                found.append((picture, label if draw.random() < 0.9 else draw.integers(classes), *np.maximum(moved, [0, 0, 4, 4]),
                              round(draw.random(), 2)))
        for _ in range(draw.integers(0, 3)):
            found.append((picture, draw.integers(classes), *draw.uniform(0, 60, 2), *draw.uniform(5, 30, 2), round(draw.random() / 2, 2)))
    for i in range(130):  # more than 100 of a class in a picture
        found.append((12, 0, i % 13 * 9, i // 13 * 9, 9, 9, 1 - i / 200))
    truth.append((12, 0, 9, 0, 9, 9, 0))
    truth.append((12, 0, 12 * 9, 9 * 9, 9, 9, 0))  # found by the last alone: beyond the hundred
    truth, found = np.float32(truth), np.float32(found)
    whole, each = judge(truth, found, classes)
    print(f" coco: AP {whole}, by class {each}")
    return {"coco/truth": torch.from_numpy(truth), "coco/found": torch.from_numpy(found),
            "coco/all": torch.tensor(whole, dtype=torch.float64), "coco/class": torch.tensor(each, dtype=torch.float64)}


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tasks.safetensors")
    tensors = {**make_head(), **make_center(), **make_coco()}
    finish(path, {k: v.detach().double() for k, v in tensors.items()})


if __name__ == "__main__":
    main()
