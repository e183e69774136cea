#!/usr/bin/env python3
"""Seconds for each megapixel of Pristine and of its peers, on one machine in one run.

Peers: ONNX Runtime with the same network in f32 and int8 on bare tiles, and OpenCV's non-local means. Each
runs several times, in turn with the others; the fastest run counts. Of the settings of a peer that
are tried the best is kept and named.
"""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time

import numpy as np
from PIL import Image

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.normpath(os.path.join(ROOT, "data", "training")))

import onnx_runtime  # noqa: E402
from engines import CommandEngine, CommandError, seconds_per_megapixel  # noqa: E402
from protocol import Picture, add_noise, psnr, to_bytes  # noqa: E402


class PristinePeer:
    """The command on the 8-bit picture, from file to file."""

    def __init__(self, a, picture, noisy):
        self.name, self.setting = "pristine", f"{a.precision}, {a.threads} threads"
        self.engine = CommandEngine(a.model, a.command, a.precision, a.threads)
        self.picture, self.noisy = picture, noisy
        self.quality = None

    def run(self):
        with tempfile.TemporaryDirectory(prefix="peers-") as folder:
            source, target = os.path.join(folder, "in.png"), os.path.join(folder, "out.png")
            Image.fromarray(self.noisy).save(source)
            arguments = ("-m", self.engine.model_path, *self.engine.options)
            said, _ = self.engine.call("denoise", source, "-o", target, "--json", *arguments)
            with Image.open(target) as file:
                self.quality = psnr(self.picture.clean, np.asarray(file.convert("RGB")))
        return seconds_per_megapixel(said)


class OnnxPeer:
    """ONNX Runtime on one tile: no file, no halo, no blending, which flatters it."""

    def __init__(self, a, path, optimisation, precision="f32"):
        self.runtime, self.path, self.optimisation = onnx_runtime.find(a), path, optimisation
        self.side, self.threads, self.quality = a.tile, a.threads, None
        self.name = f"ONNX Runtime {self.runtime.version}"
        self.setting = (
            f"{precision}, {a.threads} threads, {a.tile}x{a.tile}, optimisation '{optimisation}'"
        )
        self.image = np.random.default_rng(0).random((1, 3, a.tile, a.tile), dtype=np.float32)

    def run(self):
        run = self.runtime.run(self.path, self.image, self.threads, self.optimisation, repeats=3)
        return min(run.seconds) / (self.side * self.side / 1e6)


class NonLocalMeansPeer:
    """cv::fastNlMeansDenoisingColored with windows of 7 and 21 pixels."""

    def __init__(self, a, picture, noisy, h):
        import cv2

        self.cv2, self.h, self.picture, self.noisy = cv2, h, picture, noisy
        self.threads, self.quality = a.threads, None
        self.name = f"OpenCV {cv2.__version__} fastNlMeansDenoisingColored"
        self.setting = f"h {h:g}, windows 7 and 21, {a.threads} threads"

    def run(self):
        self.cv2.setNumThreads(self.threads)
        bgr = np.ascontiguousarray(self.noisy[..., ::-1])
        begin = time.perf_counter()
        restored = self.cv2.fastNlMeansDenoisingColored(bgr, None, self.h, self.h, 7, 21)
        seconds = time.perf_counter() - begin
        self.quality = psnr(self.picture.clean, restored[..., ::-1])
        return seconds / self.picture.megapixels


def exported(a, folder):
    """The network as ONNX: the file given, or one that PyTorch writes now."""
    if a.onnx:
        return a.onnx
    from export import load_model
    from export_onnx import export_onnx

    path = os.path.join(folder, "model.onnx")
    export_onnx(load_model(a.model), path, a.tile, a.tile)
    return path


def quantised(a, path, folder):
    """The exported network with the model's scales in int8."""
    import onnx

    import quantise_onnx

    model = onnx.load(path)
    quantise_onnx.quantise(model, quantise_onnx.read_scales(a.model))
    target = os.path.join(folder, "int8.onnx")
    onnx.save(model, target)
    return target


def make_peers(a, picture, noisy, folder):
    """Groups of contenders; within a group only the setting differs. Notes what is missing."""
    groups, missing = [[PristinePeer(a, picture, noisy)]], []
    try:
        onnx_runtime.find(a)
        path = exported(a, folder)
        groups.append([OnnxPeer(a, path, level) for level in ("all", "extended")])
        try:
            int8 = quantised(a, path, folder)
            groups.append([OnnxPeer(a, int8, level, "int8") for level in ("all", "extended")])
        except (ImportError, ValueError) as error:
            missing.append(f"ONNX Runtime in int8: {error}")
    except (onnx_runtime.RuntimeMissing, ImportError) as error:
        missing.append(f"ONNX Runtime: {error}")
    try:
        groups.append([NonLocalMeansPeer(a, picture, noisy, h) for h in a.h])
    except ImportError as error:
        missing.append(f"OpenCV: {error}")
    return groups, missing


def measure(groups, repeats):
    """Runs every contender `repeats` times in turn; [{name, setting, seconds..., psnr}]."""
    seconds = {}
    for _ in range(repeats):
        for group in groups:
            for peer in group:
                seconds.setdefault(id(peer), []).append(peer.run())
    results = []
    for group in groups:
        # The best setting is the one with the best picture, or the fastest where pictures equal.
        best = min(group, key=lambda p: (-(p.quality or 0), min(seconds[id(p)])))
        results.append(
            {
                "name": best.name,
                "setting": best.setting,
                "tried": [p.setting for p in group],
                "seconds_per_megapixel": min(seconds[id(best)]),
                "all_runs": seconds[id(best)],
                "psnr": best.quality,
            }
        )
    return results


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return re.search(r"model name\s*: (.*)", file.read()).group(1)
    except (OSError, AttributeError):
        return platform.processor() or "unknown"


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", help="model file (.safetensors)")
    p.add_argument("picture", help="clean photograph; noise is added")
    p.add_argument("--command", default=os.path.join(ROOT, "build/release/cli/pristine"))
    p.add_argument("--precision", default="auto", help="of pristine")
    p.add_argument("--onnx", help="the same network at --tile; default: exported with PyTorch")
    p.add_argument("--tile", type=int, default=256, help="of ONNX Runtime")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--sigma", type=float, default=25)
    p.add_argument("--h", type=float, nargs="+", default=[5, 10, 15, 20, 25],
                   help="strengths of non-local means to try")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--json", metavar="FILE", help="write the report here")
    onnx_runtime.add_arguments(p)
    return p.parse_args(arguments)


def main(arguments=None):
    a = parse_arguments(arguments)
    with Image.open(a.picture) as file:
        picture = Picture(os.path.basename(a.picture), np.asarray(file.convert("RGB")))
    noisy = to_bytes(add_noise(picture, a.sigma))
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        groups, missing = make_peers(a, picture, noisy, folder)
        results = measure(groups, a.repeats)
    h, w = picture.clean.shape[:2]
    print(f"{processor()}; {picture.name}, {w}x{h}, sigma {a.sigma:g}; best of {a.repeats} runs")
    own = results[0]["seconds_per_megapixel"]
    for result in results:
        result["ratio"] = result["seconds_per_megapixel"] / own
        quality = f"{result['psnr']:6.2f} dB" if result["psnr"] else "        -"
        print(
            f"{result['seconds_per_megapixel']:8.2f} s/MP  {result['ratio']:6.2f} x  {quality}"
            f"  {result['name']} ({result['setting']})"
        )
    for text in missing:
        print(f"missing: {text}")
    if a.json:
        with open(a.json, "w") as file:
            report = {
                "schema": 1,
                "processor": processor(),
                "picture": picture.name,
                "width": w,
                "height": h,
                "sigma": a.sigma,
                "repeats": a.repeats,
                "results": results,
                "missing": missing,
            }
            json.dump(report, file, indent=1)
            file.write("\n")
    return 1 if missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CommandError, OSError, ValueError, onnx_runtime.RuntimeMissing) as error:
        sys.exit(f"peers: {error}")
