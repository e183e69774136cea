"""What happens to a clean crop before the network sees it, by task.

Crops are float [b, 3, h, w] in [0, 1]; every function returns (degraded, clean) and draws what it
needs from `generator`, on the device of the crops.
"""

import torch

import resize
import sensor
from jpeg import jpeg

SIGMA_MAX = 55  # of 255
GREY = 0.1  # share of crops that are grey photographs, fed as three equal channels
HALVED = 0.7  # share of JPEG files with chroma at half the resolution
TWICE = 0.3  # share of crops that were JPEG files before
UNTOUCHED = 0.15  # share of camera crops that are clean already and must come back as they are
UNALIGNED = 0.3  # share of crops whose last coding grid does not start at the corner


def draws(count, clean, generator):
    """[count, b] uniform in [0, 1)."""
    return torch.rand(count, clean.shape[0], device=clean.device, generator=generator)


def per_crop(values):
    return values.view(-1, 1, 1, 1)


def some_grey(clean, draw):
    """The share GREY of the crops turned grey, and which they are [b, 1, 1, 1]."""
    grey = per_crop(draw) < GREY
    luma = 0.299 * clean[:, :1] + 0.587 * clean[:, 1:2] + 0.114 * clean[:, 2:]
    return torch.where(grey, luma.expand_as(clean), clean), grey


def denoise(clean, generator=None):
    """Gaussian noise, one sigma a crop, uniform in 0 to 55 of 255, neither clipped nor rounded."""
    batch = clean.shape[0]
    draw = torch.rand(2, batch, 1, 1, 1, device=clean.device, generator=generator)
    noise = torch.randn(clean.shape, device=clean.device, generator=generator)
    clean, grey = some_grey(clean, draw[1])
    noise = torch.where(grey, noise[:, :1].expand_as(noise), noise)
    return clean + noise * (draw[0] * SIGMA_MAX / 255), clean


def shifted_jpeg(pictures, quality, halved, top, left):
    """jpeg() with a coding grid that starts `top`, `left` (0 to 15, [b]) pixels outside."""
    b, _, h, w = pictures.shape
    padded = torch.nn.functional.pad(pictures, (16, 16, 16, 16), mode="reflect")

    def cut(x, rows, columns, height, width):
        y = rows.view(-1, 1) + torch.arange(height, device=x.device)
        x = x.gather(2, y.view(b, 1, height, 1).expand(b, 3, height, x.shape[3]))
        z = columns.view(-1, 1) + torch.arange(width, device=x.device)
        return x.gather(3, z.view(b, 1, 1, width).expand(b, 3, height, width))

    coded = jpeg(cut(padded, 16 - top, 16 - left, h + 16, w + 16), quality, halved)
    return cut(coded, top, left, h, w)


def random_quality(draw, low, high):
    """Whole qualities low to high, all equally likely."""
    return (low + draw * (high + 1 - low)).long().clamp(low, high)


def dejpeg(clean, generator=None):
    """JPEG of quality 5 to 95, the low ones more often, since they leave more to mend; some crops
    were coded before, on another grid."""
    draw = draws(11, clean, generator)
    clean, _ = some_grey(clean, draw[0])
    place = (draw[1:5] * 16).long().clamp(max=15)
    quality = random_quality(draw[5:7] ** 1.5, 5, 95)
    halved = draw[7:9] < HALVED
    before = shifted_jpeg(clean, quality[0], halved[0], place[0], place[1])
    degraded = torch.where(per_crop(draw[9]) < TWICE, before, clean)
    # Whole files start at the corner, crops of files anywhere.
    place = place[2:] * (draw[10] < UNALIGNED)
    degraded = shifted_jpeg(degraded, quality[1], halved[1], place[0], place[1])
    return degraded, clean


def camera(clean, generator=None):
    """A camera's noise, demosaicing and development, in most crops JPEG of quality 70 to 98; some
    crops are clean."""
    draw = draws(4, clean, generator)
    taken = sensor.random_camera(clean.shape[0], clean.device, generator)
    degraded = sensor.photograph(clean, taken, generator)
    degraded = torch.round(degraded * 255) / 255
    coded = jpeg(degraded, random_quality(draw[0], 70, 98), draw[1] < HALVED)
    degraded = torch.where(per_crop(draw[2]) < 0.8, coded, degraded)
    return torch.where(per_crop(draw[3]) < UNTOUCHED, clean, degraded), clean


def upscale(clean, scale, generator=None):
    """Bicubic reduction exactly as in the published tables; sides / scale."""
    return resize.reduce_bytes(clean, scale), clean


def upscale_photo(clean, scale, generator=None):
    """A small picture as found: some blur, reduced, some noise, in most crops JPEG."""
    draw = draws(5, clean, generator)
    small = resize.reduce(resize.blur(clean, draw[0] * 0.5 * scale, 2 * scale), scale)
    noise = torch.randn(small.shape, device=small.device, generator=generator)
    small = small + noise * per_crop(draw[1] ** 2 * (12 / 255))
    small = torch.round(small.clamp(0, 1) * 255) / 255
    coded = jpeg(small, random_quality(draw[2], 50, 95), draw[3] < HALVED)
    return torch.where(per_crop(draw[4]) < 0.7, coded, small), clean


TASKS = {"camera": camera, "dejpeg": dejpeg, "denoise": denoise}
UPSCALE_TASKS = {"upscale": upscale, "upscale_photo": upscale_photo}


def of_task(task, scale=1):
    """The function (clean) -> (degraded, clean) of a task; `scale` is that of an upscaling one."""
    if task in TASKS:
        return TASKS[task]
    return lambda clean: UPSCALE_TASKS[task](clean, scale)
