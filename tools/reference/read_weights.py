"""Prints what PyTorch, or an independent reader of safetensors, finds in a file of weights, as JSON.

    python3 tools/reference/read_weights.py weights.pth | weights.safetensors
"""
import json
import struct
import sys

import numpy
import torch


def safetensors(path):
    """The format in fifteen lines (https://github.com/huggingface/safetensors, "Format")."""
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    state = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end], dict(F32="<f4", F64="<f8", I64="<i8")[entry["dtype"]])
        state[name] = torch.from_numpy(values.copy()).reshape(entry["shape"])
    return state, metadata


def main():
    path = sys.argv[1]
    if path.endswith(".safetensors"):
        state, metadata = safetensors(path)
    else:
        state = torch.load(path)
        metadata = getattr(state, "_mlnetfinetune", {})
        torch.load(path, weights_only=True)  # PyTorch's own restricted reader accepts it as well
    tensors = {name: dict(shape=list(t.shape), values=t.double().flatten().tolist()) for name, t in state.items()}
    print(json.dumps(dict(tensors=tensors, metadata=metadata)))


if __name__ == "__main__":
    main()
