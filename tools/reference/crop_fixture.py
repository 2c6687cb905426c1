"""Writes random-resized-crop.json: quantiles of 10,000 crops that torchvision's RandomResizedCrop draws of a 500 x 375 photo.

`area` is the crop's share of the photo, `ratio` its width / height, `left` and `top` its corner as a share of the room there is (no room: left out).
"""
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import RandomResizedCrop

from fixture import numbers, write

WIDTH, HEIGHT, DRAWS = 500, 375, 10_000
PROBABILITIES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]


def main():
    torch.manual_seed(1)
    photo = Image.new("RGB", (WIDTH, HEIGHT))
    top, left, h, w = np.array([RandomResizedCrop.get_params(photo, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(DRAWS)]).T
    quantities = dict(
        area=w * h / (WIDTH * HEIGHT), ratio=w / h,
        left=(left / np.maximum(WIDTH - w, 1))[w < WIDTH], top=(top / np.maximum(HEIGHT - h, 1))[h < HEIGHT])
    write("random-resized-crop.json", dict(
        width=WIDTH, height=HEIGHT, draws=DRAWS, scale=[0.08, 1.0], ratio=numbers([3 / 4, 4 / 3], 9), probabilities=PROBABILITIES,
        quantiles={n: numbers(np.quantile(q, PROBABILITIES), 5) for n, q in quantities.items()},
        means={n: numbers(q.mean(), 5) for n, q in quantities.items()}))


if __name__ == "__main__":
    main()
