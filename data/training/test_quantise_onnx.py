"""quantise_onnx.py, against calibrate.simulate() in ONNX Runtime where it is found."""

import copy
import unittest

import numpy as np
import torch

import calibrate
import export_onnx
from fixtures import Folder, tiny_model
from test_onnx import find_runtime

try:
    import onnx

    import quantise_onnx
except ImportError:
    onnx = None

SIDE = 32


@unittest.skipUnless(onnx, "no package onnx")
class QuantiseOnnxTest(Folder):
    def setUp(self):
        super().setUp()
        self.net = tiny_model(seed=5).eval()
        self.scales = {
            i.name: {"scale": 4 / calibrate.LEVELS[i.kind][1], "type": i.kind}
            for i in calibrate.inputs_of(self.net)
        }
        export_onnx.export_onnx(self.net, self.path("f32.onnx"), SIDE, SIDE)
        self.model = onnx.load(self.path("f32.onnx"))

    def test_every_pair_is_quantised_and_nothing_else(self):
        convolutions = sum(n.op_type == "Conv" for n in self.model.graph.node)
        quantise_onnx.quantise(self.model, self.scales)
        nodes = self.model.graph.node
        self.assertEqual(sum(n.op_type == "Conv" for n in nodes), convolutions)
        self.assertEqual(sum(n.op_type == "QuantizeLinear" for n in nodes), len(self.scales))
        self.assertEqual(sum(n.op_type == "DequantizeLinear" for n in nodes), 2 * len(self.scales))
        self.assertGreater(len(self.scales), 3)
        plain = [n for n in nodes if n.op_type == "Conv" and n.input[1].endswith(".weight")]
        self.assertIn("head.weight", [n.input[1] for n in plain])
        self.assertEqual(len(plain), convolutions - len(self.scales))

    def test_weights_have_the_levels_of_the_calibration(self):
        weight = self.net.state_dict()["middle.0.conv0.weight"]
        levels, scale = quantise_onnx.weight_levels(weight.numpy())
        self.assertEqual(levels.dtype, np.int8)
        expected = calibrate.quantise_weights(weight).numpy()
        np.testing.assert_allclose(levels * scale.reshape(-1, 1, 1, 1), expected, rtol=1e-6)
        self.assertEqual(np.abs(levels).max(axis=(1, 2, 3)).min(), 127)

    def test_a_scale_that_fits_nothing_is_refused(self):
        self.scales["tail.conv9"] = {"scale": 1.0, "type": "u8"}
        with self.assertRaisesRegex(ValueError, "'tail.conv9' fits no convolution"):
            quantise_onnx.quantise(self.model, self.scales)

    @unittest.skipUnless(find_runtime(), "no ONNX Runtime: set NODE_MODULES")
    def test_runtime_computes_what_the_simulation_computes(self):
        quantise_onnx.quantise(self.model, self.scales)
        onnx.save(self.model, self.path("int8.onnx"))
        image = np.random.default_rng(1).random((1, 3, SIDE, SIDE), dtype=np.float32)
        simulated = copy.deepcopy(self.net)
        calibrate.simulate(simulated, self.scales)
        with torch.no_grad():
            f32 = self.net(torch.from_numpy(image)).numpy()
            expected = simulated(torch.from_numpy(image)).numpy()
        restored = find_runtime().run(self.path("int8.onnx"), image).output
        self.assertGreater(np.abs(expected - f32).max(), 1e-3)
        # A value at the middle of two levels may become either; without VNNI sums may saturate.
        self.assertLess(np.abs(restored - expected).mean(), 0.25 * np.abs(expected - f32).mean())


if __name__ == "__main__":
    unittest.main()
