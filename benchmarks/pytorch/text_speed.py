"""Speed of all-MiniLM-L6-v2 in PyTorch, for the benchmarks text-step and text-transform, which run its passes in turn with their own.

    python3 benchmarks/pytorch/text_speed.py train|score [--steps 12] [--sorted] [--threads n]

Reads rows as JSON lists (label, tokens) from standard input up to an empty line, then runs a pass for every further line and prints JSON.
train: steps of everything on random batches of 32 padded to their longest, AdamW at 5e-5, gradients clipped at a norm of 1; the rate counts
tokens without padding. score: all rows, in their order or sorted by length, in batches of 32 padded to their longest, in inference mode; `magnitude` is the mean
absolute feature of the first eight rows.
"""
import argparse
import json
import os
import sys
import time

import torch
from torch import nn

import minilm

FOLDER = os.environ.get("MLNETFINETUNE_DATA", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared"))
BATCH = 32


def train(network, rows, options):
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-5)

    def work():
        tokens = 0
        for batch in torch.randperm(len(rows)).split(BATCH)[:options.steps]:
            some = [rows[i][1:] for i in batch]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(*minilm.pad(some)), torch.tensor([rows[i][0] for i in batch]))
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1)
            optimizer.step()
            loss.item()
            tokens += sum(map(len, some))
        return tokens
    return lambda: {"tokens_per_s": rate(work)}


def score(network, rows, options):
    network.eval()
    texts = [row[1:] for row in rows]
    order = sorted(texts, key=len) if options.sorted else texts

    def scores():
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                network(*minilm.pad(order[start:start + BATCH])).softmax(1).tolist()
        return len(order)
    with torch.inference_mode():
        magnitude = network.features(*minilm.pad(texts[:8])).abs().mean().item()
    return lambda: {"texts_per_s": rate(scores), "magnitude": magnitude}


def rate(work):
    start = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "score"))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--sorted", action="store_true")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    rows = []
    for line in sys.stdin:
        if not line.strip():
            break
        rows.append(json.loads(line))
    run = {"train": train, "score": score}[options.what](
        minilm.MiniLm(os.path.join(FOLDER, "weights", "all-MiniLM-L6-v2"), outputs=2), rows, options)
    for _ in sys.stdin:
        print(json.dumps(run()), flush=True)


if __name__ == "__main__":
    main()
