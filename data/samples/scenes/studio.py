"""What the scenes share: noise fields, blur, sampling, strokes, light and the camera.

Pictures are float32 arrays [height, width, 3] of linear light, drawn at SCALE times their final
size; the camera makes 8-bit-ready sRGB values in [0, 1] of them.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SCALE = 2
FONTS = "/usr/share/fonts/truetype/dejavu/"


def font(name, size):
    return ImageFont.truetype(FONTS + name + ".ttf", size)


def smoothstep(a, b, x):
    t = np.clip((x - a) / (b - a), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def mix(a, b, t):
    return a + (b - a) * t


def colour(*rgb):
    """sRGB 0..255 as linear light."""
    return linear(np.asarray(rgb, np.float32) / 255.0)


def linear(srgb):
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb(light):
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def frequencies(height, width):
    fy = np.fft.fftfreq(height)[:, None]
    fx = np.fft.rfftfreq(width)[None, :]
    return fy, fx


def fractal(rng, height, width, beta=1.0, low=0.0, stretch=(1.0, 1.0)):
    """Periodic Gaussian noise of spectrum 1/f^beta, mean 0, deviation 1; nothing below `low`
    cycles per pixel; `stretch` elongates the grain by (y, x)."""
    fy, fx = frequencies(height, width)
    f = np.sqrt((fy * stretch[0]) ** 2 + (fx * stretch[1]) ** 2)
    f[0, 0] = 1.0
    gain = f**-beta * (np.sqrt(fy**2 + fx**2) >= low)
    gain[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) * gain, (height, width))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def ridged(rng, size, octaves, gain=0.5, first=2.0):
    """Periodic ridged multifractal in 0..1: sharp crests, smooth valleys."""
    fy, fx = frequencies(size, size)
    f = np.sqrt(fy**2 + fx**2) * size
    total = np.zeros((size, size), np.float32)
    weight = np.ones_like(total)
    amplitude, norm = 1.0, 0.0
    for octave in range(octaves):
        centre = first * 2.0**octave
        band = np.exp(-((np.log2(np.maximum(f, 1e-6) / centre)) ** 2) / 0.35)
        field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * band, (size, size))
        crest = np.clip(1.0 - np.abs(field / field.std()) / 1.6, 0.0, 1.0) ** 2
        total += (amplitude * crest * weight).astype(np.float32)
        weight = np.clip(1.6 * crest * weight, 0.15, 1.0).astype(np.float32)
        norm += amplitude
        amplitude *= gain
    return total / norm


def blur(picture, sigma):
    """Gaussian blur with mirrored borders."""
    if sigma <= 0:
        return picture
    pad = min(int(4 * sigma) + 1, min(picture.shape[:2]) - 1)
    flat = picture[..., None] if picture.ndim == 2 else picture
    wide = np.pad(flat, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
    fy, fx = frequencies(*wide.shape[:2])
    gain = np.exp(-2.0 * (np.pi * sigma) ** 2 * (fy**2 + fx**2))[..., None]
    wide = np.fft.irfft2(np.fft.rfft2(wide, axes=(0, 1)) * gain, wide.shape[:2], axes=(0, 1))
    out = wide[pad:-pad, pad:-pad].astype(np.float32)
    return out[..., 0] if picture.ndim == 2 else out


def defocus(picture, depth_sigma, levels):
    """Blur that varies by pixel: `depth_sigma` is interpolated between a few blurred copies."""
    stack = [blur(picture, sigma) for sigma in levels]
    out = stack[0].copy()
    for low, high, a, b in zip(levels, levels[1:], stack, stack[1:]):
        t = np.clip((depth_sigma - low) / (high - low), 0.0, 1.0)[..., None]
        inside = (depth_sigma >= low)[..., None]
        out = np.where(inside, mix(a, b, t), out)
    return out


def sample(field, y, x):
    """Bilinear look-up with wrap-around; coordinates in pixels."""
    height, width = field.shape[:2]
    y0, x0 = np.floor(y), np.floor(x)
    ty, tx = (y - y0).astype(np.float32), (x - x0).astype(np.float32)
    y0, x0 = y0.astype(np.int64) % height, x0.astype(np.int64) % width
    y1, x1 = (y0 + 1) % height, (x0 + 1) % width
    if field.ndim == 3:
        ty, tx = ty[..., None], tx[..., None]
    top = mix(field[y0, x0], field[y0, x1], tx)
    return mix(top, mix(field[y1, x0], field[y1, x1], tx), ty)


def sample_once(field, y, x):
    """Bilinear look-up that holds the border value outside."""
    return sample(field, np.clip(y, 0, field.shape[0] - 1.001), np.clip(x, 0, field.shape[1] - 1.001))


def hash01(*cells):
    """A fixed pseudo-random number in 0..1 for integer cells."""
    h = np.zeros(np.broadcast(*cells).shape if len(cells) > 1 else np.shape(cells[0]), np.uint32)
    for i, cell in enumerate(cells):
        h ^= np.asarray(cell).astype(np.int64).astype(np.uint32) * np.uint32(
            (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)[i % 3]
        )
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
        h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
        h ^= h >> np.uint32(15)
    return h.astype(np.float32) / np.float32(2**32)


class Strokes:
    """A transparent layer for opaque strokes, drawn at twice the working size for clean edges."""

    def __init__(self, height, width):
        self.size = (2 * width, 2 * height)
        self.image = Image.new("RGBA", self.size, (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def line(self, points, rgb, width):
        points = [(2 * x, 2 * y) for x, y in points]
        self.draw.line(points, fill=(*rgb, 255), width=max(1, round(2 * width)), joint="curve")

    def blade(self, points, rgb, width):
        """A curve that tapers to its last point."""
        points = np.asarray(points, np.float64) * 2
        along = np.gradient(points, axis=0)
        along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
        half = np.linspace(width, 0.15, len(points))[:, None]
        side = np.stack([-along[:, 1], along[:, 0]], 1) * half
        outline = np.concatenate([points + side, (points - side)[::-1]])
        self.draw.polygon([tuple(p) for p in outline], fill=(*rgb, 255))

    def ellipse(self, x, y, rx, ry, rgb):
        self.draw.ellipse([2 * (x - rx), 2 * (y - ry), 2 * (x + rx), 2 * (y + ry)], fill=(*rgb, 255))

    def over(self, picture, sigma=0.0, light=1.0):
        """The picture with this layer on top, blurred by `sigma` and lit by `light`."""
        layer = np.asarray(self.image, np.float32) / 255.0
        alpha = layer[..., 3:]
        premultiplied = linear(layer[..., :3]) * alpha
        both = np.concatenate([premultiplied, alpha], 2)
        h, w = both.shape[0] // 2, both.shape[1] // 2
        both = blur(both.reshape(h, 2, w, 2, 4).mean((1, 3)), sigma)
        lit = both[..., :3] * (light if np.isscalar(light) else light[..., None])
        return picture * (1.0 - both[..., 3:]) + lit


def film(light, exposure):
    """A filmic curve (toe and shoulder) from scene light to display light."""
    x = np.maximum(light * exposure, 0.0)
    return np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0)


def camera(light, exposure=1.0, vignette=0.25, softness=0.9, bloom=0.04):
    """Lens and sensor: veiling glare, vignette, slight blur, lateral colour error, film curve."""
    height, width = light.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    ry, rx = (y - height / 2) / (width / 2), (x - width / 2) / (width / 2)
    light = mix(light, blur(np.minimum(light, 6.0), width / 60), bloom)
    light = light * (1.0 - vignette * np.clip(rx**2 + ry**2, 0, 1.6))[..., None]
    for channel, stretch in ((0, 1.0004), (2, 0.9996)):
        light[..., channel] = sample_once(
            np.ascontiguousarray(light[..., channel]),
            (y - height / 2) * stretch + height / 2,
            (x - width / 2) * stretch + width / 2,
        )
    light = blur(light, softness)
    light = light.reshape(height // SCALE, SCALE, width // SCALE, SCALE, 3).mean((1, 3))
    return srgb(film(light, exposure)).astype(np.float32)
