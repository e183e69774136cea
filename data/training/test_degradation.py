"""Degradations: the JPEG arithmetic, MATLAB's reduction, the camera, and what the tasks draw."""

import io
import itertools
import os
import unittest

import numpy as np
import torch
from PIL import Image

import degradation
import resize
import sensor
from fixtures import photograph
from jpeg import LUMINANCE, jpeg, quantisation

TEST_SETS = os.environ.get("PRISTINE_TEST_SETS")  # folder with Set5/HR and Set5/LR_bicubic


def as_batch(*pictures):
    """uint8 [h, w, 3] each -> float [b, 3, h, w] in [0, 1]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def as_bytes(batch):
    return (batch * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def saved(picture, quality, halved):
    """Through Pillow's JPEG codec."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality, subsampling=2 if halved else 0)
    return np.asarray(Image.open(data))


class JpegTest(unittest.TestCase):
    def test_matches_a_real_codec_at_all_qualities_and_samplings(self):
        noise = np.random.default_rng(0).normal(128, 40, (96, 112, 3)).clip(0, 255)
        # A coefficient that lies between two levels may fall to the other side; noise has many.
        for picture, limit in ((photograph(96, 112, 1), 0.1), (noise.astype(np.uint8), 0.4)):
            for quality in (5, 20, 49, 50, 75, 95):
                for halved in (False, True):
                    with self.subTest(quality=quality, halved=halved):
                        coded = jpeg(
                            as_batch(picture), torch.tensor([quality]), torch.tensor([halved])
                        )
                        expected = saved(picture, quality, halved).astype(np.int64)
                        difference = np.abs(as_bytes(coded)[0] - expected)
                        self.assertLess(difference.mean(), limit)
                        self.assertGreater((difference == 0).mean(), 0.85)
                        change = np.abs(expected - picture).mean()
                        self.assertGreater(change, 5 * difference.mean())

    def test_sides_that_are_no_multiples_of_a_unit(self):
        picture = photograph(75, 53, 2)
        for halved in (False, True):
            coded = jpeg(as_batch(picture), torch.tensor([40]), torch.tensor([halved]))
            difference = np.abs(as_bytes(coded)[0] - saved(picture, 40, halved).astype(np.int64))
            self.assertLess(difference.mean(), 0.5)

    def test_every_crop_has_its_own_quality_and_sampling(self):
        pictures = [photograph(32, 32, 3), photograph(32, 32, 4)]
        both = jpeg(as_batch(*pictures), torch.tensor([10, 90]), torch.tensor([True, False]))
        for i, (quality, halved) in enumerate(((10, True), (90, False))):
            alone = jpeg(as_batch(pictures[i]), torch.tensor([quality]), torch.tensor([halved]))
            self.assertTrue(torch.equal(both[i], alone[0]))

    def test_tables_scale_like_libjpeg_s(self):
        for quality in (5, 30, 50, 85, 100):
            data = io.BytesIO()
            Image.new("RGB", (8, 8)).save(data, "JPEG", quality=quality)
            # Pillow 9 gives the table in the order of the rows.
            expected = Image.open(data).quantization[0]
            table = quantisation(LUMINANCE, torch.tensor([quality]))[0].flatten().tolist()
            self.assertEqual(table, list(expected))

    def test_grey_stays_grey(self):
        grey = photograph(32, 48, 5)[..., :1].repeat(3, axis=2)
        coded = jpeg(as_batch(grey), torch.tensor([30]), torch.tensor([True]))
        self.assertTrue(torch.equal(coded[:, 0], coded[:, 1]))
        self.assertTrue(torch.equal(coded[:, 0], coded[:, 2]))


class ShiftedJpegTest(unittest.TestCase):
    def shifted(self, picture, top, left):
        one = torch.tensor([1])
        return degradation.shifted_jpeg(
            as_batch(picture), 20 * one, one == 1, top * one, left * one
        )

    def test_no_shift_is_plain_jpeg(self):
        picture = photograph(48, 64, 6)
        plain = jpeg(as_batch(picture), torch.tensor([20]), torch.tensor([True]))
        difference = (self.shifted(picture, 0, 0) - plain).abs()
        # Only chroma at the lower and right edge sees what lies beyond.
        self.assertEqual(difference[..., :-2, :-2].max().item(), 0)

    def test_shift_moves_the_grid(self):
        picture = photograph(64, 64, 7)
        inner = picture[11:59, 6:54]
        whole = jpeg(as_batch(picture), torch.tensor([20]), torch.tensor([True]))
        expected = whole[..., 11:59, 6:54]
        shifted = self.shifted(inner, 11, 6)
        # Units that lie in the crop are the same; those at its edge see reflected pixels.
        self.assertEqual((shifted - expected)[..., 8:34, 12:38].abs().max().item(), 0)
        self.assertGreater((self.shifted(inner, 0, 0) - expected)[..., 8:34, 12:38].abs().max(), 0)


class ResizeTest(unittest.TestCase):
    def test_rows_of_the_matrix_sum_to_one_and_keep_straight_lines(self):
        for scale in (2, 3, 4):
            matrix = resize.reduction_matrix(10 * scale, scale)
            self.assertTrue(torch.allclose(matrix.sum(1), torch.ones(10, dtype=torch.float64)))
            line = torch.arange(10 * scale, dtype=torch.float64)
            centres = (torch.arange(10, dtype=torch.float64) + 0.5) * scale - 0.5
            self.assertTrue(torch.allclose((matrix @ line)[2:-2], centres[2:-2]))

    def test_weights_by_two_are_those_of_the_stretched_kernel(self):
        row = resize.reduction_matrix(16, 2)[4]
        at = resize.cubic(torch.tensor([0.25, 0.75, 1.25, 1.75], dtype=torch.float64)) / 2
        expected = torch.cat([at.flip(0), at])
        self.assertTrue(torch.allclose(row[5:13], expected, atol=1e-12))
        self.assertEqual(row[:5].abs().max().item(), 0)

    def test_a_side_that_is_no_multiple_is_refused(self):
        with self.assertRaisesRegex(ValueError, "17.*scale 2"):
            resize.reduction_matrix(17, 2)

    def test_blur_spreads_a_dot_by_its_sigma(self):
        dot = torch.zeros(3, 1, 33, 33)
        dot[..., 16, 16] = 1
        blurred = resize.blur(dot, torch.tensor([0.0, 0.8, 1.5]), 8)
        self.assertTrue(torch.allclose(blurred[0], dot[0]))
        offset = torch.arange(33.0) - 16
        for i, sigma in ((1, 0.8), (2, 1.5)):
            self.assertAlmostEqual(blurred[i].sum().item(), 1, places=5)
            variance = (blurred[i, 0].sum(0) * offset**2).sum().item()
            self.assertAlmostEqual(variance, sigma**2, delta=0.01)

    @unittest.skipUnless(TEST_SETS, "PRISTINE_TEST_SETS is not set")
    def test_matches_matlab_s_pictures(self):
        for one, scale in itertools.product(("Set5", "Set14"), (2, 3, 4)):
            folder = os.path.join(TEST_SETS, one, "LR_bicubic", f"X{scale}")
            names = sorted(os.listdir(folder))
            self.assertGreaterEqual(len(names), 5)
            for name in names:
                full = os.path.join(TEST_SETS, one, "HR", name.replace(f"x{scale}", ""))
                picture = np.asarray(Image.open(full).convert("RGB"))
                h, w = (side // scale * scale for side in picture.shape[:2])
                small, _ = degradation.upscale(as_batch(picture[:h, :w]), scale)
                expected = np.asarray(Image.open(os.path.join(folder, name)).convert("RGB"))
                np.testing.assert_array_equal(as_bytes(small)[0], expected, name)


class SensorTest(unittest.TestCase):
    def camera(self, batch=2, **changes):
        camera = sensor.random_camera(batch, "cpu", seeded(3))
        return camera._replace(**changes)

    def quiet(self, batch=2):
        return self.camera(batch, shot=torch.zeros(batch), read=torch.zeros(batch))

    def test_tone_curves_have_inverses(self):
        x = torch.linspace(0, 1, 101)
        back = sensor.linear_to_srgb(sensor.srgb_to_linear(x))
        self.assertTrue(torch.allclose(back, x, atol=1e-5))
        back = sensor.tone_curve(sensor.tone_curve(x, torch.tensor(1.4)), torch.tensor(1 / 1.4))
        self.assertTrue(torch.allclose(back, x, atol=1e-4))
        self.assertAlmostEqual(sensor.srgb_to_linear(torch.tensor(0.5)).item(), 0.21404, places=4)

    def test_developing_undoes_exposing(self):
        pictures = as_batch(photograph(32, 48, 8), photograph(32, 48, 9))
        camera = self.camera()
        light = sensor.expose(pictures, camera)
        self.assertGreaterEqual(light.min().item(), -1e-6)
        self.assertLessEqual(light.max().item(), 1 + 1e-6)
        self.assertLess((sensor.develop(light, camera) - pictures).abs().max().item(), 2e-3)

    def test_bayer_pattern_starts_where_it_should(self):
        masks = sensor.bayer_masks(4, 6, torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]]))
        self.assertTrue((masks.sum(1) == 1).all())
        self.assertEqual(masks.mean(dim=(2, 3)).tolist(), [[0.25, 0.5, 0.25]] * 4)
        firsts = masks[:, :, 0, 0].argmax(1).tolist()
        self.assertEqual(firsts, [0, 1, 1, 2])
        self.assertEqual(masks[1, :, 1, 0].argmax().item(), 0)

    def test_demosaic_keeps_flat_colours_and_slopes(self):
        flat = torch.tensor([0.2, 0.5, 0.7]).view(1, 3, 1, 1).expand(2, 3, 10, 12)
        corner = torch.tensor([[0, 1], [1, 1]])
        masks = sensor.bayer_masks(10, 12, corner)
        full = sensor.demosaic((flat * masks).sum(1, keepdim=True), corner)
        self.assertTrue(torch.allclose(full, flat, atol=1e-6))
        slope = (torch.arange(10.0).view(-1, 1) * 2 + torch.arange(12.0)).expand(2, 3, 10, 12)
        full = sensor.demosaic((slope * masks).sum(1, keepdim=True), corner)
        inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
        self.assertTrue(torch.allclose(full[inner], slope[inner], atol=1e-4))

    def test_noise_has_the_variance_of_its_model(self):
        light = torch.full((2, 3, 200, 200), 0.25)
        camera = self.camera(shot=torch.tensor([1e-2, 1e-4]), read=torch.tensor([1e-3, 1e-5]))
        mosaic = sensor.read_out(light, camera, seeded(1))
        for i in range(2):
            expected = 0.25 * camera.shot[i] + camera.read[i]
            self.assertAlmostEqual((mosaic[i].var() / expected).item(), 1, delta=0.03)
            self.assertAlmostEqual(mosaic[i].mean().item(), 0.25, delta=2e-3)

    def test_a_camera_without_noise_gives_a_smooth_picture_back(self):
        y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        waves = torch.stack([y / 20, x / 25, (x + y) / 30]).sin() * 0.3 + 0.5
        pictures = waves.expand(4, 3, 64, 64)
        taken = sensor.photograph(pictures, self.quiet(4), seeded(2))
        self.assertLess((taken - pictures).abs().mean().item(), 2e-3)
        self.assertLess((taken - pictures)[..., 2:-2, 2:-2].abs().max().item(), 0.015)


class TaskTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.crops = as_batch(*(photograph(64, 64, i) for i in range(60)))

    def error(self, degraded, clean):
        return (degraded - clean).abs().flatten(1).mean(1)

    def test_every_task_repeats_with_the_seed_and_keeps_the_shape(self):
        for name, degrade in degradation.TASKS.items():
            with self.subTest(name):
                degraded, clean = degrade(self.crops, seeded(4))
                again, _ = degrade(self.crops, seeded(4))
                other, _ = degrade(self.crops, seeded(5))
                self.assertEqual(degraded.shape, self.crops.shape)
                self.assertEqual(degraded.dtype, torch.float32)
                self.assertTrue(torch.isfinite(degraded).all())
                self.assertTrue(torch.equal(degraded, again))
                self.assertFalse(torch.equal(degraded, other))
                self.assertGreater(self.error(degraded, clean).mean().item(), 1 / 255)
                self.assertLess(self.error(degraded, clean).mean().item(), 60 / 255)

    def test_files_hold_whole_levels_in_range(self):
        for degrade in (degradation.dejpeg, degradation.camera):
            degraded, _ = degrade(self.crops, seeded(6))
            levels = degraded * 255
            self.assertLess((levels - levels.round()).abs().max().item(), 1e-3)
            self.assertGreaterEqual(degraded.min().item(), 0)
            self.assertLessEqual(degraded.max().item(), 1)

    def test_camera_leaves_some_crops_as_they_are(self):
        crops = self.crops.repeat(4, 1, 1, 1)
        degraded, clean = degradation.camera(crops, seeded(8))
        same = (degraded == clean).flatten(1).all(1).float().mean().item()
        self.assertAlmostEqual(same, degradation.UNTOUCHED, delta=0.1)

    def test_dejpeg_leaves_steps_on_the_grid_of_the_corner_in_most_crops(self):
        degraded, _ = degradation.dejpeg(self.crops, seeded(7))
        steps = degraded.mean(1).diff(dim=2).abs().mean(dim=1)  # [b, 63], between columns
        grid = steps[:, 7::8].mean(1)
        others = torch.stack([steps[:, o::8].mean(1) for o in range(7)]).mean(0)
        share = (grid > others).float().mean().item()
        self.assertGreater(share, 0.6)
        self.assertLess(share, 1.0)

    def test_random_quality_covers_both_ends(self):
        quality = degradation.random_quality(torch.tensor([0.0, 0.5, 0.999999]), 5, 95)
        self.assertEqual(quality.tolist(), [5, 50, 95])

    def test_upscaling_halves_the_sides(self):
        for scale in (2, 4):
            for degrade in (degradation.upscale, degradation.upscale_photo):
                small, clean = degrade(self.crops, scale, seeded(8))
                self.assertEqual(small.shape[-2:], (64 // scale, 64 // scale))
                self.assertTrue(torch.equal(clean, self.crops))
                levels = small * 255
                self.assertLess((levels - levels.round()).abs().max().item(), 1e-3)

    def test_photographs_to_upscale_are_worse_than_bicubic_ones(self):
        plain, _ = degradation.upscale(self.crops, 2)
        found, _ = degradation.upscale_photo(self.crops, 2, seeded(9))
        difference = (plain - found).abs().flatten(1).mean(1)
        self.assertGreater(difference.mean().item(), 2 / 255)
        self.assertLess(difference.mean().item(), 30 / 255)


if __name__ == "__main__":
    unittest.main()
