"""The published protocols of Gaussian denoising and upscaling: pictures, noise and score.

Float noise of sigma/255 is added to a picture in [0, 1] without clipping or rounding; the result is
clipped and rounded to 8 bits; PSNR is taken over all values of a picture and averaged over
pictures.
"""

import math
import os
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class Picture(NamedTuple):
    name: str  # of its file
    clean: np.ndarray  # uint8 [h, w, 3], grey: [h, w, 1]

    @property
    def megapixels(self):
        return self.clean.shape[0] * self.clean.shape[1] / 1e6


def read_pictures(folder, grey=False, limit=0):
    """The pictures of a folder in the order of their names, the first `limit` of them if not 0."""
    names = sorted(n for n in os.listdir(folder) if n.lower().endswith(EXTENSIONS))
    if not names:
        raise FileNotFoundError(f"no pictures in '{folder}'")
    pictures = []
    for name in names[:limit] if limit else names:
        with Image.open(os.path.join(folder, name)) as file:
            clean = np.asarray(file.convert("L" if grey else "RGB"))
        pictures.append(Picture(name, clean[..., None] if grey else clean))
    return pictures


def add_noise(picture, sigma):
    """float32 like the picture; the noise depends on the file's stem and on sigma alone."""
    stem = os.path.splitext(picture.name)[0]
    generator = np.random.default_rng([zlib.crc32(stem.encode()), round(sigma * 1000)])
    noise = generator.standard_normal(picture.clean.shape) * (sigma / 255)
    return (picture.clean / 255.0 + noise).astype(np.float32)


def to_bytes(pixels):
    """Clips to [0, 1] and rounds to 8 bits, ties to even."""
    return np.rint(np.clip(pixels, 0, 1) * np.float32(255)).astype(np.uint8)


def psnr(a, b):
    """dB between two uint8 arrays of one shape."""
    if a.shape != b.shape:
        raise ValueError(f"pictures are {a.shape} and {b.shape}, expected equal shapes")
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255 * 255 / error)


def luma(picture):
    """float64 [h, w]: Y of BT.601 from 16 to 235 of a uint8 picture, as upscaling tables use it."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    if picture.shape[2] == 1:
        weights = np.array([219 / 255])
    return 16 + picture.astype(np.float64) @ weights


def psnr_luma(a, b, border):
    """dB between the luma of two uint8 pictures without `border` pixels at every edge."""
    if a.shape != b.shape:
        raise ValueError(f"pictures are {a.shape} and {b.shape}, expected equal shapes")
    inner = slice(border, -border or None)
    error = np.mean((luma(a)[inner, inner] - luma(b)[inner, inner]) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255 * 255 / error)
