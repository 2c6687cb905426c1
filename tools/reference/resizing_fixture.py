"""Writes resizing.json: pictures made smaller by PyTorch's bilinear interpolation with antialiasing."""
from torch.nn.functional import interpolate

import formula
from fixture import numbers, write


def main():
    small = interpolate(formula.images(1, 45, 45), size=(32, 32), mode="bilinear", align_corners=False, antialias=True)
    write("resizing.json", dict(size=32, pixels=numbers(small, 6)))


if __name__ == "__main__":
    main()
