"""Writes pruning.json: which channels are removed, and the outputs without them, for the networks of network_fixtures.py (formula.py).

Channels are ranked by the L1 norm of the filter that makes them (Li et al. 2017), or by the absolute scale of BatchNorm, added up where a depthwise
convolution and its BatchNorm follow (Liu et al. 2017). Of equal ones the first stay. A layer keeps the nearest multiple of 8 (a half goes up), at least 8.
What is meant by "without" is said twice: the whole network with the channels' filters, scales and shifts at zero, and a network whose tensors
lack them. In inference both must give the same logits, which are written; gradients of a training step are those of the smaller one. In doubles.
"""
import copy
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import formula
from fixture import numbers, write
from network_fixtures import LABELS, build

# Network, padding, width multiplier, pixels, fraction of channels that is removed, norm.
CASES = [
    ("micro", "symmetric", 1.0, 32, 0.3, "Filter"),
    ("micro", "symmetric", 1.0, 32, 0.5, "BatchNormScale"),
    ("mobilenetv1", "same", 0.25, 64, 0.3, "Filter"),
    ("mobilenetv1", "symmetric", 1.0, 64, 0.5, "BatchNormScale"),
    ("mobilenetv2", "symmetric", 1.0, 64, 0.25, "Filter"),
    ("mobilenetv2", "same", 1.0, 64, 0.5, "BatchNormScale"),
    ("mobilenetv3_small", "symmetric", 1.0, 64, 0.4, "Filter"),
    ("mobilenetv3_large", "symmetric", 1.0, 64, 0.25, "BatchNormScale"),
    ("efficientnet", "symmetric", 1.0, 64, 0.25, "Filter"),
    ("resnet18", "symmetric", 1.0, 64, 0.3, "Filter"),
    ("resnet20", "symmetric", 1.0, 32, 0.5, "BatchNormScale"),
    ("bottleneck", "symmetric", 1.0, 64, 0.3, "Filter"),
    ("wideresnet", "symmetric", 1.0, 64, 0.9, "Filter"),
    ("densenet", "symmetric", 1.0, 64, 0.5, "Filter"),
    ("vgg", "symmetric", 1.0, 64, 0.4, "BatchNormScale"),
]


class Group:
    """Names of modules: pairs of convolution and BatchNorm whose outputs the channels are (the first makes them), the gate on them, and what reads them."""

    def __init__(self, pairs, reader, gate=None):
        self.pairs, self.reader, self.gate = pairs, reader, gate

    @property
    def name(self):
        return self.pairs[0][0]


def inner_groups(network):
    """Of units whose channels do not leave them, told by the names of their parts."""
    names = [n for n, _ in network.named_modules()]
    for n in names:
        unit, _, part = n.rpartition(".")
        has = lambda other: f"{unit}.{other}" in names
        at = lambda other: f"{unit}.{other}"
        if part == "conv_pwl":
            yield Group([(at("conv_pw"), at("bn1")), (at("conv_dw"), at("bn2"))], n, at("se") if has("se") else None)
        elif part == "conv1" and unit.startswith("layer"):
            yield Group([(n, at("bn1"))], at("conv2"))
            if has("conv3"):
                yield Group([(at("conv2"), at("bn2"))], at("conv3"))
        elif part == "conv1" and "denselayer" in unit:
            yield Group([(n, at("norm2"))], at("conv2"))


def chain_groups(name, network):
    """Of networks in which every convolution is read by the next one only: all but the last."""
    if name == "mobilenetv1":
        units = [n for n, _ in network.named_modules() if n.startswith("blocks.") and n.count(".") == 2]
        makers = [("conv_stem", "bn1")] + [(f"{u}.conv_pw", f"{u}.bn2") for u in units]
        return [Group([maker, (f"{u}.conv_dw", f"{u}.bn1")], f"{u}.conv_pw") for maker, u in zip(makers, units)]
    convs = [i for i, m in enumerate(network.features) if isinstance(m, nn.Conv2d)]
    return [Group([(f"features.{i}", f"features.{i + 1}")], f"features.{j}") for i, j in zip(convs, convs[1:])]


def width_left(width, ratio):
    return min(width, max(8, 8 * math.floor(width * (1 - ratio) / 8 + 0.5)))


def kept(network, group, ratio, norm):
    get = lambda n: network.get_submodule(n).weight.detach().numpy().astype(np.float64)
    if norm == "Filter":
        worth = np.abs(get(group.pairs[0][0])).sum((1, 2, 3))
    else:
        worth = sum(np.abs(get(bn)) for _, bn in group.pairs)
    order = np.argsort(-worth, kind="stable")[: width_left(len(worth), ratio)]
    return len(worth), np.sort(order)


def zeroed(network, groups, kept_of):
    """A copy with the other channels at zero."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for group in groups:
            width, stay = kept_of[group.name]
            gone = np.setdiff1d(np.arange(width), stay)
            for conv, bn in group.pairs:
                for tensor in [network.get_submodule(conv).weight, network.get_submodule(bn).weight, network.get_submodule(bn).bias]:
                    tensor[gone] = 0
    return network


def shrunk(network, groups, kept_of):
    """A copy whose tensors lack the other channels."""
    network = copy.deepcopy(network)

    def cut(module, tensor, dimension, stay):
        value = getattr(module, tensor)
        if value is not None:
            part = value.detach().index_select(dimension, torch.from_numpy(stay))
            setattr(module, tensor, nn.Parameter(part) if isinstance(value, nn.Parameter) else part)

    for group in groups:
        _, stay = kept_of[group.name]
        for i, (conv, bn) in enumerate(group.pairs):
            conv, bn = network.get_submodule(conv), network.get_submodule(bn)
            cut(conv, "weight", 0, stay)
            cut(conv, "bias", 0, stay)
            if i > 0:
                conv.groups = len(stay)
            for tensor in ["weight", "bias", "running_mean", "running_var"]:
                cut(bn, tensor, 0, stay)
        if group.gate:
            cut(network.get_submodule(group.gate).conv_reduce, "weight", 1, stay)
            cut(network.get_submodule(group.gate).conv_expand, "weight", 0, stay)
            cut(network.get_submodule(group.gate).conv_expand, "bias", 0, stay)
        cut(network.get_submodule(group.reader), "weight", 1, stay)
    return network


def case(name, padding, width, size, ratio, norm):
    network, x = build(name, padding, width), formula.images(2, size, size).double()
    groups = chain_groups(name, network) if name in ("mobilenetv1", "vgg") else list(inner_groups(network))
    kept_of = {group.name: kept(network, group, ratio, norm) for group in groups}
    network = network.double().eval()
    small = shrunk(network, groups, kept_of)
    with torch.no_grad():
        logits = zeroed(network, groups, kept_of)(x)
        assert (small(x) - logits).abs().max() < 1e-10, name
        assert (network(x) - logits).abs().max() > 1e-3, name
    small.train()
    train_logits = small(x)
    loss = F.cross_entropy(train_logits, LABELS)
    loss.backward()
    gradients = {n: p.grad for n, p in small.named_parameters()}
    largest = max(g.norm() for g in gradients.values())
    return dict(
        network=name, padding=padding, eps=next(m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)), widthMultiplier=width, size=size,
        ratio=ratio, norm=norm, parameters=sum(p.numel() for p in small.parameters()) - sum(p.numel() for p in small.head().parameters()),
        gone={n: np.setdiff1d(np.arange(w), stay).tolist() for n, (w, stay) in kept_of.items()},
        logits=numbers(logits), trainLogits=numbers(train_logits),
        gradientNorms={n: numbers(g.norm(), 6) if g.norm() > 1e-10 * largest else 0.0 for n, g in gradients.items() if any(n.startswith(group.reader + ".") for group in groups)})


def main():
    write("pruning.json", dict(labels=LABELS.tolist(), cases=[case(*c) for c in CASES]))


if __name__ == "__main__":
    main()
