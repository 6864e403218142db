#!/usr/bin/env python3
"""Makes sound.safetensors with librosa: log-mel spectrograms and resampled waveforms that test_sound.c holds ours against.

    python3 make_sound_golden.py            writes the file anew
    python3 make_sound_golden.py --check    computes again and compares with the file that is there

    <case>/waveform         mono samples: gliding harmonics, a click and noise
    <case>/logmel           ln(melspectrogram + 1.19e-7), (bands, frames); computed in float64 where librosa lets us
    <case>/rate, window, hop, bands, low, high
    resample/<from>-<to>/waveform, .../resampled     by soxr_hq; away from the ends

Needs numpy and librosa (0.11 made the file).
"""
import json
import os
import struct
import sys

import librosa
import numpy as np

FOLDER = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(FOLDER, "sound.safetensors")
CASES = {
    "speech": dict(rate=16000, window=1024, hop=160, bands=64, low=60.0, high=7800.0, seconds=0.35),
    "telephone": dict(rate=8000, window=512, hop=128, bands=40, low=0.0, high=4000.0, seconds=0.3),
    "wide": dict(rate=44100, window=2048, hop=441, bands=128, low=20.0, high=20000.0, seconds=0.15),
    "short": dict(rate=16000, window=1024, hop=160, bands=64, low=60.0, high=7800.0, seconds=0.02),
}
RATES = [(8000, 16000), (44100, 16000), (16000, 22050)]


def waveform(rate, seconds, seed):
    random = np.random.default_rng(seed)
    t = np.arange(int(rate * seconds)) / rate
    pitch = 110 + 60 * t
    y = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 12) if k * 200 < rate / 2)
    y = 0.2 * y * np.minimum(1, 20 * t) + 0.003 * random.standard_normal(len(t))
    y[len(t) // 2] += 0.7
    return y.astype(np.float32)


def logmel(y, case):
    stft = librosa.stft(y.astype(np.float64), n_fft=case["window"], hop_length=case["hop"], window="hann", center=True,
                        pad_mode="constant", dtype=np.complex128)
    bands = librosa.filters.mel(sr=case["rate"], n_fft=case["window"], n_mels=case["bands"], fmin=case["low"],
                                fmax=case["high"], htk=False, norm="slaney", dtype=np.float64)
    wanted = np.log(bands @ np.abs(stft) ** 2 + 1.19e-7)
    usual = librosa.feature.melspectrogram(y=y, sr=case["rate"], n_fft=case["window"], hop_length=case["hop"],
                                           n_mels=case["bands"], fmin=case["low"], fmax=case["high"], pad_mode="constant")
    assert np.abs(wanted - np.log(usual + 1.19e-7)).max() < 1e-4
    return wanted


def band_limited(rate, other, seconds, seed):
    """Tones that both rates hold, faded in and out."""
    random = np.random.default_rng(seed)
    t = np.arange(int(rate * seconds)) / rate
    y = sum(np.sin(2 * np.pi * random.uniform(50, 0.35 * min(rate, other)) * t + k) for k in range(8))
    return (0.1 * y * np.sin(np.pi * t / seconds) ** 2).astype(np.float32)


def tensors():
    made = {}
    for number, (name, case) in enumerate(CASES.items()):
        y = waveform(case["rate"], case["seconds"], number)
        made[f"{name}/waveform"] = y
        made[f"{name}/logmel"] = logmel(y, case)
        for key in ("rate", "window", "hop", "bands", "low", "high"):
            made[f"{name}/{key}"] = np.array([case[key]])
    for number, (rate, other) in enumerate(RATES):
        y = band_limited(rate, other, 0.1, number)
        made[f"resample/{rate}-{other}/waveform"] = y
        made[f"resample/{rate}-{other}/resampled"] = librosa.resample(y, orig_sr=rate, target_sr=other, res_type="soxr_hq")
    return {name: np.ascontiguousarray(value, dtype="<f4") for name, value in made.items()}


def write(path, made):
    header, offset = {}, 0
    for name, data in made.items():
        header[name] = {"dtype": "F32", "shape": list(data.shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data.tobytes() for data in made.values()))


def check(path, made):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    assert sorted(header) == sorted(made), "other tensors"
    for name, row in header.items():
        kept = np.frombuffer(body[row["data_offsets"][0] : row["data_offsets"][1]], "<f4").reshape(row["shape"])
        worst = np.abs(kept - made[name]).max()
        assert worst < 1e-5, f"{name}: off by {worst}"
    print(f"{path}: {len(made)} tensors, as they were")


if __name__ == "__main__":
    check(PATH, tensors()) if "--check" in sys.argv else write(PATH, tensors())
