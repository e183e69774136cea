#!/usr/bin/python3
"""What 'pristine inspect' and 'pristine auto' make of pictures whose damage is known.

    tests/tools/measure_inspection.py CLEAN_FOLDER [--count 60] [--program build/release/cli/pristine]
        [--skip-auto] [--keep FOLDER]

Takes up to COUNT clean pictures of a folder, evenly spread over its names, and gives each a damage
in turn: white noise of five strengths, JPEG of six qualities (as a file and as decoded pixels),
correlated noise, noise under JPEG, a shifted grid, JPEG twice. Prints how far the command's sigma and quality are
from the truth, what share of the untouched pictures it calls clean, and, unless --skip-auto, PSNR of
'auto' beside every single verb. Needs python3-numpy and python3-opencv.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np

# Each damage: what is done in turn, and what the command ought to say of it.
NOISE = [5, 10, 15, 25, 50]
QUALITIES = [10, 30, 50, 70, 80, 90]


def damages():
    yield from ((f"noise {s}", [("noise", s)]) for s in NOISE)
    yield from ((f"jpeg {q}", [("jpeg", q)]) for q in QUALITIES)
    yield from ((f"jpeg {q} file", [("file", q)]) for q in (20, 60, 85))
    yield "correlated noise 12", [("correlated", 12)]
    yield "noise 10, jpeg 60", [("noise", 10), ("jpeg", 60)]
    yield "noise 25, jpeg 90", [("noise", 25), ("jpeg", 90)]
    yield "jpeg 50, shifted grid", [("jpeg", 50), ("crop", (3, 5))]
    yield "jpeg 40, jpeg 85", [("jpeg", 40), ("jpeg", 85)]


def damaged(picture, steps, seed):
    """The picture after the steps, its clean counterpart, and the bytes of a file if it is one."""
    clean = picture
    data = None
    for kind, value in steps:
        if kind == "noise":
            noise = np.random.default_rng(seed).standard_normal(picture.shape)
            picture = np.clip(np.rint(picture + value * noise), 0, 255).astype(np.uint8)
        elif kind == "correlated":
            noise = np.random.default_rng(seed).standard_normal(picture.shape)
            noise = cv2.GaussianBlur(noise, (0, 0), 0.7)
            picture = np.clip(np.rint(picture + value / noise.std() * noise), 0, 255)
            picture = picture.astype(np.uint8)
        elif kind == "crop":
            x, y = value
            picture, clean = picture[y:, x:].copy(), clean[y:, x:].copy()
        else:
            data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, value])[1]
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return picture, clean, data if steps[-1][0] == "file" else None


def psnr(a, b):
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return np.inf if error == 0 else 10 * np.log10(255**2 / error)


def run(program, *arguments):
    result = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode not in (0,):
        sys.exit(f"{arguments[0]}: exit status {result.returncode}: {result.stderr[-500:]}")
    return result.stdout


def inspections(program, folder):
    lines = map(json.loads, run(program, "inspect", folder, "--json").splitlines())
    return {pathlib.Path(line["input"]).name: line for line in lines}


def truth_of(steps, kind):
    values = [value for k, value in steps if k in kind]
    return values[-1] if values else None


def share(values):
    return f"{sum(values)}/{len(values)}" if values else "-"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("clean", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--program", default="build/release/cli/pristine")
    parser.add_argument("--skip-auto", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    names = sorted(p for p in options.clean.rglob("*") if p.suffix.lower() in (".png", ".jpg"))
    names = [names[i * len(names) // options.count] for i in range(min(options.count, len(names)))]
    kinds = list(damages())
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        clean_in, damaged_in = folder / "clean", folder / "damaged"
        for each in (clean_in, damaged_in):
            os.makedirs(each, exist_ok=True)
        truth = {}
        for i, path in enumerate(names):
            picture = cv2.imread(str(path))
            cv2.imwrite(str(clean_in / f"{i:03}.png"), picture)
            label, steps = kinds[i % len(kinds)]
            pixels, reference, data = damaged(picture, steps, i)
            name = f"{i:03}.png" if data is None else f"{i:03}.jpg"
            if data is None:
                cv2.imwrite(str(damaged_in / name), pixels)
            else:
                (damaged_in / name).write_bytes(data.tobytes())
            truth[name] = (label, steps, pixels, reference)
        report(options, folder, truth)


def report(options, folder, truth):
    found = inspections(options.program, folder / "damaged")
    sigma_right, quality_right, grids, earlier, verdicts = [], [], [], [], []
    print(f"{'picture':9}{'damage':24}{'sigma':>7}{'quality':>8}  verdict")
    for name, (label, steps, _, _) in sorted(truth.items()):
        line = found[name]
        sigma = float(np.mean(line["noise"]["sigma"]))
        last = line["jpeg"]["last"]
        # What comes after noise changes it: its strength is known only where it came last.
        if steps[-1][0] in ("noise", "correlated"):
            sigma_right.append(abs(sigma - steps[-1][1]) <= 0.15 * steps[-1][1])
        quality = truth_of(steps, ("jpeg", "file"))
        if quality is not None:
            quality_right.append(last is not None and abs(last["quality"] - quality) <= 5)
            crop = truth_of(steps, ("crop",))
            grid = [(8 - crop[0]) % 8, (8 - crop[1]) % 8] if crop else [0, 0]
            grids.append(last is not None and last["grid"] == grid)
        if [k for k, _ in steps] == ["jpeg", "jpeg"]:
            before = line["jpeg"]["earlier"]
            earlier.append(before is not None and abs(before["quality"] - steps[0][1]) <= 5)
        verdicts.append(line["verdict"] != "clean")
        print(
            f"{name:9}{label:24}{sigma:7.2f}{last['quality'] if last else 0:8}"
            f"  {line['verdict']}: {line['reason']}"
        )
    untouched = inspections(options.program, folder / "clean")
    clean = [line["verdict"] == "clean" for line in untouched.values()]
    for name, line in sorted(untouched.items()):
        if line["verdict"] != "clean":
            print(f"{name:9}untouched                     {line['verdict']}: {line['reason']}")
    print(f"sigma within 15 %          {share(sigma_right)}")
    print(f"JPEG quality within 5      {share(quality_right)}")
    print(f"grid of the last JPEG      {share(grids)}")
    print(f"quality before within 5    {share(earlier)}")
    print(f"damage seen                {share(verdicts)}")
    print(f"untouched called clean     {share(clean)}")
    if not options.skip_auto:
        report_auto(options, folder, truth)


def report_auto(options, folder, truth):
    verbs = ("denoise", "dejpeg", "auto")
    # Lossless, so that the loss of another JPEG is not counted.
    for verb in verbs:
        run(options.program, verb, folder / "damaged", "-o", folder / verb, "-q", "-f", "png")
    run(options.program, "auto", folder / "clean", "-o", folder / "auto_clean", "-q")
    gains = {}
    for name, (label, _, pixels, reference) in truth.items():
        png = pathlib.Path(name).with_suffix(".png").name
        before = psnr(pixels, reference)
        after = {}
        for verb in verbs:
            path = folder / verb / png
            after[verb] = psnr(cv2.imread(str(path)), reference) if path.exists() else before
        gains.setdefault(label, []).append([before] + [after[verb] for verb in verbs])
    print(f"\n{'damage':24}{'n':>3}{'input':>8}" + "".join(f"{verb:>9}" for verb in verbs) + "  dB")
    for label, rows in gains.items():
        means = np.mean(rows, axis=0)
        print(f"{label:24}{len(rows):3}" + f"{means[0]:8.2f}" + "".join(f"{m:9.2f}" for m in means[1:]))
    rows = np.array([row for each in gains.values() for row in each])
    # The best of the verbs for each picture, leaving it alone among them.
    best = rows[:, :3].max(axis=1).mean()
    print(f"auto {rows[:, 3].mean():.3f} dB, best single verb of each picture {best:.3f} dB")
    worst = min(
        (
            psnr(cv2.imread(str(path)), cv2.imread(str(folder / "clean" / path.name)))
            for path in (folder / "auto_clean").glob("*.png")
        ),
        default=np.inf,
    )
    print(f"untouched pictures after auto, against themselves: at least {worst:.1f} dB")


main()
