"""A woman from behind: hair put up, nape, a knitted pullover, a garden out of focus."""

import numpy as np

from .studio import SCALE, Strokes, blur, camera, colour, fractal, mix, smoothstep

WIDTH, HEIGHT = 400, 496


def bezier(p0, p1, p2, p3, n):
    t = np.linspace(0, 1, n)[:, None]
    return (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3


def garden(rng, height, width):
    """Discs of light through leaves, as a fast lens draws them."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    base = mix(colour(150, 168, 132), colour(58, 76, 52), smoothstep(0.0, 1.0, y)[..., None])
    cloudy = blur(fractal(rng, height, width, 1.3), 14)
    base = base * (1.0 + 0.45 * cloudy / cloudy.std())[..., None].clip(0.25, 2.2)
    leaves = Strokes(height, width)
    for _ in range(260):
        x, yy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(14, 44)
        tone = rng.uniform(0.45, 1.2)
        rgb = np.array([(92, 116, 62), (60, 86, 50), (132, 146, 84), (46, 62, 42)][rng.integers(4)]) * tone
        leaves.ellipse(x, yy, r, r * rng.uniform(0.5, 1.0), tuple(int(v) for v in rgb.clip(0, 255)))
    base = mix(base, leaves.over(base), 0.65)
    base = blur(base, 11)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(46):
        cx, cy, r = rng.uniform(0, width), rng.beta(1.1, 2.2) * height, rng.uniform(15, 27)
        distance = np.hypot(xx - cx, yy - cy)
        disc = smoothstep(r + 1.6, r - 1.6, distance) * (0.72 + 0.28 * smoothstep(r * 0.6, r, distance))
        warm = mix(np.float32([1.0, 0.86, 0.55]), np.float32([0.78, 0.95, 0.72]), rng.uniform())
        base = base + disc[..., None] * warm * rng.uniform(0.05, 0.34)
    return base


def outline(y, knots):
    """Half width (or centre) at y from (y, value) knots, smooth."""
    ys, vs = np.array([k[0] for k in knots], float), np.array([k[1] for k in knots], float)
    flat = np.interp(y, ys, vs)
    kernel = np.hanning(61)
    kernel /= kernel.sum()
    return np.convolve(np.pad(flat, 30, mode="edge"), kernel, mode="valid").astype(np.float32)


def skin(rng, height, width, centre, half, y, x):
    """Neck as a rounded column under a soft light from the left, with blood under the terminator."""
    across = np.clip((x - centre[:, None]) / half[:, None], -1, 1)
    relief = 0.06 * blur(fractal(rng, height, width, 1.6), 7)
    # The two cords beside the spine and the vertebra that shows under the skin.
    cords = 0.30 * (np.exp(-(((np.abs(across) - 0.42) / 0.13) ** 2))) * smoothstep(0.45, 0.62, y)
    bone = 0.8 * np.exp(-((across / 0.13) ** 2 + ((y - 0.735) / 0.017) ** 2))
    bone = bone + 0.4 * np.exp(-((across / 0.12) ** 2 + ((y - 0.70) / 0.014) ** 2))
    surface = np.sqrt(np.clip(1.02 - across**2, 0, 1)) * half[:, None] + 7.5 * (cords + bone) + 6 * relief
    gy, gx = np.gradient(blur(surface.astype(np.float32), 3.0))
    norm = np.sqrt(gx**2 + gy**2 + 1)
    light = np.float32([-0.66, -0.42, 0.62])
    dot = (-gx * light[0] - gy * light[1] + light[2]) / norm
    wrap = np.stack([smoothstep(-s, 1.0, dot) for s in (0.55, 0.26, 0.16)], 2)
    blush = fractal(rng, height, width, 1.9)
    pores = fractal(rng, height, width, 0.35, low=0.12)
    tone = mix(colour(224, 172, 146), colour(210, 142, 118), smoothstep(-1, 1.6, blush)[..., None])
    tone = tone * (1 + 0.030 * pores[..., None] * np.float32([0.7, 1.0, 1.1]))
    for _ in range(46):
        fx = centre[0] + rng.normal(0, 0.55) * half.max()
        fy, r = rng.uniform(0.50, 0.86) * height, rng.uniform(0.7, 1.9)
        spot = np.exp(-(((x - fx) / r) ** 2 + ((y * height - fy) / r) ** 2) / 2)
        tone = mix(tone, colour(152, 94, 68), (spot * rng.uniform(0.12, 0.5))[..., None])
    gloss = np.clip((dot + 0.05), 0, 1) ** 18 * (0.10 + 0.035 * pores)
    fresnel = (1 - 1 / norm) ** 3
    out = tone * (wrap * np.float32([1.55, 1.42, 1.26]) + np.float32([0.20, 0.20, 0.22]))
    rim = smoothstep(0.86, 1.0, across)[..., None] * np.float32([0.16, 0.22, 0.16])
    return out + gloss[..., None] * np.float32([1, 0.95, 0.88]) + fresnel[..., None] * 0.10 + rim * 0.7


def pullover(rng, height, width, top, centre, y, x):
    """Stocking stitch that follows the shoulders, with a ribbed collar."""
    px_y = y * height
    below = px_y - top
    slope = np.gradient(blur(top[:1].repeat(8, 0), 6)[0])[None, :]
    along = (x - centre) * np.sqrt(1 + slope**2) + 2.5 * fractal(rng, height, width, 2.2)
    depth = below / np.sqrt(1 + slope**2) + 2.0 * fractal(rng, height, width, 2.2)
    pitch_x, pitch_y = 11.0, 8.6
    column = np.floor(along / pitch_x)
    cx = along / pitch_x - column - 0.5
    row = depth / pitch_y + 0.75 * np.abs(cx) * 2
    cy = row - np.floor(row) - 0.5
    leg = np.abs(cx) - 0.25
    yarn = np.clip(1 - (leg / 0.25) ** 2 - 0.75 * (cy / 0.5) ** 2, 0, 1) ** 0.5
    rib = depth < 40
    rib_phase = np.cos(2 * np.pi * along / 17.0)
    rib_stitch = np.clip(1 - ((depth / 6.5) % 1 - 0.5) ** 2 * 2.2, 0, 1)
    yarn = np.where(rib, (0.5 + 0.5 * rib_phase) * rib_stitch, yarn)
    fuzz = fractal(rng, height, width, 0.5)
    twist = 0.5 + 0.5 * np.sin((cx * np.sign(cx) * 9 + cy * 7) * 2 + 0.8 * fuzz)
    colour_noise = fractal(rng, height, width, 0.9)
    wool = mix(colour(58, 78, 104), colour(92, 116, 142), smoothstep(-1.4, 1.6, colour_noise)[..., None])
    fleck = smoothstep(2.1, 2.5, fractal(rng, height, width, 0.4, low=0.08))
    wool = mix(wool, colour(206, 196, 176), fleck[..., None] * 0.8)
    relief = (0.22 + 0.78 * yarn) * (0.82 + 0.18 * twist) * (1 + 0.10 * fuzz)
    round_off = smoothstep(-4, 26, depth)
    side = np.clip((x - centre) / (width * 0.62), -1, 1)
    light = (1.12 - 0.62 * smoothstep(-0.35, 0.95, side)) * (0.55 + 0.45 * round_off)
    light = light * (1 - 0.40 * smoothstep(40, 60, depth) * smoothstep(74, 52, depth))
    fold = blur(fractal(rng, height, width, 2.2), 16)
    light = light * (1 + 0.20 * fold / fold.std())
    return wool * (relief * light)[..., None] * np.float32([1.7, 1.62, 1.5])


def hairline(dx):
    """Height of the hairline at the nape, as a share of the picture's, by the distance from its axis."""
    return 0.548 + 0.010 * np.cos(dx / 34) - 0.034 * (dx / 150) ** 2


def shine(points, centre_y, spread):
    """Brightness of hair along a strand: the highlight lies where it faces the light."""
    band = np.exp(-(((points[:, 1] - centre_y) / spread) ** 2))
    return 0.5 + 1.05 * band


def lay(strokes, rng, points, normal_x, width):
    """One strand in short pieces, each with its light."""
    middle = (points[:-1] + points[1:]) / 2
    light = shine(middle, strokes.band + 16 * np.sin(middle[:, 0] / 47), 52)
    for i in range(len(points) - 1):
        fall = 1.0 - 0.52 * smoothstep(-0.25, 1.0, normal_x[i]) - 0.30 * smoothstep(-0.72, -1.0, normal_x[i])
        strokes.line(points[i : i + 2], lit(strokes.tone, light[i] * fall * strokes.gain), width)


def lit(base, light):
    return tuple(int(v) for v in np.clip(np.asarray(base) * light, 0, 255))


def draw(rng):
    height, width = HEIGHT * SCALE, WIDTH * SCALE
    yy, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y = yy / height
    picture = garden(rng, height, width)

    axis = width * 0.50
    rows = np.arange(height) / height
    half = outline(
        rows,
        [
            (0, 150),
            (0.52, 158),
            (0.60, 146),
            (0.66, 148),
            (0.70, 162),
            (0.73, 200),
            (0.76, 270),
            (0.79, 360),
            (0.84, 460),
            (1, 560),
        ],
    ).clip(1)
    centre = outline(rows, [(0, axis + 6), (0.5, axis + 4), (0.8, axis), (1, axis)])
    neck = skin(rng, height, width, centre, half, y, x)
    inside = smoothstep(1.2, -1.2, np.abs(x - centre[:, None]) - half[:, None]) * smoothstep(0.36, 0.40, y)
    picture = mix(picture, neck, inside[..., None])

    # Shoulders: the collar dips at the nape and the line falls to both sides.
    side = np.abs(np.arange(width) - axis) / (width / 2)
    top = height * np.interp(
        side, [0, 0.18, 0.40, 0.52, 0.70, 0.92, 1.1], [0.800, 0.790, 0.748, 0.735, 0.752, 0.785, 0.820]
    )
    top = np.convolve(np.pad(top, 31, mode="edge"), np.hanning(63) / np.hanning(63).sum(), mode="valid")[
        None, :
    ].astype(np.float32)
    contact = np.exp(-np.clip(top - yy, 0, None) / 13.0) * (yy < top)
    picture = picture * (1 - 0.62 * contact * inside)[..., None]
    wool = pullover(rng, height, width, top, axis, y, x)
    picture = mix(picture, wool, smoothstep(-1.2, 1.2, yy - top)[..., None])

    # The head: a darker under-layer, then strands from the hairline up to the knot.
    head = np.array([axis + 2, 0.300 * height]), np.array([0.292 * width, 0.272 * height])
    knot = np.array([axis + 8, 0.205 * height])
    nx, ny = (x - head[0][0]) / head[1][0], (yy - head[0][1]) / head[1][1]
    scalp = smoothstep(1.0, 0.975, np.hypot(nx, ny))
    nape_line = hairline(x - axis)
    scalp = scalp * smoothstep(nape_line + 0.004, nape_line - 0.012, y)
    shadow = np.exp(-np.clip(y - nape_line, 0, None) / 0.035) * inside * (y > nape_line)
    picture = picture * (1 - 0.55 * shadow)[..., None]
    picture = mix(picture, colour(54, 35, 25) * np.ones_like(picture) * 0.7, scalp[..., None])

    def ear(flip):
        cx, cy = axis + 4 + flip * head[1][0] * 0.985, 0.372 * height
        ex, ey = (x - cx) / 19 * flip, (yy - cy) / 46
        r = np.hypot(ex + 0.22 * ey**2 * np.sign(ey), ey * (1 - 0.12 * ey))
        shape = smoothstep(1.03, 0.97, r) * (np.abs(ey) < 1.3)
        rim = np.exp(-(((r - 0.86) / 0.09) ** 2))
        hollow = np.exp(-(((r - 0.55) / 0.2) ** 2))
        tone = colour(222, 156, 134) * (0.78 + 0.34 * rim - 0.30 * hollow)[..., None]
        exposed = 1.35 if flip < 0 else 0.62
        return tone * exposed * np.float32([1.06, 0.96, 0.92]), shape

    for flip in (-1, 1):
        tone, shape = ear(flip)
        picture = mix(picture, tone, shape[..., None])

    hair = Strokes(height, width)
    bases = [(112, 72, 44), (136, 90, 54), (90, 56, 36), (160, 112, 70), (74, 46, 31), (122, 78, 46)]
    locks = rng.uniform(-np.pi, np.pi, 110)
    sway = rng.normal(0, 13, (len(locks), 2, 2))
    hair.band = 0.36 * height
    count = 6400
    for i in range(count):
        lock = rng.integers(len(locks))
        turn = locks[lock] + rng.normal(0, 0.06)
        layer = np.sqrt(i / count)
        start = head[0] + head[1] * np.array([np.sin(turn), np.cos(turn)]) * rng.uniform(0.93, 1.0)
        # Roots at the nape start at the hairline, not at the edge of the skull.
        line = hairline(start[0] - axis) * height
        if start[1] > line:
            start[1] = line + rng.uniform(-16, 4)
        end = knot + np.array([np.sin(turn), np.cos(turn)]) * rng.uniform(30, 80) * np.array([1.0, 0.8])
        out = start - head[0]
        bulge = 0.42 + 0.1 * layer
        c1 = start + (end - start) * 0.33 + out * bulge * 0.45 + sway[lock, 0] + rng.normal(0, 5, 2)
        c2 = start + (end - start) * 0.70 + out * bulge * 0.22 + sway[lock, 1] + rng.normal(0, 5, 2)
        points = bezier(start, c1, c2, end, 13)
        hair.tone, hair.gain = bases[rng.integers(len(bases))], (0.55 + 0.5 * layer) * rng.uniform(0.75, 1.25)
        lay(hair, rng, points, (points[:, 0] - head[0][0]) / head[1][0], rng.uniform(0.5, 1.0))
    picture = hair.over(picture, 0.35, 1.25)

    # The knot: coils around each other, darkest in the gaps.
    px, py = (x - knot[0]) / 122, (yy - knot[1]) / 100
    ball = smoothstep(1.03, 0.9, np.hypot(px, py))
    drop = np.exp(-((np.clip(np.hypot(px, (py - 0.12)) - 0.95, 0, None) / 0.16) ** 2))
    picture = picture * (1 - 0.6 * drop)[..., None]
    picture = mix(picture, colour(40, 26, 20) * 0.5 * np.ones_like(picture), ball[..., None])
    coil = Strokes(height, width)
    for lap, (radius, wide, squash, spin) in enumerate(
        [(88, 27, 0.84, 0.3), (60, 25, 0.82, 1.9), (32, 23, 0.85, 3.6), (9, 18, 0.9, 5.0)]
    ):
        for i in range(1700):
            layer = np.sqrt(i / 1700)
            offset = rng.normal(0, 0.40) * wide
            a0, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 2.0)
            a = a0 + np.linspace(0, length, 10)
            r = (
                radius
                + offset
                + 13 * np.cos(a + spin)
                + 0.45 * offset * np.sin(2 * a + spin)
                + 5 * np.sin(3 * a + 2 * spin)
            )
            points = np.stack([knot[0] + r * np.cos(a), knot[1] + squash * r * np.sin(a) - 4 * lap], 1)
            tone = np.asarray(bases[rng.integers(len(bases))]) * rng.uniform(0.75, 1.2)
            across = offset / wide
            for k in range(len(a) - 1):
                facing = 0.5 - 0.5 * np.sin(a[k] + 0.65)
                band = np.exp(-(((across + 0.25) / 0.42) ** 2))
                light = (
                    (0.30 + 0.30 * facing + 0.95 * band * facing**2)
                    * (0.55 + 0.45 * layer)
                    * (1.0 - 0.45 * min(abs(across), 1.4) ** 2 * 0.5)
                )
                coil.line(points[k : k + 2], lit(tone, light * 1.25), rng.uniform(0.5, 1.0))
    picture = coil.over(picture, 0.35, 1.25)

    # Loose hairs over nape and outline; the fine ones catch the light.
    loose = Strokes(height, width)
    for _ in range(360):
        x0 = axis + rng.normal(0, 70)
        line = hairline(x0 - axis) * height
        start = np.array([x0, line + rng.uniform(-8, 8)])
        reach = rng.gamma(2.2, 17)
        end = start + np.array([rng.normal(0, 0.45) * reach - 0.12 * (x0 - axis), reach])
        bend = rng.normal(0, 0.3, 2) * reach
        points = bezier(start, start + [bend[0] * 0.5, reach * 0.3], end + [bend[1], -reach * 0.3], end, 10)
        loose.blade(points, lit(bases[rng.integers(6)], rng.uniform(0.55, 1.0)), rng.uniform(0.3, 0.6))
    for _ in range(150):
        turn = rng.uniform(-2.6, 2.6) + np.pi
        edge = head[0] + head[1] * np.array([np.sin(turn), np.cos(turn)]) * 0.98
        out = np.array([np.sin(turn), np.cos(turn)])
        along = np.array([out[1], -out[0]]) * rng.choice([-1, 1])
        reach = rng.gamma(2.0, 12)
        end = edge + out * reach * 0.55 + along * reach
        points = bezier(edge, edge + along * reach * 0.4, end - out * reach * 0.2, end, 10)
        loose.blade(points, lit((176, 132, 90), rng.uniform(0.8, 1.4)), rng.uniform(0.25, 0.5))
    picture = loose.over(picture, 0.3, 1.2)
    return camera(picture, exposure=0.62, vignette=0.3, softness=0.8, bloom=0.04)
