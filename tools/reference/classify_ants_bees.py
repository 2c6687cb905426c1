"""Top-1 and top-5 of the pretrained networks, as they are, on ants-bees: ImageNet classes 310 (ant) and 309 (bee).

    python3 tools/reference/classify_ants_bees.py [network ...]
"""
import glob
import os
import sys

import torch
from PIL import Image
from torchvision import transforms

import networks

DATA = os.environ.get("MLNETFINETUNE_DATA", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared"))
TRUTH = {"ants": 310, "bees": 309}
MEAN_STD = {"squeezenet1_1": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))}


def photos(folder):
    return [p for p in sorted(glob.glob(os.path.join(folder, "*"))) if not p.lower().endswith(".gif")]  # one GIF is a placeholder, not a photo


def accuracy(network, prepare, paths, truth):
    hits = torch.zeros(2)
    for start in range(0, len(paths), 32):
        batch = torch.stack([prepare(Image.open(p).convert("RGB")) for p in paths[start:start + 32]])
        right = network(batch).topk(5).indices == truth
        hits += torch.tensor([right[:, 0].sum(), right.any(1).sum()])
    return (hits / len(paths)).tolist()


@torch.inference_mode()
def main():
    for name in sys.argv[1:] or ["mobilenetv2_100", "mobilenetv1_025", "squeezenet1_1"]:
        network = networks.pretrained(name, os.path.join(DATA, "weights")).eval()
        prepare = transforms.Compose([
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224), transforms.ToTensor(),
            transforms.Normalize(*MEAN_STD.get(name, ((0.5,) * 3, (0.5,) * 3)))])
        for part in ("val", "train"):
            for kind, truth in TRUTH.items():
                paths = photos(os.path.join(DATA, "data", "ants-bees", part, kind))
                print(f"{name} {part}/{kind} ({len(paths)}): top-1 %.3f, top-5 %.3f" % tuple(accuracy(network, prepare, paths, truth)), flush=True)


if __name__ == "__main__":
    main()
