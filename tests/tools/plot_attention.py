#!/usr/bin/env python3
"""SVG of time against tokens, a panel for each attention system, and the claims as Markdown.

    pristine bench attention --json > bench.json
    tests/tools/plot_attention.py bench.json attention.svg --claims claims.md
"""

import argparse
import html
import json
import math

COLUMNS, WIDTH, HEIGHT = 3, 330, 290
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 30, 34
LEGEND = 15
COLOURS = ("#1b6ca8", "#c0392b", "#218c53", "#8e44ad", "#d68910", "#16a085", "#5d4037", "#ad1457")
HEADER = 58


def panels(report):
    """{system: {variant: [(tokens, ms, ms of the baseline)]}}"""
    found = {}
    for m in report["measurements"]:
        if m["system"] != "network":
            points = found.setdefault(m["system"], {}).setdefault(m["variant"], [])
            points.append((m["tokens"], 1e3 * m["cost"]["seconds"], 1e3 * m["baseline"]["seconds"]))
    return {s: {v: sorted(p) for v, p in vs.items()} for s, vs in found.items()}


def short(label, length=54):
    return label if len(label) <= length else label[: length - 1] + "…"


class Axes:
    """Places of tokens and milliseconds, the same for every panel."""

    def __init__(self, points):
        tokens = [math.log2(p[0]) for p in points]
        times = [math.log10(t) for p in points for t in p[1:]]
        self.x0, self.x1 = min(tokens) - 0.3, max(tokens) + 0.3
        self.y0, self.y1 = min(times) - 0.15, max(times) + 0.15
        self.w, self.h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(self, tokens):
        return LEFT + self.w * (math.log2(tokens) - self.x0) / (self.x1 - self.x0)

    def y(self, ms):
        return TOP + self.h * (self.y1 - math.log10(ms)) / (self.y1 - self.y0)

    def grid(self):
        out = []
        for e in range(math.ceil(self.x0), math.floor(self.x1) + 1):
            x = self.x(2**e)
            out.append(f'<path d="M{x:.1f} {TOP}v{self.h}" stroke="#e4e4e4"/>')
            if e % 2 == 0:
                label = f"{2**e // 1024} k" if e >= 10 else str(2**e)
                out.append(f'<text x="{x:.1f}" y="{TOP + self.h + 15}" fill="#555" '
                           f'text-anchor="middle">{label}</text>')
        for e in range(math.ceil(self.y0), math.floor(self.y1) + 1):
            y = self.y(10**e)
            out.append(f'<path d="M{LEFT} {y:.1f}h{self.w}" stroke="#e4e4e4"/>')
            label = f"{10**e:g} ms" if e < 3 else f"{10 ** (e - 3):g} s"
            out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" fill="#555" '
                       f'text-anchor="end">{label}</text>')
        out.append(f'<rect x="{LEFT}" y="{TOP}" width="{self.w}" height="{self.h}" fill="none" '
                   'stroke="#999"/>')
        return out

    def line(self, points, column, style):
        path = " ".join(f"{self.x(p[0]):.1f},{self.y(p[column]):.1f}" for p in points)
        return f'<polyline points="{path}" fill="none" {style}/>'


def panel(axes, system, variants):
    out = [f'<text x="{LEFT}" y="{TOP - 9}" font-size="13" font-weight="bold">{system}</text>']
    out += axes.grid()
    for i, (variant, points) in enumerate(variants.items()):
        colour = COLOURS[i % len(COLOURS)]
        style = f'stroke="{colour}"'
        out.append(axes.line(points, 2, style + ' stroke-width="1.2" stroke-dasharray="3 3"'))
        out.append(axes.line(points, 1, style + ' stroke-width="2"'))
        out += [f'<circle cx="{axes.x(p[0]):.1f}" cy="{axes.y(p[1]):.1f}" r="2.6" fill="{colour}"/>'
                for p in points]
        out += [f'<circle cx="{axes.x(p[0]):.1f}" cy="{axes.y(p[2]):.1f}" r="2.2" fill="white" '
                f'{style}/>' for p in points]
        y = HEIGHT + LEGEND * i
        out.append(f'<rect x="{LEFT}" y="{y - 8}" width="9" height="9" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + 14}" y="{y}" font-size="10">{html.escape(short(variant))}</text>')
    return out


def plot(report):
    found = panels(report)
    if not found:
        raise SystemExit("the report has no times of attention by itself; a run without --system, or "
                         "of another system than 'network', has")
    axes = Axes([p for variants in found.values() for points in variants.values() for p in points])
    names = list(found)
    rows = [names[i : i + COLUMNS] for i in range(0, len(names), COLUMNS)]
    body, top = [], HEADER
    for row in rows:
        for column, system in enumerate(row):
            body.append(f'<g transform="translate({column * WIDTH} {top})">')
            body += panel(axes, system, found[system]) + ["</g>"]
        top += HEIGHT + LEGEND * max(len(found[s]) for s in row) + 10
    width = COLUMNS * WIDTH
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
        f'viewBox="0 0 {width} {top}" font-family="sans-serif" font-size="10">',
        f'<rect width="{width}" height="{top}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="16">Time against tokens</text>',
        f'<text x="{LEFT}" y="42" font-size="12" fill="#555">Solid: the system. Dashed, hollow: softmax '
        f'attention at the same work. {html.escape(report["isa"])}, {report["threads"]} threads, '
        "f32.</text>",
    ]
    return "\n".join([*head, *body, "</svg>"]) + "\n"


def claims(report):
    """Markdown table of what is claimed about each system and what the run says to it."""
    lines = ["| system | claim | verdict | measured, or why not |", "|---|---|---|---|"]
    for system in report["systems"]:
        for claim in system.get("claims", []):
            said = f"{claim['source']}: {claim['text']}"
            lines.append(f"| {system['title']} | {said} | {claim['verdict']} | {claim['figure']} |")
    return "\n".join(lines) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("report")
    p.add_argument("output")
    p.add_argument("--claims", help="Markdown file to write")
    a = p.parse_args()
    with open(a.report) as file:
        report = json.load(file)
    with open(a.output, "w") as file:
        file.write(plot(report))
    if a.claims:
        with open(a.claims, "w") as file:
            file.write(claims(report))


if __name__ == "__main__":
    main()
