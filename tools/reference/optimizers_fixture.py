"""Writes optimizers.json: 20 steps of every optimizer on a small network of two layers.

The network and its 24 rows are those of module_fixture, for three classes: Linear(6, 8), tanh, Linear(8, 3), cross entropy with labels r % 3. The first
layer learns at half the rate; weight matrices decay, biases do not. The factor of the learning rate is training_fixture's. All but Lion are PyTorch's;
Lion is written here in numpy from algorithm 2 of its paper (https://arxiv.org/abs/2302.06675). Everything is computed in doubles.
`losses` are those before each step, the tensors those after the last.
"""
import numpy as np
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write
from module_fixture import FEATURES, ROWS, Network
from training_fixture import STEPS, factor


class Lion:
    def __init__(self, groups, lr, betas):
        self.param_groups, self.betas = [dict(group, lr=lr) for group in groups], betas
        self.memory = [np.zeros(tuple(p.shape)) for group in groups for p in group["params"]]

    def step(self):
        parameters = [(p, group) for group in self.param_groups for p in group["params"]]
        for i, (p, group) in enumerate(parameters):
            w, g, m = p.detach().numpy(), p.grad.numpy(), self.memory[i]
            direction = np.sign(self.betas[0] * m + (1 - self.betas[0]) * g)
            w -= group["lr"] * (direction + group["weight_decay"] * w)
            self.memory[i] = self.betas[1] * m + (1 - self.betas[1]) * g


CASES = [
    ("AdamW", 0.02, 0.05, lambda groups, lr: torch.optim.AdamW(groups, lr=lr)),
    ("AdamW beta1=0.8 beta2=0.95 epsilon=0.001", 0.02, 0.3, lambda groups, lr: torch.optim.AdamW(groups, lr=lr, betas=(0.8, 0.95), eps=1e-3)),
    ("Adam", 0.02, 0.0, lambda groups, lr: torch.optim.Adam(groups, lr=lr)),
    ("Adam beta1=0.8 beta2=0.95 epsilon=0.001", 0.02, 0.1, lambda groups, lr: torch.optim.Adam(groups, lr=lr, betas=(0.8, 0.95), eps=1e-3)),
    ("Sgd", 0.3, 0.01, lambda groups, lr: torch.optim.SGD(groups, lr=lr)),
    ("Sgd momentum=0.8", 0.1, 0.01, lambda groups, lr: torch.optim.SGD(groups, lr=lr, momentum=0.8)),
    ("Sgd momentum=0.9 nesterov", 0.1, 0.01, lambda groups, lr: torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True)),
    ("RmsProp", 0.005, 0.0, lambda groups, lr: torch.optim.RMSprop(groups, lr=lr)),
    ("RmsProp smoothing=0.9 momentum=0.7", 0.005, 0.1, lambda groups, lr: torch.optim.RMSprop(groups, lr=lr, alpha=0.9, momentum=0.7)),
    ("RmsProp smoothing=0.9 epsilon=0.001 centered", 0.005, 0.1, lambda groups, lr: torch.optim.RMSprop(groups, lr=lr, alpha=0.9, eps=1e-3, centered=True)),
    ("RmsProp smoothing=0.9 momentum=0.7 epsilon=0.001 centered", 0.003, 0.1,
     lambda groups, lr: torch.optim.RMSprop(groups, lr=lr, alpha=0.9, momentum=0.7, eps=1e-3, centered=True)),
    ("Lion", 0.01, 0.3, lambda groups, lr: Lion(groups, lr, (0.9, 0.99))),
    ("Lion beta1=0.7 beta2=0.8", 0.01, 0.3, lambda groups, lr: Lion(groups, lr, (0.7, 0.8))),
]


def run(name, lr, decay, create):
    network = formula.fill(Network(3)).double()
    j = torch.arange(ROWS * FEATURES).double()
    x = torch.sin(0.37 * j + 0.05 * (j % 29)).float().reshape(ROWS, FEATURES).double()
    y = torch.arange(ROWS) % 3
    scales = {n: 0.5 if n.startswith("first") else 1.0 for n, _ in network.named_parameters()}
    optimizer = create([dict(params=[p], weight_decay=decay if p.ndim > 1 else 0.0) for p in network.parameters()], lr)
    losses = []
    for step in range(STEPS):
        for group, scale in zip(optimizer.param_groups, scales.values()):
            group["lr"] = lr * factor(step) * scale
        loss = F.cross_entropy(network(x), y)
        network.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(name, f"{losses[0]:.4f} -> {losses[-1]:.4f}")
    return dict(optimizer=name, learningRate=lr, weightDecay=decay, losses=numbers(losses, 10), tensors={n: numbers(p.flatten(), 10) for n, p in network.named_parameters()})


def main():
    write("optimizers.json", dict(steps=STEPS, firstScale=0.5, factors=numbers([factor(s) for s in range(STEPS)], 10), runs=[run(*case) for case in CASES]))


if __name__ == "__main__":
    main()
