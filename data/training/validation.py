"""Quick scores while a network trains: pictures of a test set, degraded as its task says.

evaluate.py gives the figures that count; these run in the precision of the training and on the
training device.
"""

import io
import math
import os

import numpy as np
import torch
from PIL import Image

import protocol

SIGMAS = (15, 25, 50)
QUALITIES = (10, 20, 30, 40)


def to_tensor(picture):
    """uint8 [h, w, c] -> float [c, h, w] in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float().div(255)


def to_picture(tensor):
    """float [c, h, w] -> uint8 [h, w, c]."""
    return protocol.to_bytes(tensor.float().cpu().numpy().transpose(1, 2, 0))


def pad_to(x, multiple):
    """Continues the right and bottom edge by reflection until both sides are multiples."""
    h, w = x.shape[-2:]
    rows, columns = -h % multiple, -w % multiple
    while rows or columns:  # a reflection reaches no farther than the picture is wide
        step = (min(rows, x.shape[-2] - 1), min(columns, x.shape[-1] - 1))
        if step == (0, 0):
            return torch.nn.functional.pad(x, (0, columns, 0, rows), mode="replicate")
        x = torch.nn.functional.pad(x, (0, step[1], 0, step[0]), mode="reflect")
        rows, columns = rows - step[0], columns - step[1]
    return x


def gaussian_pairs(folder, sigma, limit=0):
    """[(noisy float tensor, clean uint8 picture)] by the published protocol."""
    return [
        (torch.from_numpy(protocol.add_noise(p, sigma).transpose(2, 0, 1).copy()), p.clean)
        for p in protocol.read_pictures(folder, limit=limit)
    ]


def jpeg_pairs(folder, quality, limit=0):
    """[(decoded JPEG of a quality, 4:2:0, as float tensor, clean uint8 picture)]."""
    pairs = []
    for p in protocol.read_pictures(folder, limit=limit):
        buffer = io.BytesIO()
        Image.fromarray(p.clean).save(buffer, "JPEG", quality=quality)
        pairs.append((to_tensor(np.asarray(Image.open(buffer).convert("RGB"))), p.clean))
    return pairs


def photographed_pairs(folder, limit=0):
    """[(noisy, clean)] of equal names in folder/noisy and folder/gt."""
    noisy = protocol.read_pictures(os.path.join(folder, "noisy"), limit=limit)
    clean = protocol.read_pictures(os.path.join(folder, "gt"), limit=limit)
    return [(to_tensor(a.clean), b.clean) for a, b in zip(noisy, clean)]


def reduced_pairs(folder, scale, limit=0):
    """[(small, large)] of folder/LR_bicubic/X<scale> and folder/HR, which is cut to multiples."""
    small = protocol.read_pictures(os.path.join(folder, "LR_bicubic", f"X{scale}"), limit=limit)
    large = protocol.read_pictures(os.path.join(folder, "HR"), limit=limit)
    pairs = []
    for a, b in zip(small, large):
        h, w = a.clean.shape[0] * scale, a.clean.shape[1] * scale
        pairs.append((to_tensor(a.clean), b.clean[:h, :w]))
    return pairs


@torch.no_grad()
def restore(model, degraded, device, autocast):
    """uint8 [h, w, 3] of a float tensor [3, h, w]."""
    scale = model.config["scale"]
    h, w = degraded.shape[-2:]
    padded = pad_to(degraded[None], model.config["window"]).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
        restored = model(padded)[0]
    return to_picture(restored[:, : h * scale, : w * scale])


def mean_psnr(model, pairs, device, autocast):
    """Mean PSNR over RGB; of luma without a border where the network enlarges."""
    border = model.config["scale"] if model.config["scale"] > 1 else 0
    score = protocol.psnr_luma if border else protocol.psnr
    arguments = (border,) if border else ()
    total = sum(score(restore(model, d, device, autocast), c, *arguments) for d, c in pairs)
    return total / len(pairs)


def mean_gain(model, pairs, device, autocast):
    """Mean of the PSNR after restoring minus that before, over pairs that are not perfect."""
    gains = []
    for degraded, clean in pairs:
        before = protocol.psnr(to_picture(degraded), clean)
        if math.isfinite(before):
            after = protocol.psnr(restore(model, degraded, device, autocast), clean)
            gains.append(after - before)
    return sum(gains) / len(gains)


class Validation:
    """The sets of a task, read once. `folder` is CBSD68 for denoise and dejpeg, a folder with noisy
    and gt for camera, and one with HR and LR_bicubic for upscaling; several are joined by ','."""

    def __init__(self, task, folder, scale=1, limit=0):
        self.sets, self.score, self.unit = {}, mean_psnr, "dB"
        folders = folder.split(",")
        if task == "denoise":
            for sigma in SIGMAS:
                self.sets[f"sigma {sigma}"] = gaussian_pairs(folders[0], sigma, limit)
        elif task == "dejpeg":
            self.score, self.unit = mean_gain, "dB gained"
            for quality in QUALITIES:
                self.sets[f"q {quality}"] = jpeg_pairs(folders[0], quality, limit)
        elif task == "camera":
            self.score, self.unit = mean_gain, "dB gained"
            for path in folders:
                self.sets[os.path.basename(path)] = photographed_pairs(path, limit)
        elif task in ("upscale", "upscale_photo"):
            for path in folders:
                self.sets[os.path.basename(path)] = reduced_pairs(path, scale, limit)
        else:
            raise ValueError(f"no validation for the task '{task}'")

    def scores(self, model, device, autocast, quick=False):
        """{name of the set: score}; `quick` scores the second set alone (sigma 25, Set14, …)."""
        names = list(self.sets)
        if quick:
            names = names[min(1, len(names) - 1) :][:1]
        return {n: self.score(model, self.sets[n], device, autocast) for n in names}

    def describe(self, scores):
        return ", ".join(f"{n}: {s:.3f}" for n, s in scores.items()) + f" {self.unit}"
