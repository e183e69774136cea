"""Stores what a model file shall compute, for `pristine models check`.

    python3 reference_output.py ../models/denoise.safetensors ...

writes reference/NAME.safetensors beside each: `output` [h, w, 3] in f16, which PyTorch makes of a
computed picture in f32, and the SHA-256 of the model file in the metadata.
"""

import argparse
import hashlib
import os
import sys

import numpy as np

from engines import TorchEngine
from export import write_safetensors

HEIGHT, WIDTH = 40, 56


def check_picture(height, width):
    """float32 [h, w, 3]: ramps, edges and noise out of integers alone (app/model_check.cpp)."""
    y, x, c = np.meshgrid(*(np.arange(n, dtype=np.uint64) for n in (height, width, 3)),
                          indexing="ij")
    ramp = (5 * x + 3 * y * (c + 1)) & 255
    low = np.uint64(0xFFFFFFFF)
    mixed = ((x * 73856093) & low) ^ ((y * 19349663) & low) ^ ((c * 83492791) & low)
    mixed = ((mixed ^ (mixed >> np.uint64(13))) * 1274126177) & low
    noise = ((mixed >> np.uint64(16)) & np.uint64(31)).astype(np.int64) - 16
    values = (ramp * 3 // 4).astype(np.int64) + 32 + noise
    return values.astype(np.float32) / np.float32(255)


def write_reference(model_path):
    """Returns the path of the reference."""
    (output,), _ = TorchEngine(model_path).restore(["check"], [check_picture(HEIGHT, WIDTH)])
    if not np.isfinite(output).all():
        raise ValueError(f"'{model_path}' gives values that are no numbers")
    with open(model_path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    folder = os.path.join(os.path.dirname(os.path.abspath(model_path)), "reference")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, os.path.basename(model_path))
    write_safetensors(path, {"output": output.astype(np.float16)}, {"model_sha256": digest})
    return path


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("models", nargs="+", help="model files (.safetensors)")
    for path in p.parse_args(arguments).models:
        written = write_reference(path)
        print(f"{written}: {os.path.getsize(written)} bytes")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(f"reference_output: {error}")
