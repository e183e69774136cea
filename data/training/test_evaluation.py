"""Model files, float TIFFs, the protocol and evaluate.py."""

import contextlib
import io
import json
import math
import os
import struct
import unittest
from unittest import mock

import numpy as np
import torch
from PIL import Image

import evaluate
import export
import model_card
from engines import CommandEngine, CommandError, TorchEngine
from fixtures import Folder, photograph, tiny_model, write_checkpoint
from protocol import Picture, add_noise, psnr, read_pictures, to_bytes
from tiff import read_tiff, write_tiff

COMMAND = os.environ.get("PRISTINE_COMMAND")


def export_quietly(*arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        export.main([str(a) for a in arguments])


class ModelFolder(Folder):
    """With an exported tiny model as self.model_path."""

    def setUp(self):
        super().setUp()
        self.net = tiny_model(seed=5)
        write_checkpoint(self.path("c.pt"), self.net)
        self.model_path = self.path("m.safetensors")
        export_quietly(
            self.path("c.pt"), self.model_path, "--name", "tiny", "--title", "Tiny", "--halo", 24,
            "--training", '{"note": "none"}',
        )


class ExportTest(ModelFolder):
    def test_file_holds_the_weights_in_f16_and_says_what_it_is(self):
        tensors, metadata = export.read_safetensors(self.model_path)
        state = self.net.state_dict()
        self.assertEqual(set(tensors), set(state))
        for name, values in tensors.items():
            self.assertEqual(values.dtype, np.float16)
            np.testing.assert_array_equal(values, state[name].half().numpy())
        info = json.loads(metadata["pristine"])
        self.assertEqual(
            (info["format"], info["name"], info["task"], info["variant"], info["scale"],
             info["halo"]),
            (1, "tiny", "denoise", "best", 1, 24),
        )
        self.assertEqual(info["training"], {"megapixels": 0.0, "note": "none"})
        self.assertEqual(info["architecture"]["channels"], [16, 32])

    def test_header_follows_the_format(self):
        with open(self.model_path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            size = len(file.read())
        self.assertEqual(length % 8, 0)
        header.pop("__metadata__")
        ends = sorted(tuple(e["data_offsets"]) for e in header.values())
        self.assertEqual(ends[0][0], 0)
        self.assertEqual(ends[-1][1], size)
        for (_, end), (begin, _) in zip(ends, ends[1:]):
            self.assertEqual(end, begin)

    def test_loaded_model_computes_the_same(self):
        x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            difference = export.load_model(self.model_path)(x) - self.net(x)
        self.assertLess(difference.abs().max().item(), 2e-3)
        self.assertGreater((self.net(x) - x).abs().max().item(), 0.05)


class TiffTest(Folder):
    def test_values_come_back_exactly(self):
        for channels in (1, 3):
            pixels = np.random.default_rng(1).normal(size=(5, 7, channels)).astype(np.float32)
            write_tiff(self.path("x.tif"), pixels)
            np.testing.assert_array_equal(read_tiff(self.path("x.tif")), pixels)

    def test_another_reader_agrees(self):
        pixels = np.random.default_rng(2).random((5, 7, 1)).astype(np.float32)
        write_tiff(self.path("x.tif"), pixels)
        with Image.open(self.path("x.tif")) as file:
            np.testing.assert_array_equal(np.asarray(file), pixels[..., 0])

    def test_other_files_are_refused_by_name(self):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(self.path("bytes.tif"))
        with open(self.path("cut.tif"), "wb") as file:
            file.write(b"II*\0")
        for name in ("bytes.tif", "cut.tif"):
            with self.assertRaisesRegex(ValueError, name):
                read_tiff(self.path(name))
        with self.assertRaisesRegex(ValueError, "2 channels"):
            write_tiff(self.path("x.tif"), np.zeros((2, 2, 2), np.float32))


class ProtocolTest(Folder):
    def picture(self, name="a.png"):
        return Picture(name, np.full((200, 210, 3), 128, np.uint8))

    def test_noise_is_decided_by_the_stem_and_sigma(self):
        noisy = add_noise(self.picture(), 25)
        self.assertEqual(noisy.dtype, np.float32)
        np.testing.assert_array_equal(noisy, add_noise(self.picture("a.jpg"), 25))
        self.assertGreater(np.abs(noisy - add_noise(self.picture("b.png"), 25)).max(), 0.1)
        # Not one draw that sigma merely scales.
        a = noisy - 128 / 255
        b = add_noise(self.picture(), 50) - 128 / 255
        self.assertLess(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]), 0.02)
        self.assertAlmostEqual(a.std() * 255, 25, delta=0.3)

    def test_psnr_of_known_errors(self):
        a = np.zeros((4, 4, 3), np.uint8)
        self.assertEqual(psnr(a, a), math.inf)
        self.assertAlmostEqual(psnr(a, a + 1), 20 * math.log10(255))
        b = a.copy()
        b[0, 0, 0] = 255
        self.assertAlmostEqual(psnr(a, b), 10 * math.log10(48))
        with self.assertRaisesRegex(ValueError, "shapes"):
            psnr(a, a[:2])

    def test_output_is_clipped_and_rounded(self):
        pixels = np.array([-0.1, 0.4 / 255, 0.6 / 255, 1.2], np.float32)
        self.assertEqual(to_bytes(pixels).tolist(), [0, 0, 1, 255])

    def test_pictures_come_sorted_limited_and_grey_if_asked(self):
        for name in ("b.png", "a.png", "c.bmp"):
            Image.fromarray(photograph(20, 30, 1)).save(self.path(name))
        with open(self.path("notes.txt"), "w") as file:
            file.write("no picture")
        self.assertEqual([p.name for p in read_pictures(self.folder)], ["a.png", "b.png", "c.bmp"])
        (first,) = read_pictures(self.folder, grey=True, limit=1)
        self.assertEqual((first.name, first.clean.shape), ("a.png", (20, 30, 1)))
        os.mkdir(self.path("empty"))
        with self.assertRaisesRegex(FileNotFoundError, "empty"):
            read_pictures(self.path("empty"))


class TorchEngineTest(ModelFolder):
    def test_any_size_is_padded_by_reflection_and_cut_back(self):
        engine = TorchEngine(self.model_path)
        picture = np.random.default_rng(3).random((5, 37, 3)).astype(np.float32)
        (restored,), seconds = engine.restore(["a"], [picture])
        self.assertEqual(restored.shape, picture.shape)
        self.assertGreater(seconds, 0)
        padded = np.pad(picture, ((0, 11), (0, 11), (0, 0)), mode="reflect")
        with torch.no_grad():
            image = torch.from_numpy(padded.transpose(2, 0, 1).copy())[None]
            expected = engine.model(image)[0, :, :5, :37].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(restored, expected, atol=1e-6)

    def test_grey_is_the_mean_of_three_equal_channels(self):
        engine = TorchEngine(self.model_path)
        grey = np.random.default_rng(4).random((16, 16, 1)).astype(np.float32)
        (restored,), _ = engine.restore(["a"], [grey])
        (colour,), _ = engine.restore(["a"], [grey.repeat(3, axis=2)])
        np.testing.assert_allclose(restored[..., 0], colour.mean(axis=2), atol=1e-6)


class EvaluateTest(ModelFolder):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("set"))
        for i in range(2):
            Image.fromarray(photograph(40, 70, i)).save(self.path("set", f"{i}.png"))

    def run_evaluate(self, *options):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = evaluate.main([self.model_path, "--json", self.path("r.json"), *options])
        self.assertEqual(code, 0)
        with open(self.path("r.json")) as file:
            return json.load(file), said.getvalue()

    def test_report_of_torch_repeats_and_follows_the_protocol(self):
        options = ("--pictures", self.path("set"), "--grey", self.path("set"), "--engine", "torch")
        report, said = self.run_evaluate(*options, "--sigmas", "15", "50")
        again, _ = self.run_evaluate(*options, "--sigmas", "50")
        colour, grey = report["sets"]
        self.assertEqual((colour["grey"], grey["grey"]), (False, True))
        self.assertEqual(colour["pictures"], ["0.png", "1.png"])
        row = colour["sigmas"]["50"]
        result = row["engines"]["torch"]
        self.assertEqual(again["sets"][0]["sigmas"]["50"]["engines"]["torch"], dict(
            result, seconds_per_megapixel=mock.ANY))
        self.assertAlmostEqual(np.mean(result["each"]), result["psnr"])
        engine = TorchEngine(self.model_path)
        (first, _) = read_pictures(self.path("set"))
        (restored,), _ = engine.restore(["0.png"], [add_noise(first, 50)])
        self.assertAlmostEqual(psnr(first.clean, to_bytes(restored)), result["each"][0])
        self.assertEqual(report["model"]["name"], "tiny")
        self.assertIn("sigma    15", said)

    def test_a_command_that_is_not_there_is_an_error_that_names_it(self):
        engine = CommandEngine(self.model_path, self.path("nowhere"))
        with self.assertRaisesRegex(CommandError, "nowhere"):
            engine.restore(["a.png"], [np.zeros((8, 8, 3), np.float32)])
        with self.assertRaisesRegex(ValueError, "one name"):
            engine.restore(["a.png", "a.jpg"], [np.zeros((8, 8, 3), np.float32)] * 2)

    @unittest.skipUnless(COMMAND, "PRISTINE_COMMAND is not set")
    def test_both_engines_and_pristine_compare_agree(self):
        options = ("--pictures", self.path("set"), "--grey", self.path("set"), "--engine", "both")
        report, said = self.run_evaluate(*options, "--sigmas", "25", "--command", COMMAND)
        for one in report["sets"]:
            row = one["sigmas"]["25"]
            self.assertLess(abs(row["difference"]), 1e-3)
            self.assertLess(row["largest_difference"], 1e-4)
            self.assertLess(row["engines"]["command"]["compare_difference"], 1e-4)
        self.assertIn("difference", said)

    @unittest.skipUnless(COMMAND, "PRISTINE_COMMAND is not set")
    def test_halo_check_finds_that_more_context_means_less_error(self):
        Image.fromarray(photograph(150, 230, 7)).save(self.path("set", "large.png"))
        report, _ = self.run_evaluate(
            "--pictures", self.path("set"), "--halo-check", "--command", COMMAND, "--tile", "128",
            "--halos", "0", "40",
        )
        none, some = report["halo"]
        self.assertGreater(none["largest_to_whole"], 1)
        # 40 pixels hold all that this small network looks at: only rounding is left.
        self.assertLess(some["largest_to_whole"], 0.05)

    def test_card_takes_its_numbers_from_the_report(self):
        report, _ = self.run_evaluate("--pictures", self.path("set"), "--engine", "torch")
        model_card.main([self.model_path, self.path("r.json"), "-o", self.path("m.md")])
        with open(self.path("m.md")) as file:
            text = file.read()
        self.assertTrue(text.startswith("# tiny: Tiny\n"))
        self.assertIn(report["model"]["sha256"], text)
        self.assertIn("* note: none", text)
        for sigma, row in report["sets"][0]["sigmas"].items():
            score = row["engines"]["torch"]["psnr"]
            self.assertIn(f"| set | 2 | sigma {sigma} | {row['input']:.2f} | {score:.2f} |", text)
        gains = [
            (b - a, name, sigma)
            for sigma, row in report["sets"][0]["sigmas"].items()
            for name, a, b in zip(
                ["0.png", "1.png"], row["input_each"], row["engines"]["torch"]["each"]
            )
        ]
        _, name, sigma = min(gains)
        self.assertIn(f"The hardest picture: `{name}` of set at sigma {sigma}.", text)
        self.assertIn("| BIDS/BSDS500 | UC Berkeley BSDS500, non-commercial", text)

    def test_card_refuses_the_report_of_another_model(self):
        self.run_evaluate("--pictures", self.path("set"), "--engine", "torch", "--sigmas", "25")
        evaluate.set_halo(self.model_path, self.path("other.safetensors"), 32)
        with self.assertRaisesRegex(ValueError, "report is of 'm.safetensors'"):
            model_card.main([self.path("other.safetensors"), self.path("r.json")])


if __name__ == "__main__":
    unittest.main()
