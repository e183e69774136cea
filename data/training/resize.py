"""Antialiased bicubic reduction as MATLAB's imresize computes it: the degradation of published
upscaling tables."""

import functools

import torch


def cubic(x):
    """Keys' kernel with a = -0.5 (1981)."""
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, torch.zeros_like(x)))


@functools.lru_cache(maxsize=64)
def reduction_matrix(length, scale, device=None):
    """float64 [length / scale, length]: rows sum to one; the axis is continued by reflection."""
    if length % scale:
        raise ValueError(f"length {length} is no multiple of the scale {scale}")
    count = length // scale
    # Centres of the reduced pixels on the axis of the full ones; the kernel is stretched by scale.
    centres = (torch.arange(count, dtype=torch.float64) + 0.5) * scale - 0.5
    taps = 4 * scale + 2
    first = torch.floor(centres - 2 * scale).view(-1, 1)
    places = first + torch.arange(taps, dtype=torch.float64)
    weights = cubic((centres.view(-1, 1) - places) / scale)
    weights = weights / weights.sum(dim=1, keepdim=True)
    # ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
    places = places.long() % (2 * length)
    places = torch.minimum(places, 2 * length - 1 - places)
    matrix = torch.zeros(count, length, dtype=torch.float64)
    return matrix.scatter_add_(1, places, weights).to(device)


def reduce(pictures, scale):
    """[..., h, w] -> [..., h / scale, w / scale]; neither clipped nor rounded."""
    h, w = pictures.shape[-2:]
    rows = reduction_matrix(h, scale, pictures.device)
    columns = reduction_matrix(w, scale, pictures.device)
    return (rows @ pictures.double() @ columns.T).to(pictures.dtype)


def reduce_bytes(pictures, scale):
    """As imresize does it on 8-bit pictures, here in [0, 1]: rounded after the rows, then again."""
    h, w = pictures.shape[-2:]
    rows = reduction_matrix(h, scale, pictures.device)
    columns = reduction_matrix(w, scale, pictures.device)
    x = torch.round(pictures.double() * 255)
    x = torch.floor(rows @ x + 0.5).clamp(0, 255)
    x = torch.floor(x @ columns.T + 0.5).clamp(0, 255)
    return (x / 255).to(pictures.dtype)


def blur(pictures, sigma, radius=4):
    """Gaussian blur of [b, c, h, w] with a sigma [b] in pixels for each picture (0: none)."""
    offsets = range(-radius, radius + 1)
    place = torch.arange(-radius, radius + 1, device=pictures.device, dtype=pictures.dtype)
    weights = torch.exp(-0.5 * (place / sigma.clamp(min=1e-3).view(-1, 1)) ** 2)
    weights = (weights / weights.sum(dim=1, keepdim=True)).T.reshape(-1, len(sigma), 1, 1, 1)
    for axis in (-2, -1):
        padding = (radius, radius, 0, 0) if axis == -1 else (0, 0, radius, radius)
        padded = torch.nn.functional.pad(pictures, padding, mode="reflect")
        size = pictures.shape[axis]
        pictures = sum(
            weights[i] * padded.narrow(axis, radius + o, size) for i, o in enumerate(offsets)
        )
    return pictures
