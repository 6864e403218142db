#!/usr/bin/env python3
"""Sets some training images of an IDX data set aside, so that recipes can be chosen without the test images.

    studies/held_out.py /usr/share/datasets/fashion-mnist runs/held-out [--count 10000]

Writes runs/held-out/train-*-ubyte and t10k-*-ubyte: all training images but the last COUNT, and those. Train on
runs/held-out:train, choose by runs/held-out:test.
"""
import argparse
import gzip
import os
import sys


def read(folder, name):
    """An IDX file, plain or .gz: (its header without the count, count, bytes)."""
    path = os.path.join(folder, name)
    if os.path.exists(path):
        data = open(path, "rb").read()
    elif os.path.exists(path + ".gz"):
        data = gzip.open(path + ".gz").read()
    else:
        sys.exit(f"there is no {path}, nor {path}.gz")
    header = 4 + 4 * data[3]
    return data[:4], data[8:header], int.from_bytes(data[4:8], "big"), data[header:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="holds train-images-idx3-ubyte and train-labels-idx1-ubyte, or the same with .gz")
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=10000, help="of the images that are set aside (default: 10000)")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        magic, dims, count, data = read(args.folder, "train-" + kind)
        if not 0 < args.count < count:
            sys.exit(f"--count: {args.count} of {count} images cannot be set aside")
        size, kept = len(data) // count, count - args.count
        for part, first, last in (("train", 0, kept), ("t10k", kept, count)):
            with open(os.path.join(args.out, f"{part}-{kind}"), "wb") as stream:
                stream.write(magic + (last - first).to_bytes(4, "big") + dims + data[first * size:last * size])


main()
