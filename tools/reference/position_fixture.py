"""Writes positions.json: position embeddings (formula.py) of a 4x4 grid behind a class token, 8 channels, at other sizes by timm's rule: bicubic with
antialiasing, in float32; the class token's stays."""
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write


def main():
    positions = formula.tensor("pos_embed", (1, 17, 8))
    cases = []
    for side in (2, 3, 4, 7):
        grid = positions[:, 1:].reshape(1, 4, 4, 8).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(side, side), mode="bicubic", antialias=True)
        resampled = torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).reshape(1, side * side, 8)], 1)
        cases.append(dict(side=side, values=numbers(resampled[0])))
    write("positions.json", dict(cases=cases))


if __name__ == "__main__":
    main()
