"""Writes tasks.json: losses of regression, ordinal and multi-label rows with their gradients, all in doubles.

Regression: scores are 3 * formula.tensor("tasks.scores", (2, 4)); the label of the last row is its score, where the losses have a kink.
The quantile loss is written here from Koenker and Bassett 1978 (https://doi.org/10.2307/1913643), the others are PyTorch's.

Ordinal: features, weight and thresholds are formula tensors. Probabilities are the differences of cumulative probabilities
sigmoid(theta_k - score), as McCullagh 1980 defines them, without the rearrangement that keeps small ones exact.

Multi-label: logits are 2 * formula.tensor("tasks.logits", (5, 4)); the loss is PyTorch's binary_cross_entropy_with_logits.
"""
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write


def pinball(quantile):
    def loss(scores, labels):
        errors = labels - scores
        return torch.maximum(quantile * errors, (quantile - 1) * errors)
    return loss


def regression():
    losses = [
        ("SquaredError", None, lambda s, y: F.mse_loss(s, y, reduction="none")),
        ("AbsoluteError", None, lambda s, y: F.l1_loss(s, y, reduction="none")),
        ("Huber", 0.5, lambda s, y: F.huber_loss(s, y, reduction="none", delta=0.5)),
        ("Huber", 1.75, lambda s, y: F.huber_loss(s, y, reduction="none", delta=1.75)),
        *[("Quantile", q, pinball(q)) for q in (0.1, 0.5, 0.9)],
    ]
    cases = []
    for name, parameter, loss in losses:
        scores = (3 * formula.tensor("tasks.scores", (2, 4)).double()).reshape(8).requires_grad_()
        labels = torch.tensor([1.0, 0.0, -2.0, 1.0, 0.5, 0.0, 4.0, 0.0]).double()
        labels[7] = scores[7].detach()
        each = loss(scores, labels)
        gradient, = torch.autograd.grad(each.mean(), scores)
        cases.append(dict(loss=name, parameter=parameter, labels=numbers(labels, 17), each=numbers(each, 12), gradient=numbers(gradient, 12)))
    return cases


def ordinal(classes, labels, thresholds):
    features = formula.tensor("tasks.features", (6, 4)).double().requires_grad_()
    weight = (2 * formula.tensor("tasks.weight", (1, 4)).double()).requires_grad_()
    parameters = torch.tensor(thresholds).double().requires_grad_()
    theta = torch.cat([parameters[:1], parameters[:1] + F.softplus(parameters[1:]).cumsum(0)])
    cumulative = torch.sigmoid(theta - features @ weight.T)  # [N, K - 1]: P(class <= k)
    ones = torch.ones(6, 1).double()
    probabilities = torch.cat([cumulative, ones], 1) - torch.cat([0 * ones, cumulative], 1)
    each = -probabilities.gather(1, torch.tensor(labels)[:, None]).log()[:, 0]
    gradients = torch.autograd.grad(each.mean(), (features, weight, parameters))
    return dict(
        classes=classes, labels=labels, parameters=thresholds, thresholds=numbers(theta, 12), probabilities=numbers(probabilities, 12),
        predicted=probabilities.argmax(1).tolist(), each=numbers(each, 12), features=numbers(gradients[0].flatten(), 12),
        weight=numbers(gradients[1].flatten(), 12), thresholdGradient=numbers(gradients[2], 12))


def multi_label(weights):
    logits = (2 * formula.tensor("tasks.logits", (5, 4)).double()).requires_grad_()
    labels = torch.tensor([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 0]]).double()
    pos_weight = None if weights is None else torch.tensor(weights).double()
    each = F.binary_cross_entropy_with_logits(logits, labels, pos_weight=pos_weight, reduction="none").mean(1)
    gradient, = torch.autograd.grad(each.mean(), logits)
    return dict(labels=labels.tolist(), positiveWeights=weights, each=numbers(each, 12), gradient=numbers(gradient.flatten(), 12))


def main():
    write("tasks.json", dict(
        regression=regression(),
        ordinal=[
            ordinal(5, [0, 1, 2, 3, 4, 2], [-1.5, 0.25, -2.0, 1.0]),
            ordinal(3, [2, 2, 1, 0, 1, 0], [0.5, -4.0]),
            ordinal(2, [0, 1, 1, 0, 1, 1], [0.25])],
        multiLabel=[multi_label(None), multi_label([0.5, 2.0, 3.25, 1.0])]))


if __name__ == "__main__":
    main()
