"""Holds heads in ONNX Runtime against what byol has answered.
usage: check_tasks.py segment NETWORK PICTURES MASKS
       check_tasks.py detect NETWORK VOC FOUND.json RESULT.json"""
import contextlib
import glob
import io
import json
import os
import sys
import xml.etree.ElementTree as xml

import numpy as np
import onnx
import onnxruntime
from PIL import Image


def run(network, paths):
    onnx.checker.check_model(onnx.load(network), full_check=True)
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    images = np.stack([np.asarray(Image.open(p).convert("RGB")) for p in paths]).transpose(0, 3, 1, 2)
    return session.run(None, {"images": images.astype(np.float32) / 255})[0]


def segment(network, pictures, masks):
    paths = sorted(glob.glob(f"{pictures}/*.ppm"))
    logits = run(network, paths)
    wanted = np.stack([np.asarray(Image.open(f"{masks}/{os.path.basename(p)[:-4]}.png")) for p in paths])
    order = np.sort(logits, 1)
    sure = order[:, -1] - order[:, -2] > 1e-3  # rounding decides the others
    assert sure.mean() > 0.5 and (logits.argmax(1) == wanted)[sure].all(), "masks differ"
    print(f"segment: {sure.mean():.1%} of {wanted.size} pixels compared")


def boxes_of(maps, size):
    """(score, class, x, y, width, height) of the peaks of one map, the surest first."""
    classes, (height, width) = len(maps) - 4, maps.shape[1:]
    heat = 1 / (1 + np.exp(-maps[:classes]))
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    around = np.max([padded[:, v:v + height, u:u + width] for v in range(3) for u in range(3)], 0)
    found = []
    for k, y, x in zip(*np.nonzero(heat == around)):
        w, h, right, below = maps[classes:, y, x]
        w, h = max(w, 0), max(h, 0)
        box = np.array([x + right - w / 2, y + below - h / 2, x + right + w / 2, y + below + h / 2]) * np.tile([size[0] / width, size[1] / height], 2)
        box = np.clip(box, 0, np.tile(size, 2))
        if (box[2:] > box[:2]).all():
            found.append((heat[k, y, x], k, *box[:2], *(box[2:] - box[:2])))
    return sorted(found, reverse=True)


def detect(network, voc, found, result):
    names = open(f"{voc}/ImageSets/Main/test.txt").read().split()
    paths = [f"{voc}/JPEGImages/{n}.ppm" for n in names]
    told, compared = json.load(open(found)), 0
    for i, maps in enumerate(run(network, paths)):
        ours = boxes_of(maps, Image.open(paths[i]).size)[:20]
        theirs = [(t["score"], t["category_id"] - 1, *t["bbox"]) for t in told if t["image_id"] == i][:20]
        for a, b in zip(ours, theirs):
            assert np.abs(np.array(a) - b).max() < 1e-2, (a, b)
            compared += 1
    assert compared > 20, "nothing was found"
    print(f"detect: {compared} boxes compared, {judge(voc, names, told, json.load(open(result)))}")


def judge(voc, names, told, result):
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        return "without pycocotools"
    annotations = []
    for i, name in enumerate(names):
        for o in xml.parse(f"{voc}/Annotations/{name}.xml").getroot().iter("object"):
            x0, y0, x1, y1 = (float(o.find("bndbox").find(k).text) for k in ("xmin", "ymin", "xmax", "ymax"))
            annotations.append(dict(id=len(annotations) + 1, image_id=i, category_id=1 + (o.find("name").text == "red"),
                                    bbox=[x0, y0, x1 - x0, y1 - y0], area=(x1 - x0) * (y1 - y0), iscrowd=0))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(images=[dict(id=i) for i in range(len(names))], annotations=annotations,
                            categories=[dict(id=1, name="blue"), dict(id=2, name="red")])
        coco.createIndex()
        e = COCOeval(coco, coco.loadRes(told), "bbox")
        e.evaluate()
        e.accumulate()
        e.summarize()
    ap50, ap, ap75 = result["rows"][0]["values"]
    assert np.abs(np.array([ap, ap50, ap75]) - 100 * e.stats[:3]).max() < 1e-3, (ap, ap50, ap75, e.stats[:3])
    return f"AP {ap:.2f} as pycocotools"


{"segment": segment, "detect": detect}[sys.argv[1]](*sys.argv[2:])
