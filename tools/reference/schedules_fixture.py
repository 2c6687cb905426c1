"""Writes schedules.json: the learning rate of every step, by PyTorch's schedulers with a learning rate of 1.

A schedule after w steps of warm-up is SequentialLR of LinearLR(1 / w, 1, w - 1) and the scheduler itself over the remaining steps; a plateau, which
SequentialLR does not take, has its warm-up put in front of it here. `losses` are those of the epochs, each of `stepsPerEpoch` steps.
"""
import math

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, MultiStepLR, OneCycleLR, ReduceLROnPlateau, SequentialLR

from fixture import numbers, write


def optimizer():
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def rates(create, steps, warmup=0):
    sgd = optimizer()
    if warmup > 0:
        rise = LinearLR(sgd, start_factor=1 / warmup, end_factor=1, total_iters=warmup - 1)
        scheduler = SequentialLR(sgd, [rise, create(sgd, steps - warmup)], milestones=[warmup])
    else:
        scheduler = create(sgd, steps)
    result = []
    for step in range(steps):
        result.append(sgd.param_groups[0]["lr"])
        sgd.step()
        if step < steps - 1:
            scheduler.step()
    return result


def plateau(losses, factor, patience, steps_per_epoch, warmup=0):
    sgd = optimizer()
    scheduler, result = ReduceLROnPlateau(sgd, factor=factor, patience=patience), []
    for loss in losses:
        result += [sgd.param_groups[0]["lr"]] * steps_per_epoch
        scheduler.step(loss)
    return [(s + 1) / warmup if s < warmup else rate for s, rate in enumerate(result)]


def staircase(phases, factor):
    return lambda sgd, n: MultiStepLR(sgd, [math.ceil(k * n / phases) for k in range(1, phases)], gamma=factor)


LOSSES = [1.0, 0.8, 0.79995, 0.81, 0.83, 0.7, 0.71, 0.72, 0.73, 0.74, 0.7, 0.69, 0.6905, 0.688, 0.69, 0.69, 0.688]
CASES = [
    ("Constant", {}, 12, 0, lambda sgd, n: ConstantLR(sgd, factor=1)),
    ("Constant", {}, 12, 3, lambda sgd, n: ConstantLR(sgd, factor=1)),
    ("Cosine", {}, 20, 0, lambda sgd, n: CosineAnnealingLR(sgd, T_max=n)),
    ("Cosine", {}, 20, 5, lambda sgd, n: CosineAnnealingLR(sgd, T_max=n)),
    ("Linear", {}, 20, 0, lambda sgd, n: LinearLR(sgd, start_factor=1, end_factor=0, total_iters=n)),
    ("Linear", {}, 20, 5, lambda sgd, n: LinearLR(sgd, start_factor=1, end_factor=0, total_iters=n)),
    ("Step", dict(phases=3, factor=0.1), 30, 0, staircase(3, 0.1)),
    ("Step", dict(phases=4, factor=0.5), 25, 5, staircase(4, 0.5)),
    ("Step", dict(phases=3, factor=0.2), 20, 0, staircase(3, 0.2)),
]
CYCLES = [(20, 0.3, 25.0, 1e4), (23, 0.25, 10.0, 100.0), (40, 0.1, 25.0, 1e4), (20, 0.25, 1.0, 1.0)]
PLATEAUS = [(0.1, 2, 0), (0.5, 0, 0), (0.5, 1, 4)]


def main():
    runs = [dict(schedule=name, **options, steps=steps, warmup=warmup / steps, factors=numbers(rates(create, steps, warmup), 12)) for name, options, steps, warmup, create in CASES]
    runs += [
        dict(schedule="OneCycle", steps=steps, warmup=warmup, initialDivisor=initial, finalDivisor=final, factors=numbers(rates(
            lambda sgd, n: OneCycleLR(sgd, max_lr=1.0, total_steps=n, pct_start=warmup, div_factor=initial, final_div_factor=final, cycle_momentum=False), steps), 12))
        for steps, warmup, initial, final in CYCLES]
    runs += [
        dict(schedule="Plateau", factor=factor, patience=patience, steps=3 * len(LOSSES), warmup=numbers(warmup / (3 * len(LOSSES)), 7), stepsPerEpoch=3, losses=LOSSES,
             factors=numbers(plateau(LOSSES, factor, patience, 3, warmup), 12))
        for factor, patience, warmup in PLATEAUS]
    for run in runs:
        print(run["schedule"], run["factors"][:6], "...", run["factors"][-3:])
    write("schedules.json", runs)


if __name__ == "__main__":
    main()
