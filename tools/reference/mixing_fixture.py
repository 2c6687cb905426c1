"""Writes mixing.json: MixUp and CutMix on a small batch, cross-entropy with soft targets, and the distributions behind them.

The batch is formula.images(4, 5, 4); the logits are its channel means times formula.tensor("mixing.weight"). `loss` and `gradient` (of the weight)
come from PyTorch's cross_entropy with class probabilities as targets, label smoothing included. `beta` is the cumulative distribution function by
mpmath; `boxes` follow rand_bbox of the CutMix paper's algorithm 1, drawn 200,000 times by numpy for their quantiles.
"""
import mpmath
import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot

import formula
from fixture import numbers, write

N, HEIGHT, WIDTH, CLASSES = 4, 5, 4, 5
PARTNERS, LABELS = [2, 0, 3, 1], [3, 0, 4, 0]
PROBABILITIES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
SIDES = dict(height=60, width=100)


def mixup(x, share):
    return share * x + (1 - share) * x[PARTNERS], share


def cutmix(x, box):
    top, left, height, width = box
    mixed = x.clone()
    mixed[:, :, top:top + height, left:left + width] = x[PARTNERS][:, :, top:top + height, left:left + width]
    return mixed, 1 - height * width / (HEIGHT * WIDTH)


def case(mixed, share, smoothing, **how):
    weight = formula.tensor("mixing.weight", (CLASSES, 3)).requires_grad_()
    labels = one_hot(torch.tensor(LABELS), CLASSES).float()
    loss = cross_entropy(mixed.mean((2, 3)) @ weight.T, share * labels + (1 - share) * labels[PARTNERS], label_smoothing=smoothing)
    loss.backward()
    return dict(**how, share=numbers(share, 9), smoothing=smoothing, mixed=numbers(mixed.flatten(1)), loss=numbers(loss, 8), gradient=numbers(weight.grad))


def rand_bbox(share, height, width, y, x):
    half_height, half_width = (height * np.sqrt(1 - share)).astype(int) // 2, (width * np.sqrt(1 - share)).astype(int) // 2
    top, left = np.clip(y - half_height, 0, height), np.clip(x - half_width, 0, width)
    return top, left, np.clip(y + half_height, 0, height) - top, np.clip(x + half_width, 0, width) - left


def boxes(alpha, draws=200_000):
    random = np.random.default_rng(1)
    top, left, h, w = rand_bbox(random.beta(alpha, alpha, draws), SIDES["height"], SIDES["width"], random.integers(0, SIDES["height"], draws), random.integers(0, SIDES["width"], draws))
    quantities = dict(area=h * w / (SIDES["height"] * SIDES["width"]), top=top, left=left, height=h, width=w)
    return dict(alpha=alpha, quantiles={n: numbers(np.quantile(q, PROBABILITIES), 5) for n, q in quantities.items()}, means={n: numbers(q.mean(), 5) for n, q in quantities.items()})


def main():
    x = formula.images(N, HEIGHT, WIDTH)
    cases = [case(*mixup(x, 0.3), smoothing, operation="MixUp") for smoothing in (0.0, 0.1)]
    cases += [case(*cutmix(x, box), smoothing, operation="CutMix", box=box) for box in ([1, 2, 3, 2], [0, 0, 2, 3]) for smoothing in (0.0, 0.1)]
    points = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999]
    write("mixing.json", dict(
        height=HEIGHT, width=WIDTH, partners=PARTNERS, labels=LABELS, cases=cases,
        beta=[dict(a=a, b=b, points=points, cumulative=numbers([float(mpmath.betainc(a, b, 0, p, regularized=True)) for p in points], 9))
              for a, b in ((0.2, 0.2), (0.4, 0.4), (1, 1), (2, 2), (0.5, 3), (8, 8))],
        boxes=dict(**SIDES, probabilities=PROBABILITIES, draws=[boxes(1.0), boxes(0.3)])))


if __name__ == "__main__":
    main()
