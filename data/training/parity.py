"""Reference data for the C++ tests: every block and a tiny network, computed by model.py in f32.

    python3 data/training/parity.py tests/data

rewrites tests/data/parity_*.safetensors, bit for bit with the same PyTorch (1.13, CPU). A file holds
the weights under the names that the C++ blocks read, `input` [1, c, h, w] (for `up` also `skip`) and
`output`; its metadata holds the block's kind and options, for the network the `pristine` entry of a
model file. Weights and inputs are drawn by NumPy and stored as f16, so nothing is rounded on reading.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from torch import nn

from export import write_safetensors
from model import RestorationNet, depth_to_space, make_block

NETWORK = {
    "type": "restoration_net",
    "image_channels": 3,
    "channels": [6, 10, 14],
    "encoder": [["pair"], ["histogram", "se_cbam"]],
    "middle": ["se_cbam", "histogram", "agent", "pair"],
    "decoder": [["pair"], ["agent"]],
    "window": 16,
    "heads": 2,
    "bins": 3,
    "agents": 3,
    "dynamic_range": True,
}

# The same systems on fewer levels, enlarging.
UPSCALE = dict(
    NETWORK,
    scale=3,
    channels=[7, 10],
    encoder=[["pair"]],
    middle=["histogram", "agent", "se_cbam"],
    decoder=[["pair"]],
    window=8,
)

# name: kind, channels, height, width and the options that differ from OPTIONS. Windows, bins and
# agents that divide nothing evenly, channel counts that fill no vector.
OPTIONS = {"window": 5, "heads": 2, "bins": 3, "agents": 3, "dynamic_range": True}
BLOCKS = {
    "pair": ("pair", 13, 5, 7, {}),
    "se_cbam": ("se_cbam", 19, 8, 12, {"window": 4}),
    "agent": ("agent", 14, 5, 10, {}),
    "histogram": ("histogram", 15, 10, 5, {"heads": 3, "bins": 4}),
    "histogram_unsorted": ("histogram", 6, 4, 8, {"window": 4, "dynamic_range": False}),
}


class Upsample(nn.Module):
    """The step between two levels of the decoder, under the names of one block."""

    def __init__(self, channels, skip_channels):
        super().__init__()
        self.up = nn.Conv2d(channels, 4 * skip_channels, 1)

    def forward(self, x, skip):
        return depth_to_space(self.up(x)) + skip


def draw(random, shape, low, high):
    return random.uniform(low, high, shape).astype(np.float16)


def randomise(module, random):
    """Gives every parameter values that no default would have; returns {name: f16 array}."""
    arrays = {}
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            shape = tuple(parameter.shape)
            if name.endswith("scale"):
                values = draw(random, shape, 0.3, 1.0)
            elif name.endswith("temperature"):
                values = draw(random, shape, 0.5, 3.0)
            elif name.endswith("weight"):
                bound = (3.0 / np.prod(shape[1:])) ** 0.5  # keeps the variance of the input
                values = draw(random, shape, -bound, bound)
            else:
                values = draw(random, shape, -0.5, 0.5)
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))
            arrays[name] = values
    return arrays


def save(path, module, arrays, inputs, metadata):
    with torch.no_grad():
        output = module(*(torch.from_numpy(x.astype(np.float32)) for x in inputs.values()))
    tensors = dict(arrays, **inputs, output=output.contiguous().numpy())
    write_safetensors(path, tensors, metadata)
    print(f"{path}: {path.stat().st_size} bytes, output of deviation {output.std():.3f}")


def save_network(path, config, scale, size, random):
    network = RestorationNet(config)
    arrays = randomise(network, random)
    inputs = {"input": draw(random, (1, 3, *size), 0.0, 1.0)}
    info = {
        "format": 1,
        "name": "parity",
        "title": "Tiny network with random weights",
        "task": "denoise" if scale == 1 else "upscale",
        "scale": scale,
        "halo": 0,
        "architecture": config,
    }
    save(path, network, arrays, inputs, {"pristine": json.dumps(info)})


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("folder", type=pathlib.Path)
    folder = p.parse_args().folder
    torch.set_num_threads(1)
    random = np.random.default_rng(20)

    for name, (kind, channels, h, w, changed) in BLOCKS.items():
        options = dict(OPTIONS, **changed)
        module = nn.ModuleDict({"block": make_block(kind, channels, options["window"], options)})
        arrays = randomise(module, random)
        inputs = {"input": draw(random, (1, channels, h, w), -1.7, 1.7)}
        metadata = dict({k: str(int(v)) for k, v in options.items()}, kind=kind)
        save(folder / f"parity_{name}.safetensors", module["block"], arrays, inputs, metadata)

    down = nn.ModuleDict({"down": nn.Conv2d(7, 12, 2, stride=2)})
    arrays = randomise(down, random)
    inputs = {"input": draw(random, (1, 7, 6, 10), -1.7, 1.7)}
    save(folder / "parity_down.safetensors", down["down"], arrays, inputs, {"kind": "down"})

    up = Upsample(11, 5)
    arrays = randomise(up, random)
    inputs = {
        "input": draw(random, (1, 11, 3, 5), -1.7, 1.7),
        "skip": draw(random, (1, 5, 6, 10), -1.7, 1.7),
    }
    save(folder / "parity_up.safetensors", up, arrays, inputs, {"kind": "up"})

    save_network(folder / "parity_network.safetensors", NETWORK, 1, (32, 16), random)
    save_network(folder / "parity_upscale.safetensors", UPSCALE, 3, (16, 24), random)


if __name__ == "__main__":
    main()
