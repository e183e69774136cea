"""calibrate.py: scales, simulated int8, and what it writes."""

import contextlib
import io
import json
import os
import re
import unittest

import numpy as np
import torch
from PIL import Image

import calibrate
import export
from engines import TorchEngine
from fixtures import Folder, photograph, tiny_model, write_checkpoint, write_shard
from protocol import add_noise


class MagnitudesTest(unittest.TestCase):
    def test_quantile_is_that_of_all_the_data_within_a_bin(self):
        generator = torch.Generator().manual_seed(0)
        parts = [torch.randn(50000, generator=generator) * s for s in (1, 3)]
        magnitudes = calibrate.Magnitudes()
        for part in parts:
            magnitudes.add(part.view(1, 1, -1, 100))
        values = torch.cat(parts).abs().numpy()
        for share in (0.5, 0.99, 0.9999, 1.0):
            expected = np.quantile(values, share)
            self.assertAlmostEqual(magnitudes.quantile(share) / expected, 1, delta=2e-3)
        self.assertGreaterEqual(magnitudes.quantile(1.0), values.max())

    def test_zeros_count_and_no_data_is_an_error(self):
        magnitudes = calibrate.Magnitudes()
        with self.assertRaisesRegex(ValueError, "no values"):
            magnitudes.quantile(0.5)
        magnitudes.add(torch.zeros(90))
        magnitudes.add(torch.full((10,), 2.0))
        self.assertLess(magnitudes.quantile(0.89), 1e-30)
        self.assertAlmostEqual(magnitudes.quantile(0.95), 2, delta=0.01)


class QuantiseTest(unittest.TestCase):
    def test_weights_keep_their_largest_value_in_every_channel(self):
        weight = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(1))
        weight[3] *= 100
        rounded = calibrate.quantise_weights(weight)
        largest = weight.abs().amax(dim=(1, 2, 3))
        self.assertTrue(torch.allclose(rounded.abs().amax(dim=(1, 2, 3)), largest))
        error = (rounded - weight).abs().amax(dim=(1, 2, 3))
        self.assertTrue((error <= largest / 254 * 1.001).all())
        self.assertGreater(error.max().item(), 0)
        self.assertLessEqual(len(rounded[3].unique()), 255)

    def test_inputs_saturate_at_the_ends_of_their_type(self):
        x = torch.tensor([-300.0, -1.4, 0.6, 300.0])
        self.assertEqual(calibrate.quantise_input(x, 1.0, "u8").tolist(), [0, 0, 1, 255])
        self.assertEqual(calibrate.quantise_input(x, 1.0, "s8").tolist(), [-127, -1, 1, 127])
        self.assertEqual(calibrate.quantise_input(x, 2.0, "s8").tolist(), [-254, -2, 0, 254])


class CalibrateTest(Folder):
    def setUp(self):
        super().setUp()
        write_checkpoint(self.path("c.pt"), tiny_model(seed=6))
        self.model_path = self.path("m.safetensors")
        with contextlib.redirect_stdout(io.StringIO()):
            export.main(
                [self.path("c.pt"), self.model_path, "--name", "tiny", "--title", "Tiny"]
            )
        for folder in ("data", "set"):
            os.mkdir(self.path(folder))
        write_shard(
            self.path("data", "s.tar"), {f"{i}.jpg": photograph(60, 70, i) for i in range(5)}
        )
        Image.fromarray(photograph(48, 48, 9)).save(self.path("set", "a.png"))

    def test_scales_go_into_the_file_and_the_weights_stay(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = calibrate.main(
                [self.model_path, "--data", self.path("data"), "--count", "3", "--side", "48"]
                + ["--pictures", self.path("set"), "--sigmas", "25", "-o", self.path("q")]
            )
        self.assertEqual(code, 0)
        before, metadata = export.read_safetensors(self.model_path)
        after, calibrated = export.read_safetensors(self.path("q"))
        self.assertEqual(list(before), list(after))
        for name, values in before.items():
            np.testing.assert_array_equal(values, after[name])
        info = json.loads(calibrated["pristine"])
        int8 = info.pop("int8")
        self.assertEqual(info, json.loads(metadata["pristine"]))
        pairs = ("encoder.0.0", "middle.0", "decoder.0.0")
        self.assertEqual(
            set(int8["inputs"]), {f"{p}.{c}" for p in pairs for c in ("conv0", "conv1")}
        )
        self.assertEqual(int8["inputs"]["middle.0.conv0"]["type"], "s8")
        self.assertEqual(int8["inputs"]["middle.0.conv1"]["type"], "u8")
        self.assertTrue(all(e["scale"] > 0 for e in int8["inputs"].values()))
        self.assertEqual((int8["quantile"], int8["pictures"]), (0.9999, 3))
        loss = float(re.search(r"int8 \S+ dB +([-+]\S+)", said.getvalue()).group(1))
        self.assertLess(abs(loss), 0.5)

    def test_scales_follow_the_quantile_of_the_inputs(self):
        engine = TorchEngine(self.model_path)
        pictures = calibrate.calibration_pictures(self.path("data"), 2, 32)
        self.assertEqual([p.clean.shape for p in pictures], [(32, 32, 3)] * 2)
        inputs = [add_noise(p, s) for s in (0, 25) for p in pictures]
        seen = []
        hook = engine.model.encoder[0][0].conv0.register_forward_pre_hook(
            lambda _, arguments: seen.append(arguments[0].abs().flatten())
        )
        scales = calibrate.measure_scales(engine, inputs, 0.99)
        hook.remove()
        expected = np.quantile(torch.cat(seen).numpy(), 0.99) / 127
        self.assertAlmostEqual(scales["encoder.0.0.conv0"]["scale"] / expected, 1, delta=2e-3)

    def test_simulation_loses_more_with_coarser_inputs(self):
        pictures = calibrate.calibration_pictures(self.path("data"), 2, 48)
        reference = TorchEngine(self.model_path)
        scales = calibrate.measure_scales(
            reference, calibrate.degraded("denoise", pictures), 0.9999
        )
        noisy = [np.float32(pictures[0].clean) / 255]
        expected = reference.restore(["a"], noisy)[0][0]
        errors = []
        for factor in (1, 16):
            simulated = TorchEngine(self.model_path)
            coarse = {n: dict(e, scale=e["scale"] * factor) for n, e in scales.items()}
            calibrate.simulate(simulated.model, coarse)
            restored = simulated.restore(["a"], noisy)[0][0]
            errors.append(float(np.sqrt(np.mean((restored - expected) ** 2))))
        self.assertGreater(errors[0], 0)
        self.assertLess(errors[0], 0.01)
        self.assertGreater(errors[1], 4 * errors[0])


if __name__ == "__main__":
    unittest.main()
