"""What saving as JPEG does to a batch of pictures: libjpeg's arithmetic without the entropy coder.

Standard: ITU-T T.81; tables of its annex K, scaled by quality as libjpeg's jpeg_set_quality does.
"""

import functools

import torch
import torch.nn.functional as F

# Annex K of T.81, row by row.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)
PASS = 4 * 8**0.5  # scale of whole numbers between the passes of libjpeg's integer transforms
MCU = 16  # pixels of a side of the coding unit with halved chroma


# Kept on the device: making a tensor there out of numbers waits for it.
@functools.lru_cache(maxsize=None)
def table_on(table, device):
    return torch.tensor(table, device=device, dtype=torch.int64)


def quantisation(table, quality):
    """[b, 8, 8] steps of a table at integer qualities [b] of 1 to 100 (baseline: 1 to 255)."""
    base = table_on(table, quality.device)
    quality = quality.long()
    scale = torch.where(quality < 50, 5000 // quality.clamp(min=1), 200 - 2 * quality)
    return torch.div(base * scale.view(-1, 1, 1) + 50, 100, rounding_mode="floor").clamp(1, 255)


@functools.lru_cache(maxsize=None)
def dct_matrix(device):
    """The orthonormal 8-point DCT-II as float64 [frequency, place]."""
    k = torch.arange(8, device=device, dtype=torch.float64)
    matrix = torch.cos((2 * k.view(1, 8) + 1) * k.view(8, 1) * (torch.pi / 16)) / 2
    matrix[0] /= 2**0.5
    return matrix


def requantise(plane, steps):
    """Values 0 to 255 [b, h, w] through DCT, quantisation with steps [b, 8, 8] and back."""
    b, h, w = plane.shape
    dct = dct_matrix(plane.device)
    blocks = (plane - 128).reshape(b, h // 8, 8, w // 8, 8).transpose(2, 3)
    steps = steps.to(plane.dtype).view(b, 1, 1, 8, 8)
    # Halves are common with sums of whole numbers, so libjpeg's rounding counts: between its two
    # passes, to eighths after them, and away from zero in the division.
    eighths = torch.round(8 * (dct @ (torch.round(blocks @ dct.T * PASS) / PASS)))
    levels = eighths.sign() * torch.floor((eighths.abs() + 4 * steps) / (8 * steps))
    blocks = (torch.round(dct.T @ (levels * steps) * PASS) / PASS) @ dct
    plane = blocks.transpose(2, 3).reshape(b, h, w) + 128
    return torch.floor(plane + 0.5).clamp(0, 255)


def halve(plane):
    """Means of 2x2 pixels as libjpeg rounds them: up and down in turn along a row."""
    total = plane[:, ::2, ::2] + plane[:, ::2, 1::2] + plane[:, 1::2, ::2] + plane[:, 1::2, 1::2]
    bias = 1 + torch.arange(total.shape[-1], device=plane.device) % 2
    return torch.floor((total + bias) / 4)


def double(plane):
    """Twice the size with libjpeg's triangle filter ("fancy upsampling")."""
    padded = F.pad(plane[:, None], (0, 0, 1, 1), mode="replicate")[:, 0]
    b, h, w = plane.shape
    above = 3 * plane + padded[:, :-2]
    below = 3 * plane + padded[:, 2:]
    rows = torch.stack([above, below], dim=2).reshape(b, 2 * h, w)
    padded = F.pad(rows[:, None], (1, 1, 0, 0), mode="replicate")[:, 0]
    left = torch.floor((3 * rows + padded[..., :-2] + 8) / 16)
    right = torch.floor((3 * rows + padded[..., 2:] + 7) / 16)
    return torch.stack([left, right], dim=3).reshape(b, 2 * h, 2 * w)


def to_ycc(rgb):
    """Values 0 to 255 [b, 3, h, w] -> Y, Cb, Cr [b, h, w] each, rounded."""
    r, g, b = rgb.unbind(1)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    cb = -0.168735892 * r - 0.331264108 * g + 0.5 * b + 128
    cr = 0.5 * r - 0.418687589 * g - 0.081312411 * b + 128
    # libjpeg rounds halves of the chroma down, so that 255.5 does not overflow.
    return torch.floor(y + 0.5), torch.ceil(cb - 0.5), torch.ceil(cr - 0.5)


def to_rgb(y, cb, cr):
    cb, cr = cb - 128, cr - 128
    rgb = torch.stack(
        [y + 1.402 * cr, y - 0.344136286 * cb - 0.714136286 * cr, y + 1.772 * cb], dim=1
    )
    return torch.floor(rgb + 0.5).clamp(0, 255)


def jpeg(pictures, quality, halved):
    """Pictures as a JPEG file would give them back.

    pictures: float [b, 3, h, w] in [0, 1], rounded to 8 bits here; quality: integers [b], 1 to 100;
    halved: bool [b], chroma at half the resolution (4:2:0) or at full (4:4:4). The coding grid
    starts at the upper left corner.
    """
    h, w = pictures.shape[-2:]
    # float64: the levels of high qualities sit so close that less would flip some.
    rgb = torch.floor(pictures.double().clamp(0, 1) * 255 + 0.5)
    rgb = F.pad(rgb, (0, -w % MCU, 0, -h % MCU), mode="replicate")
    y, cb, cr = to_ycc(rgb)
    coarse = quantisation(CHROMINANCE, quality)
    y = requantise(y, quantisation(LUMINANCE, quality))
    halved = halved.view(-1, 1, 1)
    cb, cr = (
        torch.where(halved, double(requantise(halve(c), coarse)), requantise(c, coarse))
        for c in (cb, cr)
    )
    return (to_rgb(y, cb, cr)[..., :h, :w] / 255).to(pictures.dtype)
