"""Writes averaging.json: averages of the states of a small network, by PyTorch's AveragedModel.

State t has the formula values of its tensors under the names t<t>.<name>, doubles. `moving` is the average after states 1 to 12, begun with state 0, where state t has
the decay min(decay, t / (9 + t)): TensorFlow's (1 + n) / (10 + n) after n = t - 1 updates. `uniform` is the mean of states 0, 1 and 2. Running statistics are averaged like weights.
"""
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

import formula
from fixture import numbers, write

SHAPES = {"layer.weight": (3, 4), "layer.bias": (3,), "norm.running_mean": (3,), "norm.running_var": (3,)}


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3, affine=False, track_running_stats=True)
        self.norm.num_batches_tracked = None


def state(network, t):
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            tensor.copy_(formula.tensor(f"t{t}.{name}", tensor.shape).double())
    return network


def average(states, avg_fn):
    network = state(Network().double(), states[0])
    averaged = AveragedModel(network, avg_fn=avg_fn, use_buffers=True)
    for t in states:
        averaged.update_parameters(state(network, t))
    tensors = averaged.module.state_dict()
    assert {n: tuple(v.shape) for n, v in tensors.items()} == SHAPES
    return {name: numbers(tensor.flatten(), 9) for name, tensor in tensors.items()}


def moving(decay):
    # The first update only copies; n counts the states that are in the average already.
    def ema(averaged, current, n):
        d = min(decay, float(n) / (9 + float(n)))
        return d * averaged + (1 - d) * current
    return dict(decay=decay, tensors=average(list(range(13)), ema))


def main():
    write("averaging.json", dict(shapes={n: list(s) for n, s in SHAPES.items()}, moving=[moving(0.999), moving(0.4)], uniform=average([0, 1, 2], None)))


if __name__ == "__main__":
    main()
