"""Fine-tunes all-MiniLM-L6-v2 on texts in PyTorch, on the rows of text-study and entity-study; `full` is their `recipe`.

    python3 benchmarks/pytorch/text.py --task sst2|issues|detox|conll [--mode head|full] [--seeds 3] [--threads 1]

full: all weights at 5e-5, the new layer at 1e-3, dropout 0.1, AdamW without weight decay, batches of 32 padded to their longest, at most
64 tokens, linear to zero, gradients clipped at a norm of 1, 2 epochs (conll 1); batches are random ones, those of the library of similar length. head: features of the frozen
network once, one linear layer at 3e-3 for 30 epochs (no validation rows, unlike `head` of text-study). Prints a JSON line for each seed;
seconds are CPU seconds of training and scoring, weights included.
"""
import argparse
import json
import os
import resource
import time

import torch
from torch import nn

import minilm

FOLDER = os.environ.get("MLNETFINETUNE_DATA", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared"))
MODEL = os.path.join(FOLDER, "weights", "all-MiniLM-L6-v2")
TEXT = os.path.join(FOLDER, "data", "text")
LONGEST, BATCH, FOLDS = 64, 32, 5


def lines(name):
    with open(os.path.join(TEXT, name), encoding="utf-8") as file:
        return [line.rstrip("\r\n") for line in file]


def folded(rows, fold):
    return [row for i, row in enumerate(rows) if i % FOLDS != fold], [row for i, row in enumerate(rows) if i % FOLDS == fold]


def sst2():
    train, test = ([(row.split("\t", 1)[1], row.split("\t", 1)[0]) for row in lines(f"sst2/{part}.tsv")] for part in ("train", "test"))
    return [(train[::3], test)]


def issues():
    rows = [row.split("\t") for row in lines("corefx-issues.tsv")[1:]]
    return [folded([(f"{row[2]} {row[3]}", row[1]) for row in rows], 4)]


def detox():
    rows = [(row.split("\t", 1)[1], row.split("\t", 1)[0]) for row in lines("wikipedia-detox-250.tsv")[1:]]
    return [folded(rows, fold) for fold in range(FOLDS)]


def conll():
    def read(name, every):
        sentences, words, tags = [], [], []
        for line in lines(f"conll2003/{name}.txt") + [""]:
            if line and not line.startswith("-DOCSTART-"):
                words.append(line.split(" ")[0])
                tags.append(line.split(" ")[-1])
            elif not line and words:
                sentences.append((words, tags))
                words, tags = [], []
        return sentences[::every]
    return [(read("train", 10), read("valid", 6) + read("test", 6), len(read("valid", 6)))]


def entities(tags):
    """(type, first, end) by conlleval's rules."""
    found, start, kind = [], None, None
    for i, tag in enumerate([*tags, "O"]):
        prefix, name = (tag.split("-", 1) + [None])[:2]
        if start is not None and (prefix in "OB" or name != kind):
            found.append((kind, start, i))
            start = None
        if prefix != "O" and start is None:
            start, kind = i, name
    return set(found)


def entity_f1(true, predicted):
    pairs = [(entities(a), entities(b)) for a, b in zip(true, predicted)]
    correct = sum(len(a & b) for a, b in pairs)
    return 2 * correct / max(1, sum(len(a) + len(b) for a, b in pairs))


def macro_f1(true, predicted):
    scores = []
    for label in set(true) | set(predicted):
        hits = sum(a == b == label for a, b in zip(true, predicted))
        scores.append(2 * hits / max(1, true.count(label) + predicted.count(label)))
    return sum(scores) / len(scores)


def encoded(tokenizer, words, longest=LONGEST):
    """Tokens and the index of each word's first token; words that do not fit have none."""
    tokens, firsts = [tokenizer.ids["[CLS]"]], []
    for word in words:
        pieces = [piece[0] for piece in tokenizer.encode(word)] or [tokenizer.ids["[UNK]"]]
        if len(tokens) + len(pieces) > longest - 1:
            break
        firsts.append(len(tokens))
        tokens += pieces
    return tokens + [tokenizer.ids["[SEP]"]], firsts


def train_full(network, rows, targets, epochs, pools):
    """Targets: a class of each row, or of each token with -100 elsewhere."""
    head = [parameter for name, parameter in network.named_parameters() if name.startswith("classifier.")]
    body = [parameter for name, parameter in network.named_parameters() if not name.startswith("classifier.")]
    optimizer = torch.optim.AdamW([{"params": body, "lr": 5e-5}, {"params": head, "lr": 1e-3}], weight_decay=0)
    steps = epochs * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(rows)).split(BATCH):
            tokens, mask = minilm.pad([rows[i] for i in batch])
            wanted = torch.tensor([targets[i] for i in batch]) if pools else minilm.pad([targets[i] for i in batch], value=-100)[0]
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(tokens, mask).flatten(0, -2), wanted.flatten()).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1)
            optimizer.step()
            schedule.step()


def in_batches(compute, rows):
    """Sorted by length, in the order of the rows."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    result = [None] * len(rows)
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            some = order[start:start + BATCH]
            for i, one in zip(some, compute(*minilm.pad([rows[i] for i in some]))):
                result[i] = one
    return result


def train_head(network, rows, targets, epochs):
    x, y = torch.stack(in_batches(network.features, rows)).clone(), torch.tensor(targets)
    optimizer = torch.optim.AdamW(network.classifier.parameters(), lr=3e-3, weight_decay=0)
    steps = epochs * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(rows)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network.classifier(x[batch]), y[batch]).backward()
            optimizer.step()
            schedule.step()


def classify(data, options, tokenizer):
    folds = []
    for train, test in data:
        labels = sorted({label for _, label in train})
        rows, held = ([minilm.encode(tokenizer, text, LONGEST) for text, _ in part] for part in (train, test))
        targets = [labels.index(label) for _, label in train]
        network = minilm.MiniLm(MODEL, len(labels))
        if options.mode == "head":
            train_head(network.eval(), rows, targets, options.epochs)
        else:
            train_full(network, rows, targets, options.epochs, pools=True)
        truth = [label for _, label in test]
        predicted = [labels[output.argmax()] for output in in_batches(network.eval(), held)]
        folds.append((sum(a == b for a, b in zip(truth, predicted)) / len(truth), macro_f1(truth, predicted)))
    return {name: sum(values) / len(folds) for name, values in zip(("accuracy", "macro_f1"), zip(*folds))}


def tag(data, options, tokenizer):
    train, test, valid = data[0]
    labels = sorted({tag for _, tags in train for tag in tags})
    rows, targets = [], []
    for words, tags in train:
        tokens, firsts = encoded(tokenizer, words)
        rows.append(tokens)
        targets.append([-100] * len(tokens))
        for first, one in zip(firsts, tags):
            targets[-1][first] = labels.index(one)
    network = minilm.MiniLm(MODEL, len(labels), pools=False)
    train_full(network, rows, targets, options.epochs, pools=False)
    held = [encoded(tokenizer, words, longest=512) for words, _ in test]
    outputs = in_batches(network.eval(), [tokens for tokens, _ in held])
    predicted = [[labels[one[first].argmax()] for first in firsts] for one, (_, firsts) in zip(outputs, held)]
    truth = [tags for _, tags in test]
    return {"f1_valid": entity_f1(truth[:valid], predicted[:valid]), "f1_test": entity_f1(truth[valid:], predicted[valid:])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("sst2", "issues", "detox", "conll"), required=True)
    parser.add_argument("--mode", choices=("head", "full"), default="full")
    parser.add_argument("--epochs", type=int, help="of the recipe, if not given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.mode == "head" and options.task == "conll":
        parser.error("there is no head for conll")
    options.epochs = options.epochs or (30 if options.mode == "head" else 1 if options.task == "conll" else 2)
    data, tokenizer = globals()[options.task](), minilm.tokenizer(MODEL)
    for seed in range(1, options.seeds + 1):
        torch.manual_seed(seed)
        start = time.process_time()
        result = (tag if options.task == "conll" else classify)(data, options, tokenizer)
        print(json.dumps({"task": options.task, "mode": options.mode, "seed": seed, **result, "cpu_s": time.process_time() - start,
                          "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


if __name__ == "__main__":
    main()
