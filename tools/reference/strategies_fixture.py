"""Writes strategies.json: which parameters train in which steps, and the losses of 20 steps of the micro network, for the strategies that do not freeze whole stages or that change on the way.

Step s sees what it sees in training_fixture.py, whose schedule, optimizers and loss are these too; but a strategy of several parts runs the schedule once in each, with a new optimizer. Five steps an epoch, four epochs.
  gradual          one epoch each: the head; layer3 too; from layer2 on; everything (five stages with the head join in four parts); layer decay 0.7
  probeThenFull    two epochs the head at three times the rate; two epochs everything at half the rate, layer decay 0.7
  normAndBias      parameters of one dimension, and the head
  custom           convolutions of layer2 at half the rate, the head at the full
  batchNormFrozen  everything, with BatchNorm in inference mode
Elsewhere BatchNorm is in training mode where any parameter of its own trains.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

import formula
import networks
from fixture import numbers, write

BATCH, EPOCHS, STEPS = 4, 4, 5


def factor(step, steps):
    warm_up = round(0.2 * steps)
    return (step + 1) / warm_up if step < warm_up else 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def parts(network, strategy):
    """(epochs, function of a parameter's name and itself to the factor of its learning rate) of each part."""
    stages = [n for n, _ in network.stages()] + ["head"]

    def last(count, decay=0.7, rate=1.0):
        def scale(name, p):
            below = len(stages) - 1 - stages.index(networks.stage_of(name))
            return rate * decay ** below if below <= count else 0.0
        return scale

    if strategy == "gradual":
        return [(1, last(0)), (1, last(1)), (1, last(2)), (1, last(4))]
    if strategy == "probeThenFull":
        return [(2, last(0, rate=3.0)), (2, last(4, rate=0.5))]
    if strategy == "normAndBias":
        return [(4, lambda name, p: 1.0 if p.ndim < 2 or networks.stage_of(name) == "head" else 0.0)]
    if strategy == "custom":
        return [(4, lambda name, p: 1.0 if networks.stage_of(name) == "head" else 0.5 if name.startswith("layer2.") and p.ndim > 1 else 0.0)]
    return [(4, last(4, decay=1.0))]


def train(recipe, strategy, dtype):
    network, losses, sets, step = formula.fill(networks.Micro()).to(dtype), [], [], 0
    for epochs, scale in parts(network, strategy):
        groups = []
        for name, p in network.named_parameters():
            p.requires_grad = scale(name, p) > 0
            if p.requires_grad:
                groups.append(dict(params=[p], scale=scale(name, p), weight_decay=recipe["weightDecay"] if p.ndim > 1 else 0.0))
        sets.append({name: scale(name, p) for name, p in network.named_parameters() if scale(name, p) > 0})
        network.train()
        for name, module in network.named_modules():
            if isinstance(module, nn.BatchNorm2d) and (strategy == "batchNormFrozen" or not any(p.requires_grad for p in module.parameters(recurse=False))):
                module.eval()
        if recipe["optimizer"] == "AdamW":
            optimizer = torch.optim.AdamW(groups, lr=recipe["lr"])
        else:
            optimizer = torch.optim.SGD(groups, lr=recipe["lr"], momentum=0.9, nesterov=True)
        for s in range(epochs * STEPS):
            for group in optimizer.param_groups:
                group["lr"] = recipe["lr"] * factor(s, epochs * STEPS) * group["scale"]
            x = formula.images(BATCH, 32, 32, offset=1000 * step).to(dtype)
            labels = torch.tensor([(step + k) % 10 for k in range(BATCH)])
            loss = F.cross_entropy(network(x), labels, label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
    return network, losses, sets


def run(recipe, strategy):
    network, losses, sets = train(recipe, strategy, torch.float64)
    print(recipe["optimizer"], strategy, f"{losses[0]:.4f} -> {losses[-1]:.4f}")
    running = torch.cat([b.flatten() for n, b in network.named_buffers() if "running" in n])
    return dict(
        strategy=strategy, **recipe, parts=[{n: numbers(v) for n, v in one.items()} for one in sets],
        losses=numbers(losses, 9), headBias=numbers(network.head().bias), runningSum=numbers(running.sum(), 9))


def main():
    recipes = dict(optimizer="AdamW", lr=1e-3, weightDecay=0.05), dict(optimizer="SGD", lr=0.01, weightDecay=1e-4)
    write("strategies.json", dict(epochs=EPOCHS, stepsPerEpoch=STEPS, runs=[
        run(recipe, strategy) for recipe in recipes for strategy in ("gradual", "probeThenFull", "normAndBias", "custom", "batchNormFrozen")]))


if __name__ == "__main__":
    main()
