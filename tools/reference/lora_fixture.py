"""Writes lora.json: low-rank adapters (Hu et al. 2021, https://arxiv.org/abs/2106.09685) as PEFT builds them, written out in torch.

Linear [out, in]: A is Linear(in, r) and B Linear(r, out), both without bias. Conv2d [out, in, k, k]: A is a convolution of the same kernel, stride and padding with r
output channels, B a 1x1 convolution from r to out. output = layer(x) + alpha / r * B(A(x)), which is the layer with weight + alpha / r * B A.

`layers`: all tensors by formula under the names layer.weight, layer.bias, layer.lora_A.weight, layer.lora_B.weight; the loss is the sum of output * formula.tensor("gradient.weight").
`runs`: 20 steps of Micro at 32 pixels as in training_fixture: every convolution of the adapted stages has an adapter of rank 4, alpha 8, A by formula and B zero; these and the head train,
everything else is frozen and its BatchNorms infer. Everything is computed in doubles.
"""
import torch
import torch.nn.functional as F
from torch import nn

import formula
import networks
from fixture import numbers, write
from training_fixture import ADAMW, BATCH, STEPS, factor

RANK, ALPHA = 4, 8.0


class LoraLinear(nn.Linear):
    def __init__(self, inputs, outputs, rank):
        super().__init__(inputs, outputs)
        self.lora_A, self.lora_B = nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs, bias=False)

    def forward(self, x):
        return super().forward(x) + ALPHA / self.lora_A.out_features * self.lora_B(self.lora_A(x))

    def delta(self):
        return ALPHA / self.lora_A.out_features * self.lora_B.weight @ self.lora_A.weight


class LoraConv(nn.Conv2d):
    def __init__(self, inputs, outputs, kernel, stride, padding, rank, bias):
        super().__init__(inputs, outputs, kernel, stride, padding, bias=bias)
        self.lora_A = nn.Conv2d(inputs, rank, kernel, stride, padding, bias=False)
        self.lora_B = nn.Conv2d(rank, outputs, 1, bias=False)

    def forward(self, x):
        return super().forward(x) + ALPHA / self.lora_A.out_channels * self.lora_B(self.lora_A(x))

    def delta(self):
        product = self.lora_B.weight.flatten(1) @ self.lora_A.weight.flatten(1)
        return ALPHA / self.lora_A.out_channels * product.reshape(self.weight.shape)


class Named(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer


def layer_case(name, layer, x):
    formula.fill(Named(layer)).double()
    x = x.double().requires_grad_()
    output = layer(x)
    (output * formula.tensor("gradient.weight", output.shape).double()).sum().backward()
    merged = layer.weight + layer.delta()
    again = F.linear(x, merged, layer.bias) if isinstance(layer, nn.Linear) else F.conv2d(x, merged, layer.bias, layer.stride, layer.padding)
    print(name, f"merged differs by {(again - output).abs().max().item():.1e}")
    return dict(
        name=name, rank=layer.lora_A.weight.shape[0], output=numbers(output.flatten(), 10), merged=numbers(merged.flatten(), 10),
        gradients=dict(input=numbers(x.grad.flatten(), 10), A=numbers(layer.lora_A.weight.grad.flatten(), 10), B=numbers(layer.lora_B.weight.grad.flatten(), 10)))


def layers():
    rows = formula.images(2, 3, 5)  # [2, 3, 3, 5] -> vectors of 5
    maps = formula.images(2, 6, 5).reshape(1, 6, 6, 5)
    return [
        layer_case("linear", LoraLinear(5, 4, 2), rows.reshape(6, 3, 5)),
        layer_case("conv1x1", LoraConv(6, 8, 1, 1, 0, 3, bias=False), maps),
        layer_case("conv3x3", LoraConv(6, 4, 3, 2, 1, 2, bias=True), maps),
    ]


def adapt(network, stages):
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and networks.stage_of(name) in stages:
            parent = network.get_submodule(name.rpartition(".")[0])
            lora = LoraConv(module.in_channels, module.out_channels, module.kernel_size[0], module.stride[0], module.padding[0], RANK, bias=False)
            setattr(parent, name.rpartition(".")[2], lora)
    return network


def run(stages):
    network = formula.fill(adapt(networks.Micro(), stages)).double()
    groups = []
    for name, p in network.named_parameters():
        if name.endswith("lora_B.weight"):
            nn.init.zeros_(p)
        p.requires_grad = ".lora_" in name or name.startswith("fc.")
        if p.requires_grad:
            groups.append(dict(params=[p], weight_decay=ADAMW["weightDecay"] if p.ndim > 1 else 0.0))
    network.eval()
    optimizer, losses = torch.optim.AdamW(groups, lr=ADAMW["lr"]), []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 10 * ADAMW["lr"] * factor(step)
        labels = torch.tensor([(step + k) % 10 for k in range(BATCH)])
        loss = F.cross_entropy(network(formula.images(BATCH, 32, 32, offset=1000 * step).double()), labels, label_smoothing=0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    parameters = dict(network.named_parameters())
    trained = [n for n, p in parameters.items() if p.requires_grad]
    last = trained[-3] if len(trained) > 2 else trained[-1]
    print(f"lora {stages}: {losses[0]:.4f} -> {losses[-1]:.4f}, {sum(parameters[n].numel() for n in trained)} parameters")
    return dict(
        stages=stages, losses=numbers(losses, 10), trained=trained, headBias=numbers(network.fc.bias, 10),
        lastName=last, last=numbers(parameters[last].flatten()[:16], 10),
        norms={n: numbers(parameters[n].detach().norm(), 10) for n in trained})


def main():
    write("lora.json", dict(
        alpha=ALPHA, rank=RANK, learningRate=10 * ADAMW["lr"], weightDecay=ADAMW["weightDecay"], layers=layers(),
        runs=[run(["stem", "layer1", "layer2", "layer3"]), run(["layer2", "layer3"])]))


if __name__ == "__main__":
    main()
