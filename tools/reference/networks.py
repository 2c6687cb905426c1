"""PyTorch twins of the library's networks: timm's MobileNets (same tensor names), torchvision's ResNet-18 and the small residual network Micro.

Every network has `stages`, an ordered list of (name, module) whose chain gives the feature map, then global average pooling, then a linear head.
"""
import json
import os
import struct
from collections import OrderedDict

import torch
import torch.nn.functional as F
import torchvision
from torch import nn


class SameConv2d(nn.Conv2d):
    """TensorFlow's SAME: output = ceil(input / stride); of an odd amount of padding the extra pixel goes to the bottom and the right."""

    def forward(self, x):
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        h, w = x.shape[-2:]
        down = max((-(-h // sh) - 1) * sh + kh - h, 0)
        across = max((-(-w // sw) - 1) * sw + kw - w, 0)
        return super().forward(F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2)))


class Recipe:
    """How a family of weights pads and normalises: TensorFlow's way (same padding, eps 1e-3) or PyTorch's (symmetric, eps 1e-5)."""

    def __init__(self, same):
        self.same = same
        self.eps = 1e-3 if same else 1e-5

    def conv(self, inputs, outputs, kernel=1, stride=1, groups=1):
        if self.same and stride > 1:
            return SameConv2d(inputs, outputs, kernel, stride, 0, groups=groups, bias=False)
        return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)

    def norm(self, channels):
        return nn.BatchNorm2d(channels, eps=self.eps)


class DepthwiseSeparable(nn.Module):
    """conv_dw, bn1, relu6, conv_pw, bn2 and, in MobileNetV1 only, relu6."""

    def __init__(self, recipe, inputs, outputs, stride, last_activation):
        super().__init__()
        self.conv_dw = recipe.conv(inputs, inputs, 3, stride, groups=inputs)
        self.bn1 = recipe.norm(inputs)
        self.conv_pw = recipe.conv(inputs, outputs)
        self.bn2 = recipe.norm(outputs)
        self.last_activation = last_activation

    def forward(self, x):
        x = F.relu6(self.bn1(self.conv_dw(x)))
        x = self.bn2(self.conv_pw(x))
        return F.relu6(x) if self.last_activation else x


class InvertedResidual(nn.Module):
    """conv_pw (expand 6x), bn1, relu6, conv_dw, bn2, relu6, conv_pwl, bn3; plus the input where stride is 1 and the channels agree."""

    def __init__(self, recipe, inputs, outputs, stride):
        super().__init__()
        middle = inputs * 6
        self.conv_pw = recipe.conv(inputs, middle)
        self.bn1 = recipe.norm(middle)
        self.conv_dw = recipe.conv(middle, middle, 3, stride, groups=middle)
        self.bn2 = recipe.norm(middle)
        self.conv_pwl = recipe.conv(middle, outputs)
        self.bn3 = recipe.norm(outputs)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x):
        y = F.relu6(self.bn1(self.conv_pw(x)))
        y = F.relu6(self.bn2(self.conv_dw(y)))
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.skip else y




class Network(nn.Module):
    head_name = "classifier"

    def maps(self, x):
        for _, stage in self.stages():
            x = stage(x)
        return x

    def pooled(self, x):
        return self.maps(x).mean((2, 3))

    def head(self):
        return getattr(self, self.head_name)

    def forward(self, x):
        return self.head()(self.pooled(x))


class MobileNetV1(Network):
    def __init__(self, classes=1000, width=1.0, same=True):
        super().__init__()
        recipe, channels = Recipe(same), lambda c: int(c * width)
        self.conv_stem = recipe.conv(3, channels(32), 3, 2)
        self.bn1 = recipe.norm(channels(32))
        self.blocks, inputs = nn.Sequential(), channels(32)
        for repeats, stride, outputs in [(1, 1, 64), (2, 2, 128), (2, 2, 256), (6, 2, 512), (2, 2, 1024)]:
            stage = nn.Sequential()
            for r in range(repeats):
                stage.append(DepthwiseSeparable(recipe, inputs, channels(outputs), stride if r == 0 else 1, last_activation=True))
                inputs = channels(outputs)
            self.blocks.append(stage)
        self.classifier = nn.Linear(inputs, classes)

    def stages(self):
        stem = lambda x: F.relu6(self.bn1(self.conv_stem(x)))
        return [("stem", stem)] + [(f"blocks.{k}", b) for k, b in enumerate(self.blocks)]


class MobileNetV2(Network):
    def __init__(self, classes=1000, same=True):
        super().__init__()
        recipe = Recipe(same)
        self.conv_stem = recipe.conv(3, 32, 3, 2)
        self.bn1 = recipe.norm(32)
        self.blocks, inputs = nn.Sequential(nn.Sequential(DepthwiseSeparable(recipe, 32, 16, 1, last_activation=False))), 16
        for repeats, stride, outputs in [(2, 2, 24), (3, 2, 32), (4, 2, 64), (3, 1, 96), (3, 2, 160), (1, 1, 320)]:
            stage = nn.Sequential()
            for r in range(repeats):
                stage.append(InvertedResidual(recipe, inputs, outputs, stride if r == 0 else 1))
                inputs = outputs
            self.blocks.append(stage)
        self.conv_head = recipe.conv(320, 1280)
        self.bn2 = recipe.norm(1280)
        self.classifier = nn.Linear(1280, classes)

    def stages(self):
        stem = lambda x: F.relu6(self.bn1(self.conv_stem(x)))
        conv_head = lambda x: F.relu6(self.bn2(self.conv_head(x)))
        return [("stem", stem)] + [(f"blocks.{k}", b) for k, b in enumerate(self.blocks)] + [("conv_head", conv_head)]


class Micro(Network):
    """conv1 3->16 (3x3, stride 2), bn1, relu; layer1..3: one torchvision BasicBlock each (stride 2; 32, 64, 128 channels); fc."""
    head_name = "fc"

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for k, outputs in enumerate([32, 64, 128], 1):
            downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))
            block = torchvision.models.resnet.BasicBlock(inputs, outputs, 2, downsample)
            setattr(self, f"layer{k}", nn.Sequential(block))
            inputs = outputs
        self.fc = nn.Linear(128, classes)

    def stages(self):
        stem = lambda x: F.relu(self.bn1(self.conv1(x)))
        return [("stem", stem)] + [(f"layer{k}", getattr(self, f"layer{k}")) for k in (1, 2, 3)]


class ResNet18(Network):
    """torchvision's own modules and names; only cut into stages."""
    head_name = "fc"

    def __init__(self, classes=1000):
        super().__init__()
        original = torchvision.models.resnet18(num_classes=classes)
        for name, child in original.named_children():
            self.add_module(name, child)

    def stages(self):
        stem = lambda x: self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return [("stem", stem)] + [(f"layer{k}", getattr(self, f"layer{k}")) for k in (1, 2, 3, 4)]


class ResNet(Network):
    """torchvision's with bottleneck blocks and any number of layers: the missing ones are cut off."""
    head_name = "fc"

    def __init__(self, layers, classes=10, **kwargs):
        super().__init__()
        original = torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, layers + [1] * (4 - len(layers)), **kwargs)
        for name, child in original.named_children():
            if name not in [f"layer{k}" for k in range(len(layers) + 1, 5)]:
                self.add_module(name, child)
        self.fc = nn.Linear(256 << len(layers) - 1, classes)
        self.layers = len(layers)

    def stages(self):
        stem = lambda x: self.maxpool(F.relu(self.bn1(self.conv1(x))))
        return [("stem", stem)] + [(f"layer{k}", getattr(self, f"layer{k}")) for k in range(1, self.layers + 1)]


class DenseNet(Network):
    """torchvision's own modules; a stage begins with the transition."""

    def __init__(self, classes=10, **kwargs):
        super().__init__()
        original = torchvision.models.DenseNet(num_classes=classes, **kwargs)
        self.features, self.classifier = original.features, original.classifier

    def stages(self):
        f = self.features
        stem = nn.Sequential(f.conv0, f.norm0, f.relu0, f.pool0)
        return [("stem", stem), ("denseblock1", f.denseblock1), ("denseblock2", nn.Sequential(f.transition1, f.denseblock2)),
                ("denseblock3", nn.Sequential(f.transition2, f.denseblock3)), ("denseblock4", nn.Sequential(f.transition3, f.denseblock4, f.norm5, nn.ReLU()))]


class Vgg(Network):
    """torchvision's VGG with BatchNorm, thinner; without dropout. A stage begins with the pooling; the hidden layers are the last one."""

    def __init__(self, classes, stages, hidden):
        super().__init__()
        config = sum([[channels] * layers + ["M"] for channels, layers in stages], [])
        self.features = torchvision.models.vgg.make_layers(config, batch_norm=True)
        self.classifier = nn.Sequential(
            nn.Linear(stages[-1][0] * 49, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, classes))

    def stages(self):
        pools = [k for k, m in enumerate(self.features) if isinstance(m, nn.MaxPool2d)]
        parts = [self.features[a:b] for a, b in zip([0] + pools, pools)]
        hidden = lambda x: self.classifier[:6](F.adaptive_avg_pool2d(self.features[pools[-1]](x), 7).flatten(1))
        return [(f"stage{k}", part) for k, part in enumerate(parts, 1)] + [("hidden", hidden)]

    def pooled(self, x):
        return self.maps(x)

    def head(self):
        return self.classifier[6]


class RegNetY(Network):
    """torchvision's regnet_y_400mf."""
    head_name = "fc"

    def __init__(self, classes=10):
        super().__init__()
        original = torchvision.models.regnet_y_400mf(num_classes=classes)
        self.stem, self.trunk_output, self.fc = original.stem, original.trunk_output, original.fc

    def stages(self):
        return [("stem", self.stem)] + list(self.trunk_output.named_children())


class CifarBlock(nn.Module):
    """He et al. 2015, section 4.2: two 3x3 convolutions; where the shape changes the shortcut is every other pixel, padded with zero channels (option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.zeros = stride, (outputs - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.zeros, self.zeros)))


class CifarResNet(Network):
    """6n + 2 layers, for 32 pixels; names as in resnet20-12fca82f.th."""
    head_name = "linear"

    def __init__(self, classes=10, depth=20):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for k, outputs in enumerate([16, 32, 64], 1):
            layer = nn.Sequential()
            for b in range((depth - 2) // 6):
                layer.append(CifarBlock(inputs, outputs, 2 if k > 1 and b == 0 else 1))
                inputs = outputs
            setattr(self, f"layer{k}", layer)
        self.linear = nn.Linear(64, classes)

    def stages(self):
        stem = lambda x: F.relu(self.bn1(self.conv1(x)))
        return [("stem", stem)] + [(f"layer{k}", getattr(self, f"layer{k}")) for k in (1, 2, 3)]


class SqueezeNet(Network):
    """torchvision's features; a linear head on their average."""

    def __init__(self, classes=10):
        super().__init__()
        self.features = torchvision.models.squeezenet1_1().features
        self.classifier = nn.Linear(512, classes)

    def stages(self):
        parts = [("stem", 0, 2), ("stage1", 2, 5), ("stage2", 5, 8), ("stage3", 8, 13)]
        return [(name, self.features[first:end]) for name, first, end in parts]


def stage_of(parameter):
    """The stage a parameter belongs to: layer2.0.conv1.weight -> layer2, blocks.3.1.bn1.bias -> blocks.3, fc.weight -> head, conv1.weight -> stem."""
    parts = parameter.split(".")
    if parts[0] in ("fc", "classifier"):
        return "head"
    if parts[0] in ("conv_head", "bn2"):
        return "conv_head"
    if parts[0] == "blocks":
        return ".".join(parts[:2])
    return parts[0] if parts[0].startswith("layer") else "stem"


def read_safetensors(path):
    """Eight bytes of header length, a JSON header, raw little-endian tensors."""
    types = {"F32": torch.float32, "F16": torch.float16, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    tensors = OrderedDict()
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = torch.frombuffer(data[begin:end], dtype=types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def pretrained(name, folder, from_scratch=False):
    """A twin with real weights from `folder`, loaded strictly: mobilenetv2_100, mobilenetv1_025 or squeezenet1_1. From scratch: random weights."""
    network = {"mobilenetv2_100": MobileNetV2, "mobilenetv1_025": lambda: MobileNetV1(width=0.25), "squeezenet1_1": torchvision.models.squeezenet1_1}[name]()
    if not from_scratch:
        network.load_state_dict(read_safetensors(os.path.join(folder, f"{name}.safetensors")), strict=True)
    return network
