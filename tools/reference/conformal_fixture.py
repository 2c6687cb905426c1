"""Writes conformal.json: quantiles, sets and novelties by definition, in NumPy and exact fractions.

Probabilities are softmax(2 * formula.tensor(...)) of some rows; labels follow a rule that makes some of them improbable. The
quantile is the ceil((n + 1) c)-th smallest of n scores, with c as an exact fraction. Scores: 1 - p (least ambiguous); the total
probability of the more probable classes (adaptive with u = 0), plus a penalty for each rank beyond the free ones. The novelty is
half the squared Euclidean distance of normalised features to the k-th nearest row (Sun et al. 2022), by all distances.
No score of a test row is nearer than 1e-5 to its quantile, so that rounding to single precision cannot change a set.
"""
from fractions import Fraction
from math import ceil

import numpy as np

import formula
from fixture import numbers, write

CLASSES, CALIBRATION, TEST = 5, 60, 25


def probabilities(name, rows):
    logits = 2 * formula.tensor(f"conformal.{name}", (rows, CLASSES)).double().numpy()
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return np.array(numbers((exponentials / exponentials.sum(1, keepdims=True)), 7))


def labels_of(p):
    """The most probable class; in every fourth row the second, in every ninth the third."""
    order = np.argsort(-p, axis=1, kind="stable")
    return np.array([order[row, 2 if row % 9 == 5 else 1 if row % 4 == 3 else 0] for row in range(len(p))])


def scores(p, kind, penalty=0.0, free=1):
    if kind == "LeastAmbiguous":
        return 1 - p
    result = np.empty_like(p)
    for row in range(len(p)):
        for c in range(CLASSES):
            more = [o for o in range(CLASSES) if p[row, o] > p[row, c]]
            result[row, c] = p[row, more].sum() + penalty * max(0, len(more) + 1 - free)
    return result


def quantile(values, coverage):
    rank = ceil((len(values) + 1) * coverage)
    return sorted(values)[rank - 1] if rank <= len(values) else float("inf")


def case(kind, coverage, by_class, penalty=0.0, free=1):
    known, test = probabilities("calibration", CALIBRATION), probabilities("test", TEST)
    labels = labels_of(known)
    of_known, of_test = scores(known, kind, penalty, free), scores(test, kind, penalty, free)
    own = of_known[np.arange(CALIBRATION), labels]
    c = Fraction(coverage)
    quantiles = [quantile(own[labels == k], c) for k in range(CLASSES)] if by_class else [quantile(own, c)]
    limits = np.array(quantiles if by_class else quantiles * CLASSES)
    finite = np.isfinite(limits)
    assert np.abs(of_test[:, finite] - limits[finite]).min(initial=np.inf) > (0 if (limits[finite] == 0).any() else 1e-5), kind
    sets = [sorted(int(k) for k in np.nonzero(row <= limits)[0]) for row in of_test]
    return dict(
        kind=kind, coverage=coverage, byClass=by_class, penalty=penalty, free=free,
        quantiles=[None if np.isinf(q) else numbers(float(q), 9) for q in quantiles], sets=sets)


def novelty(neighbors):
    known = formula.tensor("conformal.features", (40, 7)).double().numpy()
    test = 3 * formula.tensor("conformal.features.test", (12, 7)).double().numpy()
    test[3] = 2 * known[11]  # the same direction: distance 0 to its nearest
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    squares = ((unit(test)[:, None] - unit(known)[None]) ** 2).sum(2)
    return dict(neighbors=neighbors, distances=numbers(np.sort(squares, axis=1)[:, neighbors - 1] / 2, 9))


def main():
    known, test = probabilities("calibration", CALIBRATION), probabilities("test", TEST)
    write("conformal.json", dict(
        calibration=numbers(known), labels=[int(k) for k in labels_of(known)], test=numbers(test),
        cases=[
            case("LeastAmbiguous", "0.9", False), case("LeastAmbiguous", "0.5", False), case("LeastAmbiguous", "0.99", False),
            case("LeastAmbiguous", "0.75", True), case("Cumulative", "0.9", False), case("Cumulative", "0.8", True),
            case("Cumulative", "0.9", False, 0.125, 2), case("Cumulative", "0.75", False, 0.5, 1)],
        features=numbers(formula.tensor("conformal.features", (40, 7)), 9),
        testFeatures=numbers(np.where(
            np.arange(12)[:, None] == 3, 2 * formula.tensor("conformal.features", (40, 7)).double().numpy()[11],
            3 * formula.tensor("conformal.features.test", (12, 7)).double().numpy()), 9),
        novelty=[novelty(1), novelty(5), novelty(40)]))


if __name__ == "__main__":
    main()
