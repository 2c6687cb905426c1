"""Writes module.json: the losses of 20 steps of a small network of two layers, for each task and each regression loss.

24 rows; feature f of row r is sin(0.37 j + 0.05 (j % 29)) with j = 6 r + f. Network: Linear(6, 8), tanh, Linear(8, outputs), with the weights of formula.tensor
under the names first.weight, first.bias, last.weight, last.bias. Labels: r % 3 (multiclass), r % 5 < 2 (binary), 2 sin(r) (regression).
Every step sees all rows. AdamW, learning rate 0.02 times the factor of training_fixture, weight decay 0.05 on the two weight matrices.
`losses` are computed in float32, as TorchSharp computes them; `doubles` in doubles.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

import formula
from fixture import numbers, write
from training_fixture import STEPS, factor

ROWS, FEATURES, HIDDEN, LR, DECAY = 24, 6, 8, 0.02, 0.05


class Network(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.first, self.last = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, outputs)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


TASKS = {
    "multiclass": (3, lambda r: r % 3, lambda out, y: F.cross_entropy(out, y.long())),
    "smoothed": (3, lambda r: r % 3, lambda out, y: F.cross_entropy(out, y.long(), label_smoothing=0.1)),
    "binary": (1, lambda r: float(r % 5 < 2), lambda out, y: F.binary_cross_entropy_with_logits(out[:, 0], y)),
    "squared": (1, lambda r: 2 * math.sin(r), lambda out, y: F.mse_loss(out[:, 0], y)),
    "absolute": (1, lambda r: 2 * math.sin(r), lambda out, y: F.l1_loss(out[:, 0], y)),
    "huber": (1, lambda r: 2 * math.sin(r), lambda out, y: F.huber_loss(out[:, 0], y, delta=0.5)),
}


def train(task, dtype):
    outputs, label, loss_of = TASKS[task]
    network = formula.fill(Network(outputs)).to(dtype)
    j = torch.arange(ROWS * FEATURES).double()
    x = torch.sin(0.37 * j + 0.05 * (j % 29)).float().reshape(ROWS, FEATURES).to(dtype)
    y = torch.tensor([label(r) for r in range(ROWS)]).float().to(dtype)
    optimizer = torch.optim.AdamW(
        [dict(params=[p], weight_decay=DECAY if p.ndim > 1 else 0.0) for p in network.parameters()], lr=LR)
    losses = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = LR * factor(step)
        loss = loss_of(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return network, losses


def main():
    runs = []
    for task in TASKS:
        network, losses = train(task, torch.float32)
        _, doubles = train(task, torch.float64)
        print(task, f"{losses[0]:.4f} -> {losses[-1]:.4f}, float32 off by {max(abs(a - b) for a, b in zip(losses, doubles)):.1e}")
        runs.append(dict(task=task, losses=numbers(losses, 8), doubles=numbers(doubles, 8), lastBias=numbers(network.last.bias)))
    write("module.json", dict(rows=ROWS, features=FEATURES, hidden=HIDDEN, learningRate=LR, weightDecay=DECAY, runs=runs))


if __name__ == "__main__":
    main()
