"""ONNX Runtime, in Python where it is installed, else through Node.js and onnxruntime-node."""

import json
import os
import subprocess
import tempfile
import time
from typing import NamedTuple

import numpy as np

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx_runtime.mjs")


class RuntimeMissing(RuntimeError):
    """No ONNX Runtime is to be had, or it failed; the text says what to do."""


class Run(NamedTuple):
    output: np.ndarray  # float32
    seconds: list  # of each timed repeat


class PythonRuntime:
    def __init__(self):
        import onnxruntime

        self.onnxruntime = onnxruntime
        self.version = onnxruntime.__version__

    def run(self, path, image, threads=2, optimisation="all", repeats=0):
        """Runs once, then `repeats` times against the clock."""
        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        levels = self.onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = {
            "all": levels.ORT_ENABLE_ALL,
            "extended": levels.ORT_ENABLE_EXTENDED,
            "basic": levels.ORT_ENABLE_BASIC,
        }[optimisation]
        session = self.onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        feeds = {session.get_inputs()[0].name: image}
        (output,) = session.run(None, feeds)
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            session.run(None, feeds)
            seconds.append(time.perf_counter() - begin)
        return Run(output, seconds)


class NodeRuntime:
    """onnxruntime-node below `modules`, a folder named node_modules."""

    def __init__(self, node, modules):
        self.node, self.modules = node, modules
        package = os.path.join(modules, "onnxruntime-node", "package.json")
        try:
            with open(package) as file:
                self.version = json.load(file)["version"]
        except OSError as error:
            raise RuntimeMissing(f"'{package}': {error.strerror}") from error

    def run(self, path, image, threads=2, optimisation="all", repeats=0):
        with tempfile.TemporaryDirectory(prefix="onnx-") as folder:
            source, target = os.path.join(folder, "in"), os.path.join(folder, "out")
            np.ascontiguousarray(image, dtype="<f4").tofile(source)
            job = {
                "modules": os.path.abspath(self.modules),
                "model": os.path.abspath(path),
                "shape": list(image.shape),
                "input": source,
                "output": target,
                "threads": threads,
                "optimisation": optimisation,
                "repeats": repeats,
            }
            try:
                done = subprocess.run(
                    [self.node, SCRIPT, json.dumps(job)], capture_output=True, text=True
                )
            except OSError as error:
                raise RuntimeMissing(f"'{self.node}' cannot be run: {error.strerror}") from error
            if done.returncode != 0:
                raise RuntimeMissing(f"onnxruntime-node failed: {done.stderr.strip()[-500:]}")
            report = json.loads(done.stdout)
            output = np.fromfile(target, dtype="<f4").reshape(report["shape"])
        return Run(output, report["seconds"])


def add_arguments(parser):
    parser.add_argument("--node", default="node", help="path of Node.js")
    parser.add_argument(
        "--node-modules",
        default="node_modules",
        help="folder that holds onnxruntime-node (npm install --ignore-scripts onnxruntime-node)",
    )


def find(arguments):
    """The runtime to use; throws RuntimeMissing."""
    try:
        return PythonRuntime()
    except ImportError:
        return NodeRuntime(arguments.node, arguments.node_modules)
