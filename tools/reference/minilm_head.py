"""Accuracy of a linear head on frozen sentence vectors of all-MiniLM-L6-v2 in PyTorch: the reference of MiniLmTests.

Every twelfth sentence of SST-2's training set; the first 400 train, the rest test. Vectors are the mean over the tokens of PyTorch's own
nn.TransformerEncoderLayer; the head is trained by AdamW at 3e-3, 20 epochs of batches of 32, with three seeds.

    /usr/bin/python3 tools/reference/minilm_head.py FOLDER

FOLDER is the shared data with data/text and weights/all-MiniLM-L6-v2.
"""
import json
import os
import struct
import sys

import numpy
import torch
from torch import nn

from bert_tokenizer_oracle import Bert

WIDTH, LAYERS, HEADS, INNER, EPSILON, LONGEST = 384, 6, 12, 1536, 1e-12, 128


def weights(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(numpy.frombuffer(data[slice(*entry["data_offsets"])], "<f2").astype("f4").reshape(entry["shape"]))
            for name, entry in header.items()}


def layer(state, index):
    def both(name):
        return [state[f"encoder.layer.{index}.{name}.{kind}"] for kind in ("weight", "bias")]
    parts = [both(f"attention.self.{name}") for name in ("query", "key", "value")]
    made = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, dropout=0, activation="gelu", layer_norm_eps=EPSILON, batch_first=True)
    names = {"self_attn.in_proj": [torch.cat([part[i] for part in parts]) for i in (0, 1)],
             "self_attn.out_proj": both("attention.output.dense"), "norm1": both("attention.output.LayerNorm"),
             "linear1": both("intermediate.dense"), "linear2": both("output.dense"), "norm2": both("output.LayerNorm")}
    made.load_state_dict({name + (("_" if name.endswith("proj") and "in_" in name else ".") + kind): value
                          for name, values in names.items() for kind, value in zip(("weight", "bias"), values)})
    return made.eval()


def vectors(folder, texts):
    state = weights(os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        tokenizer = Bert(file.read().splitlines())
    layers = [layer(state, index) for index in range(LAYERS)]
    result = []
    with torch.no_grad():
        for text in texts:
            ids = [tokenizer.ids["[CLS]"], *[piece[0] for piece in tokenizer.encode(text)][:LONGEST - 2], tokenizer.ids["[SEP]"]]
            x = state["embeddings.word_embeddings.weight"][ids] + state["embeddings.position_embeddings.weight"][:len(ids)]
            x = nn.functional.layer_norm(
                x + state["embeddings.token_type_embeddings.weight"][0], [WIDTH], state["embeddings.LayerNorm.weight"],
                state["embeddings.LayerNorm.bias"], EPSILON).unsqueeze(0)
            for one in layers:
                x = one(x)
            result.append(x.mean(1)[0])
    return torch.stack(result)


def accuracy(x, y, seed):
    torch.manual_seed(seed)
    head = nn.Linear(WIDTH, 1)
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3)
    for _ in range(20):
        for rows in torch.randperm(400).split(32):
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(head(x[rows])[:, 0], y[rows]).backward()
            optimizer.step()
    return ((head(x[400:])[:, 0] > 0) == (y[400:] > 0)).float().mean().item()


def main():
    with open(os.path.join(sys.argv[1], "data/text/sst2/train.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t", 1) for line in file][::12]
    x = vectors(os.path.join(sys.argv[1], "weights/all-MiniLM-L6-v2"), [text for _, text in rows])
    y = torch.tensor([float(label) for label, _ in rows])
    print(len(rows), [round(accuracy(x, y, seed), 4) for seed in (1, 2, 3)])


if __name__ == "__main__":
    main()
