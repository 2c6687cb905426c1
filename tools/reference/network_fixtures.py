"""Writes network-*.json: what each network computes for formula weights and formula images (formula.py), batch 2, 10 classes.

The numbers are computed in doubles (weights and images rounded to float32 first), so they carry no rounding of their own; `float32` says how far
PyTorch's float32 run of the same case lies from them, which is the yardstick for a tolerance (where a ReLU kink lies within rounding, float32 gradients
are off by per cents: compare gradients in doubles). Names on the command line: only these networks. Standard deviations are those of the population.
A gradient is [L2 norm, first four values]; a norm of 0 stands for gradients that are zero in theory (a bias that the next BatchNorm removes).
"""
import sys

import torch
import torch.nn.functional as F
from torch import nn

import formula
import modern_networks
import networks
from fixture import numbers, write

LABELS = torch.tensor([1, 7])
CASES = {
    "mobilenetv1": [("same", 0.25, 64, 64), ("same", 0.25, 75, 67), ("symmetric", 0.25, 75, 67), ("same", 1.0, 64, 64)],
    "mobilenetv2": [("same", 1.0, 64, 64), ("same", 1.0, 75, 67), ("symmetric", 1.0, 75, 67)],
    "resnet18": [("symmetric", 1.0, 64, 64), ("symmetric", 1.0, 75, 67)],
    "micro": [("symmetric", 1.0, 64, 64), ("symmetric", 1.0, 75, 67), ("symmetric", 1.0, 32, 32)],
    "resnet20": [("symmetric", 1.0, 32, 32), ("symmetric", 1.0, 35, 33)],
    "squeezenet": [("symmetric", 1.0, 64, 64), ("symmetric", 1.0, 75, 67)],
    "mobilenetv3_small": [("symmetric", 1.0, 64, 64), ("same", 1.0, 75, 67)],
    "mobilenetv3_large": [("symmetric", 1.0, 64, 64)],
    "efficientnet": [("symmetric", 1.0, 64, 64), ("same", 1.0, 75, 67)],
    "convnext": [("symmetric", 1.0, 64, 64), ("symmetric", 1.0, 75, 67)],
    "vit": [("symmetric", 1.0, 64, 64)],
    "dinov2": [("symmetric", 1.0, 42, 42)],
    "bottleneck": [("symmetric", 1.0, 75, 67)],
    "resnext": [("symmetric", 1.0, 64, 64)],
    "wideresnet": [("symmetric", 1.0, 64, 64)],
    "densenet": [("symmetric", 1.0, 64, 64), ("symmetric", 1.0, 75, 67)],
    "vgg": [("symmetric", 1.0, 64, 64), ("symmetric", 1.0, 75, 67), ("symmetric", 1.0, 256, 224)],
    "regnety": [("symmetric", 1.0, 64, 64), ("symmetric", 1.0, 75, 67)],
}


def build(name, padding, width):
    return formula.fill({
        "mobilenetv1": lambda: networks.MobileNetV1(10, width, padding == "same"),
        "mobilenetv2": lambda: networks.MobileNetV2(10, padding == "same"),
        "resnet18": lambda: networks.ResNet18(10),
        "micro": lambda: networks.Micro(10),
        "resnet20": lambda: networks.CifarResNet(10),
        "squeezenet": lambda: networks.SqueezeNet(10),
        "mobilenetv3_small": lambda: modern_networks.mobilenetv3_small(padding == "same"),
        "mobilenetv3_large": lambda: modern_networks.mobilenetv3_large(padding == "same"),
        "efficientnet": lambda: modern_networks.EfficientNet(padding == "same"),
        "convnext": modern_networks.ConvNeXt,
        "vit": modern_networks.ViT,
        "dinov2": modern_networks.DinoV2,
        "bottleneck": lambda: networks.ResNet([2, 1, 1, 1]),
        "resnext": lambda: networks.ResNet([1, 1, 1, 1], groups=32, width_per_group=4),
        "wideresnet": lambda: networks.ResNet([1, 1], width_per_group=128),
        "densenet": lambda: networks.DenseNet(10, growth_rate=8, block_config=(2, 3, 2, 2), num_init_features=16),
        "vgg": lambda: networks.Vgg(10, [(8, 2), (16, 2), (16, 3), (24, 1), (32, 1)], 48),
        "regnety": lambda: networks.RegNetY(10)}[name]())


def run(name, padding, width, height, across, dtype):
    network, x = build(name, padding, width).to(dtype), formula.images(2, height, across).to(dtype)
    norms = [n for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    norms = norms[:1] + norms[-1:]
    if name in ("mobilenetv1", "mobilenetv2"):
        norms = ["bn1", "bn2" if name == "mobilenetv2" else "blocks.4.1.bn2"]

    network.eval()
    with torch.no_grad():
        stages, y = {}, x
        for stage, module in network.stages():
            y = module(y)
            stages[stage] = y
        pooled = network.pooled(x)
        logits = network(x)

    network.train()
    train_logits = network(x)
    loss = F.cross_entropy(train_logits, LABELS)
    loss.backward()
    norms = {n: network.get_submodule(n) for n in norms}
    return dict(
        stages=stages, pooled=pooled, logits=logits, train_logits=train_logits.detach(), loss=loss.detach(),
        running={n: (m.running_mean, m.running_var) for n, m in norms.items()}, eps=next((m.eps for m in norms.values()), getattr(network, "epsilon", 1e-5)),
        gradients={n: p.grad for n, p in network.named_parameters()})


def distance(a, b):
    """Relative, by norm."""
    return ((a.double() - b).norm() / b.norm()).item()


def case(name, padding, width, height, across):
    exact, single = (run(name, padding, width, height, across, t) for t in (torch.float64, torch.float32))
    largest = max(g.norm() for g in exact["gradients"].values())
    alive = {n: g for n, g in exact["gradients"].items() if g.norm() > 1e-10 * largest}
    flat = lambda t, n: numbers(t.flatten()[:n])
    spread = lambda t: dict(mean=numbers(t.mean()), std=numbers(t.std(unbiased=False)))
    return dict(
        padding=padding, eps=exact["eps"], widthMultiplier=width, height=height, width=across,
        eval=dict(
            logits=numbers(exact["logits"]),
            pooled=dict(**spread(exact["pooled"]), first=flat(exact["pooled"], 16)),
            stages=[dict(name=n, shape=list(t.shape), **spread(t), first=flat(t, 8)) for n, t in exact["stages"].items()]),
        train=dict(
            logits=numbers(exact["train_logits"]), loss=numbers(exact["loss"], 9),
            runningMean={n: flat(m, 6) for n, (m, _) in exact["running"].items()},
            runningVar={n: flat(v, 6) for n, (_, v) in exact["running"].items()},
            gradients={n: [numbers(g.norm(), 6)] + numbers(g.flatten()[:4], 6) if n in alive else [0.0] for n, g in exact["gradients"].items()}),
        float32=dict(
            evalLogits=numbers(distance(single["logits"], exact["logits"]), 2),
            trainLogits=numbers(distance(single["train_logits"], exact["train_logits"]), 2),
            worstGradient=numbers(max(distance(single["gradients"][n], g) for n, g in alive.items()), 2),
            zeroGradient=numbers(max([single["gradients"][n].norm().item() for n in exact["gradients"] if n not in alive], default=0.0), 2)))


def main():
    for name, cases in CASES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        written = [case(name, *c) for c in cases]
        print([c["float32"] for c in written])
        write(f"network-{name}.json", dict(network=name, classes=10, batch=2, labels=LABELS.tolist(), cases=written))


if __name__ == "__main__":
    main()
