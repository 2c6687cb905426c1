"""Writes labeling.json: rows to label next, by brute force with numpy.

k-center greedy after algorithm 1 of Sener and Savarese (2018): in every step all distances from all centers are computed anew in double
precision, and the row with the largest distance from its nearest center is chosen. Distances are cosine distances.
"""
import numpy as np

from fixture import numbers, write


def unit(vectors):
    vectors = np.asarray(vectors, dtype=float)
    return vectors / np.sqrt((vectors ** 2).sum(axis=1, keepdims=True))


def k_center(pool, labeled, count):
    chosen, distances, nearest = [], [], []
    rows, first = unit(pool), unit(labeled) if len(labeled) else np.zeros((0, len(pool[0])))
    for _ in range(count):
        centers = np.concatenate([first, rows[chosen]])
        if len(centers) == 0:
            mean = rows.mean(axis=0)
            chosen.append(int(np.argmax(rows @ mean)))
            distances.append(2.0)
            nearest.append(-1)
            continue
        distance = np.array([[1 - float(np.dot(row, center)) for center in centers] for row in rows])  # [rows, centers]
        of_nearest = distance.min(axis=1)
        of_nearest[chosen] = -1
        ordered = np.sort(of_nearest)
        assert ordered[-1] - ordered[-2] > 1e-5, "a choice would depend on rounding: take another seed"
        row = int(np.argmax(of_nearest))
        chosen.append(row)
        distances.append(of_nearest[row])
        nearest.append(int(np.argmin(distance[row])))
    return dict(rows=chosen, distances=numbers(distances, 9), nearest=nearest)


def margins(scores, count):
    ordered = np.sort(scores, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    rows = np.argsort(margin, kind="stable")[:count]
    return dict(rows=rows.tolist(), margins=numbers(margin[rows], 9))


def main():
    random = np.random.RandomState(17)
    centers = random.randn(6, 5) * 2
    pool = np.round(centers[random.randint(0, 6, 40)] + random.randn(40, 5), 3)
    labeled = np.round(centers[random.randint(0, 3, 4)] + random.randn(4, 5), 3)
    scores = random.dirichlet([0.5] * 4, 40).astype(np.float32)
    scores[20] = scores[7]  # equal margins keep the order of the data
    candidates = margins(scores, 3 * 6)["rows"]
    diverse = k_center(pool[candidates], labeled, 6)
    write("labeling.json", dict(
        pool=numbers(pool), labeled=numbers(labeled), scores=numbers(scores, 9),
        coreSet=k_center(pool, labeled, 40), withoutLabeled=k_center(pool, [], 12), margin=margins(scores, 40),
        diverse=dict(rows=[candidates[row] for row in diverse["rows"]], distances=diverse["distances"])))


if __name__ == "__main__":
    main()
