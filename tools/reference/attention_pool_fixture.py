"""Writes attention-pool.json: HeadPooling.Attention as torch.nn.MultiheadAttention with one query, in doubles: output, weights and gradients.

With C channels, H heads and d = C / H, the module's projections are set so that head j has the score query_j k' / sqrt(C) and the value of its channels:
its query comes from the bias alone and is sqrt(d / C) in the first place, its key has query_j k' there (the module divides by sqrt(d)), and the projections of
values and output are the identity. Keys are layer_norm(x), values x. The loss is the sum of the output times the formula numbers of "loss".
"""
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write

CHANNELS, HEADS, EPSILON = 24, 4, 1e-6
SHAPES = dict(maps=[2, CHANNELS, 3, 4], tokens=[2, 7, CHANNELS])
SHARPNESS = 4.0  # so that the weights are far from equal


def module(query):
    d = CHANNELS // HEADS
    attention = torch.nn.MultiheadAttention(CHANNELS, HEADS, batch_first=True).double()
    place = torch.arange(HEADS) * d
    with torch.no_grad():
        wq, wk, wv = attention.in_proj_weight.zero_().chunk(3)
        bias = attention.in_proj_bias.zero_()
        bias[place] = (d / CHANNELS) ** 0.5
        wk[place] = query
        wv.copy_(torch.eye(CHANNELS))
        attention.out_proj.weight.copy_(torch.eye(CHANNELS))
        attention.out_proj.bias.zero_()
    return attention, CHANNELS + place


def case(name):
    x = formula.tensor(name, SHAPES[name]).double().requires_grad_()
    tokens = x.flatten(2).transpose(1, 2) if x.dim() == 4 else x
    attention, keys = module(formula.tensor("attn_pool.query", [HEADS, CHANNELS]).double() * SHARPNESS)
    nothing = torch.zeros(len(x), 1, CHANNELS, dtype=torch.float64)  # projected to the bias
    output, weights = attention(nothing, F.layer_norm(tokens, [CHANNELS], eps=EPSILON), tokens, need_weights=True)
    output = output[:, 0]
    (output * formula.tensor("loss", output.shape).double()).sum().backward()
    return dict(name=name, shape=SHAPES[name], output=numbers(output), weights=numbers(weights[:, 0]),
                queryGradient=numbers(attention.in_proj_weight.grad[keys]), inputGradient=numbers(x.grad.flatten()[:48]),
                inputGradientNorm=numbers(x.grad.norm()))


def main():
    write("attention-pool.json", dict(channels=CHANNELS, heads=HEADS, sharpness=SHARPNESS, cases=[case(n) for n in SHAPES]))


if __name__ == "__main__":
    main()
