"""Writes several.json: the loss of three heads on one network with some labels missing, and its gradient, in doubles.

Outputs are 2 * formula.tensor("several.outputs", (6, 5)): three logits of classes, one number, one logit of yes or no. The loss is
1 * mean cross-entropy + 2 * mean squared error + 0.5 * mean binary cross-entropy, each over the rows that have the head's label, by the rows'
weights; classes count as their weights say (PyTorch's weighted mean).
"""
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write

NONE = None
CLASSES = [0, 2, NONE, 1, 2, NONE]
NUMBERS = [0.5, NONE, -1.0, 2.0, NONE, NONE]
ANSWERS = [1, 0, NONE, NONE, 1, 1]
WEIGHTS = [1.0, 0.5, 2.0, 1.0, 0.25, 3.0]
CLASS_WEIGHTS = [1.0, 2.0, 0.5]


def mean(each, weights, of_class=1.0):
    return (each * weights * of_class).sum() / (weights * of_class).sum()


def main():
    outputs = (2 * formula.tensor("several.outputs", (6, 5)).double()).requires_grad_()
    weights, class_weights = torch.tensor(WEIGHTS).double(), torch.tensor(CLASS_WEIGHTS).double()
    parts = []
    for labels in (CLASSES, NUMBERS, ANSWERS):
        rows = torch.tensor([i for i, label in enumerate(labels) if label is not NONE])
        parts.append((rows, torch.tensor([label for label in labels if label is not NONE])))
    (r0, classes), (r1, values), (r2, answers) = parts
    losses = [
        mean(F.cross_entropy(outputs[r0, :3], classes, reduction="none"), weights[r0], class_weights[classes]),
        mean(F.mse_loss(outputs[r1, 3], values.double(), reduction="none"), weights[r1]),
        mean(F.binary_cross_entropy_with_logits(outputs[r2, 4], answers.double(), reduction="none"), weights[r2])]
    loss = losses[0] + 2 * losses[1] + 0.5 * losses[2]
    gradient, = torch.autograd.grad(loss, outputs)
    write("several.json", dict(
        classes=CLASSES, numbers=NUMBERS, answers=ANSWERS, weights=WEIGHTS, classWeights=CLASS_WEIGHTS, headWeights=[1, 2, 0.5],
        losses=numbers([part.item() for part in losses], 12), loss=numbers(loss, 12), gradient=numbers(gradient, 12)))


if __name__ == "__main__":
    main()
