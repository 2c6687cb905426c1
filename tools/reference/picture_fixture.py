"""Writes pictures.json: the results of torchvision's Resize and CenterCrop (on PIL images) for pictures drawn by a formula, and the crop positions.

A picture's pixel (x, y), all integers (// is a floor division, tri(t, p) = |t mod 2p - p|):
    red    32 + tri(3x + 2y, 96) * 191 // 96                     smooth ramps
    green  215 if (x // 16 + y // 16) % 2 else 40                hard edges
    blue   32 + ((7x) xor (5y)) % 128                            fine detail
Nothing comes near 0 or 255, so that no filter overshoots: Pillow clips and rounds between its two passes, which is not what is compared here.
In `hard`, green is 255 or 0 instead, and Pillow's clipping shows.

`samples` are the pixels [r, g, b] at all pairs (y, x) of `at`, row by row; `mean` is over all pixels of the output.
"""
import numpy as np
import torch
from PIL import Image
from torchvision import transforms

from fixture import numbers, write

CASES = [(500, 375, 224, 256), (375, 500, 224, 256), (341, 257, 224, 256), (1001, 300, 224, 256), (101, 83, 224, 256), (640, 479, 96, 96), (61, 200, 96, 96)]
BOXES = [(500, 375), (375, 500), (256, 256), (257, 341), (341, 257), (1001, 300), (299, 1000), (225, 224), (7, 5), (223, 1023), (640, 481)]


def picture(width, height, hard=False):
    y, x = np.mgrid[:height, :width]
    red = 32 + np.abs((3 * x + 2 * y) % 192 - 96) * 191 // 96
    green = np.where((x // 16 + y // 16) % 2 == 1, 255 if hard else 215, 0 if hard else 40)
    blue = 32 + ((7 * x) ^ (5 * y)) % 128
    return Image.fromarray(np.stack([red, green, blue], 2).astype(np.uint8))


def case(width, height, size, shorter, interpolation, hard=False):
    prepare = transforms.Compose([transforms.Resize(shorter, interpolation), transforms.CenterCrop(size)])
    pixels = np.asarray(prepare(picture(width, height, hard)))
    at = sorted({0, 1, size - 2, size - 1} | set(range(9, size, size // 9)))
    return dict(
        width=width, height=height, size=size, shorter=shorter, interpolation=interpolation.value, hard=hard, at=at,
        samples=pixels[np.ix_(at, at)].reshape(-1).tolist(), mean=numbers(pixels.reshape(-1, 3).mean(0)))


def box(width, height, size, shorter):
    """Where each corner of the crop lies in the resized picture, read off coordinates that are painted into it."""
    across, down = transforms.Resize(shorter)(Image.new("L", (width, height))).size
    y, x = torch.meshgrid(torch.arange(down), torch.arange(across), indexing="ij")
    crop = transforms.CenterCrop(size)(torch.stack([x, y]))
    return dict(width=width, height=height, size=size, shorter=shorter, resized=[across, down], left=crop[0, 0, 0].item(), top=crop[1, 0, 0].item())


def main():
    modes = transforms.InterpolationMode.BILINEAR, transforms.InterpolationMode.BICUBIC
    write("pictures.json", dict(
        cases=[case(*c, mode) for c in CASES for mode in modes],
        hard=[case(500, 375, 224, 256, mode, hard=True) for mode in modes],
        boxes=[box(w, h, size, shorter) for w, h in BOXES for size, shorter in ((224, 256), (224, 235), (96, 96))]))


if __name__ == "__main__":
    main()
