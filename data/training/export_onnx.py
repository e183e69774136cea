"""Model file -> ONNX at one fixed tile shape, for comparison with other runtimes.

Uses PyTorch's tracing exporter. Sorts become TopK with all elements, which ONNX runtimes sort
ascending with ties in the order of their places. PyTorch 2 needs its package `onnx` for this.
"""

import argparse
import contextlib
import inspect
import io
import os
import sys
import tempfile
import warnings

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

import onnx_runtime
from export import load_model

OPSET = 17
TOLERANCE = 1e-3  # of a value in [0, 1], between PyTorch and the runtime


def sort_as_top_k(g, x, *options):
    """aten::sort(x, dim, descending) and aten::sort(x, stable, dim, descending)."""
    dim, descending = (o.node().t("value").item() for o in options[-2:])
    sizes = x.type().sizes()
    if sizes is None or sizes[dim] is None:
        raise ValueError("sort along an axis of unknown length")
    size = sizes[dim]
    count = g.op("Constant", value_t=torch.tensor([size], dtype=torch.int64))
    values, order = g.op(
        "TopK", x, count, axis_i=dim, largest_i=int(bool(descending)), sorted_i=1, outputs=2
    )
    # Without a type the exporter forgets the shapes of all that follows.
    values.setType(x.type())
    order.setType(x.type().with_dtype(torch.int64))
    return values, order


class FixedShapes(TorchFunctionMode):
    """While a model is traced, `x.shape` holds plain integers, so that no shape is computed."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function == torch.Tensor.shape.__get__:
            return torch.Size(int(side) for side in result)
        return result


def export_onnx(model, path, height, width):
    """Writes `model` for inputs "image" [1, 3, height, width] and outputs "restored"."""
    window = model.config["window"]
    if height % window or width % window or min(height, width) < window:
        raise ValueError(f"tile is {width}x{height}, expected multiples of {window}")
    torch.onnx.register_custom_op_symbolic("aten::sort", sort_as_top_k, OPSET)
    options = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:  # PyTorch 2.5 and later
        options["dynamo"] = False
    # The exporter prints what it traced past; what counts is checked against the runtime.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), FixedShapes():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            torch.zeros(1, model.config["image_channels"], height, width),
            path,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["restored"],
            **options,
        )


def check(model, path, height, width, runtime):
    """Largest difference between PyTorch and the runtime on a seeded picture of noise."""
    shape = (1, model.config["image_channels"], height, width)
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(image)).numpy()
    restored = runtime.run(path, image).output
    effect = float(np.abs(expected - image).max())
    return float(np.abs(restored - expected).max()), effect


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", help="model file (.safetensors)")
    p.add_argument("output", help="file to write (.onnx)")
    p.add_argument("--tile", type=int, nargs="+", default=[256], help="side, or height and width")
    p.add_argument("--check", action="store_true", help="compare with ONNX Runtime")
    onnx_runtime.add_arguments(p)
    a = p.parse_args(arguments)
    if len(a.tile) > 2:
        p.error("--tile takes one side, or height and width")
    height, width = a.tile[0], a.tile[-1]
    model = load_model(a.model)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(a.output))) as folder:
        path = os.path.join(folder, "model.onnx")
        export_onnx(model, path, height, width)
        if a.check:
            difference, effect = check(model, path, height, width, onnx_runtime.find(a))
            print(f"largest difference {difference:.2e}, the network changes up to {effect:.2e}")
            if not difference <= TOLERANCE:
                return 1
        os.replace(path, a.output)
    print(f"{a.output}: {os.path.getsize(a.output)} bytes, opset {OPSET}, {width}x{height}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, onnx_runtime.RuntimeMissing) as error:
        sys.exit(f"export_onnx: {error}")
