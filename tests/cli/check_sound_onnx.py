"""Holds an exported network of sounds against byol embed. usage: check_sound_onnx.py NETWORK VECTORS TABLE FOLDER CONFIG"""
import csv
import os
import re
import sys

import librosa
import numpy as np
import onnx
import onnxruntime
import soundfile


def option(config, key):
    return float(re.search(rf"^  {key}: (\S+)", config, re.M).group(1))


def unit(path, config):
    """The middle frames, in silence where the sound is shorter."""
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == option(config, "sample_rate"), "this check resamples nothing"
    mels = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=int(option(config, "window")), hop_length=int(option(config, "hop")), pad_mode="constant",
        n_mels=int(option(config, "mels")), fmin=option(config, "mel_low"), fmax=option(config, "mel_high"))
    frames, logs = int(option(config, "frames")), np.log(mels + 1.19e-7)
    spare = logs.shape[1] - frames
    first = min(spare, 0) + (abs(spare) + 1) // 2
    whole = np.full((len(logs), frames), np.log(1.19e-7), np.float32)
    for t in range(frames):
        if 0 <= first + t < logs.shape[1]:
            whole[:, t] = logs[:, first + t]
    return whole[None]


network, vectors, table, folder, config = sys.argv[1:]
onnx.checker.check_model(onnx.load(network), full_check=True)
session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
assert [i.name for i in session.get_inputs()] == ["log_mels"], session.get_inputs()
config, expected = open(config).read(), np.load(vectors)
paths = [row["path"] for row in csv.DictReader(open(table))]
units = np.stack([unit(os.path.join(folder, path), config) for path in paths]).astype(np.float32)
assert list(units.shape[1:]) == session.get_inputs()[0].shape[1:], units.shape
found = session.run(None, {"log_mels": units})[0]
difference, largest = np.abs(found - expected).max(), np.abs(expected).max()
assert difference < 1e-3 * largest, f"vectors differ by {difference} of {largest}"
print(f"{len(paths)} sounds: largest difference {difference:.2g} of {largest:.3g}")
