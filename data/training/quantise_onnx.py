"""ONNX file of a network -> the same with its pairs in int8 (QDQ), for comparison with other runtimes.

Every convolution that has a scale in the model file gets a QuantizeLinear and a DequantizeLinear
before its input and an int8 weight behind a DequantizeLinear, as ONNX Runtime's own quantiser writes
them: per output channel and symmetric, the first of a pair with a signed and the second with an
unsigned input. Needs the package onnx (Debian: python3-onnx).
"""

import argparse
import json
import os
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

from export import read_safetensors

TYPES = {"s8": np.int8, "u8": np.uint8}


def read_scales(model_path):
    """{name of a convolution: {"scale", "type"}} of a model file that was calibrated."""
    _, metadata = read_safetensors(model_path)
    int8 = json.loads(metadata["pristine"]).get("int8")
    if not int8:
        raise ValueError(f"'{model_path}' carries no scales for int8: run calibrate.py first")
    return int8["inputs"]


def weight_levels(weight):
    """int8 levels [oc, ...] and what a level of each output channel stands for [oc]."""
    largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)))
    scale = np.maximum(largest, 1e-12).astype(np.float32) / np.float32(127)
    levels = np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
    return np.clip(levels, -127, 127).astype(np.int8), scale


class Quantiser:
    def __init__(self, graph):
        self.graph = graph
        self.weights = {i.name: i for i in graph.initializer}

    def constant(self, name, values):
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def pair(self, source, name, entry):
        """QuantizeLinear and DequantizeLinear of one tensor."""
        scale = self.constant(f"{name}.scale", np.float32(entry["scale"]))
        zero = self.constant(f"{name}.zero", TYPES[entry["type"]](0))
        levels, values = f"{name}.levels", f"{name}.values"
        return values, [
            helper.make_node("QuantizeLinear", [source, scale, zero], [levels], f"{name}.q"),
            helper.make_node("DequantizeLinear", [levels, scale, zero], [values], f"{name}.dq"),
        ]

    def weight(self, name):
        """Replaces an initialiser by its levels; the name of the values and the node."""
        initializer = self.weights[name]
        levels, scale = weight_levels(numpy_helper.to_array(initializer))
        self.graph.initializer.remove(initializer)
        inputs = [
            self.constant(f"{name}.levels", levels),
            self.constant(f"{name}.scale", scale),
            self.constant(f"{name}.zero", np.zeros(len(scale), np.int8)),
        ]
        values = f"{name}.values"
        return values, helper.make_node("DequantizeLinear", inputs, [values], f"{name}.dq", axis=0)


def quantise(model, scales):
    """Changes an onnx.ModelProto; throws ValueError naming a scale that fits no convolution."""
    quantiser, nodes, used = Quantiser(model.graph), [], set()
    for node in model.graph.node:
        name = node.input[1].removesuffix(".weight") if node.op_type == "Conv" else ""
        if name in scales:
            used.add(name)
            source, added = quantiser.pair(node.input[0], f"{name}.input", scales[name])
            weight, weight_node = quantiser.weight(node.input[1])
            nodes += [*added, weight_node]
            node.input[0], node.input[1] = source, weight
        nodes.append(node)
    unused = sorted(set(scales) - used)
    if unused:
        raise ValueError(f"scale of '{unused[0]}' fits no convolution of the network")
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", help="calibrated model file (.safetensors)")
    p.add_argument("onnx", help="the same network, written by export_onnx.py")
    p.add_argument("output", help="file to write (.onnx)")
    a = p.parse_args(arguments)
    model = onnx.load(a.onnx)
    quantise(model, read_scales(a.model))
    onnx.save(model, a.output)
    print(f"{a.output}: {os.path.getsize(a.output)} bytes")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(f"quantise_onnx: {error}")
