"""Writes ranking.json: ROC and precision-recall curves of each class against the rest, by their definitions with numpy.

The area under the ROC curve is the share of pairs of a positive and a negative row in which the positive one has the higher score, with ties
counted as one half. Average precision is the sum over the thresholds of the gain in recall times the precision, with one threshold for each
distinct score. The mean curves average the classes at each place of the horizontal axis: the true positive rate by linear interpolation, with
its highest value where the curve rises vertically; the precision of the highest threshold that reaches the recall.
"""
import numpy as np

from fixture import numbers, write

PLACES = np.linspace(0, 1, 101)


def auc(scores, positive):
    ahead = [1.0 if s > t else 0.5 if s == t else 0.0 for s in scores[positive] for t in scores[~positive]]
    return float(np.mean(ahead)) if ahead else float("nan")


def cuts(scores, positive):
    """Recall, precision and false positive rate where the rows with at least a score are taken for positive, by falling score."""
    result = []
    for threshold in sorted(set(scores.tolist()), reverse=True):
        passing = scores >= threshold
        result.append((
            (passing & positive).sum() / positive.sum(), (passing & positive).sum() / passing.sum(),
            (passing & ~positive).sum() / (~positive).sum()))
    return result


def average_precision(scores, positive):
    total, before = 0.0, 0.0
    for recall, precision, _ in cuts(scores, positive):
        total += (recall - before) * precision
        before = recall
    return total


def true_positive_rate(scores, positive, place):
    points = [(0.0, 0.0)] + [(fpr, recall) for recall, _, fpr in cuts(scores, positive)]
    at = max(i for i, (x, _) in enumerate(points) if x <= place + 1e-12)
    if at == len(points) - 1 or abs(points[at][0] - place) < 1e-12:
        return points[at][1]
    (x0, y0), (x1, y1) = points[at], points[at + 1]
    return y0 + (y1 - y0) * (place - x0) / (x1 - x0)


def precision(scores, positive, place):
    return next(p for recall, p, _ in cuts(scores, positive) if recall >= place - 1e-12)


def main():
    random = np.random.RandomState(3)
    rows, classes = 60, 4
    labels = random.choice(classes - 1, rows, p=[0.5, 0.3, 0.2])  # no row has the last class
    logits = random.randn(rows, classes) + 1.2 * np.eye(classes)[labels]
    scores = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 2)  # many ties
    of_class = [(scores[:, c], labels == c) for c in range(classes - 1)]
    write("ranking.json", dict(
        labels=labels.tolist(), scores=numbers(scores),
        rocAuc=numbers([auc(s, y) for s, y in of_class], 12), averagePrecision=numbers([average_precision(s, y) for s, y in of_class], 12),
        macroRocAuc=numbers(np.mean([auc(s, y) for s, y in of_class]), 12),
        macroAveragePrecision=numbers(np.mean([average_precision(s, y) for s, y in of_class]), 12),
        meanRoc=numbers([np.mean([true_positive_rate(s, y, place) for s, y in of_class]) for place in PLACES], 12),
        meanPrecision=numbers([np.mean([precision(s, y, place) for s, y in of_class]) for place in PLACES], 12)))


if __name__ == "__main__":
    main()
