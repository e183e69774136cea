"""A photograph taken apart into what a sensor saw, and developed again with the sensor's noise.

After Brooks et al., "Unprocessing Images for Learned Raw Denoising" (CVPR 2019, arXiv 1811.11127):
shapes and noise levels follow that paper, the tone curve is our own.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F


class Camera(NamedTuple):
    """One camera and exposure for each picture of a batch, all tensors [b, ...]."""

    to_srgb: torch.Tensor  # [b, 3, 3]: sensor colours -> linear sRGB, rows sum to one
    gains: torch.Tensor  # [b, 3]: white balance, green 1
    contrast: torch.Tensor  # [b]: exponent of the tone curve, 1: none
    shot: torch.Tensor  # [b]: variance of the noise for each unit of light
    read: torch.Tensor  # [b]: variance of the noise in the dark
    corner: torch.Tensor  # [b, 2]: 0 or 1, where the Bayer pattern R G / G B starts


def random_camera(batch, device, generator=None):
    def uniform(low, high, *shape):
        draw = torch.rand(batch, *shape, device=device, generator=generator)
        return low + (high - low) * draw

    # Sensors see broader bands than sRGB: their colours are mixed, developing unmixes them.
    mixed = uniform(-0.5, 0.0, 3, 3)
    eye = torch.eye(3, device=device)
    off = mixed * (1 - eye)
    to_srgb = off + torch.diag_embed(1 - off.sum(dim=2))
    ones = torch.ones(batch, device=device)
    gains = torch.stack([uniform(1.5, 2.6), ones, uniform(1.3, 2.3)], dim=1)
    log_shot = uniform(-9.2, -4.42)  # 1e-4 to 1.2e-2
    spread = torch.randn(batch, device=device, generator=generator) * 0.26
    log_read = 2.18 * log_shot + 1.2 + spread
    corner = (uniform(0, 2, 2)).long().clamp(max=1)
    return Camera(to_srgb, gains, uniform(1.0, 1.4), log_shot.exp(), log_read.exp(), corner)


def srgb_to_linear(x):
    """IEC 61966-2-1."""
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(x):
    return torch.where(
        x <= 0.0031308, 12.92 * x, 1.055 * x.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    )


def tone_curve(x, exponent):
    """S-shaped for exponents above 1, on [0, 1]; its inverse has the exponent 1 / e."""
    a, b = x.clamp(0, 1) ** exponent, (1 - x.clamp(0, 1)) ** exponent
    return a / (a + b)


def mix(colours, matrix):
    """Matrices [b, 3, 3] on the colours of [b, 3, h, w], as plain sums: no reduced precision."""
    m = matrix.view(-1, 3, 3, 1, 1)
    return m[:, :, 0] * colours[:, :1] + m[:, :, 1] * colours[:, 1:2] + m[:, :, 2] * colours[:, 2:]


def expose(pictures, camera):
    """sRGB [b, 3, h, w] in [0, 1] -> light on the sensor in [0, 1], all colours at every pixel."""
    linear = srgb_to_linear(tone_curve(pictures, 1 / camera.contrast.view(-1, 1, 1, 1)))
    to_sensor = torch.linalg.inv_ex(camera.to_srgb).inverse
    return mix(linear, to_sensor) / camera.gains.view(-1, 3, 1, 1)


def bayer_masks(height, width, corner):
    """[b, 3, h, w]: 1 where the pixel sees the colour."""
    y = torch.arange(height, device=corner.device).view(1, -1, 1) + corner[:, :1, None]
    x = torch.arange(width, device=corner.device).view(1, 1, -1) + corner[:, 1:, None]
    red = (y % 2 == 0) & (x % 2 == 0)
    blue = (y % 2 == 1) & (x % 2 == 1)
    return torch.stack([red, ~(red | blue), blue], dim=1).float()


def read_out(light, camera, generator=None):
    """The mosaic [b, 1, h, w] that the sensor delivers, clipped to [0, 1], rounded to 12 bits."""
    masks = bayer_masks(*light.shape[-2:], camera.corner)
    seen = (light * masks).sum(dim=1, keepdim=True)
    variance = camera.shot.view(-1, 1, 1, 1) * seen + camera.read.view(-1, 1, 1, 1)
    noise = torch.randn(seen.shape, device=seen.device, generator=generator)
    return torch.round((seen + noise * variance.sqrt()).clamp(0, 1) * 4095) / 4095


def demosaic(mosaic, corner):
    """Bilinear: each colour at every pixel as the mean of the nearest pixels that saw it."""
    masks = bayer_masks(*mosaic.shape[-2:], corner)

    def spread(x):
        """Sums with weights 1 2 1 / 2 4 2 / 1 2 1; zeros beyond the edge."""
        x = F.pad(x, (1, 1, 1, 1))
        x = x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]
        return x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]

    def cross(x):
        """Sums with weights 0 1 0 / 1 4 1 / 0 1 0."""
        p = F.pad(x, (1, 1, 1, 1))
        sides = p[..., :-2, 1:-1] + p[..., 2:, 1:-1] + p[..., 1:-1, :-2] + p[..., 1:-1, 2:]
        return 4 * x + sides

    planes = mosaic * masks
    # A green pixel keeps its own value: its neighbours in the cross saw other colours.
    red_blue = spread(planes[:, ::2]) / spread(masks[:, ::2])
    green = cross(planes[:, 1:2]) / cross(masks[:, 1:2])
    return torch.cat([red_blue[:, :1], green, red_blue[:, 1:]], dim=1)


def develop(colours, camera):
    """Sensor colours [b, 3, h, w] -> sRGB in [0, 1]: the inverse of expose()."""
    linear = mix(colours * camera.gains.view(-1, 3, 1, 1), camera.to_srgb).clamp(0, 1)
    return tone_curve(linear_to_srgb(linear), camera.contrast.view(-1, 1, 1, 1))


def photograph(pictures, camera, generator=None):
    """sRGB [b, 3, h, w] as `camera` would have delivered it, before any file format."""
    mosaic = read_out(expose(pictures, camera), camera, generator)
    return develop(demosaic(mosaic, camera.corner), camera)
