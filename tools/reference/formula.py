"""Weights and images that need no file: this module and a few lines of C# compute the same numbers.

A tensor has a state-dict name `name`, a shape and a flat (row-major) index i = 0, 1, 2, ...; everything is computed in doubles, then cast to float32.

    ones at the end of a shape do not count: [C, 1, 1] is a vector
    phase = (fnv1a32(utf8(name)) % 1000) / 1000.0 * 2 * pi       FNV-1a, 32 bits: offset basis 2166136261, prime 16777619
    v(i)  = sin(phase + 0.7391 * i + 2.1 * (i % 13) * (i % 31))        the product of two remainders keeps weight matrices of full rank

    two or more dimensions (convolution, linear)    v * 1.4 * sqrt(2 / fan_in)      fan_in = product of dims 1 and up
    name ends in running_mean                       0.1 * v
    name ends in running_var                        1 + 0.4 * v
    name ends in num_batches_tracked                0
    name ends in bias                               0.1 * v
    other (the weight of a BatchNorm)               1 + 0.1 * v

An image batch x[n, c, h, w] with flat index i and an offset (0 unless told):  x(i) = sin(0.37 * j + 0.05 * (j % 29)),  j = i + offset
"""
import numpy as np
import torch

GAIN = 1.4


def fnv1a32(text):
    hash = 2166136261
    for byte in text.encode("utf-8"):
        hash = ((hash ^ byte) * 16777619) & 0xFFFFFFFF
    return hash


def wave(name, count):
    phase = (fnv1a32(name) % 1000) / 1000.0 * 2 * np.pi
    i = np.arange(count)
    return np.sin(phase + 0.7391 * i + 2.1 * (i % 13) * (i % 31))


def tensor(name, shape):
    full, shape = shape, tuple(shape)
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    v = wave(name, int(np.prod(shape)))
    if len(shape) >= 2:
        v = v * GAIN * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith("running_mean") or name.endswith("bias"):
        v = 0.1 * v
    elif name.endswith("running_var"):
        v = 1 + 0.4 * v
    else:
        v = 1 + 0.1 * v
    return torch.from_numpy(v.astype(np.float32)).reshape(tuple(full))


def fill(network):
    """Sets every parameter and buffer of the network to its formula value."""
    network.load_state_dict({
        name: torch.zeros_like(t) if name.endswith("num_batches_tracked") else tensor(name, t.shape)
        for name, t in network.state_dict().items()})
    return network


def images(n, height, width, offset=0):
    j = np.arange(n * 3 * height * width) + offset
    return torch.from_numpy(np.sin(0.37 * j + 0.05 * (j % 29)).astype(np.float32)).reshape(n, 3, height, width)
