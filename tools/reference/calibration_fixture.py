"""Writes calibration.json: temperature, loss and expected calibration error of fixed logits.

Logits are `noise` times formula.tensor("calibration.logits.<classes>", (rows, classes)) with `sure` more at the label, or, in rows whose number is a multiple of `wrong`, at the class after it. Those
of two classes are one number a row, their difference, as a binary model has it. The temperature is fitted by PyTorch's LBFGS in doubles on T itself, as in the code of Guo et al. (https://github.com/gpleiss/temperature_scaling), not on 1/T as ours; the error is by the bins of that code: bounds
linspace(0, 1, 16), confidence above the lower and at most the upper one. Thresholds are by definition, trying
every score.
"""
import torch
import torch.nn.functional as F

import formula
from fixture import numbers, write

LEAST_ROWS = 10


def fit(logits, labels):
    temperature = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([temperature], lr=0.5, max_iter=2000, tolerance_grad=1e-14, tolerance_change=1e-16, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(logits / temperature, labels)
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    return temperature.item()


def expected_calibration_error(logits, labels):
    confidences, predictions = F.softmax(logits, 1).max(1)
    right, error = predictions.eq(labels).double(), 0.0
    bounds = torch.linspace(0, 1, 16, dtype=torch.float64)
    for lower, upper in zip(bounds[:-1], bounds[1:]):
        inside = (confidences > lower) & (confidences <= upper)
        share = inside.double().mean()
        if share > 0:
            error += (confidences[inside].mean() - right[inside].mean()).abs() * share
    return float(error)


def threshold(logits, labels, of_class, precision):
    scores, predictions = F.softmax(logits, 1).max(1)
    reached = []
    for score in scores[predictions == of_class]:
        passing = (predictions == of_class) & (scores >= score)
        if passing.sum() >= LEAST_ROWS and labels[passing].eq(of_class).double().mean() >= precision:
            reached.append(score.item())
    return min(reached) if reached else None


def case(rows, classes, noise, sure, wrong, precision):
    labels = torch.arange(rows) * 7 % 11 % classes
    peaks = torch.where(torch.arange(rows) % wrong == 0, (labels + 1) % classes, labels)
    logits = noise * formula.tensor(f"calibration.logits.{classes}", (rows, classes)).double() + sure * F.one_hot(peaks, classes)
    if classes == 2:
        logits = torch.stack([torch.zeros(rows).double(), logits[:, 1] - logits[:, 0]], 1)
    temperature = fit(logits, labels)
    return dict(
        rows=rows, classes=classes, precision=precision, labels=labels.tolist(), logits=numbers(logits, 17), temperature=numbers(temperature, 12),
        lossBefore=numbers(F.cross_entropy(logits, labels), 12), lossAfter=numbers(F.cross_entropy(logits / temperature, labels), 12),
        errorBefore=numbers(expected_calibration_error(logits, labels), 12), errorAfter=numbers(expected_calibration_error(logits / temperature, labels), 12),
        thresholds=[None if t is None else numbers(t, 9) for t in (threshold(logits / temperature, labels, c, precision) for c in range(classes))])


def main():
    write("calibration.json", dict(cases=[
        case(120, 3, 2.0, 4.0, 5, 0.875), case(120, 3, 2.0, 3.0, 9, 0.95), case(60, 5, 1.0, 2.0, 20, 0.75), case(90, 2, 2.0, 3.0, 7, 0.9375), case(90, 2, 1.0, 0.75, 12, 0.75),
        case(60, 3, 0.25, 0.5, 30, 0.5), case(60, 3, 1.5, 1.5, 1000, 0.95)]))


if __name__ == "__main__":
    main()
