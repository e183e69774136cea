"""Scores a model file by the published protocol, in PyTorch, with the pristine command, or both."""

import argparse
import hashlib
import json
import math
import os
import sys
import tempfile

import numpy as np
from PIL import Image

from cases import (
    AXES,
    CASE_NAMES,
    NOISY,
    camera_cases,
    dejpeg_cases,
    denoise_cases,
    gains,
    score_input,
    score_output,
    upscale_cases,
)
from engines import CommandEngine, CommandError, TorchEngine
from export import model_info, read_safetensors, write_safetensors
from tiff import write_tiff

COMPARE_TOLERANCE = 1e-3  # dB between this file's PSNR and the command's


def mean(values):
    """None of no values."""
    return float(np.mean(values)) if values else None


def compared(command, pictures, restored, border):
    """PSNR of each picture and mean SSIM as `pristine compare` gives them; a border: of luma."""
    with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
        clean, other = os.path.join(folder, "clean"), os.path.join(folder, "restored")
        os.mkdir(clean)
        os.mkdir(other)
        for picture, pixels in zip(pictures, restored):
            stem = os.path.splitext(picture.name)[0]
            bytes_ = picture.clean if picture.clean.shape[2] == 3 else picture.clean[..., 0]
            Image.fromarray(bytes_).save(os.path.join(clean, stem + ".png"), compress_level=1)
            write_tiff(os.path.join(other, stem + ".tif"), np.ascontiguousarray(pixels))
        options = ["--luma", "--border", str(border)] if border else []
        report = json.loads(command.call("compare", clean, other, "--json", *options)[0])
    found = {os.path.splitext(f["file"])[0]: float(f["psnr"]) for f in report["files"]}
    return [found[os.path.splitext(p.name)[0]] for p in pictures], report["mean"]["ssim"]


def score(task, engines, case):
    """Scores of every engine on one case, as they go into the report."""
    pictures, names = case.pictures, [p.name for p in case.pictures]
    before = [score_input(task, p, x, case.scale) for p, x in zip(pictures, case.inputs)]
    row = {
        "input": mean([v for v in before if v is not None]),
        "input_each": before,
        "engines": {},
    }
    outputs = {}
    for engine in engines:
        restored, seconds = engine.restore(names, case.inputs)
        outputs[engine.name] = restored
        each = [score_output(task, p, r, case.scale) for p, r in zip(pictures, restored)]
        result = {"psnr": mean(each), "each": each, "seconds_per_megapixel": seconds}
        if task != "denoise":
            most = NOISY if task == "camera" else math.inf
            result["gain"], result["gain_pictures"] = gains(before, each, most)
        if isinstance(engine, CommandEngine):
            border = case.scale if task == "upscale" else 0
            theirs, result["ssim"] = compared(engine, pictures, restored, border)
            # Equal pictures give inf on both sides.
            result["compare_difference"] = max(
                0.0 if a == b else abs(a - b) for a, b in zip(each, theirs)
            )
        row["engines"][engine.name] = result
    if len(engines) == 2:
        a, b = (row["engines"][e.name]["psnr"] for e in engines)
        row["difference"] = b - a
        row["largest_difference"] = max(
            float(np.abs(x - y).max()) for x, y in zip(*(outputs[e.name] for e in engines))
        )
    return row


def evaluate(task, engines, name, cases, grey=False, log=print):
    """Scores of one set of pictures."""
    pictures = cases[0].pictures
    megapixels = sum(p.megapixels for p in pictures)
    log(f"{name}: {len(pictures)} pictures, {megapixels:.2f} megapixels{', grey' if grey else ''}")
    axis = AXES[task]
    report = {
        "name": name,
        "task": task,
        "grey": grey,
        "pictures": [p.name for p in pictures],
        "megapixels": megapixels,
        "axis": axis,
        axis: {},
    }
    for case in cases:
        row = score(task, engines, case)
        report[axis][case.label] = row
        before = "       " if row["input"] is None else f"{row['input']:7.4f}"
        text = f"  {CASE_NAMES[task]} {case.label:>5s}   input {before}"
        for engine, result in row["engines"].items():
            text += f"   {engine} {result['psnr']:7.4f} dB"
            if result.get("gain") is not None:
                text += f" ({result['gain']:+.4f} over {result['gain_pictures']})"
            text += f" ({result['seconds_per_megapixel']:.2f} s/MP)"
        if "difference" in row:
            text += (
                f"   difference {row['difference']:+.5f} dB,"
                f" {row['largest_difference']:.1e} at most in a value"
            )
        log(text)
    return report


def set_halo(source, target, halo):
    """Writes a copy of a model file that declares another halo."""
    tensors, metadata = read_safetensors(source)
    info = dict(json.loads(metadata["pristine"]), halo=halo)
    write_safetensors(target, tensors, dict(metadata, pristine=json.dumps(info)))


def check_halo(make_engine, model_path, task, case, tile, halos, log=print):
    """Error of tiles with each halo against whole pictures, [{halo, psnr_to_whole, ...}]."""
    pictures, names = case.pictures, [p.name for p in case.pictures]
    rows = []
    with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
        path = os.path.join(folder, "model.safetensors")

        def restore(halo, side):
            set_halo(model_path, path, halo)
            return make_engine(path, side).restore(names, case.inputs)[0]

        # The largest tile that the command takes: pictures that fit are not cut.
        whole = restore(0, 32768)
        scores = [score_output(task, p, w, case.scale) for p, w in zip(pictures, whole)]
        log(f"whole pictures, {CASE_NAMES[task]} {case.label}: {mean(scores):.4f} dB; tiles of {tile}:")
        for halo in halos:
            tiled = restore(halo, tile)
            errors = [float(np.mean((t - w).astype(np.float64) ** 2)) for t, w in zip(tiled, whole)]
            row = {
                "halo": halo,
                "tile": tile,
                "case": case.label,
                "rms_to_whole": float(np.sqrt(mean(errors))) * 255,
                "largest_to_whole": max(
                    float(np.abs(t - w).max()) for t, w in zip(tiled, whole)
                ) * 255,
                "psnr_change": mean(
                    [score_output(task, p, t, case.scale) for p, t in zip(pictures, tiled)]
                )
                - mean(scores),
            }
            rows.append(row)
            log(
                f"  halo {halo:4d}   {row['psnr_change']:+.5f} dB   of 255:"
                f" rms {row['rms_to_whole']:.5f}, at most {row['largest_to_whole']:.4f}"
            )
    if all(row["largest_to_whole"] == 0 for row in rows):
        log("  no halo made a difference: are the pictures larger than a tile?")
    return rows


def describe(path):
    """What the report says of the model file."""
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    info = model_info(path)
    return {
        "name": info["name"],
        "task": info["task"],
        "variant": info["variant"],
        "scale": info["scale"],
        "file": os.path.basename(path),
        "sha256": digest,
    }


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", help="model file (.safetensors)")
    p.add_argument("--pictures", nargs="+", default=[], metavar="FOLDER", help="colour sets")
    p.add_argument("--grey", nargs="+", default=[], metavar="FOLDER", help="grey sets")
    p.add_argument("--upscaling", nargs="+", default=[], metavar="FOLDER",
                   help="sets with HR and LR_bicubic/X<scale>")
    p.add_argument("--pairs", nargs="+", default=[], metavar="FOLDER",
                   help="camera sets with noisy and gt")
    p.add_argument("--sigmas", type=float, nargs="+", default=[15, 25, 50], metavar="SIGMA")
    p.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 30, 40], metavar="Q")
    p.add_argument("--engine", choices=("torch", "command", "both"), default="command")
    p.add_argument("--command", default="build/release/cli/pristine", help="path of pristine")
    p.add_argument("--precision", default="f32", help="of the command: f32, bf16, auto")
    p.add_argument("--threads", type=int, default=0, help="0: all")
    p.add_argument("--limit", type=int, default=0, help="first pictures of each set; 0: all")
    p.add_argument("--halo-check", action="store_true", help="measure halos instead of scores")
    p.add_argument("--halos", type=int, nargs="+", default=[0, 16, 32, 64, 96], metavar="PIXELS")
    p.add_argument("--tile", type=int, default=0, help="side of a tile; 0: chosen (halos: 256)")
    p.add_argument("--json", metavar="FILE", help="write the report here")
    a = p.parse_args(arguments)
    if not (a.pictures or a.grey or a.upscaling or a.pairs):
        p.error("no pictures: give --pictures, --grey, --upscaling or --pairs")
    if min(a.sigmas) < 0:
        p.error("a sigma is negative")
    return a


def sets_of(a, info):
    """[(task, name of the set, its cases, grey)] of the arguments, for the task of the model."""
    if bool(a.upscaling) != (info["task"] == "upscale"):
        raise ValueError(
            f"'{a.model}' is for '{info['task']}': --upscaling goes with 'upscale', the other sets"
            " with the other tasks"
        )
    found = []
    for grey, folders in ((False, a.pictures), (True, a.grey)):
        for folder in folders:
            if info["task"] == "dejpeg":
                cases = dejpeg_cases(folder, grey, a.qualities, a.limit)
            else:
                cases = denoise_cases(folder, grey, a.sigmas, a.limit)
            found.append((info["task"], folder, cases, grey))
    for folder in a.upscaling:
        found.append(("upscale", folder, upscale_cases(folder, info["scale"], a.limit), False))
    for folder in a.pairs:
        found.append(("camera", folder, camera_cases(folder, a.limit), False))
    return [(t, os.path.basename(os.path.normpath(f)), c, g) for t, f, c, g in found]


def worst_difference(report):
    """Largest difference in dB between this file's PSNR and the command's."""
    return max(
        (
            result.get("compare_difference", 0.0)
            for s in report.get("sets", ())
            for row in s[s["axis"]].values()
            for result in row["engines"].values()
        ),
        default=0.0,
    )


def main(arguments=None):
    a = parse_arguments(arguments)
    report = {"schema": 1, "model": describe(a.model)}

    def command_engine(path, tile):
        return CommandEngine(path, a.command, a.precision, a.threads, tile)

    sets = sets_of(a, report["model"])
    if a.halo_check:
        report["halo"] = []
        for task, _, cases, _ in sets:
            case = cases[len(cases) // 2 if task != "camera" else 0]
            report["halo"] += check_halo(
                command_engine, a.model, task, case, a.tile or 256, a.halos
            )
    else:
        engines = []
        if a.engine in ("torch", "both"):
            engines.append(TorchEngine(a.model, a.threads))
        if a.engine in ("command", "both"):
            engines.append(command_engine(a.model, a.tile))
            report["precision"] = a.precision
        report["sets"] = [evaluate(t, engines, n, c, g) for t, n, c, g in sets]
    if a.json:
        with open(a.json, "w") as file:
            json.dump(report, file, indent=1, allow_nan=False)
            file.write("\n")
    worst = worst_difference(report)
    if worst > COMPARE_TOLERANCE:
        print(f"pristine compare differs by {worst:.5f} dB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CommandError, OSError, ValueError) as error:
        sys.exit(f"evaluate: {error}")
