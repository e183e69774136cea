"""A page of an old walking guide with a map, photographed on a desk; black and white."""

import numpy as np
from PIL import Image, ImageDraw

from .studio import SCALE, blur, camera, font, fractal, linear, mix, sample, sample_once, smoothstep

WIDTH, HEIGHT = 608, 432
PAGE = (2100, 1500)

TEXT = """From the landing stage the path follows the shore for a quarter of an hour, then turns
up through the alders to the first houses. Take the lower lane; the upper one ends at a quarry that
was given up in 1874. Past the chapel the view opens to the south, and on clear mornings the whole
ridge from the Hohe Wand to the Blauspitz stands above the water as if cut out of paper. The bridge
carries no more than two horses at a time. Whoever starts before six will meet the herdsmen on the
way down with the milk and may ask them about the ford, which changes with every thaw. The hut at
the saddle (1 642 m) has eleven beds, a stove and a good well; the key is kept at the inn. Beyond it
the track is marked with red rings. In fog keep to the left of the small tarn, cross the scree below
the iron cross and descend by the gully until the larches begin. The round takes seven hours without
rests, the ascent being some 1 180 metres in all. Maps before the last survey show the glacier a good
deal longer than it is."""


def columns(draw, x, y, width, face, lines, words):
    """Justified lines; returns the words that did not fit."""
    space = draw.textlength(" ", font=face)
    for line in range(lines):
        taken, used = [], 0.0
        while words and used + draw.textlength(words[0], font=face) + space * len(taken) <= width:
            used += draw.textlength(words[0], font=face)
            taken.append(words.pop(0))
        if not taken:
            return words
        gap = (width - used) / max(len(taken) - 1, 1) if words else space
        at = x
        for word in taken:
            draw.text((at, y + line * 37), word, font=face, fill=38)
            at += draw.textlength(word, font=face) + gap
    return words


def contour_map(rng, size):
    """Contour lines, hachures of a lake, a road, a railway and names."""
    height, width = size[1], size[0]
    relief = blur(fractal(rng, height, width, 2.3), 3)
    relief = (relief - relief.min()) / (relief.max() - relief.min())
    gy, gx = np.gradient(relief)
    slope = np.maximum(np.hypot(gx, gy), 1e-6)

    def lines(interval, half_width):
        offset = np.abs(relief / interval - np.round(relief / interval)) * interval / slope
        return smoothstep(half_width + 0.7, half_width - 0.3, offset)

    ink = np.maximum(0.62 * lines(0.025, 0.75), 0.95 * lines(0.125, 1.5))
    lake = relief < 0.22
    shore = smoothstep(2.4, 1.2, np.abs(relief - 0.22) / slope)
    rows = np.abs((np.arange(height) % 9) - 4.5)[:, None] < 0.8
    ink = np.where(lake, 0.55 * rows, ink)
    ink = np.maximum(ink, shore)
    shade = np.clip(0.5 + 28 * (gx + gy), 0, 1)
    tone = 236 - 40 * (1 - shade) * (~lake)
    image = Image.fromarray((tone * (1 - 0.82 * ink)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for x in range(0, width, 130):
        draw.line([x, 0, x, height], fill=150, width=1)
    for y in range(0, height, 130):
        draw.line([0, y, width, y], fill=150, width=1)
    t = np.linspace(0, 1, 80)
    road = np.stack([width * t, height * (0.72 - 0.3 * t + 0.06 * np.sin(7 * t))], 1)
    draw.line([tuple(p) for p in road], fill=30, width=9)
    draw.line([tuple(p) for p in road], fill=245, width=5)
    rail = np.stack([width * (0.12 + 0.5 * t), height * (1.0 - t) + 26 * np.sin(5 * t)], 1)
    draw.line([tuple(p) for p in rail], fill=20, width=4)
    for p, q in zip(rail[::2], rail[1::2]):
        n = np.array([-(q - p)[1], (q - p)[0]]) / np.hypot(*(q - p)) * 8
        draw.line([tuple(p - n), tuple(p + n)], fill=20, width=2)
    path = np.stack([width * (0.2 + 0.62 * t), height * (0.9 - 0.72 * t**1.3 + 0.05 * np.sin(9 * t))], 1)
    for p, q in zip(path[::2], path[1::2]):
        draw.line([tuple(p), tuple(q)], fill=20, width=4)
    names = [
        (0.24, 0.16, "Blauspitz", "DejaVuSerif-Italic", 30),
        (0.70, 0.22, "Hohe Wand", "DejaVuSerif-Italic", 34),
        (0.56, 0.60, "Lindau", "DejaVuSerif-Bold", 30),
        (0.20, 0.58, "Erlach", "DejaVuSerif", 25),
        (0.80, 0.80, "Moos", "DejaVuSerif", 23),
        (0.42, 0.36, "1642", "DejaVuSans", 20),
        (0.66, 0.12, "2108", "DejaVuSans", 20),
    ]
    for px, py, name, face, points in names:
        draw.text(
            (width * px, height * py),
            name,
            font=font(face, points),
            fill=16,
            anchor="mm",
            stroke_width=3,
            stroke_fill=232,
        )
        if name.isdigit():
            draw.polygon(
                [
                    (width * px - 42, height * py + 8),
                    (width * px - 30, height * py + 8),
                    (width * px - 36, height * py - 5),
                ],
                fill=16,
            )
    for i in range(60):
        x, y = width * (0.56 + rng.normal(0, 0.03)), height * (0.645 + rng.normal(0, 0.022))
        w, h = rng.uniform(5, 13, 2)
        draw.rectangle([x, y, x + w, y + h], fill=24)
    draw.rectangle([0, 0, width - 1, height - 1], outline=16, width=5)
    draw.rectangle([9, 9, width - 10, height - 10], outline=16, width=1)
    return image


def printed(rng):
    image = Image.new("L", PAGE, 240)
    draw = ImageDraw.Draw(image)
    draw.text((PAGE[0] // 2, 84), "THE  LAKE  ROUND", font=font("DejaVuSerif-Bold", 58), fill=28, anchor="mm")
    draw.text(
        (PAGE[0] // 2, 148),
        "Seventh walk  ·  from Lindau over the saddle and back",
        font=font("DejaVuSerif-Italic", 32),
        fill=44,
        anchor="mm",
    )
    draw.line([120, 192, PAGE[0] - 120, 192], fill=40, width=2)
    draw.line([120, 199, PAGE[0] - 120, 199], fill=40, width=1)
    face = font("DejaVuSerif", 25)
    words = TEXT.split()
    rest = columns(draw, 110, 236, 590, face, 32, words * 3)
    image.paste(contour_map(rng, (1220, 760)), (770, 240))
    draw.text(
        (1380, 1026),
        "Fig. 7.  Scale 1 : 50 000, contours every 20 metres",
        font=font("DejaVuSerif-Italic", 25),
        fill=40,
        anchor="mm",
    )
    columns(draw, 770, 1066, 590, face, 9, rest)
    x0, y0 = 1400, 1070
    table = [
        ("Landing stage", "0:00", "402"),
        ("Chapel", "0:40", "588"),
        ("Bridge", "1:25", "761"),
        ("Saddle, hut", "3:50", "1 642"),
        ("Iron cross", "4:20", "1 507"),
        ("Larches", "5:35", "980"),
        ("Lindau", "7:00", "405"),
    ]
    draw.line([x0, y0, x0 + 590, y0], fill=30, width=3)
    for row, (place, hours, metres) in enumerate([("Place", "h:min", "metres")] + table):
        y = y0 + 24 + 39 * row
        style = font("DejaVuSans-Bold" if row == 0 else "DejaVuSans", 24)
        draw.text((x0 + 6, y), place, font=style, fill=36, anchor="lm")
        draw.text((x0 + 420, y), hours, font=style, fill=36, anchor="rm")
        draw.text((x0 + 584, y), metres, font=style, fill=36, anchor="rm")
        draw.line([x0, y + 20, x0 + 590, y + 20], fill=110, width=1)
    draw.text((PAGE[0] // 2, PAGE[1] - 60), "– 41 –", font=font("DejaVuSerif", 27), fill=50, anchor="mm")
    return np.asarray(image, np.float32) / 255.0


def homography(corners):
    """Maps picture pixels to the page's unit square."""
    rows = []
    for (x, y), (u, v) in zip(corners, [(0, 0), (1, 0), (1, 1), (0, 1)]):
        rows.append(([x, y, 1, 0, 0, 0, -u * x, -u * y], u))
        rows.append(([0, 0, 0, x, y, 1, -v * x, -v * y], v))
    a, b = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float)
    return np.append(np.linalg.solve(a, b), 1.0).reshape(3, 3)


def draw(rng):
    height, width = HEIGHT * SCALE, WIDTH * SCALE
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    curl = 10 * np.sin(x / width * 2.4 + 0.4) + 5 * np.cos(y / height * 3)
    h = homography(
        [
            (0.115 * width, 0.085 * height),
            (1.02 * width, -0.055 * height),
            (1.075 * width, 0.965 * height),
            (0.025 * width, 0.955 * height),
        ]
    )
    w = h[2, 0] * x + h[2, 1] * (y + curl) + h[2, 2]
    u = ((h[0, 0] * x + h[0, 1] * (y + curl) + h[0, 2]) / w).astype(np.float32)
    v = ((h[1, 0] * x + h[1, 1] * (y + curl) + h[1, 2]) / w).astype(np.float32)

    page = linear(blur(printed(rng), 0.9))
    fibre = fractal(rng, 1024, 1024, 0.6)
    cloud = fractal(rng, 1024, 1024, 1.7)
    ink = sample_once(page, v * (PAGE[1] - 1), u * (PAGE[0] - 1))
    paper = 1 + 0.022 * sample(fibre, v * 900, u * 1260) + 0.03 * sample(cloud, v * 500, u * 700)
    foxing = smoothstep(1.7, 2.6, sample(cloud, v * 1700 + 400, u * 2300)) * 0.18
    edge = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    yellowed = 0.16 * np.exp(-np.clip(edge, 0, None) / 0.035)
    sheet = ink * paper * (1 - foxing - yellowed)
    crease = v - 0.52 - 0.006 * sample(cloud, v * 3, u * 300)
    fold = np.exp(-((crease / 0.0022) ** 2)) * 0.16 - np.exp(-(((crease - 0.006) / 0.006) ** 2)) * 0.10
    gy = np.gradient(curl, axis=0) * 5 + np.gradient(curl, axis=1) * 9
    sheet = sheet * (1 + fold) * (1 + gy).astype(np.float32)

    grain = fractal(rng, 1024, 1024, 0.9, stretch=(1.0, 0.03))
    xs, ys = x.astype(np.float32), y.astype(np.float32)
    desk = 0.085 * (1 + 0.30 * sample(grain, ys * 0.8, xs * 0.8 + 30 * np.sin(ys / 90)))
    outside = np.maximum(np.maximum(-u, u - 1) * width, np.maximum(-v, v - 1) * height)
    desk = desk * (1 - 0.7 * np.exp(-np.clip(outside - 2, 0, None) / 16))
    inside = smoothstep(1.0, -1.0, outside)
    picture = mix(desk, sheet, inside)

    light = 0.62 + 0.75 * np.exp(-(((xs / width - 0.30) / 0.62) ** 2 + ((ys / height - 0.22) / 0.72) ** 2))
    leaf = smoothstep(-0.2, 0.9, sample(blur(cloud, 6), ys * 0.5, xs * 0.5 + 0.3 * ys))
    picture = picture * light * (1 - 0.22 * leaf)
    picture = np.repeat(picture[..., None], 3, 2)
    far = smoothstep(0.25, 0.0, ys / height)[..., None] + smoothstep(0.80, 1.0, ys / height)[..., None]
    picture = mix(picture, blur(picture, 2.2), np.clip(far, 0, 1))
    return camera(picture, exposure=0.80, vignette=0.34, softness=1.0, bloom=0.03).mean(2, keepdims=True)
