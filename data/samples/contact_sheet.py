#!/usr/bin/env python3
"""Puts noisy, restored and clean crops of the samples side by side, one pixel to a pixel.

usage: contact_sheet.py RESTORED OUT.png       (RESTORED: the folder that ./quickstart writes;
                                                Debian: python3-numpy python3-pil python3-opencv)
"""

import pathlib
import sys

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 162
GAP = 6
CAPTION = 24
# picture: left and top of the crop, where fine detail lies beside flat tones
CROPS = {"lake": (420, 240), "house": (90, 180), "fruit": (240, 120), "nape": (170, 190), "guide": (330, 120)}


def read(path):
    """8-bit RGB of a picture of any depth."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        sys.exit(f"picture '{path}' is missing or no picture")
    if pixels.dtype == np.uint16:
        pixels = np.round(pixels / 257.0).astype(np.uint8)
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, 2)
    return pixels[..., 2::-1]


def main(restored, out):
    here = pathlib.Path(__file__).resolve().parent
    rows = [("noisy", here / "noisy"), ("restored", pathlib.Path(restored)), ("clean", here / "clean")]
    step, band = SIDE + GAP, SIDE + CAPTION
    sheet = Image.new("RGB", (len(CROPS) * step - GAP, len(rows) * band), "white")
    draw = ImageDraw.Draw(sheet)
    face = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", 14)
    for row, (title, folder) in enumerate(rows):
        draw.text((1, row * band + CAPTION // 2), title, font=face, fill="black", anchor="lm")
        for column, (name, (x, y)) in enumerate(CROPS.items()):
            crop = read(folder / f"{name}.png")[y : y + SIDE, x : x + SIDE]
            sheet.paste(Image.fromarray(np.ascontiguousarray(crop)), (column * step, row * band + CAPTION))
    sheet.save(out, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
