"""Seconds (torch.load and load_state_dict, into a network made before) and peak memory (of network and loading together) in PyTorch, in a fresh process.

    python3 benchmarks/pytorch/load.py make mobilenet_v2 weights.pth      writes random weights
    python3 benchmarks/pytorch/load.py time mobilenet_v2 weights.pth      prints one JSON line
"""
import argparse
import json
import statistics
import time

import torch
import torchvision


def peak():
    """Of the process so far, in bytes (the kernel's high-water mark)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["make", "time"])
    parser.add_argument("network")
    parser.add_argument("path")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    before = peak()
    network = getattr(torchvision.models, options.network)()
    if options.what == "make":
        torch.save(network.state_dict(), options.path)
        return
    network.load_state_dict(torch.load(options.path))
    first = peak() - before
    times = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        network.load_state_dict(torch.load(options.path))
        times.append(time.perf_counter() - start)
    print(json.dumps(dict(seconds=statistics.median(times), memory=first, torch=torch.__version__)))


if __name__ == "__main__":
    main()
