"""Checkpoints as training programs leave them, with tensors beside the weights: Fixtures/checkpoints/*.pth, and in checkpoints.json the weights that timm's and torchvision's
references would load from each (timm/models/_helpers.py, load_state_dict: the known names first, the average before all), and under which names they lie."""
import collections
import os

import torch

import fixture
from weight_file_fixtures import describe, layer

FOLDER = os.path.join(fixture.FOLDER, "checkpoints")


def weights(shift=0.0):
    return collections.OrderedDict((name, tensor + shift if tensor.is_floating_point() else tensor) for name, tensor in layer().items())


def checkpoints():
    plain, average = weights(), weights(100.0)
    wrapped = collections.OrderedDict(("module." + name, tensor) for name, tensor in plain.items())
    trained = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([trained])
    trained.sum().backward()
    optimizer.step()
    optimizer = optimizer.state_dict()
    torch.manual_seed(1)
    means = dict(mean=torch.tensor([.5, .5, .5]), std=torch.tensor([.25, .25, .25]))

    yield "imagenet-example-number", dict(epoch=3, arch="resnet18", state_dict=wrapped, best_acc1=71.0, optimizer=optimizer), "state_dict", wrapped
    yield "imagenet-example-tensor", dict(epoch=3, arch="resnet18", state_dict=wrapped, best_acc1=torch.tensor(71.), optimizer=optimizer), "state_dict", wrapped
    yield "tutorial-loss", dict(epoch=3, model_state_dict=plain, optimizer_state_dict=optimizer, loss=torch.tensor(.4)), "model_state_dict", plain
    yield "rng-state", dict(model=plain, rng_state=torch.get_rng_state()[:64].clone()), "model", plain
    yield "class-weights", dict(state_dict=plain, class_weights=torch.ones(3), classes=["a", "b", "c"]), "state_dict", plain
    yield "best_prec1-of-one-element", dict(epoch=3, state_dict=wrapped, best_prec1=torch.tensor([71.])), "state_dict", wrapped
    yield "mean-std", dict(net=plain, **means), "net", plain
    yield "temperature", dict(model=plain, temperature=torch.nn.Parameter(torch.ones(1))), "model", plain
    # Its kind: unknown names, averages, dictionaries of other tensors, dictionaries in dictionaries.
    yield "unknown-name", dict(resnet=plain, loss=torch.tensor(.4), confusion=torch.eye(2)), "resnet", plain
    yield "average-first", dict(state_dict=plain, state_dict_ema=average, best_acc1=torch.tensor(71.)), "state_dict_ema", average
    yield "no-average", dict(state_dict=plain, state_dict_ema=None, model_ema=None, best_acc1=torch.tensor(71.)), "state_dict", plain
    yield "statistics-beside", dict(classifier=plain, statistics=means, step=torch.tensor(7)), "classifier", plain
    yield "hyperparameters-of-tensors", dict(params=dict(lr=torch.tensor(.1), decay=torch.tensor(.01)), resnet=plain), "resnet", plain
    yield "deep", dict(loss=torch.tensor(.4), trainer=dict(step=torch.tensor(7), model=dict(state_dict=plain))), "trainer / model / state_dict", plain
    yield "many-in-optimizer", dict(resnet=plain, loss=torch.tensor(.4), optimizer={f"exp_avg{i}": torch.ones(1, 1) for i in range(9)}), "resnet", plain
    yield "plain-with-dictionary", dict(plain, extra=dict(loss=torch.tensor(.4))), "", plain


def main():
    os.makedirs(FOLDER, exist_ok=True)
    expected = {}
    for name, content, path, state in checkpoints():
        torch.save(content, os.path.join(FOLDER, name + ".pth"))
        expected[name] = dict(path=path, tensors=describe(state))
        if name == "imagenet-example-tensor":
            torch.save(content, os.path.join(FOLDER, name + "-legacy.pth"), _use_new_zipfile_serialization=False)
            expected[name + "-legacy"] = expected[name]
    fixture.write("checkpoints.json", expected)


if __name__ == "__main__":
    main()
