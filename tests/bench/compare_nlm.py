#!/usr/bin/env python3
"""Pristine against OpenCV's fastNlMeansDenoisingColored (windows 7 and 21) on the same pictures.

OpenCV gets, per picture, the filter strength out of a few that suits it best, which a user without
the clean picture could not choose. PSNR over all 8-bit values.

usage: compare_nlm.py PRISTINE NOISY CLEAN [--threads N]
  PRISTINE      the command, e.g. build/release/cli/pristine
  NOISY, CLEAN  folders with pictures of the same names
(Debian: python3-opencv)
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

STRENGTHS = (5, 10, 15, 20, 30, 40, 60)


def read(path):
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        sys.exit(f"picture '{path}' cannot be read")
    if pixels.dtype == np.uint16:
        pixels = np.round(pixels / 257.0).astype(np.uint8)
    return pixels


def psnr(a, b):
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return 10 * np.log10(255.0**2 / error)


def nlm(noisy, strength):
    if noisy.ndim == 2:
        return cv2.fastNlMeansDenoising(noisy, None, strength, 7, 21)
    return cv2.fastNlMeansDenoisingColored(noisy, None, strength, strength, 7, 21)


def best_nlm(noisy, clean):
    """PSNR and seconds of the strength that comes closest to the clean picture."""
    results = []
    for strength in STRENGTHS:
        begin = time.perf_counter()
        out = nlm(noisy, strength)
        results.append((psnr(out, clean), time.perf_counter() - begin, strength))
    return max(results)


def run_pristine(command, noisy, out, threads):
    """Seconds in the network by file name, as the command reports them."""
    arguments = [command, "denoise", noisy, "-o", out] + (["--threads", str(threads)] if threads else [])
    done = subprocess.run(arguments, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    lines = re.findall(r"^\d+/\d+ (.*) [\d.]+ MP ([\d.]+) s,", done.stderr, re.MULTILINE)
    return {pathlib.Path(name).name: float(seconds) for name, seconds in lines}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pristine")
    parser.add_argument("noisy", type=pathlib.Path)
    parser.add_argument("clean", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        cv2.setNumThreads(options.threads)
    with tempfile.TemporaryDirectory() as out:
        seconds = run_pristine(options.pristine, str(options.noisy), out, options.threads)
        if not seconds:
            sys.exit(f"no picture in '{options.noisy}'")
        print(f"{'picture':<18} {'noisy':>7} {'pristine':>9} {'s/MP':>7} {'OpenCV':>8} {'s/MP':>7} {'h':>3}")
        rows = []
        for name in sorted(seconds):
            noisy, clean = read(options.noisy / name), read(options.clean / name)
            megapixels = noisy.shape[0] * noisy.shape[1] / 1e6
            ours = psnr(read(pathlib.Path(out) / name), clean)
            theirs, their_seconds, strength = best_nlm(noisy, clean)
            rows.append(
                (psnr(noisy, clean), ours, seconds[name] / megapixels, theirs, their_seconds / megapixels)
            )
            print("{:<18} {:7.2f} {:9.2f} {:7.2f} {:8.2f} {:7.2f} {:3d}".format(name, *rows[-1], strength))
        print("{:<18} {:7.2f} {:9.2f} {:7.2f} {:8.2f} {:7.2f}".format("mean", *np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
