"""Writes augmentations.json: the results of torchvision's operations (on PIL images) for a picture drawn by the formula of picture_fixture.py.

The picture has SIZE x SIZE pixels, so that nothing is resized. `colors` are operations whose arithmetic is Pillow's: `sha256` is that of all bytes of the
result, `samples` the pixels [r, g, b] at all pairs (y, x) of `color_at`, row by row. `geometry` and `blurs` have samples at `at` only: float rounding differs. `fill` is the colour
outside the picture. `policies` are the tables of transforms/autoaugment.py for a picture of 224 x 224: [operation, signed, magnitudes].
"""
import hashlib

import numpy as np
from torchvision import transforms
from torchvision.transforms import functional as F

from fixture import numbers, write
from picture_fixture import picture

SIZE = 96
FILL = [124, 116, 104]  # 255 times ImageNet's mean
BILINEAR = transforms.InterpolationMode.BILINEAR
AT = list(range(1, SIZE, 5))
COLOR_AT = list(range(1, SIZE, 19))

COLORS = [
    ("Brightness", [0.0, 0.4, 1.3, 1.9], F.adjust_brightness), ("Contrast", [0.0, 0.35, 1.3, 1.9], F.adjust_contrast),
    ("Saturation", [0.0, 0.6, 1.3, 1.9], F.adjust_saturation), ("Hue", [-0.5, -0.2, 0.05, 0.3], F.adjust_hue),
    ("Sharpness", [0.0, 0.5, 1.9, 5.0], F.adjust_sharpness), ("Posterize", [0, 2, 4, 8], F.posterize),
    ("Solarize", [0.0, 127.5, 200.0, 256.0], F.solarize), ("Grayscale", [0], lambda image, _: F.rgb_to_grayscale(image, 3)),
    ("AutoContrast", [0], lambda image, _: F.autocontrast(image)), ("Equalize", [0], lambda image, _: F.equalize(image)), ("Invert", [0], lambda image, _: F.invert(image)),
]
SEQUENCES = [
    [("Brightness", 1.4), ("Contrast", 1.5), ("Posterize", 3), ("Invert", 0)],
    [("Contrast", 0.5), ("Saturation", 1.7), ("Brightness", 0.8), ("Hue", 0.1)],
    [("Solarize", 100.0), ("Equalize", 0), ("AutoContrast", 0), ("Contrast", 1.8)],
    [("Posterize", 2), ("Sharpness", 1.8), ("Equalize", 0), ("Grayscale", 0), ("Solarize", 128.0)],
]
CORNERS = [[[10, 5], [90, 12], [84, 91], [3, 77]], [[0, 0], [95, 20], [95, 70], [0, 95]]]


def samples(image, at=AT):
    return np.asarray(image)[np.ix_(at, at)].reshape(-1).tolist()


def color(names, image, hard):
    functions = {name: f for name, _, f in COLORS}
    for name, value in names:
        image = functions[name](image, value)
    return dict(
        operations=[name for name, _ in names], values=[value for _, value in names], hard=hard,
        samples=samples(image, COLOR_AT), sha256=hashlib.sha256(np.asarray(image).tobytes()).hexdigest())


def geometry(name, values, image):
    return dict(operation=name, values=values, samples=samples(image))


def main():
    soft, hard = picture(SIZE, SIZE), picture(SIZE, SIZE, hard=True)
    cases = [[(name, value)] for name, values, _ in COLORS for value in values] + SEQUENCES
    affine = [[20.0, 7, -5, 1.2, 10.0, -8.0], [0.0, 0, 0, 0.8, 0.0, 0.0], [-130.0, 0, 3, 1.0, 0.0, 25.0], [0.0, 12, 4, 1.0, 0.0, 0.0]]
    start = [[0, 0], [SIZE - 1, 0], [SIZE - 1, SIZE - 1], [0, SIZE - 1]]
    policies = dict(
        RandAugment=transforms.RandAugment()._augmentation_space(31, (224, 224)), TrivialAugmentWide=transforms.TrivialAugmentWide()._augmentation_space(31),
        AugMix=transforms.AugMix()._augmentation_space(10, (224, 224)), AugMixWithoutColor=transforms.AugMix(all_ops=False)._augmentation_space(10, (224, 224)))
    write("augmentations.json", dict(
        size=SIZE, fill=FILL, at=AT, color_at=COLOR_AT,
        colors=[color(c, image, image is hard) for c in cases for image in (soft, hard)],
        blurs=[dict(kernel=k, sigma=s, samples=samples(F.gaussian_blur(hard, k, s))) for k, s in ((3, 0.5), (5, 1.3), (23, 4.0))],
        geometry=[geometry("Rotate", [a], F.rotate(soft, a, BILINEAR, fill=FILL)) for a in (0.0, 30.0, -17.5, 135.0)]
        + [geometry("Affine", v, F.affine(soft, v[0], v[1:3], v[3], v[4:], BILINEAR, fill=FILL)) for v in affine]
        + [geometry("Shear", v, F.affine(soft, 0.0, [0, 0], 1.0, v, BILINEAR, fill=FILL, center=[0, 0])) for v in ([16.0, 0.0], [0.0, -30.0])]
        + [geometry("Perspective", sum(c, []), F.perspective(soft, start, c, BILINEAR, fill=FILL)) for c in CORNERS]
        + [geometry("VerticalFlip", [], F.vflip(soft)), geometry("HorizontalFlip", [], F.hflip(soft))],
        policies={name: [[op, signed, numbers(m.reshape(-1), 9)] for op, (m, signed) in space.items()] for name, space in policies.items()}))


if __name__ == "__main__":
    main()
