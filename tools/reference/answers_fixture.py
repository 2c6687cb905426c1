"""Answers to questions: SQuAD's metrics of texts, and loss, gradient and best span of windows. Written from the rules, without any code of
SQuAD's script or of run_squad. Writes answers.json.

Texts (Rajpurkar et al. 2018): in lower case, without ASCII punctuation, without the words a, an and the, words parted by white space. Exact
match: equal after that. F1: of the words of both, by multiplicity; without words on one side, 1 if both have none. The best of several
acceptable answers counts; acceptable answers without words are dropped, and if none is left, the answer is the empty text.

Loss (Devlin et al. 2018): a softmax over the class token and the tokens of the context in a window, for the first and for the last token of
the answer. A window without the whole answer shall give the class token. Mean of both cross-entropies, then the mean over all windows,
each with its row's weight.

Best span: of all (first, last) in a window with first <= last < first + most, the probability exp(first logit + last logit) divided by the
sum of that over all these spans and over the class token as both. Best over all windows; no answer: the lowest over all windows."""
import collections
import random
import string
import unicodedata

import torch

import fixture

MOST = 4
ROOM, COMMON = 7, 3

TEXTS = [
    ("Paris", ["Paris"]), ("paris.", ["Paris"]), ("the Eiffel Tower", ["Eiffel tower"]), ("Tower", ["the Eiffel Tower"]),
    ("", []), ("Paris", []), ("", ["Paris"]), ("the", []), ("the", ["The"]), ("a an the", ["Paris"]), ("!?", []), ("", ["..."]),
    ("Paris Paris", ["Paris"]), ("Paris", ["Paris Paris"]), ("in Paris in May", ["in May in"]), ("U.S.", ["US"]), ("U.S.", ["u s"]),
    ("1,000,000", ["1000000"]), ("$5.00", ["500"]), ("theory", ["ory"]), ("an apple a day", ["Apple day"]), ("bananas", ["nanas"]),
    ("Müller", ["MÜLLER"]), ("Mu\u0308ller", ["Müller"]), ("wiki_a", ["wiki"]), ("a_the", ["the"]), ("it's the end", ["its end"]),
    ("one\u00a0two", ["one two"]), ("one\u2003\t\ntwo", ["two one"]), ("one\u001ctwo", ["one two"]), ("one\u200btwo", ["one two"]),
    ("“quoted”", ["quoted"]), ("5 – 6", ["5 6"]), ("東京", ["東京"]), ("東京 都", ["東京"]), ("A-team", ["team"]), ("A team", ["team"]),
    ("early May", ["May 1990", "early May 1990", "early"]), ("Rome", ["Paris", "", "the", "Rome, Italy"]), ("the", ["", "An", "!"]),
    ("x\u001fa\u001fy", ["x y"]), ("Straße", ["STRASSE"]), ("e=mc^2", ["emc2"]), ("the the dog", ["dog the"]),
    ("a²", ["the ²"]), ("a½ b", ["½ b"]), ("a\u0301 b", ["b"]),
]


def normalized(text):
    text = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    words, word = [], ""
    # an article is a run of word letters, wherever it stands
    for letter in text + " ":
        if letter == "_" or letter.isalnum():
            word += letter
            continue
        words.append(" " if word in ("a", "an", "the") else word)
        words.append(letter)
        word = ""
    return "".join(words).split()


def f1(predicted, answer):
    if not predicted or not answer:
        return float(predicted == answer)
    common = sum((collections.Counter(predicted) & collections.Counter(answer)).values())
    precision, recall = common / len(predicted), common / len(answer)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def compared(predicted, answers):
    accepted = [words for words in map(normalized, answers) if words] or [[]]
    predicted = normalized(predicted)
    return [float(predicted in accepted), max(f1(predicted, answer) for answer in accepted)]


def windows_of(tokens):
    if tokens <= ROOM:
        return [(0, tokens)]
    step = ROOM - min(max(ROOM // 4, COMMON), ROOM // 2)
    starts = list(range(0, tokens - ROOM, step)) + [tokens - ROOM]
    return [(start, start + ROOM) for start in starts]


def row(tokens, generator, answer):
    spans, place = [], 0
    for _ in range(tokens):
        place += generator.randint(0, 1)
        length = generator.randint(1, 5)
        spans.append((place, place + length))
        place += length
    if answer is None:
        characters, held = (-1, -1), []
    else:
        first, last = answer
        # not on the tokens' borders, where that is possible
        start = generator.randrange(spans[first][0], spans[first][1])
        end = generator.randrange(max(spans[last][0], start) + 1, spans[last][1] + 1)
        characters = (start, end)
        held = [i for i, (a, b) in enumerate(spans) if any(a <= unit < b for unit in range(start, end))]
    windows = []
    for start, end in windows_of(tokens):
        inside = held and all(start <= token < end for token in held)
        windows.append({
            "starts": [0] + [a for a, _ in spans[start:end]],
            "ends": [0] + [b for _, b in spans[start:end]],
            "wanted": [held[0] - start + 1, held[-1] - start + 1] if inside else [0, 0],
            "logits": [[round(generator.gauss(0, 2), 3) for _ in range(end - start + 1)] for _ in range(2)],
        })
    return {"answer": list(characters), "windows": windows}


def best(windows):
    found, none = None, float("inf")
    for window in windows:
        first, last = (torch.tensor(values, dtype=torch.float64) for values in window["logits"])
        sums = first[:, None] + last[None, :]
        tokens = len(first)
        allowed = [(i, j) for i in range(1, tokens) for j in range(i, min(i + MOST, tokens))]
        scores = torch.stack([sums[0, 0]] + [sums[i, j] for i, j in allowed]).log_softmax(0).tolist()
        none = min(none, scores[0])
        for (i, j), score in zip(allowed, scores[1:]):
            if found is None or score > found[0]:
                found = (score, window["starts"][i], window["ends"][j])
    return [found[0], none, found[1], found[2]]


def main():
    generator = random.Random(11)
    rows = [row(5, generator, (1, 2)), row(20, generator, (9, 10)), row(12, generator, None), row(7, generator, (6, 6)),
            row(1, generator, (0, 0)), row(1, generator, None), row(15, generator, (2, 6)), row(16, generator, (0, 1))]
    weights = [1, 2, 0.5, 1, 1, 3, 0.25, 1]
    total, count, tensors = 0, 0, []
    for one, weight in zip(rows, weights):
        for window in one["windows"]:
            logits = torch.tensor(window["logits"], dtype=torch.float64, requires_grad=True)
            tensors.append(logits)
            entropies = torch.nn.functional.cross_entropy(logits, torch.tensor(window["wanted"]), reduction="none")
            total, count = total + weight * entropies.mean(), count + weight
    loss = total / count
    loss.backward()
    gradients = iter(tensors)
    for one in rows:
        one["best"] = fixture.numbers(best(one["windows"]), 9)
        for window in one["windows"]:
            window["gradient"] = fixture.numbers(next(gradients).grad, 7)
    texts = [{"predicted": predicted, "answers": answers, "scores": compared(predicted, answers)} for predicted, answers in TEXTS]
    assert unicodedata.normalize("NFC", "Mu\u0308ller") == "Müller"  # compared as they are: different
    kinds = {"all": texts, "with": [one for one in texts if any(one["answers"])],
             "without": [one for one in texts if not any(one["answers"])]}
    fixture.write("answers.json", {
        "texts": texts,
        "means": {name: [sum(one["scores"][i] for one in some) / len(some) for i in (0, 1)] for name, some in kinds.items()},
        "most": MOST, "room": ROOM, "common": COMMON, "rows": rows, "weights": weights, "count": count,
        "loss": fixture.numbers(loss, 9),
    })


if __name__ == "__main__":
    main()
