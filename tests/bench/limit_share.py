#!/usr/bin/env python3
"""Share of the machine's convolution limit that the whole command reaches.

The limit (pristine_limit) is measured before and after every run of the command, and the run is held
against the mean of the two: on shared machines the rate of matrix units changes severalfold within
seconds. Work is what the network does for the picture's own pixels, without tile borders; time is
that of the whole process. Prints every run and the median share.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time


def output_of(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def limit_of(program, precision, threads):
    """GFLOP/s."""
    rate = json.loads(output_of(program, "--threads", threads))[precision]
    if rate is None:
        raise SystemExit(f"this processor has no {precision}")
    return rate


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="name or path of a denoiser")
    parser.add_argument("picture")
    parser.add_argument("--pristine", default="build/release/cli/pristine")
    parser.add_argument("--limit", default="build/bench/tests/bench/pristine_limit")
    parser.add_argument("--precision", default="bf16", choices=("f32", "bf16", "int8"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7)
    a = parser.parse_args()

    macs = json.loads(output_of(a.pristine, "models", a.model, "--json"))[0]["macs_per_pixel"]
    shares = []
    with tempfile.TemporaryDirectory(prefix="limit-share-") as folder:
        command = [a.pristine, "denoise", a.picture, "-o", pathlib.Path(folder, "out.png"), "--json",
                   "--if-exists", "overwrite", "--model", a.model, "--precision", a.precision,
                   "--threads", a.threads]
        before = limit_of(a.limit, a.precision, a.threads)
        for run in range(1, a.runs + 1):
            begin = time.perf_counter()
            lines = [json.loads(line) for line in output_of(*command).splitlines()]
            seconds = time.perf_counter() - begin
            megapixels = next(line["megapixels"] for line in lines if line["type"] == "summary")
            after = limit_of(a.limit, a.precision, a.threads)
            rate = 2e-3 * macs * megapixels / seconds
            shares.append(rate / (0.5 * (before + after)))
            print(f"run {run}: {seconds / megapixels:.3f} s/MP, {rate:.0f} GFLOP/s, limit "
                  f"{before:.0f} before and {after:.0f} after: {100 * shares[-1]:.1f} %", flush=True)
            before = after
    print(f"median share of {len(shares)} runs: {100 * statistics.median(shares):.1f} %")


if __name__ == "__main__":
    main()
