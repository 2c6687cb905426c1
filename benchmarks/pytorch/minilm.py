"""all-MiniLM-L6-v2 as an ordinary PyTorch user has it: BERT's layers with transformers' names, tokens padded to the longest of a batch."""
import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "reference"))
from bert_tokenizer_oracle import Bert as Tokenizer
from minilm_head import EPSILON, HEADS, INNER, LAYERS, WIDTH, weights

VOCABULARY, POSITIONS, SEGMENTS, DROPOUT = 30522, 512, 2, 0.1


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.self = nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")})
        self.output = nn.ModuleDict({"dense": nn.Linear(WIDTH, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})

    def forward(self, x, mask):
        def heads(name):
            return self.self[name](x).view(*x.shape[:2], HEADS, -1).transpose(1, 2)  # [N, heads, T, d]
        scores = heads("query") @ heads("key").transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + mask
        shares = nn.functional.dropout(scores.softmax(-1), DROPOUT, self.training)
        mixed = (shares @ heads("value")).transpose(1, 2).reshape(x.shape)
        return self.output["LayerNorm"](nn.functional.dropout(self.output["dense"](mixed), DROPOUT, self.training) + x)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, INNER)})
        self.output = nn.ModuleDict({"dense": nn.Linear(INNER, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})

    def forward(self, x, mask):
        x = self.attention(x, mask)
        y = self.output["dense"](nn.functional.gelu(self.intermediate["dense"](x)))
        return self.output["LayerNorm"](nn.functional.dropout(y, DROPOUT, self.training) + x)


class MiniLm(nn.Module):
    """Tokens [N, T] and mask [N, T] to outputs [N, outputs]; to outputs of tokens [N, T, outputs] if `pools` is false."""

    def __init__(self, folder, outputs, pools=True):
        super().__init__()
        self.embeddings = nn.ModuleDict({
            "word_embeddings": nn.Embedding(VOCABULARY, WIDTH), "position_embeddings": nn.Embedding(POSITIONS, WIDTH),
            "token_type_embeddings": nn.Embedding(SEGMENTS, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))})
        missing, _ = self.load_state_dict(weights(os.path.join(folder, "model.safetensors")), strict=False)
        assert not missing, missing
        self.classifier = nn.Linear(WIDTH, outputs)
        self.pools = pools

    def features(self, tokens, mask):
        e = self.embeddings
        x = e["word_embeddings"](tokens) + e["position_embeddings"].weight[:tokens.shape[1]] + e["token_type_embeddings"].weight[0]
        x = nn.functional.dropout(e["LayerNorm"](x), DROPOUT, self.training)
        added = (1 - mask)[:, None, None] * torch.finfo(torch.float32).min
        for layer in self.encoder["layer"]:
            x = layer(x, added)
        return (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True) if self.pools else x

    def forward(self, tokens, mask):
        return self.classifier(nn.functional.dropout(self.features(tokens, mask), DROPOUT, self.training))


def tokenizer(folder):
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        return Tokenizer(file.read().splitlines())


def encode(tokenizer, text, longest):
    return [tokenizer.ids["[CLS]"], *[piece[0] for piece in tokenizer.encode(text)][:longest - 2], tokenizer.ids["[SEP]"]]


def pad(rows, length=None, value=0):
    """Lists of numbers to [N, T] and their mask [N, T], of the longest list or of the length given."""
    length = length or max(map(len, rows))
    tokens = torch.tensor([row + [value] * (length - len(row)) for row in rows])
    return tokens, torch.tensor([[1.0] * len(row) + [0.0] * (length - len(row)) for row in rows])
