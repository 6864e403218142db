"""The targets of docs/performance.md that are no training step beside PyTorch; bench/README.md says how to run it.

Writes one Markdown line a target, with the median of the rounds. What is compared runs in turn, in the same minutes."""
import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

here = Path(__file__).resolve().parent
ORT = """
import sys, time, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
images = {session.get_inputs()[0].name: numpy.random.rand(64, 3, 32, 32).astype(numpy.float32)}
session.run(None, images)
seconds, began = [], time.perf_counter()
while time.perf_counter() - began < 4:
    before = time.perf_counter()
    session.run(None, images)
    seconds.append(time.perf_counter() - before)
print(64 / sorted(seconds)[len(seconds) // 2])
"""


def median_of(args, measure):
    return statistics.median(measure() for _ in range(args.rounds))


def bench(args, *words):
    command = [args.byol, "bench", *words, "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def pretrain(args, *words):
    return [args.byol, "pretrain", *words, "--quiet"]


def run(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def median_of_runs(runs, key):
    return statistics.median(r[key] for r in runs)


def resnet50(args):
    runs = [bench(args, "step", "--recipe", "byol", "--encoder", "resnet50", "--width", "64", "--image-size", "96", "--batch-size", "32",
                  "--precision", "fp32") for _ in range(args.rounds)]
    return f"{median_of_runs(runs, 'gflops'):.0f} GFLOP/s, {median_of_runs(runs, 'peak_fraction'):.0%} of the peak"


def views(args):
    small = median_of(args, lambda: bench(args, "views", "--threads", "1", "--image-size", "32")["views_per_second_per_core"])
    large = median_of(args, lambda: bench(args, "views", "--threads", "1", "--image-size", "224", "--picture", "500x375",
                                          "--preset", "byol")["views_per_second_per_core"])
    return f"{small:,.0f} of 32 pixels, {large:,.0f} of 224, a second and core"


def end_to_end(args):
    """An epoch of a narrow ResNet-18 on Fashion-MNIST, the median of the rates in its log, against the same steps on their own."""
    config = str(here.parent / "configs" / "fashion-mnist-resnet18.yaml")
    step, whole = [], []
    for _ in range(args.rounds):
        step.append(bench(args, "step", config, "--channels", "1", "--source-size", "28")["images_per_second"])
        with tempfile.TemporaryDirectory() as folder:
            run(pretrain(args, config, "--epochs", "1", "--out", folder + "/run"))
            lines = [json.loads(line) for line in open(folder + "/run/metrics.jsonl")]
            whole.append(statistics.median(line["images_per_second"] for line in lines))
    return f"{statistics.median(w / s for w, s in zip(whole, step)):.0%} ({statistics.median(whole):.0f} of {statistics.median(step):.0f} images/s)"


def embed(args):
    out = []
    for width in (64, 16):
        with tempfile.TemporaryDirectory() as folder:
            noise(folder, 64, 32)
            run(pretrain(args, "--data", folder, "--width", str(width), "--batch-size", "64", "--epochs", "1", "--image-size", "32",
                         "--precision", "fp32", "--set", "optimizer.warmup_epochs=0", "--out", folder + "/run"))
            run([args.byol, "export", folder + "/run", "--out", folder + "/run.onnx", "--quiet"])
            ours, theirs, share = [], [], []
            for _ in range(args.rounds):
                result = bench(args, "embed", "--width", str(width), "--image-size", "32", "--batch-size", "64")
                ours.append(result["images_per_second"])
                share.append(result["peak_fraction"])
                command = [*shlex.split(args.ort_python), "-", folder + "/run.onnx", str(result["threads"])]
                theirs.append(float(subprocess.run(command, check=True, stdout=subprocess.PIPE, input=ORT.encode()).stdout))
            ratio = statistics.median(o / t for o, t in zip(ours, theirs))
            out.append(f"width {width}: {statistics.median(ours):,.0f} images/s, {statistics.median(share):.0%} of the peak; "
                       f"ONNX Runtime {statistics.median(theirs):,.0f}: {ratio:.2f} x")
    return "; ".join(out)


def noise(folder, count, side):
    """Images in CIFAR-10's format."""
    import random
    with open(folder + "/data_batch_1.bin", "wb") as file:
        for _ in range(count):
            file.write(bytes([0]) + random.randbytes(3 * side * side))


def start(args):
    """From the start of the process to the first line of the log, with one line a step."""
    def once():
        with tempfile.TemporaryDirectory() as folder:
            log, began = Path(folder) / "run" / "metrics.jsonl", time.perf_counter()
            process = subprocess.Popen(pretrain(args, str(here.parent / "configs" / "fashion-mnist-resnet18.yaml"), "--out",
                                                folder + "/run", "--set", "train.log_every=1"), stdout=subprocess.DEVNULL)
            while not log.exists() or log.stat().st_size == 0:
                if process.poll() is not None:
                    sys.exit("byol pretrain ended before its first step")
                time.sleep(0.002)
            taken = time.perf_counter() - began
            process.terminate()
            process.wait()
            return taken
    return f"{median_of(args, once):.2f} s"


def neighbour(args):
    """Beside a process that keeps one processor busy."""
    alone, beside, slowest = [], [], []
    words = ("step", "--recipe", "byol", "--width", "16", "--batch-size", "256", "--precision", "fp32", "--seconds", "8", "--set", "projector.hidden=1024",
             "--set", "predictor.hidden=1024")
    for _ in range(args.rounds):
        alone.append(bench(args, *words)["images_per_second"])
        busy = subprocess.Popen(["yes"], stdout=subprocess.DEVNULL)
        result = bench(args, *words)
        busy.kill()
        busy.wait()
        beside.append(result["images_per_second"])
        slowest.append((result["step_ms_max"], result["step_ms"]))
    share = statistics.median(b / a for a, b in zip(alone, beside))
    most, middle = max(slowest)
    return (f"{share:.0%} of the undisturbed rate ({statistics.median(beside):.0f} of {statistics.median(alone):.0f} images/s); "
            f"the slowest step took {most:.0f} ms, the median {middle:.0f}")


def knn(args):
    runs = [bench(args, "knn") for _ in range(args.rounds)]
    return f"{statistics.median(r['seconds'] / r['matmul_seconds'] for r in runs):.2f} x"


TARGETS = {"resnet50": resnet50, "views": views, "pretrain": end_to_end, "embed": embed, "start": start, "neighbour": neighbour,
           "knn": knn}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--byol", default=str(here.parent / "build" / "byol"), help="our program (%(default)s)")
    parser.add_argument("--ort-python", default="python3", help="a command that runs a Python with onnxruntime (%(default)s)")
    parser.add_argument("--only", default=",".join(TARGETS), help="some of %(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    for name in args.only.split(","):
        print(name, file=sys.stderr)
        print(f"| {name} | {TARGETS[name](args)} |", flush=True)


if __name__ == "__main__":
    main()
