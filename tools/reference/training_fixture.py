"""Writes training.json: losses of 20 optimizer steps, and the label-smoothed cross-entropy of fixed logits.

Step s = 0..19 sees formula.images(4, size, size, offset = 1000 * s) with labels (s + k) % 10 for k = 0..3; loss: cross entropy, label smoothing 0.1.
Learning rate of a step: factor(s) * scale(stage) * lr, where factor is (s + 1) / 4 for s < 4, then 0.5 * (1 + cos(pi * (s - 4) / 16)).
Weight decay does not touch tensors of one dimension. Layer decay 0.7: the head's scale is 1, each stage below has 0.7 times that of the one above.
A frozen stage takes no gradient and its BatchNorms run in inference mode; a stage that trains has its BatchNorms in training mode.
`losses` are computed in doubles, `float32` in PyTorch's float32: the difference between the two is the yardstick for a tolerance. MobileNetV2 trained in
full is chaotic in float32 (its ReLU6 kinks and 16 samples per BatchNorm channel amplify rounding): compare that run in doubles, where 1e-6 holds.
After the last step: the head's bias, the first BatchNorm's running mean (first four) and the L2 norm of each stage's parameters.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

import formula
import networks
from fixture import numbers, write

STEPS, WARM_UP, BATCH = 20, 4, 4
ADAMW = dict(optimizer="AdamW", lr=1e-3, weightDecay=0.05)
SGD = dict(optimizer="SGD", lr=0.01, momentum=0.9, nesterov=True, weightDecay=1e-4)


def factor(step):
    return (step + 1) / WARM_UP if step < WARM_UP else 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / (STEPS - WARM_UP)))


def trained(network, strategy):
    """Stage -> scale of its learning rate; a stage that is absent is frozen."""
    names = [n for n, _ in network.stages()] + ["head"]
    if strategy == "headOnly":
        return {"head": 1.0}
    if strategy == "lastStages1":
        return {names[-2]: 1.0, "head": 1.0}
    decay = 0.7 if strategy == "layerDecay0.7" else 1.0
    return {n: decay ** k for k, n in enumerate(reversed(names))}


def prepare(network, recipe, scales):
    groups = []
    for name, p in network.named_parameters():
        stage = networks.stage_of(name)
        p.requires_grad = stage in scales
        if p.requires_grad:
            groups.append(dict(params=[p], scale=scales[stage], weight_decay=recipe["weightDecay"] if p.ndim > 1 else 0.0))
    network.train()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and networks.stage_of(name) not in scales:
            module.eval()
    if recipe["optimizer"] == "AdamW":
        return torch.optim.AdamW(groups, lr=recipe["lr"])
    return torch.optim.SGD(groups, lr=recipe["lr"], momentum=0.9, nesterov=True)


def train(build, size, recipe, strategy, dtype):
    network = formula.fill(build()).to(dtype)
    optimizer, losses = prepare(network, recipe, trained(network, strategy)), []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = recipe["lr"] * factor(step) * group["scale"]
        x = formula.images(BATCH, size, size, offset=1000 * step).to(dtype)
        labels = torch.tensor([(step + k) % 10 for k in range(BATCH)])
        loss = F.cross_entropy(network(x), labels, label_smoothing=0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return network, losses


def run(name, build, size, recipe, strategy):
    network, losses = train(build, size, recipe, strategy, torch.float64)
    _, single = train(build, size, recipe, strategy, torch.float32)
    norms = {}
    for n, p in network.named_parameters():
        norms.setdefault(networks.stage_of(n), []).append(p.detach().norm() ** 2)
    print(name, recipe["optimizer"], strategy, f"{losses[0]:.4f} -> {losses[-1]:.4f}, float32 off by {max(abs(a - b) for a, b in zip(losses, single)):.1e}")
    return dict(
        network=name, size=size, strategy=strategy, **recipe, scales={n: numbers(v) for n, v in trained(network, strategy).items()},
        losses=numbers(losses, 9), float32=numbers(single, 9),
        headBias=numbers(network.head().bias), bn1RunningMean=numbers(network.bn1.running_mean[:4]),
        stageNorms={s: numbers(torch.stack(v).sum().sqrt()) for s, v in norms.items()})


def smoothing():
    logits = formula.tensor("logits.weight", (4, 10)).double() * 4
    logits = logits.float().double().requires_grad_()
    labels, cases = torch.tensor([3, 0, 9, 3]), []
    for amount in (0.0, 0.1, 0.3):
        each = F.cross_entropy(logits, labels, label_smoothing=amount, reduction="none")
        gradient, = torch.autograd.grad(each.mean(), logits)
        cases.append(dict(smoothing=amount, each=numbers(each, 9), mean=numbers(each.mean(), 9), gradientOfMean=numbers(gradient)))
    return dict(logits=numbers(logits, 9), labels=labels.tolist(), cases=cases)


def main():
    strategies = ["full", "layerDecay0.7", "lastStages1", "headOnly"]
    runs = [run("micro", networks.Micro, 32, recipe, s) for recipe in (ADAMW, SGD) for s in strategies]
    runs += [run("mobilenetv2", lambda: networks.MobileNetV2(10, same=True), 64, ADAMW, s) for s in ("full", "lastStages1", "headOnly")]
    write("training.json", dict(
        steps=STEPS, batch=BATCH, labelSmoothing=0.1, factors=numbers([factor(s) for s in range(STEPS)], 9), runs=runs, smoothing=smoothing()))


if __name__ == "__main__":
    main()
