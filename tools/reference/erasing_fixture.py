"""Writes random-erasing.json: rectangles that torchvision's RandomErasing draws, and the result of its `erase` for a small picture.

`area` is the rectangle's share of the picture, `ratio` its height / width, `top` and `left` its corner as a share of the room there is.
`narrow` asks for rectangles that often do not fit, so that `none` is the share of the pictures in which nothing is erased.
"""
import numpy as np
import torch
from torchvision.transforms import RandomErasing
from torchvision.transforms.functional import erase

import formula
from fixture import numbers, write

PROBABILITIES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]


def draws(height, width, scale, ratio, count=100_000):
    picture = torch.zeros(1, height, width)
    boxes = np.array([RandomErasing.get_params(picture, scale, ratio, value=[0.0])[:4] for _ in range(count)])
    erased = ~np.all(boxes == [0, 0, height, width], axis=1)
    top, left, h, w = boxes[erased].T
    quantities = dict(area=h * w / (height * width), ratio=h / w, top=top / (height - h), left=left / (width - w))
    return dict(height=height, width=width, area=numbers(scale), ratio=numbers(ratio), none=numbers(1 - erased.mean(), 5),
                quantiles={n: numbers(np.quantile(q, PROBABILITIES), 5) for n, q in quantities.items()})


def main():
    torch.manual_seed(1)
    box = [1, 2, 3, 2]
    write("random-erasing.json", dict(
        probabilities=PROBABILITIES,
        draws=dict(usual=draws(224, 224, (0.02, 0.33), (0.3, 3.3)), narrow=draws(90, 60, (0.5, 0.9), (0.1, 8.0))),
        erased=dict(height=6, width=5, box=box, pixels=numbers(erase(formula.images(1, 6, 5)[0], *box, torch.zeros(3, 1, 1))))))


if __name__ == "__main__":
    main()
