"""PyTorch's side of the fine-tuning comparison; prints one JSON line per epoch and one for the run.

    python3 benchmarks/pytorch/finetune.py --mode head --train DIR --test DIR --network mobilenetv2_100 [--weights DIR] [--seed 1] [--epochs 5]

head         backbone frozen and in eval mode; RandomResizedCrop + flip; head learning rate 1e-3
full         everything trains, BatchNorm too; head 1e-3, rest 2e-4
head-cached  backbone run once over train and test (resize 256, centre crop 224, no augmentation), then the head alone on the cached features

All: AdamW, weight decay 0.01, batch 16, cosine to zero over all steps, test accuracy after each epoch; one process decodes, as PyTorch does by default.
`train_s` is training alone (decoding of the training photos included), `total_s` everything from the first photo to the last accuracy; `peak_mib` is the
process's largest resident memory.
"""
import argparse
import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

REPOSITORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(REPOSITORY, "tools", "reference"))
import networks

SHARED = os.environ.get("MLNETFINETUNE_DATA", os.path.join(REPOSITORY, "..", "shared"))
BATCH = 16


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["head", "full", "head-cached"], default="head")
    parser.add_argument("--network", choices=["mobilenetv2_100", "mobilenetv1_025", "squeezenet1_1"], default="mobilenetv2_100")
    parser.add_argument("--train", default=os.path.join(SHARED, "data", "ants-bees", "train"), help="one folder per class")
    parser.add_argument("--test", default=os.path.join(SHARED, "data", "ants-bees", "val"), help="one folder per class")
    parser.add_argument("--weights", default=os.path.join(SHARED, "weights"), help="folder of the .safetensors files")
    parser.add_argument("--from-scratch", action="store_true", help="random weights")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, help="torch's own default unless given")
    return parser.parse_args()


def build(options, classes):
    """The network, its backbone's parameters and its head."""
    network = networks.pretrained(options.network, options.weights, options.from_scratch)
    if options.network == "squeezenet1_1":
        head = network.classifier[1] = nn.Conv2d(512, classes, 1)
    else:
        head = network.classifier = nn.Linear(network.classifier.in_features, classes)
    own = {id(p) for p in head.parameters()}
    return network, [p for p in network.parameters() if id(p) not in own], head


def views(network_name):
    mean, std = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) if network_name == "squeezenet1_1" else ((0.5,) * 3, (0.5,) * 3)
    tensor = [transforms.ToTensor(), transforms.Normalize(mean, std)]
    return (transforms.Compose([transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()] + tensor),
            transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)] + tensor))


def optimizer_and_schedule(groups, steps):
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


def accuracy(predict, batches):
    right = count = 0
    with torch.inference_mode():
        for x, y in batches:
            right += (predict(x).argmax(1) == y).sum().item()
            count += len(y)
    return right / count


def fine_tune(options, begin):
    crop, centre = views(options.network)
    train, test = datasets.ImageFolder(options.train, crop), datasets.ImageFolder(options.test, centre)
    network, backbone, head = build(options, len(train.classes))
    groups = [dict(params=list(head.parameters()), lr=1e-3)]
    if options.mode == "full":
        groups.append(dict(params=backbone, lr=2e-4))
    for p in backbone:
        p.requires_grad = options.mode == "full"
    batches, tests = DataLoader(train, BATCH, shuffle=True), DataLoader(test, 32)
    optimizer, schedule = optimizer_and_schedule(groups, options.epochs * len(batches))

    accuracies, train_seconds = [], 0.0
    for epoch in range(options.epochs):
        network.train(options.mode == "full")
        start = time.perf_counter()
        for x, y in batches:
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(network(x), y).backward()
            optimizer.step()
            schedule.step()
        train_seconds += time.perf_counter() - start
        network.eval()
        accuracies.append(accuracy(network, tests))
        report_epoch(epoch, accuracies, begin)
    return accuracies, train_seconds, options.epochs * len(train) / train_seconds, sum(p.numel() for p in network.parameters() if p.requires_grad)


def fine_tune_cached(options, begin):
    _, centre = views(options.network)
    train, test = datasets.ImageFolder(options.train, centre), datasets.ImageFolder(options.test, centre)
    network, _, head = build(options, len(train.classes))
    if options.network == "squeezenet1_1":
        raise SystemExit("head-cached needs a linear head on pooled features")
    network.eval()
    start = time.perf_counter()
    (train_x, train_y), (test_x, test_y) = (features(network, d) for d in (train, test))
    steps = options.epochs * -(-len(train_x) // BATCH)
    optimizer, schedule = optimizer_and_schedule([dict(params=list(head.parameters()), lr=1e-3)], steps)

    accuracies = []
    for epoch in range(options.epochs):
        for rows in torch.randperm(len(train_x)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(head(train_x[rows]), train_y[rows]).backward()
            optimizer.step()
            schedule.step()
        accuracies.append(accuracy(head, [(test_x, test_y)]))
        report_epoch(epoch, accuracies, begin)
    train_seconds = time.perf_counter() - start
    return accuracies, train_seconds, options.epochs * len(train) / train_seconds, sum(p.numel() for p in head.parameters())


def features(network, dataset):
    with torch.no_grad():
        parts = [(network.pooled(x), y) for x, y in DataLoader(dataset, 32)]
    return [torch.cat(p) for p in zip(*parts)]


def report_epoch(epoch, accuracies, begin):
    print(json.dumps(dict(epoch=epoch + 1, accuracy=round(accuracies[-1], 4), seconds=round(time.perf_counter() - begin, 1))), flush=True)


def main():
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    begin = time.perf_counter()
    run = fine_tune_cached if options.mode == "head-cached" else fine_tune
    accuracies, train_seconds, rate, trained = run(options, begin)
    print(json.dumps(dict(
        network=options.network, mode=options.mode, seed=options.seed, threads=torch.get_num_threads(), torch=torch.__version__,
        accuracies=[round(a, 4) for a in accuracies], train_s=round(train_seconds, 1), train_images_per_s=round(rate, 1),
        total_s=round(time.perf_counter() - begin, 1), trained_parameters=trained,
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))))


if __name__ == "__main__":
    main()
