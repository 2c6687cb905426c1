"""Writes explanations.json: Grad-CAM, integrated gradients and attention rollout, in doubles, of small networks with formula weights.

Grad-CAM (Selvaraju et al. 2017) of networks.Micro at the stages layer1 and layer3 for the most probable class and for class 4, and of a
small DenseNet, whose last maps pass a BatchNorm and a ReLU. Integrated gradients (Sundararajan et al. 2017) of Micro: a sum over the steps
at the middles of equal parts, the channels of a pixel added up; against a baseline of three numbers, one for each channel. Attention rollout
(Abnar and Zuidema 2020) of torchvision's ViT, for the class token, and of DinoV2, for the mean of the patches. All in inference mode.
"""
import torch
import torch.nn.functional as F

import formula
import modern_networks
import networks
from fixture import numbers, write

BASELINE = [-1.5, 0.25, 0.5]


def chosen(logits, index):
    picks = logits.argmax(1) if index is None else torch.full((len(logits),), index)
    return picks, logits.gather(1, picks[:, None]).sum()


def grad_cam(network, x, stage, index):
    with torch.no_grad():
        for name, module in network.stages():
            x = module(x)
            if name == stage:
                break
    maps = x.clone().requires_grad_()
    y = maps
    names = [name for name, _ in network.stages()]
    for name, module in network.stages()[names.index(stage) + 1:]:
        y = module(y)
    picks, sum_of_chosen = chosen(network.head()(y.mean((2, 3))), index)
    gradient, = torch.autograd.grad(sum_of_chosen, maps)
    weights = gradient.mean((2, 3), keepdim=True)
    return picks, F.relu((weights * maps).sum(1)).detach()


def integrated_gradients(network, x, steps, index):
    baseline = torch.tensor(BASELINE, dtype=x.dtype)[None, :, None, None].expand_as(x)
    picks, _ = chosen(network(x), index)
    total = torch.zeros_like(x)
    for step in range(steps):
        point = (baseline + (step + 0.5) / steps * (x - baseline)).detach().requires_grad_()
        gradient, = torch.autograd.grad(network(point).gather(1, picks[:, None]).sum(), point)
        total += gradient
    shares = (x - baseline) * total / steps
    difference = (network(x) - network(baseline)).gather(1, picks[:, None])[:, 0]
    return picks, shares.sum(1).detach(), difference.detach()


def attention_of_vit(network, x):
    weights, y = [], network.stages()[0][1](x)
    for layer in network.layers:
        normed = layer.ln_1(y)
        weights.append(layer.self_attention(normed, normed, normed, need_weights=True)[1])  # averaged over heads
        y = layer(y)
    return weights


def attention_of_dinov2(network, x):
    weights, y = [], network.stages()[0][1](x)
    for b in range(network.BLOCKS):
        block = getattr(network.blocks, str(b))
        q, k, _ = F.linear(network.normed(block.norm1, y), block.attn.qkv.weight, block.attn.qkv.bias).split(network.CHANNELS, 2)
        n, t, width = len(y), y.shape[1], network.CHANNELS // network.HEADS
        q, k = (part.reshape(n, t, network.HEADS, width).transpose(1, 2) for part in (q, k))
        weights.append(torch.softmax(q @ k.transpose(2, 3) / width ** 0.5, 3).mean(1))
        y = network.block(block, y)
    return weights


def rollout(weights):
    joint = torch.eye(weights[0].shape[1], dtype=weights[0].dtype)[None]
    for attention in weights:
        mixed = (attention + torch.eye(attention.shape[1], dtype=attention.dtype)) / 2
        joint = mixed / mixed.sum(2, keepdim=True) @ joint
    return joint.detach()


def main():
    micro = formula.fill(networks.Micro(10)).double().eval()
    dense = formula.fill(networks.DenseNet(10, growth_rate=8, block_config=(2, 3, 2, 2), num_init_features=16)).double().eval()
    images = formula.images(2, 64, 64).double()
    cams = []
    for network, name, stage, index in [
            (micro, "micro", "layer3", None), (micro, "micro", "layer3", 4), (micro, "micro", "layer1", 4), (dense, "densenet", None, None)]:
        stage = stage or network.stages()[-1][0]
        picks, maps = grad_cam(network, images, stage, index)
        cams.append(dict(network=name, stage=stage, index=index, picks=picks.tolist(), shape=list(maps.shape), maps=numbers(maps.flatten(), 9)))

    small = formula.images(2, 32, 32).double()
    picks, shares, difference = integrated_gradients(micro, small, 5, None)
    gradients = dict(
        steps=5, baseline=BASELINE, picks=picks.tolist(), shares=numbers(shares.flatten()[:300], 9), sums=numbers(shares.sum((1, 2)), 10),
        fine=numbers(integrated_gradients(micro, small, 300, None)[1].sum((1, 2)), 10), difference=numbers(difference, 10))

    vit = formula.fill(modern_networks.ViT(10)).double().eval()
    vit.original[0].double()
    dino = formula.fill(modern_networks.DinoV2(10)).double().eval()
    of_vit = rollout(attention_of_vit(vit, images))[:, 0, 1:]
    of_dino = rollout(attention_of_dinov2(dino, formula.images(2, 42, 42).double()))[:, 1:, 1:].mean(1)
    write("explanations.json", dict(
        gradCam=cams, integratedGradients=gradients,
        rollout=[dict(network="vit", side=4, size=64, maps=numbers(of_vit.flatten(), 9)),
                 dict(network="dinov2", side=3, size=42, maps=numbers(of_dino.flatten(), 9))]))


if __name__ == "__main__":
    main()
