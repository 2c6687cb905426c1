"""A small network exported as users do, and PyTorch's outputs: Fixtures/torchscript/*.pt and torchscript.json.

Steps s = 0..4 as in training_fixture.py: formula.images(4, 32, 32, offset = 1000 * s), labels (s + k) % 3, cross entropy, SGD with momentum 0.9
(no Nesterov, no decay) at 0.05, a linear head `head` of formula weights on top of the features. A frozen stage takes no gradient and is in eval mode.
A trace was made in eval mode, so its BatchNorms keep their statistics even while it trains.
"""
import os

import torch
import torch.nn.functional as F
from torch import nn

import fixture
import formula

FOLDER = os.path.join(fixture.FOLDER, "torchscript")
SIZE, CLASSES = 32, 3


class Small(nn.Module):
    """Pixels [N, 3, H, W] -> features [N, 6]."""

    def __init__(self, statistics=True):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4, track_running_stats=statistics)
        self.relu = nn.ReLU()
        norm = nn.BatchNorm2d(6, track_running_stats=statistics)
        self.layer1 = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), norm, nn.ReLU())

    def forward(self, x):
        return self.layer1(self.relu(self.bn1(self.conv1(x)))).mean([2, 3])


class Drops(nn.Module):
    """Without children: all tensors are at the root."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(formula.tensor("weight", (6, 3, 3, 3)))

    def forward(self, x):
        return F.dropout(F.conv2d(x, self.weight, stride=2), 0.5, self.training)


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x):
        return self.conv(x), x


class Flat(nn.Module):
    """Keeps the batch size and the picture size of the trace."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x):
        return self.conv(x).view(1, -1)


def export(network, how):
    return torch.jit.script(network) if how == "scripted" else torch.jit.trace(network, torch.zeros(1, 3, SIZE, SIZE), check_trace=False)


def save(script, name):
    path = os.path.join(FOLDER, name)
    script.save(path)
    return os.path.getsize(path)


def train(how, trained):
    torch.manual_seed(0)
    network = export(formula.fill(Small()).eval(), how)
    head = nn.Linear(6, CLASSES)
    with torch.no_grad():
        head.weight.copy_(formula.tensor("head.weight", head.weight.shape))
        head.bias.copy_(formula.tensor("head.bias", head.bias.shape))
    network.train(len(trained) > 0)
    for name, child in network.named_children():
        stage = dict(relu="bn1").get(name, name)
        child.train(stage in trained)
        for p in child.parameters():
            p.requires_grad = stage in trained
    parameters = [p for p in list(network.parameters()) + list(head.parameters()) if p.requires_grad]
    optimizer, losses = torch.optim.SGD(parameters, lr=0.05, momentum=0.9), []
    for step in range(5):
        labels = torch.tensor([(step + k) % CLASSES for k in range(4)])
        loss = F.cross_entropy(head(network(formula.images(4, SIZE, SIZE, offset=1000 * step))), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if step == 0:
            gradients = {n: fixture.numbers(p.grad.flatten()[:8]) for n, p in network.named_parameters() if p.requires_grad}
        optimizer.step()
        losses.append(loss.item())
    tensors = {n: fixture.numbers(t.flatten().double()[:8]) for n, t in network.state_dict().items()}
    return dict(script=how, trained=trained, losses=fixture.numbers(losses, 9), gradients=gradients, tensors=tensors)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    sizes = {how + ".pt": save(export(formula.fill(Small()).eval(), how), how + ".pt") for how in ("scripted", "traced")}
    sizes["no-statistics.pt"] = save(export(formula.fill(Small(statistics=False)).eval(), "scripted"), "no-statistics.pt")
    conv = formula.fill(nn.Conv2d(3, 6, 3, stride=2))
    sizes["maps.pt"] = save(export(conv.eval(), "traced"), "maps.pt")
    sizes["dropout.pt"] = save(export(Drops().eval(), "scripted"), "dropout.pt")
    sizes["in-training-mode.pt"] = save(export(nn.BatchNorm2d(3).train(), "traced"), "in-training-mode.pt")
    sizes["pair.pt"] = save(export(Pair().eval(), "scripted"), "pair.pt")
    sizes["one-picture.pt"] = save(export(formula.fill(Flat()).eval(), "traced"), "one-picture.pt")
    sizes["frozen.pt"] = save(torch.jit.freeze(export(formula.fill(Small()).eval(), "scripted")), "frozen.pt")
    print(sizes, sum(sizes.values()))

    with torch.no_grad():
        features = formula.fill(Small()).eval()(formula.images(2, SIZE, SIZE))
        maps = conv(formula.images(2, SIZE, SIZE)).mean([2, 3])
    runs = [train(how, trained) for how in ("scripted", "traced") for trained in (["conv1", "bn1", "layer1"], ["layer1"], [])]
    fixture.write("torchscript.json", dict(features=fixture.numbers(features, 9), pooledMaps=fixture.numbers(maps, 9), runs=runs))


if __name__ == "__main__":
    main()
