"""Entities of label sequences and their scores, as conlleval counts them and strictly. Written from the rules, without any code of
conlleval or seqeval. Writes entities.json.

conlleval (Tjong Kim Sang, CoNLL-2000; the version for IOB1, IOB2 and BIOES that seqeval documents): a chunk ends between two words if the
first is in one and the second is O, begins one (B, S), follows an end (E, S), or has another type; a chunk begins at a word with a type if
the word before is O or the same holds. So every word with a type is in a chunk.

Strict: IOB2: B-X and the I-X after it. BIOES: S-X, or B-X, any I-X, E-X. IOB1: I-X and the I-X after it, begun by I-X unless the word
before is in an entity of the same type, which B-X ends and begins anew; a B-X elsewhere begins nothing. True labels are read by conlleval's
rules in both, so that strictness is about the predictions."""
import itertools
import random

import fixture


def split(label):
    return ("O", "") if label == "O" else (label[0], label[2:])


def boundary(before, after):
    """Whether no chunk spans two neighbouring words, both with a type."""
    (left, left_type), (right, right_type) = before, after
    return right in "BS" or left in "ES" or left_type != right_type


def conlleval(labels):
    chunks, tags = set(), [split(label) for label in labels]
    position = 0
    while position < len(tags):
        if tags[position][0] == "O":
            position += 1
            continue
        end = position + 1
        while end < len(tags) and tags[end][0] != "O" and not boundary(tags[end - 1], tags[end]):
            end += 1
        chunks.add((tags[position][1], position, end))
        position = end
    return chunks


def strict_iob2(labels):
    chunks = set()
    for first, label in enumerate(labels):
        if label.startswith("B-"):
            inside = itertools.takewhile(lambda other: other == "I-" + label[2:], labels[first + 1:])
            chunks.add((label[2:], first, first + 1 + len(list(inside))))
    return chunks


def strict_bioes(labels):
    chunks = set()
    for first, label in enumerate(labels):
        if label.startswith("S-"):
            chunks.add((label[2:], first, first + 1))
        elif label.startswith("B-"):
            end = first + 1
            while end < len(labels) and labels[end] == "I-" + label[2:]:
                end += 1
            if end < len(labels) and labels[end] == "E-" + label[2:]:
                chunks.add((label[2:], first, end + 1))
    return chunks


def strict_iob1(labels):
    chunks, first, kind = set(), None, None
    for position, label in enumerate(list(labels) + ["O"]):
        prefix, type_ = split(label)
        same = first is not None and type_ == kind
        if prefix == "I" and same:
            continue
        if first is not None:
            chunks.add((kind, first, position))
        begins = prefix == "I" or (prefix == "B" and same)
        first, kind = (position, type_) if begins else (None, None)
    return chunks


STRICT = {"Iob1": strict_iob1, "Iob2": strict_iob2, "Bioes": strict_bioes}


def iob2(chunks, words):
    labels = ["O"] * words
    for kind, first, end in chunks:
        labels[first:end] = ["B-" + kind] + ["I-" + kind] * (end - first - 1)
    return labels


def iob1(chunks, words):
    labels = ["O"] * words
    for kind, first, end in sorted(chunks, key=lambda chunk: chunk[1]):
        follows = any(other == kind and other_end == first for other, _, other_end in chunks)
        labels[first:end] = [("B-" if follows else "I-") + kind] + ["I-" + kind] * (end - first - 1)
    return labels


def scores(actual, predicted):
    correct = sum(len(a & p) for a, p in zip(actual, predicted))
    all_actual, all_predicted = sum(map(len, actual)), sum(map(len, predicted))
    precision = correct / all_predicted if all_predicted else 0
    recall = correct / all_actual if all_actual else 0
    return [precision, recall, 2 * correct / (all_actual + all_predicted) if all_actual + all_predicted else 0]


def listed(chunks):
    return [[kind, first, end] for kind, first, end in sorted(chunks, key=lambda chunk: chunk[1])]


NASTY = {
    "Iob1": ["O", "I-A", "I-A I-A", "I-A B-A", "I-A B-A I-A", "B-A", "O B-A I-A", "I-A I-B", "I-A B-B I-B", "B-A B-A", "I-A O B-A B-A"],
    "Iob2": ["O", "B-A", "I-A", "O I-A I-A", "B-A I-A", "B-A I-B", "B-A I-B I-B", "B-A B-A I-A", "B-A O I-A", "I-A B-A", "I-A I-B B-B",
             "B-A I-A I-B I-A"],
    "Bioes": ["O", "S-A", "B-A E-A", "B-A I-A E-A", "B-A", "E-A", "I-A", "I-A E-A", "B-A E-B", "S-A S-A", "B-A S-A", "B-A I-A O", "E-A E-A",
              "B-A I-B E-B", "S-A I-A", "E-A I-A E-A", "O I-A S-A", "B-A B-A E-A"],
}


def drawn(scheme, count, generator):
    tags = ["O", "O"] + [f"{prefix}-{kind}" for prefix in {"Iob1": "BI", "Iob2": "BI", "Bioes": "BIES"}[scheme] for kind in "AB"]
    return [[generator.choice(tags) for _ in range(generator.randint(1, 9))] for _ in range(count)]


def main():
    generator = random.Random(7)
    schemes = {}
    for scheme, nasty in NASTY.items():
        sequences = [text.split() for text in nasty] + drawn(scheme, 40, generator)
        # truth: entities of other drawn sequences, well formed as IOB2
        truth = [iob2(conlleval(labels), len(labels)) for labels in sequences]
        for labels in truth:
            if generator.random() < 0.3:
                labels[generator.randrange(len(labels))] = "O"
        actual = [conlleval(labels) for labels in truth]
        lenient, strict = [conlleval(labels) for labels in sequences], [STRICT[scheme](labels) for labels in sequences]
        # true labels are converted to the predicted scheme, and BIOES to IOB2
        write = iob1 if scheme == "Iob1" else iob2
        converted = [iob2(l, len(s)) for l, s in zip(lenient, sequences)] if scheme == "Bioes" else sequences
        correct = sum(a == b for t, c in zip(truth, converted) for a, b in zip(write(conlleval(t), len(t)), c))
        schemes[scheme] = {
            "sequences": [{"labels": " ".join(labels), "lenient": listed(one), "strict": listed(other)}
                          for labels, one, other in zip(sequences, lenient, strict)],
            "truth": [" ".join(labels) for labels in truth],
            "lenient": fixture.numbers(scores(actual, lenient), 12),
            "strict": fixture.numbers(scores(actual, strict), 12),
            "accuracy": fixture.numbers([correct / sum(map(len, sequences))], 12),
        }
    fixture.write("entities.json", schemes)


if __name__ == "__main__":
    main()
