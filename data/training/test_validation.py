"""Scores during training: pairs of each task, padding, PSNR and gain."""

import math
import os
import unittest

import numpy as np
import torch
from PIL import Image

import protocol
import validation
from fixtures import Folder, photograph
from model import enlarge
from resize import reduce_bytes

CPU = torch.device("cpu")


class Identity(torch.nn.Module):
    """Enlarges by repetition; insists on whole windows."""

    def __init__(self, scale=1):
        super().__init__()
        self.config = {"window": 16, "scale": scale}

    def forward(self, x):
        if x.shape[-1] % 16 or x.shape[-2] % 16:
            raise ValueError(f"sides of {tuple(x.shape)}")
        return enlarge(x, self.config["scale"])


class PadTest(unittest.TestCase):
    def test_reflects_until_the_sides_are_multiples(self):
        x = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 1, 3, 5)
        y = validation.pad_to(x, 16)
        self.assertEqual(tuple(y.shape[-2:]), (16, 16))
        expected = [0, 1, 2, 3, 4, 3, 2, 1, 0]
        self.assertEqual(y[0, 0, 0, :9].tolist(), expected)
        self.assertTrue(torch.equal(validation.pad_to(y, 16), y))

    def test_one_pixel_is_repeated(self):
        self.assertTrue((validation.pad_to(torch.full((1, 3, 1, 1), 0.5), 16) == 0.5).all())


class QuickTest(Folder):
    def test_quick_scores_the_second_set_alone(self):
        Image.fromarray(photograph(40, 40, 1)).save(self.path("a.png"))
        sets = validation.Validation("denoise", self.folder)
        every = sets.scores(Identity(), CPU, False)
        self.assertEqual(list(every), ["sigma 15", "sigma 25", "sigma 50"])
        quick = sets.scores(Identity(), CPU, False, quick=True)
        self.assertEqual(quick, {"sigma 25": every["sigma 25"]})


class ScoreTest(Folder):
    def write(self, pixels, *names):
        path = self.path(*names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Image.fromarray(pixels).save(path)

    def test_noise_alone_scores_its_sigma_and_the_rounding(self):
        # Far from black and white nothing is clipped; rounding adds 1/12 of a squared level.
        self.write(np.full((90, 110, 3), 120, np.uint8), "a.png")
        for sigma in (2, 15):
            pairs = validation.gaussian_pairs(self.folder, sigma)
            score = validation.mean_psnr(Identity(), pairs, CPU, False)
            expected = -10 * math.log10((sigma**2 + 1 / 12) / 255**2)
            self.assertAlmostEqual(score, expected, delta=0.05)

    def test_output_is_clipped(self):
        self.write(np.zeros((128, 128, 3), np.uint8), "a.png")
        pairs = validation.gaussian_pairs(self.folder, 25)
        score = validation.mean_psnr(Identity(), pairs, CPU, False)
        # Half the values clip to zero error, the others keep theirs.
        self.assertAlmostEqual(score, -20 * math.log10(25 / 255) + 10 * math.log10(2), delta=0.1)

    def test_a_network_that_changes_nothing_gains_nothing(self):
        self.write(photograph(60, 50, 1), "a.png")
        pairs = validation.jpeg_pairs(self.folder, 20)
        before = protocol.psnr(validation.to_picture(pairs[0][0]), pairs[0][1])
        self.assertTrue(20 < before < 45)
        self.assertEqual(validation.mean_gain(Identity(), pairs, CPU, False), 0)

    def test_the_gain_is_that_over_the_noisy_picture(self):
        clean = np.full((32, 32, 3), 100, np.uint8)
        self.write(clean, "set", "gt", "a.png")
        self.write(clean + 10, "set", "noisy", "a.png")

        class Better(Identity):
            def forward(self, x):
                return x - 9 / 255

        sets = validation.Validation("camera", self.path("set"))
        scores = sets.scores(Better(), CPU, False)
        self.assertAlmostEqual(scores["set"], 20, places=6)
        self.assertEqual(sets.describe(scores), "set: 20.000 dB gained")

    def test_upscaling_scores_luma_inside_the_border(self):
        large = photograph(67, 49, 3)
        cut = large[:66, :48]
        small = reduce_bytes(validation.to_tensor(cut)[None], 3)[0]
        self.write(large, "set", "HR", "a.png")
        self.write(validation.to_picture(small), "set", "LR_bicubic", "X3", "a.png")
        sets = validation.Validation("upscale", self.path("set"), 3)
        scores = sets.scores(Identity(3), CPU, False)
        repeated = validation.to_picture(enlarge(small[None], 3)[0])
        # By hand: luma of BT.601 and the error of the inner part.
        weights = np.array([65.481, 128.553, 24.966]) / 255
        difference = ((repeated.astype(float) - cut) @ weights)[3:-3, 3:-3]
        expected = 10 * math.log10(255**2 / np.mean(difference**2))
        self.assertAlmostEqual(scores["set"], expected, places=9)


if __name__ == "__main__":
    unittest.main()
