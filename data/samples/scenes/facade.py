"""A brick house in raking afternoon light, seen along the street."""

import numpy as np
from PIL import Image, ImageDraw

from .studio import SCALE, camera, colour, font, fractal, hash01, linear, mix, sample, sample_once, smoothstep

WIDTH, HEIGHT = 608, 400
FLOOR = 3.4  # metres from floor to floor
BAY = 2.3  # metres from window to window
SUN = np.array([0.62, -0.62, -0.48], np.float32)  # travels along the wall, down, into it


def text_texture(lines, size, ink, paper):
    """Lines of (text, font, point size, y) centred on a board of `size` pixels."""
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    for text, face, points, y in lines:
        draw.text((size[0] // 2, y), text, font=font(face, points), fill=ink, anchor="mm")
    return image, draw


def shop_sign():
    image, draw = text_texture(
        [
            ("MÜHLE & SOHN", "DejaVuSerif-Bold", 104, 78),
            ("bread  ·  coffee  ·  since 1908", "DejaVuSerif", 46, 166),
        ],
        (1400, 220),
        (238, 222, 176),
        (28, 52, 46),
    )
    draw.rectangle([12, 12, 1387, 207], outline=(196, 164, 92), width=4)
    return linear(np.asarray(image, np.float32) / 255.0)


def street_plate():
    image, draw = text_texture(
        [("Lindengasse", "DejaVuSans-Bold", 66, 64)], (520, 128), (244, 244, 240), (30, 58, 118)
    )
    draw.rectangle([7, 7, 512, 120], outline=(244, 244, 240), width=5)
    return linear(np.asarray(image, np.float32) / 255.0)


def poster():
    image, draw = text_texture(
        [
            ("SPRING", "DejaVuSans-Bold", 92, 80),
            ("CONCERT", "DejaVuSans-Bold", 78, 168),
            ("string quartet", "DejaVuSerif-Italic", 46, 510),
            ("Friday, 14 May, 8 pm", "DejaVuSans", 36, 580),
            ("Old Town Hall, Great Room", "DejaVuSans", 27, 640),
        ],
        (420, 700),
        (60, 22, 26),
        (232, 214, 172),
    )
    for i in range(14):
        draw.arc(
            [40 + 9 * i, 220 + 5 * i, 380 - 9 * i, 460 - 5 * i],
            15 * i,
            220 + 15 * i,
            fill=(176, 46, 40) if i % 2 else (36, 74, 88),
            width=5,
        )
    return linear(np.asarray(image, np.float32) / 255.0)


class Wall:
    """Colour and relief of the brickwork, by metres along (u) and up (v)."""

    def __init__(self, rng):
        self.fine = fractal(rng, 1024, 1024, 0.7)
        self.coarse = fractal(rng, 1024, 1024, 1.5)
        self.streak = fractal(rng, 1024, 1024, 1.2, stretch=(1.0, 0.12))

    def __call__(self, u, v):
        row = np.floor(v / 0.077)
        wobble = 0.004 * sample(self.coarse, v * 90, u * 90)
        across = (u + wobble) / 0.24 + 0.5 * (row % 2)
        column = np.floor(across)
        dv = np.minimum(v / 0.077 - row, 1 - (v / 0.077 - row)) * 0.077
        du = np.minimum(across - column, 1 - (across - column)) * 0.24
        edge = np.minimum(du, dv) + 0.0016 * sample(self.fine, v * 260, u * 260)
        joint = 1.0 - smoothstep(0.003, 0.0075, edge)
        tone = hash01(row, column)
        hue = hash01(row + 7919, column)
        brick = mix(colour(150, 74, 52), colour(186, 106, 74), tone[..., None])
        brick = mix(brick, colour(98, 52, 46), smoothstep(0.8, 1.0, hue)[..., None] * 0.8)
        brick = mix(brick, colour(198, 140, 100), smoothstep(0.18, 0.0, hue)[..., None] * 0.5)
        grain = 1.0 + 0.14 * sample(self.fine, v * 180, u * 180) + 0.07 * sample(self.coarse, v * 40, u * 40)
        brick = brick * np.clip(grain, 0.4, 1.6)[..., None]
        mortar = (
            colour(176, 166, 150)
            * np.clip(1.0 + 0.12 * sample(self.fine, v * 300 + 311, u * 300), 0.5, 1.5)[..., None]
        )
        base = mix(brick, mortar, joint[..., None])
        soot = np.clip(
            0.5 + 0.4 * sample(self.streak, v * 25, u * 55) + 0.3 * sample(self.coarse, v * 9, u * 9), 0, 1
        )
        base = base * mix(1.0, 0.72, soot * smoothstep(0.2, 0.9, soot))[..., None]
        # Relief: the lit upper edge and the shaded lower edge of each brick.
        within = v / 0.077 - row
        relief = (smoothstep(0.78, 0.93, within) - smoothstep(0.22, 0.07, within)) * (1 - joint)
        return base * (1.0 + 0.16 * relief - 0.22 * joint)[..., None]


def opening(u, v):
    """Offsets from the window's centre and its half sizes; the ground floor has shop windows."""
    floor = np.floor(v / FLOOR)
    shop = floor < 1
    bay = np.where(shop, 2 * BAY, BAY)
    du = u - (np.floor(u / bay) + 0.5) * bay
    half_width = np.where(shop, 1.75, 0.56)
    dv = v - np.where(shop, 1.52, floor * FLOOR + 1.62)
    half_height = np.where(shop, 1.08, 0.98)
    return du, dv, half_width, half_height, floor, np.floor(u / bay)


def glass(u, v, du, dv, hw, hh, floor, bay, skyline, fine):
    """What a pane shows: the street's reflection, a curtain behind it, its frame and bars."""
    tint = hash01(bay, floor + 31)
    bend = 0.05 * np.sin(du * 2.1 + tint * 6) + 0.03 * sample(fine, v * 30, u * 30)
    look = np.clip(dv / hh * 0.5 + 0.5 + bend, 0, 1)
    houses = sample(skyline, np.zeros_like(u), u * 40 + tint * 200) * 0.1 + 0.42 + 0.1 * tint
    reflected = mix(
        colour(70, 74, 82) * 0.7,
        colour(176, 200, 228),
        smoothstep(houses - 0.012, houses + 0.012, look)[..., None],
    )
    reflected = reflected * (0.75 + 0.25 * look[..., None])
    folds = 0.5 + 0.5 * np.sin(du * 46 + 3 * np.sin(dv * 2 + tint * 9))
    curtain = mix(colour(190, 182, 168), colour(226, 220, 206), folds[..., None]) * 0.5
    drawn = smoothstep(0.28, 0.32, np.abs(du) / hw + 0.35 * (tint - 0.5)) * (floor >= 1)
    room = mix(
        colour(26, 24, 22),
        colour(255, 190, 110) * 0.14,
        ((tint > 0.66) | (floor < 1))[..., None] * np.exp(-((dv / hh + 0.1) ** 2))[..., None],
    )
    behind = mix(room, curtain, drawn[..., None])
    return behind * 0.62 + reflected * 0.36


def frame_mask(du, dv, hw, hh, floor):
    shop = floor < 1
    rim = np.minimum(hw - np.abs(du), hh - np.abs(dv))
    bar = np.minimum(
        np.where(shop, np.abs(np.abs(du) - hw / 3), np.abs(du)),
        np.where(shop, np.abs(dv - 0.62), np.abs(dv - 0.36)),
    )
    return np.maximum(1 - smoothstep(0.062, 0.068, rim), 1 - smoothstep(0.022, 0.026, bar)), rim


def draw(rng):
    height, width = HEIGHT * SCALE, WIDTH * SCALE
    yaw, pitch, focal = np.radians(36.0), np.radians(13.5), 0.8 * width
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    a, b = (x - width / 2) / focal, (height / 2 - y) / focal
    # Ray: forward turned by yaw and pitch; wall plane z = 0, the camera at z = distance.
    fy = np.sin(pitch) + b * np.cos(pitch)
    fz = np.cos(pitch) - b * np.sin(pitch)
    dx = a * np.cos(yaw) + fz * np.sin(yaw)
    dz = -(fz * np.cos(yaw) - a * np.sin(yaw))
    dy = fy
    eye = np.array([0.0, 1.65, 9.6], np.float32)

    def plane(z):
        t = (z - eye[2]) / np.minimum(dz, -1e-4)
        return eye[0] + t * dx, eye[1] + t * dy, t

    wall = Wall(rng)
    fine, coarse = wall.fine, wall.coarse
    skyline = fractal(rng, 1, 1024, 1.3)
    top = 3 * FLOOR + 0.9

    sun_colour, sky_light = np.array([3.6, 3.05, 2.35], np.float32), np.array([0.62, 0.74, 0.95], np.float32)
    sun_on_wall = -SUN[2]

    def wall_light(u, v):
        """Sunlight on the front plane: shadow of sills, sign, cornice and balcony rails."""
        shade = np.ones_like(u)
        slide_u, slide_v = SUN[0] / -SUN[2], SUN[1] / -SUN[2]

        def cast(inside, depth, soft=0.012):
            nonlocal shade
            shade = shade * (1 - inside(u - slide_u * depth, v - slide_v * depth, soft * depth + 0.004))

        def box(u0, u1, v0, v1):
            return lambda p, q, s: (
                smoothstep(u0 - s, u0 + s, p)
                * smoothstep(u1 + s, u1 - s, p)
                * smoothstep(v0 - s, v0 + s, q)
                * smoothstep(v1 + s, v1 - s, q)
            )

        def sills(p, q, s):
            du, dv, hw, hh, floor, _ = opening(p, q)
            inside = (
                smoothstep(hw + 0.12 + s, hw + 0.12 - s, np.abs(du))
                * smoothstep(0.06 + s, 0.06 - s, np.abs(dv + hh + 0.06))
                * (floor >= 1)
            )
            return inside * (q < top - 0.9)

        cast(sills, 0.13)
        cast(box(-50, 80, top - 0.5, top - 0.12), 0.34)
        cast(box(-50, 80, FLOOR - 0.08, FLOOR + 0.06), 0.16)
        cast(box(2.1, 7.0, 2.72, 3.26), 0.12)
        cast(lambda p, q, s: rail_alpha(p, q, s), 0.62)
        return shade

    def rail_alpha(u, v, soft):
        """A balcony's railing on the second floor over bays 2 and 3, and its slab."""
        inside = smoothstep(4.55 - 0.02, 4.55, u) * smoothstep(9.25, 9.25 - 0.02, u)
        base = 2 * FLOOR + 0.42
        bars = np.abs((u / 0.115) % 1 - 0.5) * 0.115
        bar = smoothstep(0.010 + soft, max(0.010 - soft, 0.0), bars) if np.isscalar(soft) else 0
        zone = smoothstep(base, base + 0.02, v) * smoothstep(base + 0.98, base + 0.96, v)
        rails = sum(
            smoothstep(r + 0.02 + soft, r + 0.02 - soft, v) * smoothstep(r - 0.02 - soft, r - 0.02 + soft, v)
            for r in (base + 0.95, base + 0.82, base + 0.1)
        )
        curl = np.hypot((u / 0.345) % 1 - 0.5, (v - base - 0.46) / 0.345)
        ring = 1 - smoothstep(0.010 + soft, 0.02 + soft, np.abs(curl - 0.36) * 0.345)
        slab = smoothstep(base - 0.16, base - 0.15, v) * smoothstep(base + 0.02, base + 0.01, v)
        return np.clip(np.maximum(zone * np.maximum(bar, ring * 0.9) + rails, slab), 0, 1) * inside

    u, v, t = plane(0.0)
    light = (
        wall_light(u, v)[..., None] * sun_on_wall * sun_colour
        + sky_light * mix(0.75, 1.0, smoothstep(0, 6, v))[..., None]
    )
    surface = wall(u, v)
    # Stone: plinth, lintels, string courses, cornice.
    stone_grain = 1 + 0.10 * sample(fine, v * 120, u * 120) + 0.08 * sample(coarse, v * 30, u * 30)
    stone = colour(196, 184, 160) * np.clip(stone_grain, 0.5, 1.5)[..., None]
    du, dv, hw, hh, floor, bay = opening(u, v)
    upper = (floor >= 1) & (v < 3 * FLOOR)
    surround = upper & (np.abs(du) < hw + 0.15) & (np.abs(dv) < hh + 0.2)
    seam = np.abs((dv / 0.30) % 1 - 0.5) * 0.30
    surface = np.where(
        surround[..., None], stone * mix(0.75, 1.0, smoothstep(0.0, 0.006, seam))[..., None], surface
    )
    course = (v < 0.42) | (np.abs(v - FLOOR) < 0.12) | (v > top - 0.5)
    surface = np.where(course[..., None], stone * 0.94, surface)
    moulding = np.where(v > top - 0.5, 0.72 + 0.28 * np.cos((v - top) * 40), 1.0)
    dentil = (v > top - 0.5) & (v < top - 0.38) & (((u / 0.2) % 1) < 0.5)
    surface = surface * (moulding * np.where(dentil, 0.45, 1.0))[..., None]
    grime = smoothstep(0.9, 0.0, v) * np.clip(0.6 + 0.4 * sample(coarse, v * 30, u * 30), 0, 1)
    surface = surface * (1 - 0.5 * grime)[..., None]
    # Stains that run down under the sills.
    run = upper & (np.abs(du) < hw + 0.1) & (dv < -hh)
    drip = np.clip(sample(wall.streak, v * 12, u * 160), 0, 2) * np.exp((dv + hh) * 1.2) * run
    surface = surface * (1 - 0.16 * drip)[..., None]
    picture = surface * light

    # Posters and the plate hang on the wall.
    def stick(picture, board, u0, v1, metres_wide):
        metres_high = metres_wide * board.shape[0] / board.shape[1]
        p, q = (u - u0) / metres_wide, (v1 - v) / metres_high
        inside = (p > 0) & (p < 1) & (q > 0) & (q < 1)
        ink = sample_once(board, q * (board.shape[0] - 1), p * (board.shape[1] - 1))
        return np.where(inside[..., None], ink * light, picture)

    picture = stick(picture, street_plate(), 4.22, 4.6, 0.76)
    for i in range(2):
        picture = stick(picture, poster(), 9.28 + 0.0 + 4.6 * i, 2.15, 0.46)

    # Openings: glass and frame lie deeper than the wall; between them the reveal.
    depth = np.where(floor < 1, 0.22, 0.17)
    u2, v2, _ = plane(-depth)
    du2, dv2, hw2, hh2, floor2, bay2 = opening(u2, v2)
    shop_open = (floor < 1) & (v > 0.42)
    window = (upper | shop_open) & (np.abs(du) < hw) & (np.abs(dv) < hh) & (u > -6)
    seen = (np.abs(du2) < hw) & (np.abs(dv2) < hh) & (bay2 == bay) & (floor2 == floor)
    slide = depth * SUN[0] / -SUN[2], depth * SUN[1] / -SUN[2]
    lit = smoothstep(-0.01, 0.01, du2 - slide[0] + hw) * smoothstep(-0.01, 0.01, hh - (dv2 - slide[1]))
    pane = glass(u2, v2, du2, dv2, hw, hh, floor, bay, skyline, fine)
    bars, rim = frame_mask(du2, dv2, hw, hh, floor)
    paint = np.where((floor < 1)[..., None], colour(34, 64, 56), colour(226, 222, 210))
    bevel = 0.86 + 0.14 * np.sin(rim * 160)
    frame = paint * bevel[..., None] * (lit[..., None] * sun_on_wall * sun_colour + sky_light * 0.7)
    inner = mix(pane * (0.75 + 0.35 * lit)[..., None], frame, bars[..., None])
    side = np.where(np.abs(dv2) >= hh, np.where(dv2 > 0, 0.35, 0.95), np.where(du2 > 0, 0.95, 0.42))
    reveal = stone * side[..., None] * (sky_light + 0.25 * sun_colour * (side > 0.9)[..., None])
    picture = np.where(window[..., None], np.where(seen[..., None], inner, reveal), picture)

    # Sills, the sign and the railing stand in front of the wall.
    us, vs, _ = plane(0.13)
    dus, dvs, hws, hhs, floors, _ = opening(us, vs)
    sill = (floors >= 1) & (vs < 3 * FLOOR) & (np.abs(dus) < hws + 0.12) & (np.abs(dvs + hhs + 0.06) < 0.06)
    sill_stone = colour(206, 196, 176) * np.clip(stone_grain, 0.6, 1.4)[..., None]
    tint = mix(0.8, 1.12, smoothstep(-0.06, 0.06, dvs + hhs + 0.06))
    picture = np.where(
        sill[..., None], sill_stone * tint[..., None] * (sun_on_wall * sun_colour + sky_light), picture
    )
    ub, vb, _ = plane(0.12)
    board = shop_sign()
    p, q = (ub - 2.1) / 4.9, (3.26 - vb) / 0.54
    inside = (p > 0) & (p < 1) & (q > 0) & (q < 1)
    paintwork = sample_once(board, q * (board.shape[0] - 1), p * (board.shape[1] - 1))
    picture = np.where(inside[..., None], paintwork * (sun_on_wall * sun_colour + sky_light), picture)
    ur, vr, _ = plane(0.62)
    iron = colour(30, 32, 34) * (0.5 * sun_colour + sky_light)
    rail = rail_alpha(ur, vr, 0.003)[..., None]
    slab = ((vr < 2 * FLOOR + 0.44) & (rail[..., 0] > 0.5))[..., None]
    picture = mix(picture, np.where(slab, stone * (sun_on_wall * sun_colour + sky_light), iron), rail)

    # Above the cornice: sky, tiles of the roof behind the gutter.
    sky = (
        mix(colour(206, 222, 240), colour(96, 142, 206), smoothstep(0.05, 0.75, dy / np.abs(dz))[..., None])
        * 1.5
    )
    cloud = fractal(rng, 1024, 2048, 1.55)
    over = np.maximum(dy, 0.02)
    c = sample(cloud, 500 * dz / over * 0.12, 500 * dx / over * 0.12)
    sky = mix(sky, colour(250, 250, 252) * 1.9, smoothstep(0.2, 1.6, c)[..., None] * 0.85)
    up, vp, _ = plane(-0.1)
    picture = np.where((v > top)[..., None], sky, picture)
    gutter = np.abs(v - top) < 0.06
    picture = np.where(
        gutter[..., None],
        colour(110, 84, 66) * (1.4 + 0.8 * np.sin((v - top) * 50))[..., None] * np.ones(3, np.float32),
        picture,
    )

    # Pavement: setts in front of a kerb.
    t_ground = -eye[1] / np.minimum(dy, -1e-4)
    gx, gz = eye[0] + t_ground * dx, eye[2] + t_ground * dz
    ground = (dy < 0) & (gz > 0.0)
    row = np.floor(gz / 0.34)
    across = gx / 0.52 + 0.5 * (row % 2)
    joint = np.minimum(
        np.minimum(gz / 0.34 - row, 1 - (gz / 0.34 - row)) * 0.34,
        np.minimum(across % 1, 1 - across % 1) * 0.52,
    )
    flag = mix(colour(132, 126, 118), colour(164, 158, 148), hash01(row, np.floor(across))[..., None])
    flag = (
        flag
        * np.clip(
            1 + 0.13 * sample(fine, gz * 150, gx * 150) + 0.10 * sample(coarse, gz * 30, gx * 30), 0.4, 1.6
        )[..., None]
    )
    flag = flag * mix(0.45, 1.0, smoothstep(0.004, 0.012, joint))[..., None]
    sunny = smoothstep(0.0, 0.03, gz - 0.02) * (1 - 0.55 * smoothstep(1.9, 1.95, gz) * 0)
    occlusion = mix(0.45, 1.0, smoothstep(0, 0.5, gz))
    flag_light = sunny[..., None] * 0.62 * sun_colour + sky_light * occlusion[..., None]
    picture = np.where(ground[..., None], flag * flag_light, picture)

    haze = 1 - np.exp(-np.maximum(t, 0) / 500.0)
    picture = np.where(
        (v <= top)[..., None], mix(picture, colour(196, 206, 220) * 1.2, haze[..., None]), picture
    )
    return camera(picture, exposure=0.42, vignette=0.22, softness=0.85, bloom=0.02)
