"""evaluate.py, reference outputs and cards of the tasks beside denoising."""

import contextlib
import hashlib
import io
import json
import math
import os
import subprocess
import unittest

import numpy as np
from PIL import Image

import calibrate
import cases
import evaluate
import export
import model_card
import reference_output
from engines import TorchEngine
from fixtures import Folder, photograph, tiny_model, write_checkpoint
from protocol import psnr, psnr_luma, read_pictures, to_bytes

COMMAND = os.environ.get("PRISTINE_COMMAND")


def save(path, pixels):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(pixels).save(path)


class TaskFolder(Folder):
    def model_for(self, task, scale=1, variant="best"):
        write_checkpoint(self.path("c.pt"), tiny_model(seed=7, scale=scale))
        path = self.path(f"{task}{scale}.safetensors")
        with contextlib.redirect_stdout(io.StringIO()):
            export.main(
                [self.path("c.pt"), path, "--name", task, "--title", "Tiny", "--task", task,
                 "--variant", variant, "--halo", "24"]
            )
        return path

    def report_of(self, model, *options):
        with contextlib.redirect_stdout(io.StringIO()):
            code = evaluate.main([model, "--json", self.path("r.json"), *options])
        self.assertEqual(code, 0)
        with open(self.path("r.json")) as file:
            return json.load(file)

    def pictures(self, *folder, sizes=((40, 70), (33, 50))):
        for i, (h, w) in enumerate(sizes):
            save(self.path(*folder, f"{i}.png"), photograph(h, w, i))

    def upscaling_set(self, scale):
        """HR of odd sizes, LR_bicubic of them cut to multiples."""
        for i, (h, w) in enumerate(((41, 67), (60, 48))):
            large = photograph(h, w, i)
            save(self.path("up", "HR", f"{i}.png"), large)
            cut = Image.fromarray(large[: h // scale * scale, : w // scale * scale])
            small = cut.resize((w // scale, h // scale), Image.BICUBIC)
            name = f"{i}x{scale}.png"
            save(self.path("up", "LR_bicubic", f"X{scale}", name), np.asarray(small))
        return self.path("up")

    def camera_set(self):
        """One picture of much noise, one of nearly none."""
        for i, sigma in enumerate((12, 1)):
            clean = photograph(40, 50, i)
            noise = np.random.default_rng(i).normal(0, sigma, clean.shape)
            save(self.path("cam", "gt", f"{i}.png"), clean)
            noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
            save(self.path("cam", "noisy", f"{i}.png"), noisy)
        return self.path("cam")


class ExportTest(TaskFolder):
    def test_scale_and_variant_come_from_the_network_and_the_arguments(self):
        info = export.model_info(self.model_for("upscale", 3, "photo"))
        self.assertEqual((info["task"], info["variant"], info["scale"]), ("upscale", "photo", 3))
        self.assertEqual(info["architecture"]["scale"], 3)

    def test_a_task_that_does_not_fit_the_scale_is_refused(self):
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit):
            self.model_for("denoise", 2)
        self.assertIn("enlarges by 2", said.getvalue())


class CasesTest(TaskFolder):
    def test_jpegs_are_what_pillow_decodes(self):
        self.pictures("set")
        (case,) = cases.dejpeg_cases(self.path("set"), qualities=[10])
        with Image.open(self.path("set", "0.png")) as file:
            file.save(self.path("x.jpg"), quality=10)
        with Image.open(self.path("x.jpg")) as file:
            np.testing.assert_array_equal(to_bytes(case.inputs[0]), np.asarray(file))
        (grey,) = cases.dejpeg_cases(self.path("set"), grey=True, qualities=[10])
        self.assertEqual(grey.inputs[0].shape, (40, 70, 1))

    def test_large_pictures_are_cut_to_multiples(self):
        (case,) = cases.upscale_cases(self.upscaling_set(3), 3)
        self.assertEqual(case.scale, 3)
        self.assertEqual([p.clean.shape for p in case.pictures], [(39, 66, 3), (60, 48, 3)])
        self.assertEqual([x.shape for x in case.inputs], [(13, 22, 3), (20, 16, 3)])
        save(self.path("up", "LR_bicubic", "X3", "1x3.png"), photograph(19, 16, 1))
        with self.assertRaisesRegex(ValueError, "1x3.png"):
            cases.upscale_cases(self.path("up"), 3)

    def test_gain_looks_at_noisy_pictures_alone(self):
        self.assertEqual(cases.gains([30, 36, None], [33, 36.5, 50], 35), (3, 1))
        self.assertEqual(cases.gains([30, 36], [33, 36.5]), (1.75, 2))
        self.assertEqual(cases.gains([36], [37], 35), (None, 0))

    def test_halves_of_a_pair_that_do_not_match_are_an_error(self):
        folder = self.camera_set()
        os.remove(os.path.join(folder, "gt", "1.png"))
        with self.assertRaisesRegex(ValueError, "2 and 1"):
            cases.camera_cases(folder)


class EvaluateTest(TaskFolder):
    def test_upscaling_is_scored_on_luma_without_a_border(self):
        model, folder = self.model_for("upscale", 2), self.upscaling_set(2)
        report = self.report_of(model, "--upscaling", folder, "--engine", "torch")
        (one,) = report["sets"]
        row = one["scales"]["2"]
        small = read_pictures(os.path.join(folder, "LR_bicubic", "X2"))[0].clean
        large = read_pictures(os.path.join(folder, "HR"))[0].clean[:40, :66]
        (restored,), _ = TorchEngine(model).restore(["a"], [cases.to_float(small)])
        self.assertEqual(restored.shape, (40, 66, 3))
        self.assertAlmostEqual(
            row["engines"]["torch"]["each"][0], psnr_luma(large, to_bytes(restored), 2)
        )
        self.assertEqual(report["model"]["scale"], 2)

    def test_dejpeg_reports_the_gain_over_the_jpeg(self):
        self.pictures("set")
        report = self.report_of(
            self.model_for("dejpeg"), "--pictures", self.path("set"), "--engine", "torch",
            "--qualities", "10", "40",
        )
        rows = report["sets"][0]["qualities"]
        self.assertEqual(list(rows), ["10", "40"])
        self.assertLess(rows["10"]["input"], rows["40"]["input"])
        result = rows["10"]["engines"]["torch"]
        self.assertAlmostEqual(result["gain"], result["psnr"] - rows["10"]["input"])

    def test_camera_pairs_and_clean_pictures(self):
        model = self.model_for("denoise", variant="camera")
        report = self.report_of(model, "--pairs", self.camera_set(), "--engine", "torch")
        rows = report["sets"][0]["inputs"]
        result = rows["noisy"]["engines"]["torch"]
        self.assertEqual(result["gain_pictures"], 1)
        self.assertAlmostEqual(result["gain"], result["each"][0] - rows["noisy"]["input_each"][0])
        self.assertIsNone(rows["clean"]["input"])
        clean = read_pictures(self.path("cam", "gt"))[0]
        (restored,), _ = TorchEngine(model).restore(["a"], [cases.to_float(clean.clean)])
        self.assertAlmostEqual(
            rows["clean"]["engines"]["torch"]["each"][0], psnr(clean.clean, to_bytes(restored))
        )
        self.assertEqual(report["model"]["variant"], "camera")

    def test_sets_of_another_task_are_refused(self):
        self.pictures("set")
        with self.assertRaisesRegex(ValueError, "--upscaling"):
            evaluate.main([self.model_for("upscale", 2), "--pictures", self.path("set")])

    @unittest.skipUnless(COMMAND, "PRISTINE_COMMAND is not set")
    def test_the_command_agrees_with_torch_on_every_task(self):
        self.pictures("set")
        both = ("--engine", "both", "--command", COMMAND)
        runs = [
            (self.model_for("dejpeg"), "--pictures", self.path("set"), "--qualities", "20"),
            (self.model_for("denoise"), "--pairs", self.camera_set()),
        ]
        for scale in (2, 3, 4):
            runs.append(
                (self.model_for("upscale", scale), "--upscaling", self.upscaling_set(scale))
            )
        for run in runs:
            with self.subTest(model=os.path.basename(run[0])):
                report = self.report_of(*run, *both)
                for one in report["sets"]:
                    for row in one[one["axis"]].values():
                        self.assertLess(abs(row["difference"]), 1e-3)
                        self.assertLess(row["largest_difference"], 1e-4)
                        result = row["engines"]["command"]
                        self.assertLess(result["compare_difference"], 1e-4)
                        self.assertLess(result["ssim"], 1)

    @unittest.skipUnless(COMMAND, "PRISTINE_COMMAND is not set")
    def test_halo_check_of_a_network_that_enlarges(self):
        save(self.path("up", "HR", "a.png"), photograph(300, 460, 7))
        small = Image.fromarray(photograph(300, 460, 7)).resize((230, 150), Image.BICUBIC)
        save(self.path("up", "LR_bicubic", "X2", "ax2.png"), np.asarray(small))
        report = self.report_of(
            self.model_for("upscale", 2), "--upscaling", self.path("up"), "--halo-check",
            "--command", COMMAND, "--tile", "96", "--halos", "0", "40",
        )
        none, some = report["halo"]
        self.assertGreater(none["largest_to_whole"], some["largest_to_whole"])
        self.assertLess(some["largest_to_whole"], 0.05)


class CardTest(TaskFolder):
    def test_cards_of_every_task(self):
        self.pictures("set")
        runs = [
            (self.model_for("dejpeg"), "quality 20", "--pictures", self.path("set"),
             "--qualities", "20"),
            (self.model_for("upscale", 2), "×2", "--upscaling", self.upscaling_set(2)),
            (self.model_for("denoise", variant="camera"), "noisy", "--pairs", self.camera_set()),
        ]
        for model, case, *options in runs:
            report = self.report_of(model, *options, "--engine", "torch")
            model_card.main([model, self.path("r.json"), "-o", self.path("m.md")])
            with open(self.path("m.md")) as file:
                text = file.read()
            one = report["sets"][0]
            row = next(iter(one[one["axis"]].values()))
            score = row["engines"]["torch"]["psnr"]
            self.assertIn(f"| 2 | {case} | {row['input']:.2f} | {score:.2f} |", text)
            self.assertIn(f"variant {report['model']['variant']}", text)


class ReferenceTest(TaskFolder):
    def test_output_and_digest_are_stored_beside_the_model(self):
        model = self.model_for("upscale", 2)
        path = reference_output.write_reference(model)
        self.assertEqual(path, self.path("reference", "upscale2.safetensors"))
        tensors, metadata = export.read_safetensors(path)
        with open(model, "rb") as file:
            self.assertEqual(
                metadata["model_sha256"], hashlib.sha256(file.read()).hexdigest()
            )
        picture = reference_output.check_picture(40, 56)
        self.assertEqual(tensors["output"].shape, (80, 112, 3))
        (expected,), _ = TorchEngine(model).restore(["a"], [picture])
        np.testing.assert_allclose(tensors["output"], expected, atol=1e-3)

    def test_check_picture_is_made_of_integers(self):
        picture = reference_output.check_picture(40, 56)
        self.assertEqual(picture.dtype, np.float32)
        x, y, c = 55, 39, 2
        mixed = (x * 73856093) ^ (y * 19349663) ^ (c * 83492791)
        mixed &= 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
        value = ((5 * x + 3 * y * (c + 1)) & 255) * 3 // 4 + 32 + ((mixed >> 16) & 31) - 16
        self.assertAlmostEqual(float(picture[y, x, c]), value / 255, places=6)

    @unittest.skipUnless(COMMAND, "PRISTINE_COMMAND is not set")
    def test_the_command_accepts_it_and_no_other_file(self):
        model = self.model_for("upscale", 2)
        reference_output.write_reference(model)

        def check():
            return subprocess.run(
                [COMMAND, "models", "check", model], capture_output=True, text=True
            )

        good = check()
        self.assertEqual(good.returncode, 0, good.stderr)
        with open(model, "rb") as file:
            data = bytearray(file.read())
        for place in (0, 100, len(data) // 2, len(data) - 1):
            data[place] ^= 1
            with open(model, "wb") as file:
                file.write(data)
            self.assertEqual(check().returncode, 5)
            data[place] ^= 1


class CalibrateTest(TaskFolder):
    def test_inputs_are_degraded_as_the_task_says(self):
        self.pictures("set")
        pictures = read_pictures(self.path("set"))
        for task, count in (("denoise", 8), ("dejpeg", 8), ("upscale", 2)):
            self.assertEqual(len(calibrate.degraded(task, pictures)), count)
        self.assertEqual(to_bytes(calibrate.degraded("upscale", pictures)[0]).tolist(),
                         pictures[0].clean.tolist())

    def test_loss_of_a_network_that_enlarges(self):
        model = self.model_for("upscale", 2)
        reference, simulated = TorchEngine(model), TorchEngine(model)
        found = calibrate.tested_cases("upscale", 2, self.upscaling_set(2), [], 0)
        scales = calibrate.measure_scales(reference, found[0].inputs, 0.9999)
        calibrate.simulate(simulated.model, scales)
        ((label, f32, int8),) = calibrate.losses(reference, simulated, "upscale", found)
        self.assertEqual(label, "2")
        self.assertTrue(math.isfinite(f32))
        self.assertLess(abs(f32 - int8), 0.5)


if __name__ == "__main__":
    unittest.main()
