"""Speed of MobileNetV2 in PyTorch on random data; prints one JSON line per measurement.

    python3 benchmarks/pytorch/steps.py [--seconds 20 | --steps 30] [--batch 16] [--size 224] [--only full head inference] [--threads n]

full       forward, backward and AdamW step of everything
head       frozen backbone (eval mode, no gradient), then forward, backward and AdamW step of the linear head
inference  forward of everything (eval mode, inference mode)

Each in the default memory layout and in channels_last, after three steps of warm-up. `median_s` is the median step's time, `images_per_s` is batch / median.
"""
import argparse
import json
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "reference"))
import networks


def full(network, x, y):
    optimizer = torch.optim.AdamW(network.train().parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(x), y).backward()
        optimizer.step()
    return step


def head(network, x, y):
    network.eval()
    optimizer = torch.optim.AdamW(network.classifier.parameters(), lr=1e-4)

    def step():
        with torch.no_grad():
            pooled = network.pooled(x)
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network.classifier(pooled), y).backward()
        optimizer.step()
    return step


def inference(network, x, y):
    network.eval()

    @torch.inference_mode()
    def step():
        network(x)
    return step


def measure(step, options):
    for _ in range(3):
        step()
    times, end = [], time.perf_counter() + options.seconds
    while len(times) < options.steps if options.steps else time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="per measurement")
    parser.add_argument("--steps", type=int, help="per measurement, instead of seconds")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=["full", "head", "inference"], default=["full", "head", "inference"])
    parser.add_argument("--threads", type=int, help="torch's own default unless given")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(1)

    for name in options.only:
        for layout in ("default", "channels_last"):
            format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
            network = networks.MobileNetV2(options.classes).to(memory_format=format)
            x = torch.randn(options.batch, 3, options.size, options.size).contiguous(memory_format=format)
            times = measure({"full": full, "head": head, "inference": inference}[name](network, x, torch.randint(options.classes, (options.batch,))), options)
            median = statistics.median(times)
            print(json.dumps(dict(
                what=name, layout=layout, batch=options.batch, size=options.size, threads=torch.get_num_threads(), torch=torch.__version__, steps=len(times),
                median_s=round(median, 4), best_s=round(min(times), 4), steps_per_s=round(1 / median, 3), images_per_s=round(options.batch / median, 1))), flush=True)


if __name__ == "__main__":
    main()
