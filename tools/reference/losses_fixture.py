"""Writes losses.json: each loss of fixed logits, hard and mixed labels, with class weights and example weights: every row's, their mean, and its gradient.

Logits are formula.tensor("losses.logits", (6, 5)) times 3. Mixed labels are share * one_hot(labels) + (1 - share) * one_hot(labels of the partners), with share 0.75.
A row's loss has its class's weight in it; the mean is sum(e * loss) / sum(e * w), where e is the row's example weight (mixed like the labels) and w its class's weight,
sum(labels * class weights). For hard labels that is PyTorch's own mean, which is asserted here.

Cross-entropy and binary cross-entropy are PyTorch's (the targets of the latter as timm's BinaryCrossEntropy makes them); the focal loss is written here from
equation 4 of its paper (https://arxiv.org/abs/1708.02002), -(1 - p)^gamma log(p) over a softmax. All in doubles; weights are exact in binary.
"""
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write

ROWS, CLASSES, SHARE = 6, 5, 0.75
LABELS, PARTNERS = torch.tensor([3, 0, 4, 0, 1, 3]), torch.tensor([2, 0, 5, 1, 3, 4])
CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.25, 3.0, 0.75]).double()
EXAMPLE_WEIGHTS = torch.tensor([1.0, 0.5, 0.0, 2.0, 1.5, 4.0]).double()


def cross_entropy(smoothing):
    return lambda logits, shares, w: F.cross_entropy(logits, shares, w, reduction="none", label_smoothing=smoothing)


def focal(gamma):
    def loss(logits, shares, w):
        p = torch.softmax(logits, 1)
        terms = -((1 - p) ** gamma) * torch.log(p) * shares
        return (terms * w).sum(1) if w is not None else terms.sum(1)
    return loss


def binary(smoothing=0.0, threshold=None):
    def loss(logits, shares, w):
        targets = (shares > threshold).double() if threshold is not None else shares * (1 - smoothing) + smoothing / CLASSES
        each = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(1)
        return each * (shares * w).sum(1) if w is not None else each
    return loss


LOSSES = [
    (dict(loss="CrossEntropy", smoothing=0.0), cross_entropy(0.0)), (dict(loss="CrossEntropy", smoothing=0.125), cross_entropy(0.125)),
    (dict(loss="Focal", gamma=2.0), focal(2.0)), (dict(loss="Focal", gamma=0.5), focal(0.5)), (dict(loss="Focal", gamma=0.0), focal(0.0)),
    (dict(loss="BinaryCrossEntropy", smoothing=0.0), binary()), (dict(loss="BinaryCrossEntropy", smoothing=0.125), binary(0.125)),
    (dict(loss="BinaryCrossEntropy", smoothing=0.0, threshold=0.1875), binary(threshold=0.1875)),
]


def case(options, loss, mixed, by_class, by_row):
    logits = (3 * formula.tensor("losses.logits", (ROWS, CLASSES)).double()).requires_grad_()
    one_hot, e = F.one_hot(LABELS, CLASSES).double(), EXAMPLE_WEIGHTS if by_row else torch.ones(ROWS).double()
    shares = SHARE * one_hot + (1 - SHARE) * one_hot[PARTNERS] if mixed else one_hot
    e = SHARE * e + (1 - SHARE) * e[PARTNERS] if mixed else e
    w = CLASS_WEIGHTS if by_class else None
    each = loss(logits, shares, w)
    mean = (e * each).sum() / (e * (shares * CLASS_WEIGHTS).sum(1) if by_class else e).sum()
    if options["loss"] == "CrossEntropy" and not mixed and not by_row:
        torch.testing.assert_close(mean, F.cross_entropy(logits, LABELS, w, label_smoothing=options["smoothing"]))
    gradient, = torch.autograd.grad(mean, logits)
    return dict(**options, mixed=mixed, classWeights=by_class, exampleWeights=by_row, each=numbers(each, 10), mean=numbers(mean, 10), gradient=numbers(gradient.flatten(), 10))


def yes_or_no(by_class, by_row):
    logits = (3 * formula.tensor("losses.binary", (2, 3)).reshape(ROWS, 1).double()).requires_grad_()
    labels = torch.tensor([1.0, 0, 1, 1, 0, 0]).double()
    w = torch.where(labels > 0, 3.0, 0.5).double() if by_class else torch.ones(ROWS).double()
    e = EXAMPLE_WEIGHTS if by_row else torch.ones(ROWS).double()
    mean = F.binary_cross_entropy_with_logits(logits[:, 0], labels, w * e, reduction="sum") / (w * e).sum()
    gradient, = torch.autograd.grad(mean, logits)
    return dict(labels=labels.tolist(), classWeights=[0.5, 3.0] if by_class else None, exampleWeights=by_row, mean=numbers(mean, 10), gradient=numbers(gradient.flatten(), 10))


def squared(by_row):
    scores = (3 * formula.tensor("losses.binary", (2, 3)).reshape(ROWS, 1).double()).requires_grad_()
    labels, e = torch.tensor([1.0, 0, -2, 1, 0.5, 0]).double(), EXAMPLE_WEIGHTS if by_row else torch.ones(ROWS).double()
    cases = []
    for name, loss in (("SquaredError", F.mse_loss), ("AbsoluteError", F.l1_loss), ("Huber", lambda x, y, reduction: F.huber_loss(x, y, reduction, delta=0.5))):
        mean = (loss(scores[:, 0], labels, reduction="none") * e).sum() / e.sum()
        gradient, = torch.autograd.grad(mean, scores)
        cases.append(dict(loss=name, labels=labels.tolist(), exampleWeights=by_row, mean=numbers(mean, 10), gradient=numbers(gradient.flatten(), 10)))
    return cases


def main():
    booleans = (False, True)
    write("losses.json", dict(
        rows=ROWS, classes=CLASSES, labels=LABELS.tolist(), partners=PARTNERS.tolist(), share=SHARE, classWeights=CLASS_WEIGHTS.tolist(), exampleWeights=EXAMPLE_WEIGHTS.tolist(),
        cases=[case(options, loss, mixed, by_class, by_row) for options, loss in LOSSES for mixed in booleans for by_class in booleans for by_row in booleans],
        binary=[yes_or_no(by_class, by_row) for by_class in booleans for by_row in booleans],
        regression=[c for by_row in booleans for c in squared(by_row)]))


if __name__ == "__main__":
    main()
