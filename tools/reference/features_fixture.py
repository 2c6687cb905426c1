"""Writes features.json: the poolings of FeaturePooling, from the maps and tokens of the networks of network_fixtures.py (formula weights and images,
batch 2), in doubles.

`native` is what the network gives its own classifier. `gem` is (mean of clamp(x, min=1e-6)^p)^(1/p), as filipradenovic/cnnimageretrieval-pytorch has it
(layers/functional.py). Of tokens the class token is left out, but for `token`. `scales` pools each stage at each size, divides by the L2 norm
(torch.nn.functional.normalize) and concatenates, size by size. Of each: the number of features, mean, population standard deviation, first 12, last 4.
"""
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write
from network_fixtures import build

# name, size, last stage with maps (None: the last), stages and sizes of the several scales
NETWORKS = [
    ("resnet18", 64, None, ["layer2", "layer4"], [64, 96]),
    ("mobilenetv2", 64, None, ["blocks.4", "conv_head"], [64, 96]),
    ("mobilenetv3_small", 64, "blocks.5", ["blocks.3", "blocks.5"], [64, 96]),
    ("vgg", 64, "stage5", ["stage3", "stage5"], [64, 96]),
    ("convnext", 64, None, ["stages.1", "stages.3"], [64, 96]),
    ("vit", 64, None, ["blocks.1", "blocks.2"], [64]),
    ("dinov2", 42, None, ["blocks.0", "blocks.1"], [42]),
]
POWERS = [3.0, 1.5]


def activations(network, x):
    outputs = {}
    for name, stage in network.stages():
        x = stage(x)
        outputs[name] = x
    return outputs


def epsilon(network):
    return next((m.eps for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)), getattr(network, "epsilon", 1e-5))


def positions(y):
    """[N, C, P]"""
    return y.flatten(2) if y.dim() == 4 else y[:, 1:].transpose(1, 2)


def gem(y, p):
    return positions(y).clamp(min=1e-6).pow(p).mean(2).pow(1 / p)


def summary(t):
    flat = t.flatten()
    return dict(count=t.shape[1], mean=numbers(flat.mean()), std=numbers(flat.std(unbiased=False)), first=numbers(flat[:12]), last=numbers(flat[-4:]))


def case(name, size, last, stages, sizes):
    network = build(name, "symmetric", 1.0).double().eval()
    images = lambda s: formula.images(2, s, s).double()
    with torch.no_grad():
        outputs = activations(network, images(size))
        y = outputs[last or list(outputs)[-1]]
        poolings = dict(
            native=network.pooled(images(size)), average=positions(y).mean(2), max=positions(y).amax(2),
            averageAndMax=torch.cat([positions(y).mean(2), positions(y).amax(2)], 1), **{f"gem({p:g})": gem(y, p) for p in POWERS})
        if y.dim() == 3:
            poolings["token"] = y[:, 0]
        every = [activations(network, images(s)) for s in sizes]
        poolings["scales"] = torch.cat([F.normalize(positions(one[s]).mean(2), dim=1) for one in every for s in stages], 1)
        poolings["scales, max"] = torch.cat([F.normalize(positions(one[s]).amax(2), dim=1) for one in every for s in stages], 1)
    return dict(network=name, size=size, eps=epsilon(network), stages=stages, sizes=sizes,
                poolings={n: summary(t.flatten(1)) for n, t in poolings.items()})


def main():
    write("features.json", dict(cases=[case(*n) for n in NETWORKS]))


if __name__ == "__main__":
    main()
