"""Writes contrastive.json: the contrastive loss of pairs of feature vectors, and its gradient.

`cases`: features are formula.tensor("contrastive.features", (6, 5)) times 2; pairs are places of rows with 1 for the same class and 0 for
different ones. The loss is that of sentence-transformers' CosineSimilarityLoss, MSELoss(cosine_similarity(u, v), label), written with
PyTorch's own two functions. With weights of the pairs it is sum(w * (cosine - label)^2) / sum(w). A row may be in several pairs. In doubles.
"""
import torch

import formula
from fixture import numbers, write

ROWS, FEATURES = 6, 5
PAIRS = [(0, 1, 1), (1, 0, 1), (2, 4, 0), (0, 5, 0), (3, 2, 1), (4, 3, 0), (5, 1, 1)]
WEIGHTS = [1.0, 0.5, 0.0, 2.0, 1.5, 4.0, 0.25]


def case(pairs, weights):
    features = (2 * formula.tensor("contrastive.features", (ROWS, FEATURES)).double()).requires_grad_()
    first, second, labels = (torch.tensor(column) for column in zip(*pairs))
    cosine = torch.cosine_similarity(features[first], features[second])
    if weights is None:
        loss = torch.nn.MSELoss()(cosine, labels.double())
    else:
        w = torch.tensor(weights).double()
        loss = (w * (cosine - labels) ** 2).sum() / w.sum()
    gradient, = torch.autograd.grad(loss, features)
    return dict(pairs=[list(pair) for pair in pairs], weights=weights, loss=numbers(loss, 10), gradient=numbers(gradient.flatten(), 10))


def main():
    write("contrastive.json", dict(
        rows=ROWS, features=FEATURES, cases=[case(PAIRS, None), case(PAIRS, WEIGHTS), case(PAIRS[:1], None), case(PAIRS[2:3], None)]))


if __name__ == "__main__":
    main()
