"""Writes fusion.json: the loss of a picture with a table beside it, and its gradients, in doubles (late fusion by concatenation).

The network is networks.Micro with formula weights, in inference mode (its BatchNorms use their running statistics), on
formula.images(4, 32, 32). Beside each picture stand two numbers (one is missing in row 1), a key of 4 values and one of 3 (index 0 is a
missing key), and whether the picture is missing (row 2 has none). Numbers are standardised by fixed means and deviations; a missing one is 0
then, and an indicator is 1. Keys are embedded: the length of an embedding is fastai's emb_sz_rule, min(600, round(1.6 n ** 0.56)). Table
layers: linear of [numbers, indicators, embeddings, picture missing], ReLU, 5 features; the head is linear of [pooled features, table
features] and gives 3 classes; the loss is the mean cross-entropy. In the place of a missing picture's pooled features stands the vector
table.missing_picture. Tensors of the table have formula weights by the names that they have in a weight file.
"""
import torch
import torch.nn.functional as F

import formula
import networks
from fixture import numbers, write

NUMBERS = [[1.5, -20.0], [float("nan"), 40.0], [-0.5, 35.5], [2.25, 10.0]]
KEYS = [[1, 0], [3, 2], [0, 1], [1, 2]]
MISSING = [0.0, 0.0, 1.0, 0.0]
MEANS, DEVIATIONS = [0.75, 12.5], [1.25, 25.0]
KEY_COUNTS, FEATURES, CLASSES, LABELS = [4, 3], 5, 3, [2, 0, 1, 1]


def rule(count):
    return min(600, round(1.6 * count ** 0.56))


def main():
    network = formula.fill(networks.Micro(CLASSES)).double().eval()
    width = 2 * len(MEANS) + sum(rule(count) for count in KEY_COUNTS) + 1
    shapes = {"table.linear.weight": (FEATURES, width), "table.linear.bias": (FEATURES,), "table.missing_picture": (128,)}
    shapes.update({f"table.embeddings.{i}.weight": (count, rule(count)) for i, count in enumerate(KEY_COUNTS)})
    shapes.update({"fc.weight": (CLASSES, 128 + FEATURES), "fc.bias": (CLASSES,)})
    weights = {name: formula.tensor(name, shape).double().requires_grad_() for name, shape in shapes.items()}

    pooled = network.pooled(formula.images(4, 32, 32).double())
    values, missing = torch.tensor(NUMBERS).double(), torch.tensor(MISSING).double()[:, None]
    indicators = values.isnan().double()
    standard = torch.nan_to_num((values - torch.tensor(MEANS).double()) / torch.tensor(DEVIATIONS).double(), nan=0.0)
    keys = torch.tensor(KEYS)
    embedded = [F.embedding(keys[:, i], weights[f"table.embeddings.{i}.weight"]) for i in range(len(KEY_COUNTS))]
    table = F.linear(torch.cat([standard, indicators, *embedded, missing], 1), weights["table.linear.weight"], weights["table.linear.bias"])
    picture = torch.where(missing > 0.5, weights["table.missing_picture"], pooled)
    logits = F.linear(torch.cat([picture, F.relu(table)], 1), weights["fc.weight"], weights["fc.bias"])
    loss = F.cross_entropy(logits, torch.tensor(LABELS))
    conv = dict(network.named_parameters())["conv1.weight"]
    gradients = torch.autograd.grad(loss, [*weights.values(), conv])
    write("fusion.json", dict(
        numbers=[[None if value != value else value for value in row] for row in NUMBERS], keys=KEYS, missing=MISSING, means=MEANS,
        deviations=DEVIATIONS, keyCounts=KEY_COUNTS, features=FEATURES, labels=LABELS, logits=numbers(logits, 12), loss=numbers(loss, 12),
        gradients={name: numbers(gradient.flatten()[:200], 10) for name, gradient in zip([*weights, "conv1.weight"], gradients)}))


if __name__ == "__main__":
    main()
