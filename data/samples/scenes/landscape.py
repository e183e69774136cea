"""A mountain lake on a summer morning, over a meadow that is out of focus."""

import numpy as np

from .studio import SCALE, Strokes, camera, colour, fractal, hash01, mix, ridged, sample, smoothstep

WIDTH, HEIGHT = 640, 416
SPAN = 16.0  # km that the periodic height maps cover
LAKE = 0.0  # km
EYE = 0.055  # km above the lake
SUN = np.array([-0.66, 0.50, -0.16], np.float32)
SUN /= np.linalg.norm(SUN)


class Terrain:
    """Height in km at x (right) and z (away), with a forest of single firs below the tree line."""

    def __init__(self, rng):
        self.crests = ridged(rng, 2048, 9, gain=0.52, first=3.0)
        self.hills = fractal(rng, 1024, 1024, 2.1)
        self.detail = fractal(rng, 1024, 1024, 1.0)
        self.firs = self.grow(rng, 768)

    @staticmethod
    def grow(rng, size):
        """A periodic tile of 1.15 km: cones, the highest wins, in metres."""
        field = np.zeros((size, size), np.float32)
        for _ in range(15000):
            cy, cx = rng.uniform(0, size, 2)
            tall, radius = rng.uniform(8, 21), rng.uniform(1.6, 2.6)
            ys = np.arange(int(cy - 3), int(cy + 5))
            xs = np.arange(int(cx - 3), int(cx + 5))
            cone = tall * (1 - np.hypot(ys[:, None] - cy, xs[None, :] - cx) / radius)
            at = np.ix_(ys % size, xs % size)
            field[at] = np.maximum(field[at], cone)
        return field

    def ground(self, x, z):
        k = 2048 / SPAN
        ridge = sample(self.crests, z * k, x * k)
        hill = sample(self.hills, z * 64, x * 64)
        rise = smoothstep(2.1, 6.8, z + 0.85 * np.abs(x - 0.15) ** 1.25)
        far = smoothstep(9.0, 15.0, z)
        height = -0.05 + rise * (0.16 + 1.6 * ridge * (0.55 + 0.45 * rise) + 0.10 * hill) + 0.9 * far * ridge
        shore = 0.07 * smoothstep(0.55, 1.0, z + 0.05 * hill) * smoothstep(3.2, 2.2, z)
        height = height - shore * (1 - rise) + 0.04 * smoothstep(0.55, 0.2, z)
        return height + rise * 0.012 * sample(self.detail, z * 420, x * 420)

    def forest(self, x, z, ground):
        """Density 0..1 of the forest."""
        patch = sample(self.hills, z * 190 + 300, x * 190)
        line = 0.52 + 0.10 * sample(self.hills, z * 90, x * 90 + 100)
        return (
            smoothstep(0.004, 0.02, ground)
            * smoothstep(line, line - 0.16, ground)
            * smoothstep(-0.9, -0.2, patch + 0.5 * smoothstep(0.3, 0.05, ground))
            * smoothstep(1.4, 2.2, z)
        )

    def height(self, x, z):
        ground = self.ground(x, z)
        tree = sample(self.firs, z * 768 / 1.15, x * 768 / 1.15)
        return ground + 0.001 * tree * smoothstep(0.25, 0.75, self.forest(x, z, ground)), ground


def cumulus(dx, dy, clouds, wisps):
    """Coverage and brightness of clouds in direction (dx, dy, 1)."""
    up = np.maximum(dy, 0.015)
    y, x = 70.0 / up, 70.0 * dx / up

    def cover(shift):
        return sample(clouds, y + shift, x - 1.4 * shift) + 0.32 * sample(
            wisps, 5 * (y + shift), 5 * (x - 1.4 * shift)
        )

    density = smoothstep(0.35, 1.5, cover(0.0))
    shade = smoothstep(-0.3, 2.0, cover(9.0)) * 0.45 + smoothstep(0.0, 1.8, cover(22.0)) * 0.35
    return density * smoothstep(0.02, 0.10, dy), 1.0 - 0.62 * shade


def sky(dx, dy, clouds, wisps):
    base = mix(
        np.float32([0.78, 0.86, 0.93]) * 1.15,
        np.float32([0.10, 0.23, 0.53]) * 1.1,
        smoothstep(-0.06, 0.52, dy)[..., None] ** 0.75,
    )
    glow = np.exp(-(((dx + 0.75) / 0.55) ** 2 + ((dy - 0.25) / 0.35) ** 2))[..., None]
    base = base + glow * np.float32([0.42, 0.34, 0.22])
    density, bright = cumulus(dx, dy, clouds, wisps)
    return mix(base, np.float32([1.75, 1.68, 1.58]) * bright[..., None], density[..., None] * 0.95)


def first_hits(terrain, slope, dx):
    """For every pixel the distance at which its ray meets the ground (nan: sky). Per column the
    running maximum of the terrain's elevation is a sorted list of what each row sees first."""
    steps = 0.25 * (14.8 / 0.25) ** np.linspace(0, 1, 3600, dtype=np.float32)
    distance = np.full(slope.shape, np.nan, np.float32)
    for column in range(slope.shape[1]):
        height, _ = terrain.height(dx[0, column] * steps, steps)
        height = np.maximum(height, LAKE)
        rise = np.maximum.accumulate((height - EYE) / steps)
        at = np.searchsorted(rise, slope[:, column], side="left")
        hit = at < len(steps)
        safe = np.minimum(at, len(steps) - 1)
        before = np.maximum(safe - 1, 0)
        span = np.maximum(rise[safe] - rise[before], 1e-9)
        t = np.clip((slope[:, column] - rise[before]) / span, 0, 1)
        distance[:, column] = np.where(hit, mix(steps[before], steps[safe], t), np.nan)
    return distance


def shade_ground(terrain, x, z):
    eps = np.maximum(0.0012 * z, 0.0015)
    top, ground = terrain.height(x, z)
    gx = (terrain.height(x + eps, z)[0] - top) / eps
    gz = (terrain.height(x, z + eps)[0] - top) / eps
    base_x = (terrain.ground(x + 2 * eps, z) - ground) / (2 * eps)
    base_z = (terrain.ground(x, z + 2 * eps) - ground) / (2 * eps)
    steep = np.hypot(base_x, base_z)
    norm = np.sqrt(gx**2 + gz**2 + 1)
    sun = np.clip((-gx * SUN[0] + SUN[1] - gz * SUN[2]) / norm, 0, 1)
    reach = 0.006 * (2.6 / 0.006) ** np.linspace(0, 1, 40)
    lit = np.ones_like(x)
    for s in reach:
        over = terrain.height(x + SUN[0] * s, z + SUN[2] * s)[0] - (top + 0.002 + SUN[1] * s)
        lit = np.minimum(lit, 1 - smoothstep(-0.012 * s, 0.02 * s, over))
    noise = sample(terrain.detail, z * 600, x * 600)
    strata = sample(terrain.detail, ground * 5200 + 40 * noise, (x + z) * 30)
    rock = mix(
        colour(112, 104, 98),
        colour(156, 148, 138),
        smoothstep(-1.5, 1.5, 0.6 * noise + 0.7 * strata)[..., None],
    )
    meadow = mix(colour(96, 116, 52), colour(134, 138, 72), smoothstep(-1, 1.2, noise)[..., None])
    albedo = mix(
        meadow,
        rock,
        smoothstep(0.55, 0.95, steep + 0.12 * noise + 0.9 * smoothstep(0.5, 0.9, ground))[..., None],
    )
    firs = terrain.forest(x, z, ground)
    hue = hash01(np.floor(x * 260), np.floor(z * 260))
    needles = mix(colour(38, 58, 34), colour(66, 84, 44), hue[..., None])
    albedo = mix(albedo, needles, smoothstep(0.25, 0.6, firs)[..., None])
    snow = smoothstep(0.86, 1.12, ground + 0.10 * noise) * smoothstep(1.35, 0.75, steep + 0.1 * noise)
    albedo = mix(albedo, colour(240, 244, 250), snow[..., None])
    beach = smoothstep(0.006, 0.001, ground) * (z < 4)
    albedo = mix(albedo, colour(166, 156, 138), beach[..., None])
    dark = mix(1.0, 0.55, smoothstep(0.3, 0.8, firs)) * (0.7 + 0.3 / norm)
    light = (sun * lit)[..., None] * np.float32([2.7, 2.35, 1.85]) + np.float32([0.30, 0.40, 0.58]) * dark[
        ..., None
    ]
    return albedo * light


def meadow(picture, rng, horizon):
    """Grass and flowers from the knee-high middle to the blurred front."""
    height, width = picture.shape[:2]
    greens = [(92, 120, 48), (116, 142, 58), (74, 102, 44), (146, 152, 80), (128, 134, 58), (168, 160, 98)]
    layers = [
        (0.775, 5200, 26, 0.9, 1.0, 0.62),
        (0.83, 4200, 44, 1.4, 0.5, 0.8),
        (0.90, 2600, 84, 2.3, 1.8, 0.95),
        (1.0, 1100, 150, 4.2, 5.5, 1.0),
    ]
    for top, count, length, thick, sigma, light in layers:
        strokes = Strokes(height, width)
        floor = height * (top + 0.05)
        bank = floor + 8 * np.sin(np.arange(width) / 131) + 5 * np.sin(np.arange(width) / 47 + 1)
        order = np.sort(rng.uniform(0, 1, count))
        for depth in order:
            x = rng.uniform(-40, width + 40)
            y = bank[int(np.clip(x, 0, width - 1))] + depth * height * 0.11
            tall = length * rng.uniform(0.45, 1.25)
            lean = rng.normal(0.12, 0.33)
            droop = rng.normal(0.0, 0.22)
            s = np.linspace(0, 1, 7)
            points = np.stack(
                [
                    x + tall * (lean * s + droop * s**2.5),
                    y - tall * (s - 0.18 * abs(lean + droop) * s**2),
                ],
                1,
            )
            rgb = np.array(greens[rng.integers(len(greens))]) * rng.uniform(0.5, 1.12) * (0.7 + 0.3 * depth)
            strokes.blade(points, tuple(int(v) for v in np.clip(rgb, 0, 255)), thick * rng.uniform(0.6, 1.2))
            if rng.uniform() < 0.028:
                px, py = points[-1]
                petal = [(244, 240, 230), (236, 196, 60), (150, 96, 180), (212, 66, 58)][
                    rng.choice(4, p=[0.45, 0.3, 0.18, 0.07])
                ]
                size = thick * rng.uniform(1.5, 2.4)
                for turn in np.linspace(0, 2 * np.pi, 7)[:-1] + rng.uniform(0, 1):
                    shade = rng.uniform(0.82, 1.0)
                    strokes.ellipse(
                        px + size * 0.8 * np.cos(turn),
                        py + size * 0.55 * np.sin(turn),
                        size * 0.62,
                        size * 0.42,
                        tuple(int(c * shade) for c in petal),
                    )
                strokes.ellipse(px, py, size * 0.42, size * 0.34, (206, 150, 40))
        y = np.arange(height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
        fall = mix(0.45, 1.0, smoothstep(floor + 0.12 * height, floor - length * 0.7, y))
        picture = strokes.over(picture, sigma, 1.75 * light * fall)
    return picture


def fir(strokes, rng, x, base, tall):
    """A spruce by its twigs."""
    strokes.blade([(x, base), (x, base - tall)], (46, 38, 30), tall * 0.012)
    for level in np.linspace(0.06, 1.0, int(tall / 2.2)):
        reach = tall * 0.21 * (1 - level) ** 0.85 * rng.uniform(0.7, 1.15) + 1.0
        y = base - tall * level
        for side in (-1, 1):
            for _ in range(5):
                out = side * reach * rng.uniform(0.35, 1.0)
                drop = abs(out) * rng.uniform(0.18, 0.5)
                lit = rng.uniform(0.6, 1.0) * (1.25 if side < 0 else 0.75)
                rgb = tuple(int(c * lit) for c in (44, 62, 36))
                strokes.blade([(x, y), (x + out * 0.6, y + drop * 0.5), (x + out, y + drop)], rgb, 1.1)


def draw(rng):
    height, width = HEIGHT * SCALE, WIDTH * SCALE
    terrain = Terrain(rng)
    clouds, wisps = fractal(rng, 1024, 1024, 1.75), fractal(rng, 1024, 1024, 1.3)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    focal = 1.02 * width
    horizon = 0.50 * height
    dx, slope = (x - width / 2) / focal, (horizon - y) / focal

    distance = first_hits(terrain, slope, dx)
    land = ~np.isnan(distance)
    z = np.where(land, distance, 1.0)
    water = land & (EYE + slope * z < LAKE + 0.0004) & (terrain.ground(dx * z, z) < LAKE)
    picture = sky(dx, slope, clouds, wisps)
    dry = land & ~water
    ground = shade_ground(terrain, dx[dry] * z[dry], z[dry])
    picture[dry] = ground
    air = 1 - np.exp(-np.where(dry, z, 0.0) / 15.0)
    scatter = np.float32([0.62, 0.74, 0.93])
    picture = np.where(dry[..., None], mix(picture, scatter, air[..., None]), picture)
    mist = np.exp(-np.abs(slope * z + EYE) / 0.05) * smoothstep(2.4, 4.5, z) * dry * 0.32
    picture = mix(picture, np.float32([0.95, 0.97, 1.0]), mist[..., None])

    # The lake mirrors what stands above it, drawn out by ripples that grow small with distance.
    near = np.where(water, z, 1.0)
    ripple = sample(terrain.detail, near * 1500 + 90 * np.log(near), dx * near * 520)
    breeze = smoothstep(-0.3, 1.2, sample(terrain.hills, np.log(near) * 180, dx * 260))
    wave = ripple * (2.0 + 9.0 * breeze) * np.minimum(1.0, 0.9 / near)
    my = 2 * (horizon - focal * EYE / 40) - y + wave - 2 * np.abs(wave)
    mirrored = sample(picture, np.clip(my, 0, horizon), np.clip(x + 0.3 * wave, 0, width - 2))
    tilt = np.clip(EYE / near, 0, 1)
    fresnel = 0.14 + 0.8 * (1 - tilt) ** 9
    deep = np.float32([0.030, 0.085, 0.10])
    lake = mix(deep, mirrored * 0.92, (fresnel * (1 - 0.25 * breeze))[..., None])
    picture = np.where(water[..., None], lake, picture)

    trees = Strokes(height, width)
    for _ in range(26):
        at = rng.beta(0.55, 0.55) * width
        tall = rng.uniform(60, 150) * (0.75 + 1.2 * abs(at / width - 0.5))
        fir(trees, rng, at, height * 0.86 + rng.uniform(-14, 20), tall)
    picture = trees.over(picture, 0.6, 1.5)
    picture = meadow(picture, rng, horizon)
    return camera(picture, exposure=0.62, vignette=0.25, softness=0.8, bloom=0.03)
