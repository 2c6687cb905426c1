"""PyTorch twins of MobileNetV3, EfficientNet, ConvNeXt and ViT: torchvision's own modules, registered under timm's names; what torchvision lacks (scaled
branches, patches of 14, the mean of the patches, TensorFlow's padding) is written from the papers' formulas.
"""
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionViT

from networks import Network, SameConv2d


def tree(**children):
    """A container of named modules."""
    module = nn.Module()
    for name, child in children.items():
        if isinstance(child, nn.Parameter):
            module.register_parameter(name, child)
        else:
            module.add_module(name.strip("_"), child)
    return module


def numbered(children):
    return tree(**{f"_{i}": child for i, child in enumerate(children)})


def normalise(network, same):
    """Sets epsilon and momentum of every BatchNorm; with `same`, strided convolutions pad as TensorFlow's do."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = 1e-3 if same else 1e-5, 0.1
        for name, child in list(module.named_children()):
            if same and isinstance(child, nn.Conv2d) and child.stride[0] > 1:
                replaced = SameConv2d(child.in_channels, child.out_channels, child.kernel_size, child.stride, 0, groups=child.groups, bias=child.bias is not None)
                setattr(module, name, replaced)
    return network


def unit(parts):
    """torchvision's list of the parts of a unit under the names of timm's InvertedResidual, or of its DepthwiseSeparableConv where nothing expands."""
    gates = [p for p in parts if isinstance(p, torchvision.ops.misc.SqueezeExcitation)]
    convs = [p for p in parts if not isinstance(p, torchvision.ops.misc.SqueezeExcitation)]
    named = {}
    for i, conv in enumerate(convs):
        named[("conv_pw", "conv_dw", "conv_pwl")[i] if len(convs) == 3 else ("conv_dw", "conv_pw")[i]] = conv[0]
        named[f"bn{i + 1}"] = conv[1]
    for gate in gates:
        named["se"] = tree(conv_reduce=gate.fc1, conv_expand=gate.fc2)
    return tree(**named)


class MobileNetV3(Network):
    """torchvision's mobilenet_v3_small or _large. Its flat list of units is cut into timm's groups where a unit changes its resolution or width."""

    def __init__(self, original, groups, same, classes=10):
        super().__init__()
        original = normalise(original(), same)
        features = original.features
        self.conv_stem, self.bn1 = features[0][0], features[0][1]
        self.parts, blocks, place = [("stem", [features[0]])], [], 1
        for g, count in enumerate(groups):
            units = [features[place + u] for u in range(count)]
            place += count
            blocks.append(numbered([unit(list(u.block)) for u in units]))
            self.parts.append((f"blocks.{g}", units))
        blocks.append(numbered([tree(conv=features[place][0], bn1=features[place][1])]))
        self.parts.append((f"blocks.{len(groups)}", [features[place]]))
        self.blocks = numbered(blocks)
        self.conv_head, self.activation = original.classifier[0], original.classifier[1]  # a linear layer: a 1x1 convolution's numbers
        self.classifier = nn.Linear(self.conv_head.out_features, classes)

    def stages(self):
        head = lambda x: self.activation(self.conv_head(x.mean((2, 3))))[:, :, None, None]
        return [(name, nn.Sequential(*modules)) for name, modules in self.parts] + [("conv_head", head)]


def mobilenetv3_small(same):
    return MobileNetV3(torchvision.models.mobilenet_v3_small, [1, 2, 3, 2, 3], same)


def mobilenetv3_large(same):
    return MobileNetV3(torchvision.models.mobilenet_v3_large, [1, 2, 3, 4, 2, 3], same)


class EfficientNet(Network):
    """torchvision's efficientnet_b0; stochastic depth is off."""

    def __init__(self, same, classes=10):
        super().__init__()
        features = normalise(torchvision.models.efficientnet_b0(stochastic_depth_prob=0.0), same).features
        self.conv_stem, self.bn1 = features[0][0], features[0][1]
        self.blocks = numbered([numbered([unit(list(u.block)) for u in features[g]]) for g in range(1, 8)])
        self.conv_head, self.bn2 = features[8][0], features[8][1]
        self.classifier = nn.Linear(1280, classes)
        self.parts = [("stem", features[0])] + [(f"blocks.{g}", features[g + 1]) for g in range(7)] + [("conv_head", features[8])]

    def stages(self):
        return self.parts


class ConvNeXt(Network):
    """torchvision's ConvNeXt, narrow and shallow: every path of the code at little cost."""
    epsilon = 1e-6
    BLOCKS, CHANNELS = (1, 2, 1, 1), (16, 24, 32, 48)

    def __init__(self, classes=10):
        super().__init__()
        settings = [CNBlockConfig(c, self.CHANNELS[s + 1] if s < 3 else None, b) for s, (c, b) in enumerate(zip(self.CHANNELS, self.BLOCKS))]
        original = torchvision.models.ConvNeXt(settings, stochastic_depth_prob=0.0)
        features = original.features
        self.stem = numbered([features[0][0], features[0][1]])
        stages, self.parts = [], [("stem", features[0])]
        for s in range(4):
            blocks = [
                tree(conv_dw=b.block[0], norm=b.block[2], mlp=tree(fc1=b.block[3], fc2=b.block[5]), gamma=b.layer_scale) for b in features[2 * s + 1]]
            down = dict(downsample=numbered([features[2 * s][0], features[2 * s][1]])) if s > 0 else {}
            stages.append(tree(**down, blocks=numbered(blocks)))
            self.parts.append((f"stages.{s}", nn.Sequential(*([features[2 * s]] if s > 0 else []), features[2 * s + 1])))
        self._modules["stages"] = numbered(stages)  # not by name: the class has methods called so
        self._modules["head"] = tree(norm=original.classifier[0], fc=nn.Linear(self.CHANNELS[-1], classes))

    def stages(self):
        return self.parts

    def pooled(self, x):
        return self._modules["head"].norm(self.maps(x).mean((2, 3), keepdim=True)).flatten(1)

    def head(self):
        return self._modules["head"].fc


class ViT(Network):
    """torchvision's VisionTransformer, small: 64 pixels, patches of 16, 3 blocks of 48 channels and 3 heads; the class token is the feature."""
    epsilon = 1e-6

    def __init__(self, classes=10):
        super().__init__()
        self.original = [TorchvisionViT(64, 16, num_layers=3, num_heads=3, hidden_dim=48, mlp_dim=192)]  # in a list: its own names stay hidden
        original = self.original[0]
        self.layers = list(original.encoder.layers)
        self.cls_token, self.pos_embed = original.class_token, original.encoder.pos_embedding
        self.patch_embed = tree(proj=original.conv_proj)
        self.blocks = numbered([tree(
            norm1=b.ln_1,
            attn=tree(qkv=tree(weight=b.self_attention.in_proj_weight, bias=b.self_attention.in_proj_bias), proj=b.self_attention.out_proj),
            norm2=b.ln_2, mlp=tree(fc1=b.mlp[0], fc2=b.mlp[3])) for b in self.layers])
        self.norm = original.encoder.ln
        self._modules["head"] = nn.Linear(48, classes)

    def stages(self):
        def embed(x):
            places = self.original[0]._process_input(x)
            return torch.cat([self.cls_token.expand(len(x), -1, -1), places], 1) + self.pos_embed

        *first, last = self.layers
        return [("patch_embed", embed)] + [(f"blocks.{b}", layer) for b, layer in enumerate(first)] + [
            (f"blocks.{len(first)}", lambda x: self.norm(last(x)))]

    def pooled(self, x):
        return self.maps(x)[:, 0]

    def head(self):
        return self._modules["head"]


class DinoV2(Network):
    """The formulas of ViT with scaled branches, written out: 42 pixels, patches of 14, 2 blocks of 32 channels and 2 heads; the mean of the patches is the feature."""
    epsilon = 1e-6
    CHANNELS, HEADS, BLOCKS, PATCH, SIZE = 32, 2, 2, 14, 42

    def __init__(self, classes=10):
        super().__init__()
        c, parameter = self.CHANNELS, lambda *shape: nn.Parameter(torch.zeros(*shape))
        linear = lambda i, o: tree(weight=parameter(o, i), bias=parameter(o))
        norm = lambda: tree(weight=parameter(c), bias=parameter(c))
        self.cls_token, self.pos_embed = parameter(1, 1, c), parameter(1, 1 + (self.SIZE // self.PATCH) ** 2, c)
        self.patch_embed = tree(proj=tree(weight=parameter(c, 3, self.PATCH, self.PATCH), bias=parameter(c)))
        self.blocks = numbered([tree(
            norm1=norm(), attn=tree(qkv=linear(c, 3 * c), proj=linear(c, c)), ls1=tree(gamma=parameter(c)),
            norm2=norm(), mlp=tree(fc1=linear(c, 4 * c), fc2=linear(4 * c, c)), ls2=tree(gamma=parameter(c))) for _ in range(self.BLOCKS)])
        self.norm = norm()
        self._modules["head"] = nn.Linear(c, classes)

    def block(self, b, x):
        n, t, c = x.shape
        q, k, v = F.linear(self.normed(b.norm1, x), b.attn.qkv.weight, b.attn.qkv.bias).split(c, 2)
        heads = []
        for h in range(self.HEADS):
            part = slice(h * c // self.HEADS, (h + 1) * c // self.HEADS)
            weights = torch.softmax(q[:, :, part] @ k[:, :, part].transpose(1, 2) / (c // self.HEADS) ** 0.5, 2)
            heads.append(weights @ v[:, :, part])
        x = x + b.ls1.gamma * F.linear(torch.cat(heads, 2), b.attn.proj.weight, b.attn.proj.bias)
        wide = F.linear(self.normed(b.norm2, x), b.mlp.fc1.weight, b.mlp.fc1.bias)
        wide = wide * 0.5 * (1 + torch.erf(wide / 2 ** 0.5))
        return x + b.ls2.gamma * F.linear(wide, b.mlp.fc2.weight, b.mlp.fc2.bias)

    def normed(self, norm, x):
        centred = x - x.mean(2, keepdim=True)
        return centred / ((centred ** 2).mean(2, keepdim=True) + self.epsilon) ** 0.5 * norm.weight + norm.bias

    def stages(self):
        def embed(x):
            maps = F.conv2d(x, self.patch_embed.proj.weight, self.patch_embed.proj.bias, stride=self.PATCH)
            return torch.cat([self.cls_token.expand(len(x), -1, -1), maps.flatten(2).transpose(1, 2)], 1) + self.pos_embed

        last = self.BLOCKS - 1
        step = lambda b: lambda x: self.normed(self.norm, self.block(getattr(self.blocks, str(b)), x)) if b == last else self.block(getattr(self.blocks, str(b)), x)
        return [("patch_embed", embed)] + [(f"blocks.{b}", step(b)) for b in range(self.BLOCKS)]

    def pooled(self, x):
        return self.maps(x)[:, 1:].mean(1)

    def head(self):
        return self._modules["head"]
