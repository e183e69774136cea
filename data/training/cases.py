"""What evaluate.py scores: pictures as a network gets them beside what it shall make of them.

denoise  float noise of a sigma on clean pictures (protocol.add_noise); the score is PSNR
dejpeg   clean pictures through libjpeg (Pillow, 4:2:0) at a quality; PSNR, and the gain over the
         JPEG
upscale  folder/LR_bicubic/X<scale> against folder/HR cut to multiples; PSNR of luma, a border of
         scale pixels cut
camera   folder/noisy against folder/gt; the mean gain over the pictures that are under 35 dB, and
         the PSNR with which the pictures of gt come back
"""

import io
import math
import os
from typing import NamedTuple

import numpy as np
from PIL import Image

from protocol import Picture, add_noise, psnr, psnr_luma, read_pictures, to_bytes

# Name in the report of what tells the cases of a task apart.
AXES = {"denoise": "sigmas", "dejpeg": "qualities", "upscale": "scales", "camera": "inputs"}
CASE_NAMES = {"denoise": "sigma", "dejpeg": "quality", "upscale": "scale", "camera": "input"}
NOISY = 35.0  # dB; what a camera made better than this has little noise to take away


class Case(NamedTuple):
    """A set of pictures degraded in one way."""

    label: str
    pictures: list  # Picture: names, and what the network shall make
    inputs: list  # float32 [h, w, c] in [0, 1]

    @property
    def scale(self):
        return self.pictures[0].clean.shape[0] // self.inputs[0].shape[0]


def to_float(picture):
    return (picture / 255.0).astype(np.float32)


def through_jpeg(picture, quality):
    """uint8 [h, w, c] decoded from a JPEG of a quality, 4:2:0, as Pillow writes and reads it."""
    buffer = io.BytesIO()
    pixels = picture if picture.shape[2] == 3 else picture[..., 0]
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(buffer))
    return decoded if decoded.ndim == 3 else decoded[..., None]


def paired(folder, first, second, limit):
    """[(Picture, Picture)] of two sub-folders in the order of their names."""
    a, b = (read_pictures(os.path.join(folder, s), limit=limit) for s in (first, second))
    if len(a) != len(b):
        raise ValueError(f"'{folder}': {first} and {second} hold {len(a)} and {len(b)} pictures")
    return list(zip(a, b))


def denoise_cases(folder, grey=False, sigmas=(15, 25, 50), limit=0):
    pictures = read_pictures(folder, grey, limit)
    return [Case(f"{s:g}", pictures, [add_noise(p, s) for p in pictures]) for s in sigmas]


def dejpeg_cases(folder, grey=False, qualities=(10, 20, 30, 40), limit=0):
    pictures = read_pictures(folder, grey, limit)
    return [
        Case(str(q), pictures, [to_float(through_jpeg(p.clean, q)) for p in pictures])
        for q in qualities
    ]


def upscale_cases(folder, scale, limit=0):
    cut, inputs = [], []
    for small, large in paired(folder, os.path.join("LR_bicubic", f"X{scale}"), "HR", limit):
        h, w = (side * scale for side in small.clean.shape[:2])
        if any(not 0 <= a - b < scale for a, b in zip(large.clean.shape, (h, w))):
            raise ValueError(
                f"'{folder}': {small.name} of {w // scale}x{h // scale} is not {large.name} by"
                f" {scale}"
            )
        cut.append(Picture(large.name, np.ascontiguousarray(large.clean[:h, :w])))
        inputs.append(to_float(small.clean))
    return [Case(str(scale), cut, inputs)]


def camera_cases(folder, limit=0):
    pairs = paired(folder, "noisy", "gt", limit)
    clean = [b for _, b in pairs]
    return [
        Case("noisy", clean, [to_float(a.clean) for a, _ in pairs]),
        Case("clean", clean, [to_float(p.clean) for p in clean]),
    ]


def score_input(task, picture, pixels, scale):
    """PSNR of what the network gets; None where that is no picture of the same size or the same."""
    if task == "upscale":
        size = (picture.clean.shape[1], picture.clean.shape[0])
        large = Image.fromarray(to_bytes(pixels)).resize(size, Image.BICUBIC)
        return psnr_luma(picture.clean, np.asarray(large), scale)
    value = psnr(picture.clean, to_bytes(pixels))
    return value if math.isfinite(value) else None


def score_output(task, picture, pixels, scale):
    if task == "upscale":
        return psnr_luma(picture.clean, to_bytes(pixels), scale)
    return psnr(picture.clean, to_bytes(pixels))


def gains(before, after, most=math.inf):
    """Mean gain over the pictures whose input is under `most` dB, and how many these are."""
    found = [b - a for a, b in zip(before, after) if a is not None and a < most]
    return (float(np.mean(found)) if found else None), len(found)
