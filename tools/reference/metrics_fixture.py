"""Writes metrics.json: metrics, decision thresholds and standardised targets by scikit-learn (python3-sklearn of Debian, 1.2.1).

Scores are rounded so that many are equal. A chosen threshold is told as the score of the last row that passes, and the best value of its
criterion; of cuts that are equally good it is the one with the highest score.
"""
import numpy as np
from sklearn import metrics
from sklearn.preprocessing import StandardScaler

from fixture import numbers, write


def binary(rows, digits, share, by_weight, seed):
    random = np.random.RandomState(seed)
    labels = (random.rand(rows) < share).astype(int)
    scores = np.round(labels * 0.25 + random.rand(rows) * 0.75, digits)
    weights = random.randint(1, 5, rows) / 4.0 if by_weight else np.ones(rows)
    precision, recall, passing = metrics.precision_recall_curve(labels, scores, sample_weight=weights)
    precision, recall = precision[:-1][::-1], recall[:-1][::-1]  # by falling score; without the point without rows
    falling = passing[::-1]
    false_positives, true_positives, of_roc = metrics.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    accuracy = [metrics.accuracy_score(labels, scores >= score, sample_weight=weights) for score in falling]
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))

    def best(values, at, allowed=None):
        values = np.array(values, dtype=float)
        if allowed is not None:
            values = np.where(allowed, values, -1)
        index = int(np.argmax(values >= values.max() - 1e-12))
        return dict(score=float(at[index]), value=numbers(values[index], 12))

    return dict(
        labels=labels.tolist(), scores=numbers(scores, 9), weights=weights.tolist() if by_weight else None,
        rocAuc=numbers(metrics.roc_auc_score(labels, scores, sample_weight=weights), 12),
        averagePrecision=numbers(metrics.average_precision_score(labels, scores, sample_weight=weights), 12),
        logLoss=numbers(metrics.log_loss(labels, np.clip(scores, 0, 1), sample_weight=weights, eps=np.finfo(float).eps), 12),
        f1=best(f1, falling), youden=best(true_positives[1:] - false_positives[1:], of_roc[1:]), accuracy=best(accuracy, falling),
        precision=best(recall, falling, precision >= 0.7 - 1e-12), recall=best(precision, falling, recall >= 0.8 - 1e-12))


def multi_label(rows, label_count, seed):
    random = np.random.RandomState(seed)
    labels = (random.rand(rows, label_count) < np.linspace(0.1, 0.6, label_count)).astype(int)
    labels[:, 0] = 0  # a label without positives
    scores = np.round(labels * 0.3 + random.rand(rows, label_count) * 0.7, 2)
    predicted = (scores > 0.5).astype(int)
    predicted[:, 0] = 0
    of_labels = [metrics.average_precision_score(labels[:, i], scores[:, i]) for i in range(1, label_count)]
    return dict(
        labels=labels.tolist(), scores=numbers(scores, 9), predicted=predicted.tolist(), averagePrecision=numbers(of_labels, 12),
        meanAveragePrecision=numbers(metrics.average_precision_score(labels[:, 1:], scores[:, 1:], average="macro"), 12),
        microF1=numbers(metrics.f1_score(labels, predicted, average="micro", zero_division=0), 12),
        macroF1=numbers(metrics.f1_score(labels, predicted, average="macro", zero_division=0), 12),
        perLabelF1=numbers(metrics.f1_score(labels, predicted, average=None, zero_division=0), 12),
        hammingLoss=numbers(metrics.hamming_loss(labels, predicted), 12), subsetAccuracy=numbers(metrics.accuracy_score(labels, predicted), 12))


def ordinal(rows, classes, seed):
    random = np.random.RandomState(seed)
    labels = random.randint(0, classes, rows)
    predicted = np.clip(labels + random.randint(-1, 3, rows), 0, classes - 1)
    return dict(
        classes=classes, labels=labels.tolist(), predicted=predicted.tolist(),
        quadraticWeightedKappa=numbers(metrics.cohen_kappa_score(labels, predicted, weights="quadratic", labels=range(classes)), 12),
        meanAbsoluteError=numbers(metrics.mean_absolute_error(labels, predicted), 12),
        accuracy=numbers(metrics.accuracy_score(labels, predicted), 12))


def regression(rows, by_weight, seed):
    random = np.random.RandomState(seed)
    labels = np.round(100 + 10 * random.randn(rows), 3)
    scores = np.round(labels + 4 * random.randn(rows), 3)
    weights = random.randint(1, 5, rows) / 4.0 if by_weight else None
    return dict(
        labels=labels.tolist(), scores=scores.tolist(), weights=None if weights is None else weights.tolist(),
        rSquared=numbers(metrics.r2_score(labels, scores, sample_weight=weights), 12),
        meanAbsoluteError=numbers(metrics.mean_absolute_error(labels, scores, sample_weight=weights), 12),
        rootMeanSquaredError=numbers(metrics.mean_squared_error(labels, scores, sample_weight=weights, squared=False), 12))


def multiclass_log_loss(rows, classes, seed):
    random = np.random.RandomState(seed)
    labels = random.randint(0, classes, rows)
    probabilities = random.dirichlet(np.ones(classes), rows)
    probabilities[0] = np.eye(classes)[(labels[0] + 1) % classes]  # certain, and wrong
    probabilities = np.array(numbers(probabilities, 12))
    return dict(
        classes=classes, labels=labels.tolist(), probabilities=probabilities.tolist(),
        logLoss=numbers(metrics.log_loss(labels, probabilities, labels=range(classes), eps=np.finfo(float).eps), 10))


def scaling(rows, by_weight, seed):
    random = np.random.RandomState(seed)
    labels = np.round(np.stack([1e4 + random.randn(rows), 0.01 * random.randn(rows), np.full(rows, 0.1)], 1), 4)
    weights = random.randint(0, 5, rows) / 4.0 if by_weight else None
    scaler = StandardScaler().fit(labels.astype(np.float32).astype(float), sample_weight=weights)
    return dict(
        labels=labels.tolist(), weights=None if weights is None else weights.tolist(), means=numbers(scaler.mean_, 14),
        deviations=numbers(scaler.scale_, 12))


def main():
    write("metrics.json", dict(
        binary=[binary(12, 1, 0.5, False, 1), binary(60, 2, 0.3, False, 2), binary(60, 2, 0.3, True, 3), binary(200, 2, 0.1, False, 4)],
        multiLabel=[multi_label(10, 4, 5), multi_label(60, 6, 6)],
        ordinal=[ordinal(12, 3, 7), ordinal(80, 6, 8)],
        regression=[regression(10, False, 9), regression(50, True, 10)],
        logLoss=[multiclass_log_loss(12, 4, 11)],
        scaling=[scaling(20, False, 12), scaling(40, True, 13)]))


if __name__ == "__main__":
    main()
