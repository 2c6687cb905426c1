"""Writes network-signatures.json: for torchvision's full-sized networks the number of parameters, of multiply-adds at their usual input, and a hash
of all names and shapes; each without the classifier, which fine-tuning replaces.

A hash is FNV-1a (formula.py) of the lines "name shape", such as "layer1.0.conv1.weight [64, 64, 1, 1]", sorted, joined by line feeds. Multiply-adds are
counted by hooks on the convolutions and linear layers while one picture runs.
"""
import torch
import torchvision
from torch import nn

import formula
import networks
from fixture import write

CLASSIFIERS = ("fc.", "linear.", "classifier.", "heads.")
NETWORKS = {
    **{name: getattr(torchvision.models, name) for name in (
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2", "densenet121", "vgg16_bn",
        "squeezenet1_1", "mobilenet_v2", "regnet_y_400mf", "regnet_y_800mf", "regnet_y_1_6gf", "regnet_y_3_2gf", "regnet_y_8gf", "regnet_y_16gf", "regnet_y_32gf")},
    **{f"resnet{depth}": lambda depth=depth: networks.CifarResNet(10, depth) for depth in (20, 32, 44, 56, 110)},
}


def belongs(name, network):
    """Whether a tensor or module is of the backbone: VGG's hidden layers are."""
    return not name.startswith(CLASSIFIERS) or network == "vgg16_bn" and not name.startswith("classifier.6")


def multiply_adds(name, network, size):
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    for path, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and belongs(f"{path}.", name):
            module.register_forward_hook(count)
    network(torch.zeros(1, 3, size, size))
    return total


@torch.inference_mode()
def signature(name):
    network = NETWORKS[name]().eval()
    tensors = {n: t for n, t in network.state_dict().items() if belongs(n, name) and not n.endswith("num_batches_tracked")}
    text = "\n".join(sorted(f"{n} {list(t.shape)}" for n, t in tensors.items()))
    size = 32 if isinstance(network, networks.CifarResNet) else 224
    return dict(
        tensors=len(tensors), hash=formula.fnv1a32(text), inputSize=size, multiplyAdds=multiply_adds(name, network, size),
        parameters=sum(p.numel() for n, p in network.named_parameters() if belongs(n, name)))


def main():
    write("network-signatures.json", {name: signature(name) for name in NETWORKS})


if __name__ == "__main__":
    main()
