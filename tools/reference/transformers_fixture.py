"""Hugging Face transformers' names, and what its networks compute.

transformers-names.txt.gz: of each network a line `= name`, then for each tensor of transformers `theirs ours first last`: the rows of timm's tensor (torchvision's for ResNet and
RegNet) that it is, as its convert_*_to_pytorch.py scripts take them; `0 0` for the whole.

transformers.json: three networks with the modules of modeling_vit.py, modeling_dinov2.py and modeling_convnext.py, written here in a few lines of PyTorch, formula weights by transformers'
names (formula.py), and their features in doubles.
"""
import gzip
import os

import torch
import torch.nn.functional as F

import formula
from fixture import FOLDER, numbers, write

NORM = ["weight", "bias", "running_mean", "running_var"]
LINEAR = ["weight", "bias"]


class Names:
    """Pairs of modules as the conversion scripts list them: timm's on the left, transformers' on the right."""

    def __init__(self):
        self.lines = []

    def tensors(self, ours, theirs, endings):
        self.lines += [f"{theirs}.{e} {ours}.{e} 0 0" for e in endings]

    def conv_norm(self, conv, norm, theirs, parts=("convolution", "normalization")):
        self.tensors(conv, f"{theirs}{parts[0]}", ["weight"])
        self.tensors(norm, f"{theirs}{parts[1]}", NORM)

    def tensor(self, ours, theirs):
        self.lines.append(f"{theirs} {ours} 0 0")

    def qkv(self, ours, theirs, width):
        for i, part in enumerate(["query", "key", "value"]):
            self.lines += [f"{theirs}.{part}.{e} {ours}.{e} {i * width} {(i + 1) * width}" for e in LINEAR]


def vit(prefix, width, blocks=12):
    names = Names()
    for i in range(blocks):
        old, new = f"blocks.{i}", f"{prefix}.encoder.layer.{i}"
        names.tensors(f"{old}.norm1", f"{new}.layernorm_before", LINEAR)
        names.tensors(f"{old}.attn.proj", f"{new}.attention.output.dense", LINEAR)
        names.tensors(f"{old}.norm2", f"{new}.layernorm_after", LINEAR)
        names.tensors(f"{old}.mlp.fc1", f"{new}.intermediate.dense", LINEAR)
        names.tensors(f"{old}.mlp.fc2", f"{new}.output.dense", LINEAR)
        names.qkv(f"{old}.attn.qkv", f"{new}.attention.attention", width)
    names.tensor("cls_token", f"{prefix}.embeddings.cls_token")
    names.tensor("pos_embed", f"{prefix}.embeddings.position_embeddings")
    names.tensors("patch_embed.proj", f"{prefix}.embeddings.patch_embeddings.projection", LINEAR)
    names.tensors("norm", f"{prefix}.layernorm", LINEAR)
    return names


def dinov2(width, blocks=12):
    names = Names()
    names.tensor("cls_token", "embeddings.cls_token")
    names.tensor("pos_embed", "embeddings.position_embeddings")
    names.tensors("patch_embed.proj", "embeddings.patch_embeddings.projection", LINEAR)
    for i in range(blocks):
        old, new = f"blocks.{i}", f"encoder.layer.{i}"
        for layer in ("norm1", "norm2", "mlp.fc1", "mlp.fc2"):
            names.tensors(f"{old}.{layer}", f"{new}.{layer}", LINEAR)
        names.tensor(f"{old}.ls1.gamma", f"{new}.layer_scale1.lambda1")
        names.tensor(f"{old}.ls2.gamma", f"{new}.layer_scale2.lambda1")
        names.tensors(f"{old}.attn.proj", f"{new}.attention.output.dense", LINEAR)
        names.qkv(f"{old}.attn.qkv", f"{new}.attention.attention", width)
    names.tensors("norm", "layernorm", LINEAR)
    return names


def convnext(blocks):
    names = Names()
    names.tensors("stem.0", "convnext.embeddings.patch_embeddings", LINEAR)
    names.tensors("stem.1", "convnext.embeddings.layernorm", LINEAR)
    for s, count in enumerate(blocks):
        for part in ("0", "1") if s else ():
            names.tensors(f"stages.{s}.downsample.{part}", f"convnext.encoder.stages.{s}.downsampling_layer.{part}", LINEAR)
        for b in range(count):
            old, new = f"stages.{s}.blocks.{b}", f"convnext.encoder.stages.{s}.layers.{b}"
            for ours, theirs in (("conv_dw", "dwconv"), ("norm", "layernorm"), ("mlp.fc1", "pwconv1"), ("mlp.fc2", "pwconv2")):
                names.tensors(f"{old}.{ours}", f"{new}.{theirs}", LINEAR)
            names.tensor(f"{old}.gamma", f"{new}.layer_scale_parameter")
    names.tensors("head.norm", "convnext.layernorm", LINEAR)
    return names


def resnet(blocks, convolutions, first_stage_projects):
    names = Names()
    names.conv_norm("conv1", "bn1", "resnet.embedder.embedder.")
    for s, count in enumerate(blocks):
        for b in range(count):
            old, new = f"layer{s + 1}.{b}", f"resnet.encoder.stages.{s}.layers.{b}"
            if b == 0 and (s > 0 or first_stage_projects):
                names.conv_norm(f"{old}.downsample.0", f"{old}.downsample.1", f"{new}.shortcut.")
            for c in range(convolutions):
                names.conv_norm(f"{old}.conv{c + 1}", f"{old}.bn{c + 1}", f"{new}.layer.{c}.")
    return names


def regnet(blocks):
    names = Names()
    names.conv_norm("stem.0", "stem.1", "regnet.embedder.embedder.")
    for s, count in enumerate(blocks):
        for b in range(count):
            old, new = f"trunk_output.block{s + 1}.block{s + 1}-{b}", f"regnet.encoder.stages.{s}.layers.{b}"
            if b == 0:
                names.conv_norm(f"{old}.proj.0", f"{old}.proj.1", f"{new}.shortcut.")
            for c, letter in ((0, "a"), (1, "b"), (3, "c")):
                names.conv_norm(f"{old}.f.{letter}.0", f"{old}.f.{letter}.1", f"{new}.layer.{c}.")
            names.tensors(f"{old}.f.se.fc1", f"{new}.layer.2.attention.0", LINEAR)
            names.tensors(f"{old}.f.se.fc2", f"{new}.layer.2.attention.2", LINEAR)
    return names


def mobilenet_v1():
    names = Names()
    names.conv_norm("conv_stem", "bn1", "mobilenet_v1.conv_stem.")
    units = [f"blocks.{g}.{u}" for g, count in enumerate([1, 2, 2, 6, 2]) for u in range(count)]
    for i, unit in enumerate(units):
        names.conv_norm(f"{unit}.conv_dw", f"{unit}.bn1", f"mobilenet_v1.layer.{2 * i}.")
        names.conv_norm(f"{unit}.conv_pw", f"{unit}.bn2", f"mobilenet_v1.layer.{2 * i + 1}.")
    return names


def mobilenet_v2():
    names = Names()
    names.conv_norm("conv_stem", "bn1", "mobilenet_v2.conv_stem.first_conv.")
    names.conv_norm("blocks.0.0.conv_dw", "blocks.0.0.bn1", "mobilenet_v2.conv_stem.conv_3x3.")
    names.conv_norm("blocks.0.0.conv_pw", "blocks.0.0.bn2", "mobilenet_v2.conv_stem.reduce_1x1.")
    units = [f"blocks.{g}.{u}" for g, count in enumerate([1, 2, 3, 4, 3, 3, 1]) for u in range(count)][1:]
    for i, unit in enumerate(units):
        for n, (ours, theirs) in enumerate((("conv_pw", "expand_1x1"), ("conv_dw", "conv_3x3"), ("conv_pwl", "reduce_1x1"))):
            names.conv_norm(f"{unit}.{ours}", f"{unit}.bn{n + 1}", f"mobilenet_v2.layer.{i}.{theirs}.")
    names.conv_norm("conv_head", "bn2", "mobilenet_v2.conv_1x1.")
    return names


def efficientnet(repeats):
    names = Names()
    names.conv_norm("conv_stem", "bn1", "efficientnet.embeddings.", ("convolution", "batchnorm"))
    place = 0
    for g, count in enumerate(repeats):
        for u in range(count):
            old, new = f"blocks.{g}.{u}", f"efficientnet.encoder.blocks.{place}"
            layers = [("conv_dw", "depthwise_conv.", ("depthwise_conv", "depthwise_norm")), ("conv_pwl" if g else "conv_pw", "projection.", ("project_conv", "project_bn"))]
            if g:
                layers.insert(0, ("conv_pw", "expansion.", ("expand_conv", "expand_bn")))
            for n, (conv, module, parts) in enumerate(layers):
                names.conv_norm(f"{old}.{conv}", f"{old}.bn{n + 1}", f"{new}.{module}", parts)
            names.tensors(f"{old}.se.conv_reduce", f"{new}.squeeze_excite.reduce", LINEAR)
            names.tensors(f"{old}.se.conv_expand", f"{new}.squeeze_excite.expand", LINEAR)
            place += 1
    names.conv_norm("conv_head", "bn2", "efficientnet.encoder.", ("top_conv", "top_bn"))
    return names


NETWORKS = {
    "vit_tiny_patch16_224": vit("vit", 192), "deit_tiny_patch16_224": vit("deit", 192), "vit_small_patch14_dinov2": dinov2(384),
    "convnext_tiny": convnext([3, 3, 9, 3]), "resnet18": resnet([2, 2, 2, 2], 2, False), "resnet50": resnet([3, 4, 6, 3], 3, True),
    "regnet_y_400mf": regnet([1, 3, 6, 6]), "mobilenetv1_025": mobilenet_v1(), "mobilenetv2_100": mobilenet_v2(),
    "tf_efficientnet_b0": efficientnet([1, 2, 2, 3, 3, 4, 1]), "efficientnet_b1": efficientnet([2, 3, 3, 4, 4, 5, 2]),
}


class Weights:
    """Formula tensors, created on first use and cached by name and shape."""

    def __init__(self):
        self.shapes = {}

    def __call__(self, name, *shape):
        self.shapes[name] = list(shape)
        return formula.tensor(name, shape).double()

    def linear(self, name, x, to):
        return F.linear(x, self(f"{name}.weight", to, x.shape[-1]), self(f"{name}.bias", to))

    def norm(self, name, x, eps):
        return F.layer_norm(x, x.shape[-1:], self(f"{name}.weight", x.shape[-1]), self(f"{name}.bias", x.shape[-1]), eps)


def attention(w, name, x, heads):
    n, t, c = x.shape
    q, k, v = (w.linear(f"{name}.attention.{part}", x, c).view(n, t, heads, c // heads).transpose(1, 2) for part in ("query", "key", "value"))
    scores = torch.softmax(q @ k.transpose(-1, -2) / (c // heads) ** 0.5, -1)
    return w.linear(f"{name}.output.dense", (scores @ v).transpose(1, 2).reshape(n, t, c), c)


def embed(w, prefix, pixels, patch, width):
    kernels = w(f"{prefix}embeddings.patch_embeddings.projection.weight", width, 3, patch, patch)
    x = F.conv2d(pixels, kernels, w(f"{prefix}embeddings.patch_embeddings.projection.bias", width), patch).flatten(2).transpose(1, 2)
    x = torch.cat([w(f"{prefix}embeddings.cls_token", 1, 1, width).expand(len(x), -1, -1), x], 1)
    return x + w(f"{prefix}embeddings.position_embeddings", 1, x.shape[1], width)


def small_vit(w, pixels):
    x = embed(w, "vit.", pixels, 16, 48)
    for i in range(3):
        name = f"vit.encoder.layer.{i}"
        x = x + attention(w, f"{name}.attention", w.norm(f"{name}.layernorm_before", x, 1e-6), 3)
        x = x + w.linear(f"{name}.output.dense", F.gelu(w.linear(f"{name}.intermediate.dense", w.norm(f"{name}.layernorm_after", x, 1e-6), 192)), 48)
    return w.norm("vit.layernorm", x, 1e-6)[:, 0]


def small_dinov2(w, pixels):
    x = embed(w, "", pixels, 14, 32)
    w("embeddings.mask_token", 1, 32)  # in every file, used only in pretraining
    for i in range(2):
        name = f"encoder.layer.{i}"
        x = x + w(f"{name}.layer_scale1.lambda1", 32) * attention(w, f"{name}.attention", w.norm(f"{name}.norm1", x, 1e-6), 2)
        x = x + w(f"{name}.layer_scale2.lambda1", 32) * w.linear(f"{name}.mlp.fc2", F.gelu(w.linear(f"{name}.mlp.fc1", w.norm(f"{name}.norm2", x, 1e-6), 128)), 32)
    return w.norm("layernorm", x, 1e-6)[:, 0]


def small_convnext(w, pixels):
    def conv(name, x, to, kernel, **how):
        return F.conv2d(x, w(f"{name}.weight", to, x.shape[1] // how.get("groups", 1), kernel, kernel), w(f"{name}.bias", to), **how)

    def norm(name, x):
        return w.norm(name, x.permute(0, 2, 3, 1), 1e-6).permute(0, 3, 1, 2)

    x = norm("convnext.embeddings.layernorm", conv("convnext.embeddings.patch_embeddings", pixels, 16, 4, stride=4))
    for s, (count, width) in enumerate(((1, 16), (2, 24), (1, 32), (1, 48))):
        name = f"convnext.encoder.stages.{s}"
        if s:
            x = conv(f"{name}.downsampling_layer.1", norm(f"{name}.downsampling_layer.0", x), width, 2, stride=2)
        for b in range(count):
            layer = f"{name}.layers.{b}"
            y = w.norm(f"{layer}.layernorm", conv(f"{layer}.dwconv", x, width, 7, padding=3, groups=width).permute(0, 2, 3, 1), 1e-6)
            y = w(f"{layer}.layer_scale_parameter", width) * w.linear(f"{layer}.pwconv2", F.gelu(w.linear(f"{layer}.pwconv1", y, 4 * width)), width)
            x = x + y.permute(0, 3, 1, 2)
    return w.norm("convnext.layernorm", x.mean([-2, -1]), 1e-6)


def main():
    path = os.path.join(FOLDER, "transformers-names.txt.gz")
    with open(path, "wb") as file:
        file.write(gzip.compress("\n".join(line for name, names in NETWORKS.items() for line in [f"= {name}", *names.lines]).encode(), mtime=0))
    print(f"transformers-names.txt.gz: {os.path.getsize(path):,} bytes")

    cases = {}
    with torch.no_grad():
        for name, network, size in (("vit", small_vit, 64), ("dinov2", small_dinov2, 42), ("convnext", small_convnext, 64)):
            weights = Weights()
            features = network(weights, formula.images(2, size, size).double())
            cases[name] = dict(size=size, tensors=weights.shapes, features=numbers(features))
    write("transformers.json", cases)


if __name__ == "__main__":
    main()
