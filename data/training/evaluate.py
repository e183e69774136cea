"""Scores a model file by the published protocol, in PyTorch, with the pristine command, or both."""

import argparse
import hashlib
import json
import os
import sys
import tempfile

import numpy as np
from PIL import Image

from engines import CommandEngine, CommandError, TorchEngine
from export import read_safetensors, write_safetensors
from protocol import add_noise, psnr, read_pictures, to_bytes
from tiff import write_tiff

COMPARE_TOLERANCE = 1e-3  # dB between this file's PSNR and the command's


def mean(values):
    return float(np.mean(values))


def compared(command, pictures, restored):
    """PSNR of each picture as `pristine compare` gives it."""
    with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
        clean, other = os.path.join(folder, "clean"), os.path.join(folder, "restored")
        os.mkdir(clean)
        os.mkdir(other)
        for picture, pixels in zip(pictures, restored):
            stem = os.path.splitext(picture.name)[0]
            bytes_ = picture.clean if picture.clean.shape[2] == 3 else picture.clean[..., 0]
            Image.fromarray(bytes_).save(os.path.join(clean, stem + ".png"), compress_level=1)
            write_tiff(os.path.join(other, stem + ".tif"), np.ascontiguousarray(pixels))
        report = json.loads(command.call("compare", clean, other, "--json")[0])
    found = {os.path.splitext(f["file"])[0]: float(f["psnr"]) for f in report["files"]}
    return [found[os.path.splitext(p.name)[0]] for p in pictures]


def score(engines, pictures, sigma):
    """Scores of every engine at one sigma, as they go into the report."""
    noisy = [add_noise(p, sigma) for p in pictures]
    names = [p.name for p in pictures]
    row = {
        "noisy": mean([psnr(p.clean, to_bytes(n)) for p, n in zip(pictures, noisy)]),
        "noisy_each": [psnr(p.clean, to_bytes(n)) for p, n in zip(pictures, noisy)],
        "engines": {},
    }
    outputs = {}
    for engine in engines:
        restored, seconds = engine.restore(names, noisy)
        outputs[engine.name] = restored
        each = [psnr(p.clean, to_bytes(r)) for p, r in zip(pictures, restored)]
        result = {"psnr": mean(each), "each": each, "seconds_per_megapixel": seconds}
        if isinstance(engine, CommandEngine):
            theirs = compared(engine, pictures, restored)
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


def evaluate(engines, folder, grey, sigmas, limit=0, log=print):
    """Scores of one set of pictures."""
    pictures = read_pictures(folder, grey, limit)
    name = os.path.basename(os.path.normpath(folder))
    megapixels = sum(p.megapixels for p in pictures)
    log(f"{name}: {len(pictures)} pictures, {megapixels:.2f} megapixels{', grey' if grey else ''}")
    report = {
        "name": name,
        "grey": grey,
        "pictures": [p.name for p in pictures],
        "megapixels": megapixels,
        "sigmas": {},
    }
    for sigma in sigmas:
        row = score(engines, pictures, sigma)
        report["sigmas"][f"{sigma:g}"] = row
        text = f"  sigma {sigma:5g}   noisy {row['noisy']:7.4f}"
        for engine, result in row["engines"].items():
            text += (
                f"   {engine} {result['psnr']:7.4f} dB"
                f" ({result['seconds_per_megapixel']:.2f} s/MP)"
            )
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


def check_halo(make_engine, model_path, pictures, sigma, tile, halos, log=print):
    """Error of tiles with each halo against whole pictures, [{halo, psnr_to_whole, ...}]."""
    noisy = [add_noise(p, sigma) for p in pictures]
    names = [p.name for p in pictures]
    rows = []
    with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
        path = os.path.join(folder, "model.safetensors")

        def restore(halo, side):
            set_halo(model_path, path, halo)
            return make_engine(path, side).restore(names, noisy)[0]

        # The largest tile that the command takes: pictures that fit are not cut.
        whole = restore(0, 32768)
        scores = [psnr(p.clean, to_bytes(w)) for p, w in zip(pictures, whole)]
        log(f"whole pictures, sigma {sigma:g}: {mean(scores):.4f} dB; tiles of {tile}:")
        for halo in halos:
            tiled = restore(halo, tile)
            errors = [float(np.mean((t - w).astype(np.float64) ** 2)) for t, w in zip(tiled, whole)]
            row = {
                "halo": halo,
                "tile": tile,
                "sigma": sigma,
                "rms_to_whole": float(np.sqrt(mean(errors))) * 255,
                "largest_to_whole": max(
                    float(np.abs(t - w).max()) for t, w in zip(tiled, whole)
                ) * 255,
                "psnr_change": mean([psnr(p.clean, to_bytes(t)) for p, t in zip(pictures, tiled)])
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
    info = json.loads(read_safetensors(path)[1]["pristine"])
    return {"name": info["name"], "file": os.path.basename(path), "sha256": digest}


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", help="model file (.safetensors)")
    p.add_argument("--pictures", nargs="+", default=[], metavar="FOLDER", help="colour sets")
    p.add_argument("--grey", nargs="+", default=[], metavar="FOLDER", help="grey sets")
    p.add_argument("--sigmas", type=float, nargs="+", default=[15, 25, 50], metavar="SIGMA")
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
    if not a.pictures and not a.grey:
        p.error("no pictures: give --pictures or --grey")
    if min(a.sigmas) < 0:
        p.error("a sigma is negative")
    return a


def main(arguments=None):
    a = parse_arguments(arguments)
    report = {"schema": 1, "model": describe(a.model)}

    def command_engine(path, tile):
        return CommandEngine(path, a.command, a.precision, a.threads, tile)

    sets = [(folder, False) for folder in a.pictures] + [(folder, True) for folder in a.grey]
    if a.halo_check:
        report["halo"] = []
        for folder, grey in sets:
            pictures = read_pictures(folder, grey, a.limit)
            report["halo"] += check_halo(
                command_engine, a.model, pictures, a.sigmas[len(a.sigmas) // 2], a.tile or 256,
                a.halos,
            )
    else:
        engines = []
        if a.engine in ("torch", "both"):
            engines.append(TorchEngine(a.model, a.threads))
        if a.engine in ("command", "both"):
            engines.append(command_engine(a.model, a.tile))
            report["precision"] = a.precision
        report["sets"] = [evaluate(engines, f, grey, a.sigmas, a.limit) for f, grey in sets]
    if a.json:
        with open(a.json, "w") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    worst = max(
        (
            result.get("compare_difference", 0.0)
            for s in report.get("sets", ())
            for row in s["sigmas"].values()
            for result in row["engines"].values()
        ),
        default=0.0,
    )
    if worst > COMPARE_TOLERANCE:
        print(f"pristine compare differs by {worst:.5f} dB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CommandError, OSError, ValueError) as error:
        sys.exit(f"evaluate: {error}")
