"""What each of the four attention systems is worth: one small network, each taken out in turn.

Every variant trains as denoiser on the same number of pixels from the same crops for each seed. A
block that goes is replaced by the plain pair of convolutions (about the same MACs); dynamic-range
convolution goes with the sorting in front of the histogram block. Writes one JSON file; a variant
and seed that is in it already is not trained again.
"""

import argparse
import json
import os
import subprocess
import sys

import torch

from model import RestorationNet

HERE = os.path.dirname(os.path.abspath(__file__))
FULL = {
    "channels": [32, 48, 64, 96],
    "encoder": [["pair"], ["pair"], ["se_cbam"]],
    "middle": ["se_cbam", "histogram", "agent"],
    "decoder": [["pair"], ["pair"], ["pair"]],
}


def without(kind):
    """FULL with the blocks of a kind replaced by pairs."""

    def replaced(kinds):
        return ["pair" if k == kind else k for k in kinds]

    return dict(
        FULL,
        encoder=[replaced(stage) for stage in FULL["encoder"]],
        middle=replaced(FULL["middle"]),
        decoder=[replaced(stage) for stage in FULL["decoder"]],
    )


VARIANTS = {
    "all four": FULL,
    "no SE+CBAM": without("se_cbam"),
    "no agent attention": without("agent"),
    "no histogram attention": without("histogram"),
    "no dynamic-range convolution": dict(FULL, dynamic_range=False),
    "none": dict(
        FULL, encoder=[["pair"], ["pair"], ["pair"]], middle=["pair", "pair", "pair"]
    ),
}


def macs_per_pixel(config):
    """Multiplications of convolutions, linear layers and matrix products for a pixel."""
    model = RestorationNet(config).eval()
    side, total = model.config["window"], 0

    def count(module, inputs, output):
        nonlocal total
        if isinstance(module, torch.nn.Conv2d):
            total += module.weight[0].numel() * output.numel()
        elif isinstance(module, torch.nn.Linear):
            total += module.weight.shape[1] * output.numel()
        elif type(module).__name__ == "AgentAttention":
            # Two products with the agents on each side of the softmax.
            tokens, channels = module.side**2, module.q.out_features
            windows = inputs[0].shape[0]
            total += 4 * windows * tokens * module.agents**2 * channels
        elif type(module).__name__ == "HistogramAttention":
            windows, channels, h, w = inputs[0].shape
            rows = channels // module.heads * module.bins
            # Scores and result of both branches: [rows, rows] against n / bins tokens a row.
            total += 4 * windows * module.heads * rows * rows * (-(-h * w // module.bins))

    handles = [m.register_forward_hook(count) for m in model.modules()]
    with torch.no_grad():
        model(torch.rand(1, 3, side, side))
    for handle in handles:
        handle.remove()
    return total / side**2


def read(path):
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return {"schema": 1, "runs": []}


def write(path, report):
    with open(path + ".tmp", "w") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    os.replace(path + ".tmp", path)


def train_variant(a, name, seed):
    """One run; the row of the report."""
    stem = name.replace(" ", "_").replace("+", "_") + f"_{seed}"
    folder = os.path.join(a.out, stem)
    os.makedirs(folder, exist_ok=True)
    config = os.path.join(folder, "config.json")
    with open(config, "w") as file:
        json.dump(VARIANTS[name], file)
    command = [sys.executable, os.path.join(HERE, "train.py"), "--data", a.data, "--out", folder]
    command += ["--validation", a.validation, "--config", config, "--seed", str(seed)]
    command += ["--megapixels", str(a.megapixels), "--phases", a.phases]
    command += ["--validate-every", "1e9", *(["--no-compile"] if a.no_compile else [])]
    subprocess.run(command, check=True)
    checkpoint = torch.load(os.path.join(folder, "checkpoint.pt"), map_location="cpu")
    info = checkpoint["info"]
    return {
        "variant": name,
        "seed": seed,
        "parameters": sum(v.numel() for v in checkpoint["weights"].values()),
        "macs_per_pixel": macs_per_pixel(VARIANTS[name]),
        "megapixels": info["megapixels"],
        "training_seconds": info["seconds"],
        "psnr": info["scores"],
    }


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder with tar shards")
    p.add_argument("--validation", required=True, help="CBSD68")
    p.add_argument("--out", required=True, help="folder for the runs and ablation.json")
    p.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    p.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    p.add_argument("--megapixels", type=float, default=3000)
    p.add_argument("--phases", default="1:128:64")
    p.add_argument("--no-compile", action="store_true")
    return p.parse_args(arguments)


def main(arguments=None):
    a = parse_arguments(arguments)
    os.makedirs(a.out, exist_ok=True)
    path = os.path.join(a.out, "ablation.json")
    # Seeds outside: a run cut short has whole rounds of variants.
    for seed in a.seeds:
        for name in a.variants:
            report = read(path)
            if any(r["variant"] == name and r["seed"] == seed for r in report["runs"]):
                continue
            report["runs"].append(train_variant(a, name, seed))
            write(path, report)


if __name__ == "__main__":
    main()
