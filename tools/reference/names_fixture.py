"""Writes torchvision-names.txt.gz: the tensors of torchvision's networks. A line `= network parameters`, then `name sizes` for each of its tensors;
sizes of 1 are left out, since other libraries add or drop them."""
import gzip
import os

import torchvision

from fixture import FOLDER

NETWORKS = ["mobilenet_v3_small", "mobilenet_v3_large"] + [f"efficientnet_b{n}" for n in range(5)] + [
    "convnext_tiny", "convnext_small", "convnext_base", "vit_b_16"]


def main():
    lines = []
    for name in NETWORKS:
        network = getattr(torchvision.models, name)()
        lines.append(f"= {name} {sum(p.numel() for p in network.parameters())}")
        lines += [f"{n} {'x'.join(str(s) for s in t.shape if s != 1)}" for n, t in network.state_dict().items() if not n.endswith("num_batches_tracked")]
    path = os.path.join(FOLDER, "torchvision-names.txt.gz")
    with open(path, "wb") as file:
        file.write(gzip.compress("\n".join(lines).encode(), mtime=0))
    print(f"torchvision-names.txt.gz: {os.path.getsize(path):,} bytes")


if __name__ == "__main__":
    main()
