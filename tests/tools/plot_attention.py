#!/usr/bin/env python3
"""SVG of time against tokens from the JSON of `pristine bench attention --json`.

    pristine bench attention --json > bench.json
    tests/tools/plot_attention.py bench.json attention.svg
"""

import argparse
import html
import json
import math
from collections import defaultdict

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 560, 80, 330, 40, 60
COLOURS = ["#1b6ca8", "#c0392b", "#218c53", "#8e44ad", "#d68910", "#16a085", "#7f5539", "#5d6d7e",
           "#ad1457", "#33691e", "#283593", "#ef6c00"]


def ticks(low, high):
    """Powers of ten inside [low, high]."""
    return [10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def lines(report):
    """label -> [(tokens, milliseconds)], one line per system and variant, its softmax beside it."""
    found = defaultdict(list)
    for m in report["measurements"]:
        label = f"{m['system']}: {m['variant']}"
        found[label].append((m["tokens"], 1e3 * m["cost"]["seconds"], 1e3 * m["baseline"]["seconds"]))
    return {label: sorted(points) for label, points in found.items()}


def plot(report):
    series = lines(report)
    points = [p for s in series.values() for p in s]
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(min(p[1:]) for p in points), max(max(p[1:]) for p in points)
    if x0 == x1:
        x0, x1 = x0 / 2, x1 * 2
    low, high = math.log10(y0) - 0.05, math.log10(y1) + 0.05
    w, h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    px = lambda t: LEFT + w * (math.log2(t) - math.log2(x0)) / (math.log2(x1) - math.log2(x0))
    py = lambda ms: TOP + h * (high - math.log10(ms)) / (high - low)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">Time against tokens ({report["isa"]}, '
        f'{report["threads"]} threads, f32); dashed: softmax attention at the same work</text>',
    ]
    for e in range(math.ceil(math.log2(x0)), math.floor(math.log2(x1)) + 1):
        x = px(2**e)
        out.append(f'<path d="M{x:.1f} {TOP}V{TOP + h}" stroke="#ddd"/>')
        out.append(f'<text x="{x:.1f}" y="{TOP + h + 18}" text-anchor="middle">{2**e}</text>')
    for ms in ticks(y0, y1):
        if TOP <= py(ms) <= TOP + h:
            out.append(f'<path d="M{LEFT} {py(ms):.1f}H{LEFT + w}" stroke="#ddd"/>')
            out.append(f'<text x="{LEFT - 8}" y="{py(ms) + 4:.1f}" text-anchor="end">{ms:g}</text>')
    out.append(f'<text x="{LEFT + w / 2}" y="{HEIGHT - 16}" text-anchor="middle">tokens</text>')
    out.append(f'<text transform="translate(20 {TOP + h / 2}) rotate(-90)" text-anchor="middle">'
               "milliseconds</text>")
    for i, (label, found) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        shade = "" if i < len(COLOURS) else ' opacity="0.55"'
        for column, style in ((1, ""), (2, ' stroke-dasharray="3 4" stroke-width="1"')):
            path = " ".join(f"{px(p[0]):.1f},{py(p[column]):.1f}" for p in found)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                       f'stroke-width="2"{style}{shade}/>' if not style else
                       f'<polyline points="{path}" fill="none" stroke="{colour}"{style}{shade}/>')
        for p in found:
            out.append(f'<circle cx="{px(p[0]):.1f}" cy="{py(p[1]):.1f}" r="3" fill="{colour}"/>')
        y = TOP + 14 * i + 6
        text = label if len(label) < 54 else label[:52] + "…"
        out.append(f'<rect x="{LEFT + w + 12}" y="{y - 8}" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + w + 28}" y="{y + 1}" font-size="10">{html.escape(text)}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("report")
    p.add_argument("output")
    a = p.parse_args()
    with open(a.report) as file:
        report = json.load(file)
    with open(a.output, "w") as file:
        file.write(plot(report))


if __name__ == "__main__":
    main()
