#!/usr/bin/env python3
"""Draws the sample pictures: clean/NAME.png and, with Gaussian noise of a stated deviation,
noisy/NAME.png.

The scenes are computed from fixed seeds (numpy, PIL, the DejaVu fonts); nothing in them was
photographed. Noise is added to the sRGB values before rounding, as in the denoising literature:
deviations are in steps of an 8-bit file.

usage: draw.py [NAME...]        (all pictures without a name; Debian: python3-numpy python3-pil)
"""

import importlib
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image

# name: (scene, seed, deviation of the noise, bits of the noisy file)
PICTURES = {
    "lake": ("landscape", 1, 25, 8),
    "nape": ("nape", 1, 15, 16),
    "house": ("facade", 1, 35, 8),
    "fruit": ("still_life", 1, 50, 8),
    "guide": ("page", 1, 25, 8),
}


def quantise(values, bits):
    peak = 2**bits - 1
    return np.floor(np.clip(values, 0, 1) * peak + 0.5).astype(np.uint8 if bits == 8 else np.uint16)


def write_png(path, pixels):
    """PIL writes 8 bits a channel only in colour, so 16 bits go out by hand (PNG, RFC 2083)."""
    path.parent.mkdir(exist_ok=True)
    if pixels.dtype == np.uint8:
        Image.fromarray(pixels.squeeze()).save(path, optimize=True)
        return
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").tobytes()
    stride = width * channels * 2
    raw = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2}[channels], 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )


def main(names):
    here = pathlib.Path(__file__).resolve().parent
    unknown = sorted(set(names) - set(PICTURES))
    if unknown:
        sys.exit(f"no picture is called {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    for name in names or PICTURES:
        scene, seed, deviation, bits = PICTURES[name]
        picture = importlib.import_module("scenes." + scene).draw(np.random.default_rng(seed))
        noise = np.random.default_rng([seed, deviation]).standard_normal(picture.shape)
        write_png(here / "clean" / f"{name}.png", quantise(picture, 8))
        write_png(here / "noisy" / f"{name}.png", quantise(picture + noise * deviation / 255, bits))
        print(f"{name}: {picture.shape[1]} x {picture.shape[0]}, noise of {deviation}, {bits} bits")


if __name__ == "__main__":
    main(sys.argv[1:])
