"""PyTorch's predictions for CIFAR-10 test photos with the published networks: Fixtures/cifar.json, the class of the first hundred photos of each kind.

    python3 tools/reference/cifar_fixture.py [--all]      with --all the accuracy on all 10,000 photos is printed as well
"""
import glob
import os
import sys

import torch
from PIL import Image
from torchvision import transforms

import fixture
import networks
from classify_ants_bees import DATA

FILES = {20: "resnet20-12fca82f.th", 56: "resnet56-4bfd9763.th"}
PREPARE = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])


def network(depth):
    result = networks.CifarResNet(10, depth=depth)
    state = torch.load(os.path.join(DATA, "weights", FILES[depth]), map_location="cpu")["state_dict"]
    result.load_state_dict({name[len("module."):]: tensor for name, tensor in state.items()})
    return result.eval()


def classes(model, paths):
    return torch.cat([model(torch.stack([PREPARE(Image.open(p).convert("RGB")) for p in paths[i:i + 100]])).argmax(1) for i in range(0, len(paths), 100)]).tolist()


@torch.inference_mode()
def main():
    if not os.path.isdir(DATA):
        print("cifar.json: left as it is, there are no photos")
        return
    kinds = sorted(glob.glob(os.path.join(DATA, "data", "cifar10", "test", "*")))
    content = dict(kinds=[os.path.basename(k) for k in kinds])
    for depth in FILES:
        model = network(depth)
        content[f"resnet{depth}"] = ["".join(map(str, classes(model, sorted(glob.glob(os.path.join(k, "*")))[:100]))) for k in kinds]
        if "--all" in sys.argv:
            hits = [sum(c == i for c in classes(model, sorted(glob.glob(os.path.join(k, "*"))))) for i, k in enumerate(kinds)]
            print(f"resnet{depth}: {sum(hits) / 10000:.4f}")
    fixture.write("cifar.json", content)


if __name__ == "__main__":
    main()
