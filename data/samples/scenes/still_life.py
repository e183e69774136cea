"""Fruit, a granite bowl, a steel cup and wooden balls on an oak table, beside a window."""

import numpy as np

from .studio import SCALE, camera, colour, defocus, fractal, hash01, mix, sample, smoothstep

WIDTH, HEIGHT = 608, 400
EYE = np.array([0.0, 1.95, -4.3], np.float32)
LOOK = np.array([0.05, 0.42, 0.2], np.float32)
LAMP = np.array([-4.2, 4.4, -1.2], np.float32)  # middle of the window
LAMP_U = np.array([0.25, 0.0, 0.95], np.float32)
LAMP_V = np.array([0.5, 0.85, 0.0], np.float32)
TABLE, WALL, BOWL, CUP, LEMON, LEMON2, APPLE, NUT = range(8)


def length(*v):
    return np.sqrt(sum(c * c for c in v))


def smooth_union(a, b, k):
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return mix(b, a, h) - k * h * (1 - h)


def bowl(p):
    """Half a sphere with a round lip, hollow, on a foot."""
    x, y, z = p[0] + 1.18, p[1] - 0.72, p[2] - 0.42
    r = length(x, z)
    shell = np.abs(length(r, y) - 0.66) - 0.055
    shell = np.maximum(shell, y - 0.04)
    lip = length(r - 0.66, y - 0.04) - 0.06
    foot = np.maximum(np.abs(length(x, z) - 0.30) - 0.05, np.abs(y + 0.66) - 0.06) - 0.01
    return np.minimum(smooth_union(np.minimum(shell, lip), foot, 0.06), 9)


def cup(p):
    x, y, z = p[0] - 1.12, p[1], p[2] - 0.52
    r = length(x, z)
    radius = 0.40 + 0.05 * y
    wall = np.maximum(np.abs(r - radius) - 0.018, np.abs(y - 0.53) - 0.52) - 0.012
    floor = np.maximum(r - radius, np.abs(y - 0.05) - 0.03)
    ring = length(np.maximum(np.abs(length(x - 0.60, (y - 0.60) * 0.86) - 0.26), 0.0), z * 0.7) - 0.036
    ring = np.maximum(ring, -(x - 0.42))
    return np.minimum(np.minimum(wall, floor), ring)


def lemon(p, cx, cz, turn, lift=0.30):
    x, y, z = p[0] - cx, p[1] - lift, p[2] - cz
    c, s = np.cos(turn), np.sin(turn)
    x, z = c * x + s * z, -s * x + c * z
    body = (length(x / 0.42, y / 0.31, z / 0.31) - 1) * 0.30
    tip = length((x - 0.42) / 1.5, y, z) - 0.055
    return smooth_union(body, tip, 0.10)


def apple(p):
    x, y, z = p[0] - 0.26, p[1] - 0.385, p[2] + 0.02
    r = length(x, z)
    lobes = 1 + 0.03 * np.cos(5 * np.arctan2(z, x)) * smoothstep(0.15, -0.4, y)
    body = length(np.maximum(r, 0) - 0.175 * lobes, y * (1.0 - 0.10 * y)) - 0.268
    stem = length(x - 0.04 * (y - 0.2), z, np.maximum(np.abs(y - 0.24) - 0.13, 0)) - 0.016
    return np.minimum(body * 0.9, stem)


NUTS = None


def nuts(p):
    best = np.full_like(p[0], 9.0)
    for cx, cz, radius, turn, lean in NUTS:
        x, y, z = p[0] - cx, p[1] - radius * 0.92, p[2] - cz
        c, s = np.cos(turn), np.sin(turn)
        x, z = c * x + s * z, -s * x + c * z
        c, s = np.cos(lean), np.sin(lean)
        x, y = c * x + s * y, -s * x + c * y
        best = np.minimum(best, (length(x / 1.12, y, z) - radius) * 0.9)
    return best


SHAPES = (
    (TABLE, lambda p: p[1]),
    (WALL, lambda p: 3.4 - p[2]),
    (BOWL, bowl),
    (CUP, cup),
    (LEMON, lambda p: lemon(p, -0.42, -0.36, 0.5)),
    (LEMON2, lambda p: lemon(p, -1.05, 0.42, -0.7, 0.92)),
    (APPLE, apple),
    (NUT, nuts),
)


def distance(p):
    return np.minimum.reduce([shape(p) for _, shape in SHAPES])


def march(origin, direction, steps, reach):
    """Distance along each ray to the first surface, `reach` where none is met."""
    t = np.full(direction.shape[1], 0.02, np.float32)
    active = np.arange(direction.shape[1])
    for _ in range(steps):
        d = distance(origin[:, active] + direction[:, active] * t[active])
        t[active] += d
        active = active[(d > 0.0007 * t[active]) & (t[active] < reach)]
        if active.size == 0:
            break
    return np.minimum(t, reach)


def normals(p):
    e = 0.0012
    n = np.stack(
        [
            distance(p + np.float32(o)[:, None]) - distance(p - np.float32(o)[:, None])
            for o in ((e, 0, 0), (0, e, 0), (0, 0, e))
        ]
    )
    return n / np.maximum(np.sqrt((n * n).sum(0)), 1e-8)


def visible(p, target, steps=26):
    """Share of the light towards `target` that nothing blocks, with a narrow penumbra."""
    way = target - p
    far = np.sqrt((way * way).sum(0))
    way = way / far
    t = np.full(p.shape[1], 0.02, np.float32)
    open_ = np.ones(p.shape[1], np.float32)
    for _ in range(steps):
        d = distance(p + way * t)
        open_ = np.minimum(open_, np.clip(0.5 + 11 * d / t, 0, 1))
        t += np.clip(d, 0.012, 0.30)
    return open_


def surroundings(d):
    """Light of the room by direction: a window with bars, a pale ceiling, a dim room."""
    x, y, z = d
    room = mix(
        np.float32([0.10, 0.085, 0.07])[:, None],
        np.float32([0.50, 0.50, 0.52])[:, None],
        smoothstep(-0.2, 0.9, y),
    )
    warm = np.float32([0.30, 0.20, 0.11])[:, None] * smoothstep(0.1, -0.5, y)
    wu, wv = (z * 1.0 + 0.25) / 0.42, (y - 0.55) / 0.36
    facing = x < 0
    pane = smoothstep(1.02, 0.98, np.abs(wu)) * smoothstep(1.02, 0.98, np.abs(wv)) * facing
    pane = pane * smoothstep(0.03, 0.05, np.abs(wu)) * smoothstep(0.03, 0.05, np.abs(wv - 0.2))
    return room + warm + pane * np.float32([6.4, 6.9, 7.6])[:, None]


class Materials:
    def __init__(self, rng):
        self.grain = fractal(rng, 1024, 1024, 0.9, stretch=(1.0, 0.03))
        self.fibre = fractal(rng, 1024, 1024, 0.4, stretch=(1.0, 0.02))
        self.cloud = fractal(rng, 1024, 1024, 1.5)
        self.fine = fractal(rng, 1024, 1024, 0.5)
        self.speck = fractal(rng, 1024, 1024, 0.9, low=0.03)

    def oak(self, p):
        plank = np.floor((p[2] + 0.35) / 0.86)
        x, z = p[0] * 130 + 331 * plank, p[2] * 260 + 97 * plank
        warp = 24 * sample(self.cloud, z * 0.12, x * 0.12)
        rings = sample(self.grain, z * 0.6 + warp, x * 0.9)
        lines = np.sin(((p[2] * 26 + 0.10 * warp + 1.2 * rings + 0.9 * np.cos(p[0] * 0.8 + plank)))) ** 2
        pores = smoothstep(1.25, 2.1, sample(self.fibre, z, x * 0.8))
        base = mix(
            colour(150, 100, 62)[:, None], colour(186, 134, 88)[:, None], np.clip(0.5 + 0.3 * rings, 0, 1)
        )
        base = base * (1 - 0.28 * lines) * (1 - 0.5 * pores) * (0.86 + 0.28 * hash01(plank))
        gap = np.abs((p[2] + 0.35) / 0.86 - np.round((p[2] + 0.35) / 0.86)) * 0.86
        return base * mix(0.18, 1.0, smoothstep(0.004, 0.012, gap)), 0.42 + 0.2 * pores

    def granite(self, p, n):
        def tri(field, k):
            w = np.abs(n) ** 3
            w = w / w.sum(0)
            return (
                w[0] * sample(field, p[2] * k, p[1] * k)
                + w[1] * sample(field, p[0] * k, p[2] * k)
                + w[2] * sample(field, p[0] * k, p[1] * k)
            )

        a, b, c = tri(self.fine, 210), tri(self.speck, 150), tri(self.cloud, 60)
        base = mix(
            colour(96, 98, 104)[:, None],
            colour(150, 150, 152)[:, None],
            np.clip(0.5 + 0.35 * a + 0.2 * c, 0, 1),
        )
        base = mix(base, colour(34, 34, 38)[:, None], smoothstep(0.9, 1.3, b))
        return mix(base, colour(214, 208, 202)[:, None], smoothstep(-1.15, -1.5, b))


def shade(kind, p, d, m):
    """Light that leaves each point towards the eye."""
    n = normals(p)
    albedo = np.ones((3, p.shape[1]), np.float32)
    rough = np.full(p.shape[1], 0.4, np.float32)
    metal = np.zeros(p.shape[1], np.float32)
    f0 = np.full(p.shape[1], 0.04, np.float32)

    def put(which, a, r, bump=0.0, field=None, k=1.0):
        albedo[:, which], rough[which] = a, r
        if field is not None:
            q = p[:, which] * k
            e = 0.8
            h = [sample(field, q[1] + q[2] + i, q[0] - q[2] + j) for i, j in ((0, 0), (e, 0), (0, e))]
            n[0, which] += bump * (h[0] - h[2])
            n[1, which] += bump * (h[0] - h[1])

    at = kind == TABLE
    a, r = m.oak(p[:, at])
    put(at, a, r, 0.02, m.fine, 120)
    at = kind == WALL
    plaster = (
        1
        + 0.06 * sample(m.cloud, p[1, at] * 80, p[0, at] * 80)
        + 0.05 * sample(m.fine, p[1, at] * 90, p[0, at] * 90)
    )
    put(at, colour(124, 128, 124)[:, None] * plaster, 0.9)
    at = kind == BOWL
    put(at, m.granite(p[:, at], n[:, at]), 0.55, 0.05, m.fine, 190)
    at = kind == CUP
    ring = sample(m.fibre, p[1, at] * 300, np.arctan2(p[2, at] - 0.52, p[0, at] - 1.12) * 60)
    n[1, at] += 0.035 * ring
    put(at, np.float32([0.66, 0.645, 0.62])[:, None] * (1 + 0.04 * ring), 0.24)
    metal[at] = 1.0
    at = (kind == LEMON) | (kind == LEMON2)
    tone = sample(m.cloud, p[1, at] * 60 + 200, p[0, at] * 60)
    put(
        at,
        mix(colour(236, 190, 34)[:, None], colour(214, 178, 48)[:, None], np.clip(0.5 + 0.4 * tone, 0, 1)),
        0.36,
        0.17,
        m.speck,
        105,
    )
    at = kind == APPLE
    x, y, z = p[0, at] - 0.26, p[1, at] - 0.385, p[2, at] + 0.02
    angle = np.arctan2(z, x)
    streaks = sample(m.grain, angle * 190, y * 380) + 0.6 * sample(m.cloud, angle * 40, y * 90)
    red = smoothstep(-0.9, 0.7, streaks * 0.6 + 1.1 * np.cos(angle + 2.4) + 0.5)
    skin = mix(
        colour(196, 176, 72)[:, None],
        mix(colour(168, 28, 30)[:, None], colour(122, 16, 26)[:, None], np.clip(0.5 + 0.4 * streaks, 0, 1)),
        red,
    )
    dots = smoothstep(1.9, 2.3, sample(m.speck, y * 170, angle * 60))
    skin = mix(skin, colour(222, 190, 130)[:, None], dots * 0.6)
    hollow = smoothstep(0.12, 0.02, np.hypot(x, z)) * (y > 0.05)
    stem = (np.hypot(x - 0.04 * (y - 0.2), z) < 0.03) & (y > 0.13)
    skin = np.where(stem, colour(84, 58, 36)[:, None], mix(skin, colour(150, 128, 60)[:, None], hollow * 0.8))
    put(at, skin, 0.22)
    at = kind == NUT
    streak = sample(m.grain, p[0, at] * 400, p[1, at] * 500 + p[2, at] * 300)
    put(
        at,
        mix(colour(150, 88, 48)[:, None], colour(188, 126, 76)[:, None], np.clip(0.5 + 0.35 * streak, 0, 1)),
        0.34,
        0.05,
        m.fine,
        260,
    )

    n /= np.sqrt((n * n).sum(0))
    view = -d
    nv = np.clip((n * view).sum(0), 0.02, 1)
    out = np.zeros_like(p)
    start = p + n * 0.006
    spec_f0 = mix(f0 * np.ones((3, 1), np.float32), albedo, metal)
    alpha = rough**2
    for iu, u in enumerate((-0.66, 0.0, 0.66)):
        for iv, v in enumerate((-0.6, 0.1, 0.7)):
            lamp = LAMP[:, None] + LAMP_U[:, None] * (u) + LAMP_V[:, None] * (v)
            way = lamp - p
            d2 = (way * way).sum(0)
            way = way / np.sqrt(d2)
            nl = np.clip((n * way).sum(0), 0, 1)
            if not (nl > 0).any():
                continue
            seen = visible(start, lamp)
            half = way + view
            half = half / np.sqrt((half * half).sum(0))
            nh, vh = np.clip((n * half).sum(0), 0, 1), np.clip((view * half).sum(0), 0, 1)
            ggx = alpha**2 / (np.pi * (nh**2 * (alpha**2 - 1) + 1) ** 2 + 1e-6)
            g = 1 / (4 * mix(nl, 1, alpha / 2) * mix(nv, 1, alpha / 2) + 1e-4)
            fresnel = spec_f0 + (1 - spec_f0) * (1 - vh) ** 5
            diffuse = albedo * (1 - metal) / np.pi
            power = np.float32([100, 104, 110])[:, None] / 9 * 1.25
            out += (
                (diffuse + fresnel * np.minimum(ggx * g, 30.0) * (1 - 0.6 * (1 - metal) * (alpha < 0.02)))
                * nl
                * seen
                * power
                / d2
            )
    # Light from everywhere, less in corners; a second bounce by mirror direction.
    shut = np.zeros(p.shape[1], np.float32)
    for i, s in enumerate((0.03, 0.09, 0.2, 0.4)):
        shut += (s - np.clip(distance(p + n * s), 0, s)) / s * (0.34, 0.28, 0.22, 0.16)[i]
    open_ = np.clip(1 - shut, 0, 1)
    bounce = np.float32([0.26, 0.17, 0.10])[:, None] * np.clip(-n[1], 0, 1) * (p[1] > 0.01)
    ambient = np.float32([0.20, 0.22, 0.25])[:, None] * (0.55 + 0.45 * n[1]) + bounce
    out += albedo * (1 - metal) * ambient * open_
    return out, n, rough, metal, spec_f0, open_


def classify(p):
    return np.argmin(np.stack([shape(p) for _, shape in SHAPES]), 0)


def draw(rng):
    global NUTS
    spots = [
        (0.02, -0.86),
        (0.33, -0.98),
        (0.62, -0.66),
        (0.86, -0.98),
        (-0.32, -1.06),
        (1.26, -0.52),
        (0.72, -1.26),
        (1.62, -0.12),
        (-1.25, -0.72),
    ]
    NUTS = [
        (
            x + rng.normal(0, 0.03),
            z + rng.normal(0, 0.03),
            rng.uniform(0.098, 0.125),
            rng.uniform(0, 6.3),
            rng.normal(0, 0.5),
        )
        for x, z in spots
    ]
    height, width = HEIGHT * SCALE, WIDTH * SCALE
    m = Materials(rng)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    forward = (LOOK - EYE) / np.linalg.norm(LOOK - EYE)
    right = np.cross([0, 1, 0], forward)
    right /= np.linalg.norm(right)
    up = np.cross(forward, right)
    focal = 1.42 * width
    d = (
        forward[:, None]
        + right[:, None] * ((x - width / 2) / focal).ravel()
        + up[:, None] * ((height / 2 - y) / focal).ravel()
    )
    d = (d / np.sqrt((d * d).sum(0))).astype(np.float32)
    origin = np.repeat(EYE[:, None], d.shape[1], 1)
    out = np.zeros_like(d)
    depth = np.zeros(d.shape[1], np.float32)
    for part in np.array_split(np.arange(d.shape[1]), 12):
        t = march(origin[:, part], d[:, part], 90, 16.0)
        p = origin[:, part] + d[:, part] * t
        light, n, rough, metal, f0, open_ = shade(classify(p), p, d[:, part], m)
        mirror = d[:, part] - 2 * (d[:, part] * n).sum(0) * n
        fresnel = f0 + (1 - f0) * (1 - np.clip(-(d[:, part] * n).sum(0), 0, 1)) ** 5
        gloss = np.where(metal > 0, 1.0, (1 - rough) ** 2 * 0.8)
        shiny = gloss * fresnel.max(0) > 0.03
        bounce = surroundings(mirror)
        if shiny.any():
            start = p[:, shiny] + n[:, shiny] * 0.01
            r = march(start, mirror[:, shiny], 40, 8.0)
            hit = r < 7.9
            q = start + mirror[:, shiny] * r
            seen = bounce[:, shiny]
            if hit.any():
                seen[:, hit] = shade(classify(q[:, hit]), q[:, hit], mirror[:, shiny][:, hit], m)[0]
            bounce[:, shiny] = seen
        # The window itself already shines through the sampled lamp on rough surfaces.
        bounce = np.minimum(bounce, np.where(rough > 0.3, 1.2, 8.0))
        out[:, part] = light + fresnel * gloss * bounce * mix(open_, 1.0, metal)
        depth[part] = (p * forward[:, None]).sum(0) - (EYE * forward).sum()
    picture = out.T.reshape(height, width, 3).copy()
    depth = depth.reshape(height, width)
    sharp = 4.35
    sigma = np.clip(np.abs(1 / sharp - 1 / depth) * 62 - 0.25, 0, 9)
    picture = defocus(picture, sigma.astype(np.float32), [0.0, 1.5, 3.5, 7.0, 10.0])
    return camera(picture, exposure=0.95, vignette=0.3, softness=0.8, bloom=0.03)
