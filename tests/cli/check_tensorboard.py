"""Holds what TensorBoard reads from a run folder against its metrics.jsonl. usage: check_tensorboard.py RUN"""
import io
import json
import sys

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = sys.argv[1]
events = EventAccumulator(run, size_guidance={"scalars": 0, "histograms": 0, "images": 0})
events.Reload()
tags = events.Tags()

metrics = [json.loads(line) for line in open(f"{run}/metrics.jsonl")]
names = {key for line in metrics for key in line} - {"step"}
shown = {tag.split("/")[1]: tag for tag in tags["scalars"]}
assert names == set(shown), names ^ set(shown)
for name, tag in shown.items():
    expected = [(line["step"], line[name]) for line in metrics if name in line]
    found = [(e.step, e.value) for e in events.Scalars(tag)]
    assert [s for s, _ in found] == [s for s, _ in expected], (tag, found, expected)
    for (_, a), (_, b) in zip(found, expected):
        assert abs(a - b) <= 1e-6 * max(1, abs(b)), (tag, a, b)

epochs = [int(line["step"]) for line in metrics if "knn" in line]
assert epochs == [4, 8, 12], epochs
assert set(tags["histograms"]) == {"vectors/projection", "vectors/prediction"}, tags
for tag in tags["histograms"]:
    histograms = events.Histograms(tag)
    assert [h.step for h in histograms] == epochs
    for h in histograms:
        value = h.histogram_value
        assert value.num == sum(value.bucket) == 16 * 8 and value.min < value.max

(views,) = events.Images("views")
assert views.step == 0
picture = Image.open(io.BytesIO(views.encoded_image_string))
assert picture.size == (views.width, views.height) and picture.getextrema() != (0, 0)
print(f"{len(shown)} scalars of {len(metrics)} steps, {len(tags['histograms'])} histograms, {len(tags['images'])} pictures")
