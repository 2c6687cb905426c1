"""Decodes photos with torchvision's evaluation transform, pass after pass, as its caller asks.

    python3 benchmarks/pytorch/decode.py [--workers 2] [--batch 16] [--size 224] [--threads n]

Standard input: paths, a line each, up to an empty line; then every further line asks for a pass over all of them. Each pass prints a JSON line:
how many photos, and the mean of all their normalised pixels. The worker processes stay from pass to pass.
"""
import argparse
import json
import sys

import torch
from PIL import Image
from torchvision import transforms


class Files(torch.utils.data.Dataset):
    def __init__(self, paths, size):
        self.paths = paths
        self.transform = transforms.Compose([
            transforms.Resize(int(size / 0.875)), transforms.CenterCrop(size), transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with open(self.paths[index], "rb") as file:
            return self.transform(Image.open(file).convert("RGB"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    paths = [line.rstrip("\n") for line in iter(sys.stdin.readline, "\n")]
    loader = torch.utils.data.DataLoader(Files(paths, options.size), options.batch, num_workers=options.workers, persistent_workers=options.workers > 0)
    for _ in sys.stdin:
        count, total = 0, 0.0
        for batch in loader:
            total += batch.mean().item() * len(batch)
            count += len(batch)
        print(json.dumps(dict(count=count, mean=total / count)), flush=True)


if __name__ == "__main__":
    main()
