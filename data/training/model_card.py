"""Writes the model card of a model file: what it is, was trained on, scores, and where it fails.

Every number comes from the model file, from reports of evaluate.py and from sources.csv.
"""

import argparse
import csv
import json
import os
import sys

from evaluate import describe
from export import read_safetensors

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sources.csv")

GUESS = (
    "Fine regular texture below the noise is smoothed away, and what is drawn in its place is a"
    " guess: do not use a restored picture as evidence of detail."
)
LIMITS = {
    "denoise": (
        "Trained for Gaussian noise that is independent from pixel to pixel, of one strength over"
        " the picture, up to sigma {sigma_max:g} of 255. Noise of real cameras after demosaicing,"
        " tone curve and JPEG is correlated and depends on brightness: part of it may stay, or"
        " texture may go with it.",
        "Stronger noise than that is outside of what it has seen.",
        "It has seen no JPEG blocks or ringing on the way in: expect them to stay.",
        GUESS,
    ),
    ("denoise", "camera"): (
        "Trained on photographs whose noise was computed by an inverse camera pipeline: sensor"
        " noise, demosaicing, tone curve, JPEG. A camera that sharpens or denoises on its own leaves"
        " noise of another kind.",
        GUESS,
    ),
    "dejpeg": (
        "Trained for JPEG of libjpeg's tables, quality 5 to 95, once or twice compressed. Other"
        " codecs (WebP, HEIC, video) leave other traces.",
        "It takes away no camera noise: what the encoder kept of it is taken for detail or for"
        " ringing.",
        GUESS,
    ),
    "upscale": (
        "Trained for pictures that were made smaller by an antialiased bicubic kernel. Blur, noise"
        " and JPEG of a photograph as it is are enlarged with it.",
        "It invents no texture: detail that the small picture does not hold stays away.",
    ),
    ("upscale", "photo"): (
        "Trained for mild blur, noise and JPEG before the reduction. Clean pictures come out softer"
        " than from the model for clean ones.",
        "It invents no texture: detail that the small picture does not hold stays away.",
    ),
}
PROTOCOLS = {
    "denoise": "Float noise, neither clipped nor rounded; PSNR over all values.",
    "dejpeg": "JPEG by libjpeg, 4:2:0; PSNR over all values, gain over the JPEG.",
    "upscale": "Bicubic reduction; PSNR of luma (BT.601), a border of as many pixels as the scale"
    " cut; the input is scored enlarged by Pillow's bicubic filter.",
    "camera": "Pairs of a camera's noisy picture and the mean of many; PSNR over all values, gain"
    " over the pictures under 35 dB; `clean` are the means themselves going in.",
}


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]


def cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")


def sources_of(path):
    with open(path, newline="") as file:
        return [(r["source"], r["licence"], int(r["pictures"])) for r in csv.DictReader(file)]


def scores(sets):
    """Table of PSNR by set, case and engine; of the gain where the task has one."""
    engines, gained = [], False
    for one in sets:
        for row in one[one["axis"]].values():
            engines += [e for e in row["engines"] if e not in engines]
            gained = gained or any("gain" in r for r in row["engines"].values())
    header = ["set", "pictures", "case", "input, dB"]
    for engine in engines:
        header += [f"{engine}, dB"] + (["gain, dB"] if gained else [])
    rows = []
    for one in sets:
        name = one["name"] + (", grey" if one["grey"] else "")
        for label, row in one[one["axis"]].items():
            cells = [name, len(one["pictures"]), case_of(one, label), decibels(row["input"])]
            for engine in engines:
                result = row["engines"].get(engine, {})
                cells.append(decibels(result.get("psnr")))
                if gained:
                    gain = result.get("gain")
                    cells.append("-" if gain is None else f"{gain:+.2f}")
            rows.append(cells)
    return table(header, rows)


def decibels(value):
    return "-" if value is None else f"{value:.2f}"


def case_of(one, label):
    """"sigma 25", "quality 10", "×2" …"""
    text = {"sigmas": "sigma {}", "qualities": "quality {}", "scales": "×{}", "inputs": "{}"}
    return text[one["axis"]].format(label)


def hardest(sets):
    """(set, picture, case, dB before, dB after, mean dB) where the network gains least."""
    found = []
    for one in sets:
        for label, row in one[one["axis"]].items():
            result = next(iter(row["engines"].values()))
            for name, before, after in zip(one["pictures"], row["input_each"], result["each"]):
                if before is None:
                    continue
                case = case_of(one, label)
                found.append(
                    (after - before, one["name"], name, case, before, after, result["psnr"])
                )
    return min(found)[1:]


def architecture(info, parameters):
    a = info["architecture"]
    levels = "-".join(str(c) for c in a["channels"])
    yield f"* {a['type']}, {parameters:,} parameters (f16), channels {levels}, window {a['window']}"
    for part in ("encoder", "middle", "decoder"):
        stages = a[part] if part != "middle" else [a[part]]
        yield f"* {part}: " + "; ".join(", ".join(stage) for stage in stages)
    yield f"* halo {info['halo']} pixels, scale {info['scale']}"


def card(model_path, reports, sources_path):
    """The card as text. Throws ValueError for reports of another model file."""
    tensors, metadata = read_safetensors(model_path)
    info = dict({"variant": "best"}, **json.loads(metadata["pristine"]))
    digest = describe(model_path)["sha256"]
    for report in reports:
        if report["model"]["sha256"] != digest:
            raise ValueError(
                f"a report is of '{report['model']['file']}' with sha256"
                f" {report['model']['sha256'][:12]}..., the model has {digest[:12]}..."
            )
    sets = [s for r in reports for s in r.get("sets", ())]
    if not sets:
        raise ValueError("no report holds scores")
    halos = [h for r in reports for h in r.get("halo", ())]
    sources = sources_of(sources_path)

    lines = [f"# {info['name']}: {info['title']}", ""]
    lines += [f"`{os.path.basename(model_path)}`, task {info['task']}, variant {info['variant']}, sha256 `{digest}`", ""]
    lines += ["## Architecture", ""]
    lines += architecture(info, sum(t.size for t in tensors.values()))
    lines += ["", "## Training", ""]
    lines += [f"* {cell(k)}: {cell(v)}" for k, v in info["training"].items()] or ["* no record"]
    lines += ["", "## Scores", ""]
    lines += [f"{PROTOCOLS[t]}" for t in dict.fromkeys(s["task"] for s in sets)]
    lines += [
        "Mean over pictures; output clipped and rounded to 8 bits. Made by"
        " `data/training/evaluate.py`.",
        "",
    ]
    lines += scores(sets)
    differences = [
        abs(row["difference"])
        for s in sets
        for row in s[s["axis"]].values()
        if "difference" in row
    ]
    if differences:
        lines += ["", f"The engines differ by at most {max(differences):.5f} dB."]
    if halos:
        lines += ["", "Tiles against whole pictures:", ""]
        lines += table(
            ["halo", "tile", "case", "change of PSNR, dB", "rms, of 255", "largest, of 255"],
            [
                [
                    h["halo"],
                    h["tile"],
                    h["case"],
                    f"{h['psnr_change']:+.4f}",
                    f"{h['rms_to_whole']:.4f}",
                    f"{h['largest_to_whole']:.3f}",
                ]
                for h in halos
            ],
        )
    lines += ["", "## Limits", ""]
    from degradation import SIGMA_MAX

    limits = LIMITS.get((info["task"], info["variant"]), LIMITS[info["task"]])
    lines += [f"* {text.format(sigma_max=SIGMA_MAX)}" for text in limits]
    one, name, case, before, restored, average = hardest(sets)
    lines += [
        f"* The hardest picture: `{name}` of {one} at {case}. It goes from {before:.2f} dB to"
        f" {restored:.2f} dB only, the least gain of all; the mean of its set is {average:.2f} dB."
    ]
    lines += ["", "## Data", ""]
    total = sum(n for *_, n in sources)
    lines += [
        f"{total:,} pictures, all reduced or cropped from their originals and encoded anew. None is"
        " part of the test sets. Licences as the sources state them:",
        "",
    ]
    lines += table(
        ["source", "licence", "pictures"],
        [[cell(source), cell(licence), count] for source, licence, count in sources],
    )
    return "\n".join(lines) + "\n"


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", help="model file (.safetensors)")
    p.add_argument("reports", nargs="+", help="JSON files of evaluate.py")
    p.add_argument("--sources", default=SOURCES, help="table: source,licence,pictures")
    p.add_argument("-o", "--output", help="default: beside the model, .md")
    a = p.parse_args(arguments)
    reports = []
    for path in a.reports:
        with open(path) as file:
            reports.append(json.load(file))
    text = card(a.model, reports, a.sources)
    with open(a.output or os.path.splitext(a.model)[0] + ".md", "w") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"model_card: {error}")
