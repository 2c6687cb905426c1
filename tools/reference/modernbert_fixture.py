"""A small ModernBERT (Warner et al. 2024, arXiv:2412.13663) with formula weights under transformers' names, in doubles: hidden vectors of
each stage, pooled features, and gradients. Writes modernbert.json.

Written for comparison, not for speed, and in another form than the library: each text is computed alone, so that there is no padding; each
query has a softmax over the keys that it sees, so that there is no mask; and rotary positions (Su et al. 2021, arXiv:2104.09864) are products
of complex numbers, whose real parts are the first half of a head's vector and whose imaginary parts are the second."""
import torch
from torch import nn

import fixture
import formula

VOCABULARY, WIDTH, LAYERS, HEADS, INNER, POSITIONS = 40, 16, 4, 2, 20, 24
EVERY, WINDOW, GLOBAL_THETA, LOCAL_THETA, EPSILON = 3, 6, 160_000.0, 10_000.0, 1e-5

# Tokens at distances above half the window, in both texts; the padding of the second text, of 0, is also farther than that from its tokens.
TOKENS = [[3, 17, 8, 4, 30, 22, 9, 39, 11, 25, 6, 33, 4], [3, 9, 39, 28, 14, 4, 0, 0, 0, 0, 0, 0, 0]]
LENGTHS = [13, 6]


class Encoder:
    """Parameters by transformers' names; they require gradients."""

    def __init__(self):
        self.parameters = {}

    def get(self, name, *shape):
        if name not in self.parameters:
            self.parameters[name] = formula.tensor(name, shape).double().requires_grad_()
        return self.parameters[name]

    def norm(self, name, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + EPSILON).sqrt() * self.get(name + ".weight", WIDTH)

    def turned(self, x, theta):
        """[T, heads, d], rotated by position."""
        half = x.shape[-1] // 2
        angles = torch.arange(x.shape[0]).double().unsqueeze(1) * theta ** (-torch.arange(half).double() / half)
        numbers = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angles), angles).unsqueeze(1)
        return torch.cat([numbers.real, numbers.imag], -1)

    def attend(self, name, x, is_local):
        length, width = x.shape[0], WIDTH // HEADS
        query, key, value = (part.view(length, HEADS, width) for part in
                             (x @ self.get(name + ".Wqkv.weight", 3 * WIDTH, WIDTH).t()).split(WIDTH, dim=1))
        theta = LOCAL_THETA if is_local else GLOBAL_THETA
        query, key = self.turned(query, theta), self.turned(key, theta)
        mixed = []
        for token in range(length):
            seen = [other for other in range(length) if not is_local or abs(other - token) <= WINDOW // 2]
            scores = (query[token].unsqueeze(0) * key[seen]).sum(-1) / width ** 0.5  # [seen, heads]
            mixed.append((scores.softmax(0).unsqueeze(-1) * value[seen]).sum(0).flatten())
        return torch.stack(mixed) @ self.get(name + ".Wo.weight", WIDTH, WIDTH).t()

    def layer(self, index, x):
        name = f"layers.{index}."
        x = x + self.attend(name + "attn", self.norm(name + "attn_norm", x) if index else x, is_local=index % EVERY != 0)
        inner, gate = (self.norm(name + "mlp_norm", x) @ self.get(name + "mlp.Wi.weight", 2 * INNER, WIDTH).t()).split(INNER, dim=1)
        return x + (nn.functional.gelu(inner) * gate) @ self.get(name + "mlp.Wo.weight", WIDTH, INNER).t()

    def hidden(self, tokens):
        """The vectors of one text after each stage: [T, C]. The last layer's are normalised once more."""
        stages = [self.norm("embeddings.norm", self.get("embeddings.tok_embeddings.weight", VOCABULARY, WIDTH)[tokens])]
        for index in range(LAYERS):
            stages.append(self.layer(index, stages[-1]))
        stages[-1] = self.norm("final_norm", stages[-1])
        return stages


def texts_of(encoder):
    return [encoder.hidden(torch.tensor(tokens[:length])) for tokens, length in zip(TOKENS, LENGTHS)]


def case(pooling):
    encoder = Encoder()
    texts = texts_of(encoder)
    features = torch.stack([stages[-1].mean(0) if pooling == "Mean" else stages[-1][0] for stages in texts])
    (features * formula.tensor("target", tuple(features.shape)).double()).sum().backward()
    return {
        "pooling": pooling,
        "features": fixture.numbers(features, 12),
        "gradients": {name: fixture.numbers(p.grad.flatten()[:8].tolist() + [p.grad.abs().sum().item()], 12)
                      for name, p in sorted(encoder.parameters.items())},
    }


def main():
    fixture.write("modernbert.json", {
        "config": {
            "model_type": "modernbert", "vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "intermediate_size": INNER, "max_position_embeddings": POSITIONS,
            "global_attn_every_n_layers": EVERY, "local_attention": WINDOW, "global_rope_theta": GLOBAL_THETA,
            "local_rope_theta": LOCAL_THETA, "norm_eps": EPSILON, "hidden_activation": "gelu",
        },
        "tokens": TOKENS, "lengths": LENGTHS,
        "hidden": [[fixture.numbers(vectors.flatten(), 12) for vectors in stage] for stage in zip(*texts_of(Encoder()))],
        "cases": [case("Mean"), case("ClassToken")],
    })


if __name__ == "__main__":
    main()
