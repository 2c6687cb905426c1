"""Exports a network from Python, for C# to fine-tune: Assets/micro.pt.

    python3 samples/NetworkFromPython/export.py          (PyTorch and torchvision)

The network is written here as anybody would write theirs, and stands for it: a residual network of three blocks with the quick start's pretrained weights.
What matters are the last four lines: eval mode, no classifier (the output is one vector of features a picture), a trace, a file.
"""
import json
import os
import struct

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

FOLDER = os.path.dirname(os.path.abspath(__file__))


def layer(inputs, outputs, eps):
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs, eps=eps))
    return nn.Sequential(BasicBlock(inputs, outputs, stride=2, downsample=shortcut, norm_layer=lambda channels: nn.BatchNorm2d(channels, eps=eps)))


class Micro(nn.Module):
    """Pixels [N, 3, 96, 96], normalised with mean and std 0.5 -> features [N, 128]."""

    def __init__(self, eps):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16, eps=eps)
        self.layer1, self.layer2, self.layer3 = layer(16, 32, eps), layer(32, 64, eps), layer(64, 128, eps)

    def forward(self, pixels):
        maps = torch.relu(self.bn1(self.conv1(pixels)))
        return self.layer3(self.layer2(self.layer1(maps))).mean([2, 3])


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {name: torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin).reshape(entry["shape"])
               for name, entry in header.items() for begin, end in [entry["data_offsets"]]}
    return tensors, metadata


tensors, metadata = read_safetensors(os.path.join(FOLDER, "..", "QuickStart", "Assets", "micro.safetensors"))
network = Micro(float(metadata["bn_eps"]))
wanted = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
found = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
assert wanted == set(found), wanted ^ set(found)
network.load_state_dict(found, strict=False)

os.makedirs(os.path.join(FOLDER, "Assets"), exist_ok=True)
network.eval()
with torch.no_grad():
    traced = torch.jit.trace(network, torch.zeros(2, 3, 96, 96))
traced.save(os.path.join(FOLDER, "Assets", "micro.pt"))
