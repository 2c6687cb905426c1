"""Small files of torch.save in all its forms, and the tensors that PyTorch reads from them: Fixtures/weight-files/*.pth and weight-files.json."""
import argparse
import collections
import datetime
import os
import pathlib
import pickle
import struct

import numpy
import torch

import fixture

FOLDER = os.path.join(fixture.FOLDER, "weight-files")
TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]


def numbers(*shape):
    """Distinct numbers that every type but bool holds exactly."""
    count = int(numpy.prod(shape))
    return (torch.arange(count, dtype=torch.float32) - 3).mul(0.5).reshape(shape)


def layer():
    return collections.OrderedDict([("conv.weight", numbers(2, 1, 3, 3)), ("bn.weight", numbers(2) + 7), ("bn.num_batches_tracked", torch.tensor(5))])


def views():
    """Everything that a tensor can be but a plain row-major array of its own."""
    whole = numbers(4, 6)
    parameter = torch.nn.Parameter(numbers(3))
    tagged = numbers(2)
    tagged.note = "an attribute"  # saved through _rebuild_from_type_v2
    result = collections.OrderedDict(
        whole=whole, transposed=whole.t(), column=whole[:, 2], block=whole[1:3, 2:5], every_second=whole[::2, ::3], permuted=numbers(2, 3, 4).permute(2, 0, 1),
        channels_last=numbers(1, 3, 2, 2).contiguous(memory_format=torch.channels_last), expanded=numbers(1, 3).expand(4, 3), scalar=torch.tensor(2.5),
        scalar_of_view=whole[2, 3], empty=torch.empty(0), empty_columns=torch.empty(3, 0), parameter=parameter, tagged=tagged)
    for t in TYPES:
        result[str(t)] = numbers(5).abs().mul(2).to(t)
    return result


def checkpoint():
    """As saved by training programs: the weights among other objects."""
    wrapped = collections.OrderedDict(("module." + name, tensor) for name, tensor in layer().items())
    trained = torch.nn.Parameter(numbers(3))
    optimizer = torch.optim.Adam([trained])
    trained.sum().backward()
    optimizer.step()
    return dict(
        epoch=3, arch="small", best_prec1=numpy.float64(91.5), history=numpy.arange(3), size=torch.Size([2, 3]), device=torch.device("cpu"), dtype=torch.float16,
        args=argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("a/b")), when=datetime.datetime(2020, 1, 2), optimizer=optimizer.state_dict(), state_dict=wrapped)


def python2(path):
    """The old form as Python 2 wrote it: byte strings, an OrderedDict made of a list of pairs, _rebuild_tensor, a storage on a GPU."""
    def text(s):
        return b"U" + bytes([len(s)]) + s.encode()

    def tensor(key, count, shape, stride):
        return (b"ctorch._utils\n_rebuild_tensor\n((" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cuda:0") + b"K" + bytes([count]) + b"NtQK\0("
                + b"".join(b"K" + bytes([n]) for n in shape) + b"t(" + b"".join(b"K" + bytes([n]) for n in stride) + b"ttR")

    pairs = b"](](" + text("bn.weight") + tensor("10", 2, [2], [1]) + b"e](" + text("conv.weight") + tensor("9", 18, [2, 1, 3, 3], [9, 9, 3, 1]) + b"ee"
    with open(path, "wb") as file:
        for value in (0x1950a86a20f9469cfc6c, 1001, dict(protocol_version=1001, little_endian=True, type_sizes=dict(short=2, int=4, long=4))):
            pickle.dump(value, file, protocol=2)
        file.write(b"\x80\x02ccollections\nOrderedDict\n" + pairs + b"\x85R.")
        file.write(b"\x80\x02](" + text("10") + text("9") + b"e.")
        for values in (layer()["bn.weight"], layer()["conv.weight"]):
            file.write(struct.pack("<q", values.numel()) + values.numpy().tobytes())


def describe(state):
    return {name: dict(type=str(t.dtype)[6:], shape=list(t.shape), values=[float(v) for v in t.detach().double().flatten()]) for name, t in state.items()}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    expected = {}

    def save(name, content, **options):
        path = os.path.join(FOLDER, name)
        torch.save(content, path, **options)
        loaded = torch.load(path)
        expected[name] = describe(loaded["state_dict"] if "state_dict" in loaded else loaded)

    legacy = dict(_use_new_zipfile_serialization=False)
    save("plain.pth", layer())
    save("plain-legacy.pth", layer(), **legacy)
    save("views.pth", views())
    save("views-legacy.pth", views(), **legacy)
    save("checkpoint.pth", checkpoint())
    save("checkpoint-legacy.pth", checkpoint(), **legacy)
    for protocol in (3, 4, 5):
        save(f"protocol{protocol}.pth", checkpoint(), pickle_protocol=protocol)
    save("protocol4-legacy.pth", checkpoint(), pickle_protocol=4, **legacy)

    path = os.path.join(FOLDER, "python2-legacy.pth")
    python2(path)
    expected["python2-legacy.pth"] = describe(torch.load(path, map_location="cpu"))

    torch.save(torch.nn.Linear(2, 1, bias=False), os.path.join(FOLDER, "whole-module.pth"))
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1, bias=False)), os.path.join(FOLDER, "script.pt"))
    fixture.write("weight-files.json", expected)


if __name__ == "__main__":
    main()
