"""Measures what int8 needs to know of a model file, writes it there, and what int8 would cost.

For both 3x3 convolutions of every pair: the scale of the input, from a quantile of its magnitudes
over training pictures, degraded as the task of the model says in several strengths. The first sees the residual stream (signed,
s8), the second what a ReLU leaves (u8). The weights stay as they are.
"""

import argparse
import json
import sys
from typing import NamedTuple

import numpy as np
import torch

from dataset import decode, read_shards
from cases import (
    dejpeg_cases,
    denoise_cases,
    score_output,
    through_jpeg,
    to_float,
    upscale_cases,
)
from engines import TorchEngine
from export import model_info, read_safetensors, write_safetensors
from model import ConvPair
from protocol import Picture, add_noise

SIGMAS = (0, 15, 25, 50)
QUALITIES = (10, 20, 40, 80)
LEVELS = {"u8": (0, 255), "s8": (-127, 127)}


class Input(NamedTuple):
    """A convolution whose input is to be quantised."""

    name: str  # of its module
    module: torch.nn.Module
    kind: str  # u8 or s8


def inputs_of(model):
    """Every convolution of the network's pairs, in the order of the modules."""
    found = []
    for name, module in model.named_modules():
        if isinstance(module, ConvPair):
            found.append(Input(f"{name}.conv0", module.conv0, "s8"))
            found.append(Input(f"{name}.conv1", module.conv1, "u8"))
    return found


class Magnitudes:
    """Counts of |x| in bins of a thousandth of their value: quantiles of any amount of data."""

    SHIFT = 13  # bits of a float32 that a bin drops: steps of 2**-10

    def __init__(self):
        self.counts = torch.zeros(1 << (31 - self.SHIFT), dtype=torch.int64)

    def add(self, x):
        bits = x.detach().float().abs().contiguous().view(torch.int32).flatten()
        self.counts += torch.bincount(bits >> self.SHIFT, minlength=len(self.counts)).cpu()

    def quantile(self, share):
        """The upper end of the bin that holds it."""
        total = int(self.counts.sum())
        if total == 0:
            raise ValueError("no values seen")
        reached = self.counts.cumsum(0) >= share * total
        end = (int(reached.to(torch.uint8).argmax()) + 1) << self.SHIFT
        return float(np.int32(end).view(np.float32))


def calibration_pictures(folder, count, side, seed=0):
    """`count` square crops of at most `side` pixels out of tar shards, as Pictures."""
    items = read_shards(folder)
    if not items:
        raise FileNotFoundError(f"no pictures in the tar shards of '{folder}'")
    generator = np.random.default_rng(seed)
    pictures = []
    for i in generator.permutation(len(items))[:count]:
        pixels = decode(items[i])[0]
        height, width = pixels.shape[:2]
        h, w = min(side, height), min(side, width)
        top, left = generator.integers(height - h + 1), generator.integers(width - w + 1)
        pictures.append(Picture(items[i][0], pixels[top : top + h, left : left + w]))
    return pictures


def degraded(task, pictures):
    """float32 inputs of every picture in every strength; what is to be enlarged is small already."""
    if task == "dejpeg":
        return [to_float(through_jpeg(p.clean, q)) for q in QUALITIES for p in pictures]
    if task == "upscale":
        return [to_float(p.clean) for p in pictures]
    return [add_noise(p, s) for s in SIGMAS for p in pictures]


def measure_scales(engine, inputs, quantile):
    """{name of a convolution: {"scale", "type"}}: a stored level times scale is a value."""
    found = inputs_of(engine.model)
    magnitudes = {i.name: Magnitudes() for i in found}
    handles = [
        i.module.register_forward_pre_hook(
            lambda _, arguments, name=i.name: magnitudes[name].add(arguments[0])
        )
        for i in found
    ]
    try:
        for i, x in enumerate(inputs):
            engine.restore([str(i)], [x])
    finally:
        for handle in handles:
            handle.remove()
    return {
        i.name: {
            "scale": magnitudes[i.name].quantile(quantile) / LEVELS[i.kind][1],
            "type": i.kind,
        }
        for i in found
    }


def quantise_weights(weight):
    """Nearest of 255 symmetric levels for each output channel."""
    scale = weight.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12) / 127
    return torch.round(weight / scale).clamp(-127, 127) * scale


def quantise_input(x, scale, kind):
    low, high = LEVELS[kind]
    return torch.round(x / scale).clamp(low, high) * scale


def simulate(model, scales):
    """Makes `model` compute as if its convolutions were int8, in f32."""
    for i in inputs_of(model):
        entry = scales[i.name]
        with torch.no_grad():
            i.module.weight.copy_(quantise_weights(i.module.weight))
        i.module.register_forward_pre_hook(
            lambda _, arguments, e=entry: (quantise_input(arguments[0], e["scale"], e["type"]),)
        )


def tested_cases(task, scale, folder, sigmas, limit):
    if task == "dejpeg":
        return dejpeg_cases(folder, limit=limit)
    if task == "upscale":
        return upscale_cases(folder, scale, limit)
    return denoise_cases(folder, False, sigmas, limit)


def losses(reference, simulated, task, cases):
    """[(label of the case, PSNR in f32, PSNR in simulated int8)]."""
    rows = []
    for case in cases:
        names = [p.name for p in case.pictures]
        restored = (e.restore(names, case.inputs)[0] for e in (reference, simulated))
        scores = [
            float(
                np.mean([score_output(task, p, r, case.scale) for p, r in zip(case.pictures, each)])
            )
            for each in restored
        ]
        rows.append((case.label, *scores))
    return rows


def write_scales(source, target, scales, quantile, count):
    tensors, metadata = read_safetensors(source)
    info = json.loads(metadata["pristine"])
    info["int8"] = {"inputs": scales, "quantile": quantile, "pictures": count}
    write_safetensors(target, tensors, dict(metadata, pristine=json.dumps(info)))


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", help="model file (.safetensors)")
    p.add_argument("--data", required=True, help="folder with tar shards to calibrate on")
    p.add_argument("--count", type=int, default=6, help="training pictures")
    p.add_argument("--side", type=int, default=384, help="of the crops taken from them at most")
    p.add_argument("--quantile", type=float, default=0.9999)
    p.add_argument("--pictures", metavar="FOLDER", help="measure the loss on these")
    p.add_argument("--sigmas", type=float, nargs="+", default=[15, 25, 50], metavar="SIGMA")
    p.add_argument("--limit", type=int, default=0, help="first pictures of FOLDER; 0: all")
    p.add_argument("--threads", type=int, default=0, help="0: all")
    p.add_argument("-o", "--output", help="model file to write; default: the model itself")
    a = p.parse_args(arguments)
    if not 0 < a.quantile <= 1:
        p.error(f"--quantile is {a.quantile}, expected more than 0 and at most 1")
    return a


def main(arguments=None):
    a = parse_arguments(arguments)
    reference = TorchEngine(a.model, a.threads)
    pictures = calibration_pictures(a.data, a.count, a.side)
    info = model_info(a.model)
    scales = measure_scales(reference, degraded(info["task"], pictures), a.quantile)
    if not scales:
        raise ValueError(f"'{a.model}' has no pairs of convolutions")
    for name, entry in scales.items():
        largest = entry["scale"] * LEVELS[entry["type"]][1]
        print(f"{name:32s} {entry['type']}  largest {largest:.4f}")
    if a.pictures:
        simulated = TorchEngine(a.model, a.threads)
        simulate(simulated.model, scales)
        cases = tested_cases(info["task"], info["scale"], a.pictures, a.sigmas, a.limit)
        for label, f32, int8 in losses(reference, simulated, info["task"], cases):
            print(f"{label:>5s}   f32 {f32:.4f} dB   int8 {int8:.4f} dB   {int8 - f32:+.4f}")
    write_scales(a.model, a.output or a.model, scales, a.quantile, len(pictures))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(f"calibrate: {error}")
