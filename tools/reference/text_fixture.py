"""Small text encoders with formula weights under transformers' names, computed by PyTorch's own nn.TransformerEncoderLayer in doubles:
hidden vectors of each stage, pooled features, and gradients. Writes text_networks.json."""
import math

import torch
from torch import nn

import fixture
import formula

VOCABULARY, WIDTH, LAYERS, HEADS, INNER, POSITIONS = 40, 12, 2, 3, 20, 16
NAMES = {
    "bert": ("encoder.layer.", "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
             "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"),
    "distilbert": ("transformer.layer.", "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm",
                   "ffn.lin1", "ffn.lin2", "output_layer_norm"),
}
NAMES["roberta"] = NAMES["bert"]
NAMES["mpnet"] = ("encoder.layer.", "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm",
                  "intermediate.dense", "output.dense", "output.LayerNorm")
EPSILON = {"bert": 1e-12, "distilbert": 1e-12, "roberta": 1e-5, "mpnet": 1e-5}
SEGMENTS = {"bert": 2, "distilbert": 0, "roberta": 1, "mpnet": 0}
FIRST = {"bert": 0, "distilbert": 0, "roberta": 2, "mpnet": 2}

# Two texts, the second shorter: padding is 0; of the first, tokens 4 to 6 are the second text of a pair.
TOKENS = [[3, 17, 8, 4, 30, 22, 4], [3, 9, 39, 4, 0, 0, 0]]
SEGMENT_IDS = [[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0]]
LENGTHS = [7, 4]
DISTANCE = 150


def bucket(distances):
    """MPNet's buckets of distances, a tensor: T5's (Raffel et al. 2020), 32 for both directions, exact below 8, the last from 128 on."""
    far = distances.abs()
    step = (far.float().clamp(min=1) / 8).log() / math.log(16) * 8
    return torch.where(far < 8, far, (8 + step.long()).clamp(max=15)) + 16 * (distances > 0)


class Encoder:
    """Parameters by transformers' names; they require gradients."""

    def __init__(self, kind):
        self.kind, self.parameters = kind, {}

    def get(self, name, *shape):
        if name not in self.parameters:
            self.parameters[name] = formula.tensor(name, shape).double().requires_grad_()
        return self.parameters[name]

    def norm(self, name, x):
        return nn.functional.layer_norm(x, [WIDTH], self.get(name + ".weight", WIDTH), self.get(name + ".bias", WIDTH), EPSILON[self.kind])

    def embed(self, tokens, segments):
        words = self.get("embeddings.word_embeddings.weight", VOCABULARY, WIDTH)
        positions = self.get("embeddings.position_embeddings.weight", POSITIONS, WIDTH)
        x = nn.functional.embedding(tokens, words) + positions[FIRST[self.kind]:FIRST[self.kind] + tokens.shape[1]]
        if SEGMENTS[self.kind]:
            table = self.get("embeddings.token_type_embeddings.weight", SEGMENTS[self.kind], WIDTH)
            x = x + nn.functional.embedding(segments if SEGMENTS[self.kind] > 1 else torch.zeros_like(segments), table)
        return self.norm("embeddings.LayerNorm", x)

    def distances(self, length):
        """[heads, T, T]: what MPNet adds to the scores of all layers; None for the others."""
        if self.kind != "mpnet":
            return None
        places = torch.arange(length)
        table = self.get("encoder.relative_attention_bias.weight", 32, HEADS)
        return table[bucket(places.unsqueeze(0) - places.unsqueeze(1))].permute(2, 0, 1)

    def layer(self, index, x, padding):
        first, query, key, value, output, attention_norm, inner, outer, norm = NAMES[self.kind]
        names = [first + str(index) + "." + part for part in (query, key, value, output, attention_norm, inner, outer, norm)]
        query, key, value, output, attention_norm, inner, outer, norm = names
        square, biases = (WIDTH, WIDTH), [n + ".bias" for n in names]
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, dropout=0, activation="gelu", layer_norm_eps=EPSILON[self.kind],
                                           batch_first=True, norm_first=False).double()
        state = {
            "self_attn.in_proj_weight": torch.cat([self.get(n + ".weight", *square) for n in (query, key, value)]),
            "self_attn.in_proj_bias": torch.cat([self.get(n + ".bias", WIDTH) for n in (query, key, value)]),
            "self_attn.out_proj.weight": self.get(output + ".weight", *square), "self_attn.out_proj.bias": self.get(output + ".bias", WIDTH),
            "norm1.weight": self.get(attention_norm + ".weight", WIDTH), "norm1.bias": self.get(attention_norm + ".bias", WIDTH),
            "linear1.weight": self.get(inner + ".weight", INNER, WIDTH), "linear1.bias": self.get(inner + ".bias", INNER),
            "linear2.weight": self.get(outer + ".weight", WIDTH, INNER), "linear2.bias": self.get(outer + ".bias", WIDTH),
            "norm2.weight": self.get(norm + ".weight", WIDTH), "norm2.bias": self.get(norm + ".bias", WIDTH),
        }
        added = self.distances(x.shape[1])
        return torch.nn.utils.stateless.functional_call(layer, state, (x,), {
            "src_mask": None if added is None else added.repeat(x.shape[0], 1, 1), "src_key_padding_mask": padding})

    def pool(self, how, hidden, padding):
        if how == "Mean":
            used = (~padding).double().unsqueeze(2)
            return (hidden * used).sum(1) / used.sum(1)
        if how == "ClassToken":
            return hidden[:, 0]
        return torch.tanh(nn.functional.linear(hidden[:, 0], self.get("pooler.dense.weight", WIDTH, WIDTH), self.get("pooler.dense.bias", WIDTH)))


def case(kind, pooling):
    encoder = Encoder(kind)
    tokens, segments = torch.tensor(TOKENS), torch.tensor(SEGMENT_IDS)
    padding = torch.arange(tokens.shape[1]).unsqueeze(0) >= torch.tensor(LENGTHS).unsqueeze(1)
    hidden = [encoder.embed(tokens, segments)]
    for index in range(LAYERS):
        hidden.append(encoder.layer(index, hidden[-1], padding))
    features = encoder.pool(pooling, hidden[-1], padding)
    target = formula.tensor("target", tuple(features.shape)).double()
    (features * target).sum().backward()
    return {
        "kind": kind, "pooling": pooling, "epsilon": EPSILON[kind], "segments": SEGMENTS[kind], "firstPosition": FIRST[kind],
        # only of tokens that are not padding
        "hidden": [[fixture.numbers(h[row, :length].flatten(), 12) for row, length in enumerate(LENGTHS)] for h in hidden],
        "features": fixture.numbers(features, 12),
        "gradients": {name: fixture.numbers(p.grad.flatten()[:8].tolist() + [p.grad.abs().sum().item()], 12)
                      for name, p in sorted(encoder.parameters.items())},
    }


def main():
    fixture.write("text_networks.json", {
        "vocabulary": VOCABULARY, "width": WIDTH, "layers": LAYERS, "heads": HEADS, "inner": INNER, "positions": POSITIONS,
        "tokens": TOKENS, "segmentIds": SEGMENT_IDS, "lengths": LENGTHS,
        "cases": [case("bert", "Mean"), case("bert", "ClassToken"), case("bert", "Pooler"), case("roberta", "Mean"), case("distilbert", "Mean"),
                  case("mpnet", "Mean")],
        "bucketsOfDistances": [int(bucket(torch.tensor(distance))) for distance in range(-DISTANCE, DISTANCE + 1)],
    })


if __name__ == "__main__":
    main()
