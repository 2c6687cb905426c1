"""Writes views.json: the results of torchvision's Resize, TenCrop and CenterCrop (on PIL images) for the pictures of picture_fixture.py.

`tenCrop` has top left, top right, bottom left, bottom right and centre of the resized picture, then the same of its mirror image; `scales` has the
centre of the picture resized to int(shorter * scale). `samples` are the pixels [r, g, b] at all pairs (y, x) of `at`, row by row.
"""
import numpy as np
from torchvision import transforms

from fixture import numbers, write
from picture_fixture import picture

CASES = [(500, 375, 224, 256), (375, 501, 224, 256), (640, 479, 96, 111)]
SCALES = [0.875, 1.0, 1.25, 2.0]


def view(image, at):
    pixels = np.asarray(image)
    return dict(samples=pixels[np.ix_(at, at)].reshape(-1).tolist(), mean=numbers(pixels.reshape(-1, 3).mean(0)))


def case(width, height, size, shorter):
    photo = picture(width, height)
    at = sorted({0, 1, size // 3, size // 2, size - 2, size - 1})
    ten = transforms.TenCrop(size)(transforms.Resize(shorter)(photo))
    scaled = [transforms.CenterCrop(size)(transforms.Resize(int(shorter * s))(photo)) for s in SCALES]
    return dict(width=width, height=height, size=size, shorter=shorter, at=at, tenCrop=[view(v, at) for v in ten],
                scales=[dict(scale=s, **view(v, at)) for s, v in zip(SCALES, scaled)])


def main():
    write("views.json", dict(cases=[case(*c) for c in CASES]))


if __name__ == "__main__":
    main()
