"""Writes clipping.json: gradients before and after clipping.

Weights are formula.tensor(name), gradients formula.tensor(name + ".grad") times 3. In conv.weight the second filter, and its gradient in that of the
last matrix row, are zero. Norm and value clipping are PyTorch's; adaptive clipping is written here in numpy from equation 3 of its paper
(https://arxiv.org/abs/2102.06171), with the norms' floors 1e-3 (weights) and 1e-6 (gradients) and the head left out, as in timm.
"""
import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

import formula
from fixture import numbers, write

SHAPES = {"conv.weight": (3, 2, 3, 3), "conv.bias": (3,), "norm.weight": (5,), "fc.weight": (4, 6), "fc.bias": (4,), "head.weight": (2, 4), "head.bias": (2,)}


def parameters():
    result = {}
    for name, shape in SHAPES.items():
        p = torch.nn.Parameter(formula.tensor(name, shape).double())
        p.grad = 3 * formula.tensor(name + ".grad", shape).double()
        result[name] = p
    result["conv.weight"].data[1] = 0
    result["fc.weight"].grad[3] = 0
    return result


def unit_norms(x):
    return np.sqrt((x ** 2).sum(axis=tuple(range(1, x.ndim)) if x.ndim > 1 else None, keepdims=x.ndim > 1))


def adaptive(named, factor):
    for name, p in named.items():
        if name.startswith("head"):
            continue
        g = p.grad.numpy()
        largest, norm = factor * np.maximum(unit_norms(p.detach().numpy()), 1e-3), unit_norms(g)
        p.grad = torch.from_numpy(np.where(norm < largest, g, g * largest / np.maximum(norm, 1e-6)))


CASES = [
    ("Norm", 1.0, lambda named, v: clip_grad_norm_(named.values(), v)),
    ("Norm", 1000.0, lambda named, v: clip_grad_norm_(named.values(), v)),
    ("Value", 0.5, lambda named, v: clip_grad_value_(named.values(), v)),
    ("Adaptive", 0.01, adaptive),
    ("Adaptive", 2.0, adaptive),
]


def main():
    cases = []
    for name, value, clip in CASES:
        named = parameters()
        clip(named, value)
        cases.append(dict(clipping=name, value=value, gradients={n: numbers(p.grad.flatten(), 10) for n, p in named.items()}))
    write("clipping.json", dict(
        parameters={n: dict(shape=list(p.shape), values=numbers(p.detach().flatten(), 10), gradient=numbers(p.grad.flatten(), 10)) for n, p in parameters().items()}, cases=cases))


if __name__ == "__main__":
    main()
