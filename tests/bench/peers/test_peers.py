"""peers.py: which run and which setting count."""

import contextlib
import importlib.util
import io
import json
import os
import tempfile
import unittest

import numpy as np
from PIL import Image

import peers  # first: it knows the way to data/training
import export
from fixtures import tiny_model, write_checkpoint


class Contender:
    """Takes the given seconds, run by run."""

    def __init__(self, name, seconds, quality=None):
        self.name, self.setting, self.quality = name, f"setting of {name}", quality
        self.seconds = list(seconds)

    def run(self):
        return self.seconds.pop(0)


class MeasureTest(unittest.TestCase):
    def test_the_fastest_run_of_every_contender_counts(self):
        (result,) = peers.measure([[Contender("a", [3, 1, 2])]], 3)
        self.assertEqual(result["seconds_per_megapixel"], 1)
        self.assertEqual(result["all_runs"], [3, 1, 2])

    def test_of_equal_pictures_the_fastest_setting_counts(self):
        group = [Contender("a", [3, 3]), Contender("b", [4, 2])]
        (result,) = peers.measure([group], 2)
        self.assertEqual((result["name"], result["seconds_per_megapixel"]), ("b", 2))
        self.assertEqual(result["tried"], ["setting of a", "setting of b"])

    def test_the_better_picture_beats_the_faster_setting(self):
        group = [Contender("a", [1], quality=20.0), Contender("b", [2], quality=25.0)]
        (result,) = peers.measure([group], 1)
        self.assertEqual((result["name"], result["psnr"]), ("b", 25.0))


class MainTest(unittest.TestCase):
    def test_a_command_that_is_missing_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.png")
            Image.fromarray(np.full((32, 32, 3), 99, np.uint8)).save(path)
            checkpoint, model = os.path.join(folder, "c.pt"), os.path.join(folder, "m.safetensors")
            write_checkpoint(checkpoint, tiny_model())
            with contextlib.redirect_stdout(io.StringIO()):
                export.main([checkpoint, model, "--name", "m", "--title", "M"])
            arguments = [model, path, "--onnx", path, "--repeats", "1"]
            with self.assertRaisesRegex(peers.CommandError, "nowhere"):
                peers.main([*arguments, "--command", os.path.join(folder, "nowhere")])

    @unittest.skipUnless(os.environ.get("PRISTINE_COMMAND"), "PRISTINE_COMMAND is not set")
    @unittest.skipIf(importlib.util.find_spec("onnxruntime"), "ONNX Runtime is not missing")
    def test_report_names_what_is_missing_and_relates_the_rest_to_pristine(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):

            def at(name):
                return os.path.join(folder, name)

            write_checkpoint(at("c.pt"), tiny_model())
            export.main([at("c.pt"), at("m.safetensors"), "--name", "m", "--title", "M"])
            Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(at("a.png"))
            code = peers.main(
                [at("m.safetensors"), at("a.png"), "--onnx", at("none.onnx"), "--repeats", "1"]
                + ["--command", os.environ["PRISTINE_COMMAND"], "--node-modules", folder]
                + ["--h", "10", "--json", at("r.json")]
            )
            with open(at("r.json")) as file:
                report = json.load(file)
        self.assertEqual(code, 1)
        self.assertRegex(report["missing"][0], "ONNX Runtime: .*onnxruntime-node")
        pristine = report["results"][0]
        self.assertEqual((pristine["name"], pristine["ratio"]), ("pristine", 1))
        self.assertGreater(pristine["psnr"], 5)


if __name__ == "__main__":
    unittest.main()
