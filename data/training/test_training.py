"""The trainer: crops, optimiser, schedule, moving average, checkpoints, validation."""

import contextlib
import io
import math
import os
import unittest

import numpy as np
import torch
from PIL import Image

import export
import train
from dataset import CropSource, read_shards
from degradation import denoise
from fixtures import TINY, Folder, photograph, tiny_model, write_shard
from model import RestorationNet
from optimizer import Optimizer, orthogonalise, split_parameters


def orientations(square):
    """The eight pictures that flips and quarter turns make of [3, n, n]."""
    turned = [torch.rot90(square, k, (1, 2)) for k in range(4)]
    return turned + [t.flip(2) for t in turned]


class DatasetTest(Folder):
    def test_shards_are_read_in_the_order_of_their_names_from_subfolders_too(self):
        os.mkdir(self.path("deep"))
        small = np.zeros((8, 8, 3), np.uint8)
        write_shard(self.path("b.tar"), {"second.png": small})
        write_shard(self.path("deep", "a.tar"), {"first.jpg": small, "note.txt.png": small})
        self.assertEqual(
            [name for name, _ in read_shards(self.folder)],
            ["first.jpg", "note.txt.png", "second.png"],
        )

    def test_no_shards_is_an_error_that_names_the_folder(self):
        with self.assertRaisesRegex(FileNotFoundError, self.folder):
            CropSource(self.folder, "cpu", 1)

    def source(self, sides, smallest=16):
        """Pictures whose value tells picture (red), row (green) and column (blue)."""
        pictures = {}
        for i, (h, w) in enumerate(sides):
            p = np.empty((h, w, 3), np.uint8)
            p[..., 0], p[..., 1], p[..., 2] = 10 * i, np.arange(h)[:, None], np.arange(w)
            pictures[f"{i}.png"] = p
        write_shard(self.path("s.tar"), pictures)
        return CropSource(self.folder, "cpu", 1, smallest), list(pictures.values())

    def test_crops_lie_inside_their_picture_in_all_eight_orientations(self):
        source, pictures = self.source([(40, 60), (50, 33), (17, 90)])
        crops = (source.crops(400, 16, torch.Generator().manual_seed(3)) * 255).round().byte()
        seen, used, tops, lefts = set(), set(), set(), set()
        for crop in crops:
            index = int(crop[0, 0, 0]) // 10
            top, left = int(crop[1].min()), int(crop[2].min())
            expected = torch.from_numpy(pictures[index][top : top + 16, left : left + 16].copy())
            matches = [
                i
                for i, o in enumerate(orientations(expected.permute(2, 0, 1)))
                if torch.equal(o, crop)
            ]
            self.assertEqual(len(matches), 1)
            seen.add(matches[0])
            used.add(index)
            if index == 0:
                tops.add(top)
                lefts.add(left)
        self.assertEqual(seen, set(range(8)))
        self.assertEqual(used, {0, 1, 2})
        self.assertEqual((min(tops), max(tops)), (0, 24))
        self.assertEqual((min(lefts), max(lefts)), (0, 44))

    def test_every_place_is_equally_likely(self):
        source, _ = self.source([(16, 115), (16, 315)])
        crops = source.crops(4000, 16, torch.Generator().manual_seed(1))
        share = (crops[:, 0, 0, 0] * 255 > 5).float().mean().item()
        self.assertAlmostEqual(share, 300 / 400, delta=0.03)

    def test_crops_repeat_with_the_seed(self):
        source, _ = self.source([(40, 60), (50, 33)])
        first = source.crops(8, 16, torch.Generator().manual_seed(7))
        again = source.crops(8, 16, torch.Generator().manual_seed(7))
        other = source.crops(8, 16, torch.Generator().manual_seed(8))
        self.assertTrue(torch.equal(first, again))
        self.assertFalse(torch.equal(first, other))

    def test_a_picture_too_small_for_a_crop_is_never_used(self):
        source, _ = self.source([(20, 200), (40, 40)])
        crops = source.crops(200, 32, torch.Generator().manual_seed(0))
        self.assertTrue((crops[:, 0] * 255 > 5).all())
        with self.assertRaisesRegex(ValueError, "64x64"):
            source.crops(1, 64)

    def test_phases_whose_crops_fit_few_pictures_are_refused(self):
        source, _ = self.source([(20, 200), (40, 40), (48, 64)])
        self.assertAlmostEqual(source.share_with_room(32), 2 / 3, places=6)
        train.require_room(source, [(1.0, 16, 4, "charbonnier")], 2)
        with self.assertRaisesRegex(ValueError, "crops of 48 fit into 33 % of the pictures"):
            train.require_room(source, [(0.5, 16, 4, "psnr"), (0.5, 24, 4, "psnr")], 2)

    def test_large_pictures_come_reduced_as_well(self):
        source, _ = self.source([(420, 500)])
        self.assertEqual(source.count, 2)
        self.assertEqual(source.heights.tolist(), [420, 294])
        self.assertEqual(source.widths.tolist(), [500, 350])


class DenoiseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        generator = torch.Generator().manual_seed(5)
        cls.source = torch.rand(2000, 3, 24, 24, generator=generator)
        cls.degraded, cls.clean = denoise(cls.source, generator)

    def test_sigma_is_uniform_from_0_to_55(self):
        noise = (self.degraded - self.clean) * 255
        sigmas = noise.flatten(1).std(dim=1).sort().values
        difference = (sigmas - torch.linspace(0, 55, len(sigmas))).abs()
        self.assertLess(difference.mean().item(), 0.8)
        self.assertLess(difference.max().item(), 5)

    def test_noise_is_centred_and_not_clipped(self):
        self.assertLess((self.degraded - self.clean).mean().abs().item(), 1e-3)
        self.assertLess(self.degraded.min().item(), -0.3)
        self.assertGreater(self.degraded.max().item(), 1.3)
        steps = self.degraded * 255
        self.assertGreater((steps - steps.round()).abs().mean().item(), 0.2)

    def test_a_tenth_is_grey_with_grey_noise(self):
        grey = (self.clean[:, 0] == self.clean[:, 1]).flatten(1).all(dim=1)
        self.assertAlmostEqual(grey.float().mean().item(), 0.1, delta=0.02)
        self.assertTrue(torch.equal(self.degraded[grey][:, 0], self.degraded[grey][:, 2]))
        self.assertTrue(torch.equal(self.clean[~grey], self.source[~grey]))
        luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        difference = self.clean[grey][:, :1] - (self.source[grey] * luma).sum(1, keepdim=True)
        self.assertLess(difference.abs().max().item(), 1e-6)

    def test_colour_noise_differs_between_channels(self):
        noise = self.degraded - self.clean
        colour = (self.clean[:, 0] != self.clean[:, 1]).flatten(1).any(dim=1)
        a, b = noise[colour][:, 0].flatten(), noise[colour][:, 1].flatten()
        self.assertLess((a * b).mean().abs().item() / (a.std() * b.std()).item(), 0.02)


class OrthogonaliseTest(unittest.TestCase):
    def test_brings_singular_values_near_one(self):
        generator = torch.Generator().manual_seed(0)
        for rows, columns in ((16, 144), (64, 16), (32, 32)):
            g = torch.randn(3, rows, columns, generator=generator)
            values = torch.linalg.svdvals(orthogonalise(g))
            self.assertLess(values.max().item(), 1.3)
            # A random square matrix has singular values near zero: five steps lift most of them.
            low = values.min() if rows != columns else values.median()
            self.assertGreater(low.item(), 0.6)

    def test_keeps_the_singular_vectors(self):
        g = torch.randn(1, 16, 40, generator=torch.Generator().manual_seed(1))
        u, _, v = torch.linalg.svd(g, full_matrices=False)
        core = u.transpose(1, 2) @ orthogonalise(g) @ v.transpose(1, 2)
        off = core - torch.diag_embed(torch.diagonal(core, dim1=1, dim2=2))
        self.assertLess(off.abs().max().item(), 1e-3)


class Weights(torch.nn.Module):
    """Parameters of the given shapes, all zero, whose gradient is what `loss` is told."""

    def __init__(self, **shapes):
        super().__init__()
        for name, shape in shapes.items():
            self.register_parameter(name, torch.nn.Parameter(torch.zeros(shape)))

    def loss(self, *gradients):
        return sum((p * g).sum() for p, g in zip(self.parameters(), gradients))


def rand(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class OptimizerTest(unittest.TestCase):
    def test_step_of_a_convolution_is_orthogonal_and_scaled_by_its_shape(self):
        for shape in ((64, 16, 1, 1), (16, 16, 3, 3)):
            weights = Weights(w=shape)
            Optimizer(weights, muon_lr=0.1).step(weights.loss, [rand(*shape)], 1.0)
            rows, columns = shape[0], shape[1] * shape[2] * shape[3]
            values = torch.linalg.svdvals(weights.w.detach().reshape(rows, columns))
            expected = 0.1 * math.sqrt(max(1.0, rows / columns))
            self.assertAlmostEqual(values.mean().item(), expected, delta=0.25 * expected)

    def test_momentum_is_nesterov_with_a_plain_sum(self):
        weights = Weights(w=(16, 16))
        optimizer = Optimizer(weights, muon_lr=1.0, clip=1e9)
        a, b = rand(16, 16, seed=1), rand(16, 16, seed=2)
        optimizer.step(weights.loss, [a], 1.0)
        before = weights.w.detach().clone()
        optimizer.step(weights.loss, [b], 0.5)
        expected = -0.5 * orthogonalise((b + 0.95 * (0.95 * a + b))[None])[0]
        self.assertLess((weights.w.detach() - before - expected).abs().max().item(), 2e-3)

    def test_matrices_of_equal_shape_are_updated_apart(self):
        gradients = [rand(16, 32, seed=3), rand(16, 32, seed=4)]
        together = Weights(a=(16, 32), b=(16, 32))
        Optimizer(together, clip=1e9).step(together.loss, gradients, 1.0)
        for p, g in zip(together.parameters(), gradients):
            alone = Weights(w=(16, 32))
            Optimizer(alone, clip=1e9).step(alone.loss, [g], 1.0)
            self.assertTrue(torch.allclose(p, alone.w, atol=1e-5))

    def test_other_parameters_follow_adam(self):
        weights = Weights(a=(5,), b=(3, 3, 3, 3))
        twins = [torch.nn.Parameter(p.detach().clone()) for p in weights.parameters()]
        adam = torch.optim.AdamW(twins, lr=0.01, betas=(0.9, 0.99), weight_decay=0)
        optimizer = Optimizer(weights, adam_lr=0.01, clip=1e9)
        for i in range(5):
            gradients = [rand(5, seed=i), rand(3, 3, 3, 3, seed=i)]
            optimizer.step(weights.loss, gradients, 1.0)
            for twin, g in zip(twins, gradients):
                twin.grad = g.clone()
            adam.step()
        for p, twin in zip(weights.parameters(), twins):
            self.assertTrue(torch.allclose(p, twin, atol=1e-6))

    def test_gradients_are_clipped_by_their_joint_norm(self):
        weights = Weights(a=(3,), b=(4,))
        optimizer = Optimizer(weights, clip=0.5)
        gradients = [torch.full((3,), 3.0), torch.full((4,), 4.0)]
        optimizer.step(weights.loss, gradients, 0.0)
        norm = math.sqrt(27 + 64)
        self.assertAlmostEqual(optimizer.norm.item(), norm, places=4)
        self.assertTrue(torch.allclose(optimizer.gradient, torch.cat(gradients) / norm / 2))
        optimizer.step(weights.loss, [g / 100 for g in gradients], 0.0)
        self.assertTrue(torch.allclose(optimizer.gradient, torch.cat(gradients) / 100))

    def test_gradients_that_are_no_numbers_count_as_zero(self):
        weights = Weights(a=(3,), w=(16, 16))
        optimizer = Optimizer(weights)
        optimizer.step(weights.loss, [torch.tensor([1.0, math.nan, 1.0]), rand(16, 16)], 1.0)
        self.assertFalse(math.isfinite(optimizer.norm.item()))
        self.assertEqual(optimizer.gradient.abs().max().item(), 0)
        for p in weights.parameters():
            self.assertEqual(p.abs().max().item(), 0)
        optimizer.step(weights.loss, [torch.ones(3), rand(16, 16)], 1.0)
        for p in weights.parameters():
            self.assertTrue(torch.isfinite(p).all() and (p != 0).any())

    def test_split_gives_muon_the_dense_weights_only(self):
        model = RestorationNet(dict(TINY, middle=["agent", "histogram"], agents=4))
        matrices, others = split_parameters(model.named_parameters())
        self.assertEqual(len(matrices) + len(others), len(list(model.parameters())))
        self.assertIn("encoder.0.0.conv0.weight", matrices)
        self.assertIn("middle.0.attention.q.weight", matrices)
        self.assertIn("head.weight", others)  # three channels in
        self.assertIn("middle.0.attention.agent_bias", others)
        self.assertIn("encoder.0.0.conv0.bias", others)

    def test_moving_average_forgets_faster_at_first(self):
        weights = Weights(a=(2,))
        optimizer = Optimizer(weights, adam_lr=1.0)
        optimizer.step(weights.loss, [torch.ones(2)], 1.0)
        first = weights.a.detach().clone()
        average = optimizer.averaged()["a"]
        self.assertTrue(torch.allclose(average, first * (1 - 2 / 11)))
        optimizer.steps = 10**6
        before = average.clone()
        optimizer.step(weights.loss, [torch.ones(2)], 1.0)
        expected = 0.999 * before + 0.001 * weights.a.detach()
        self.assertTrue(torch.allclose(optimizer.averaged()["a"], expected, atol=1e-6))

    def test_average_has_the_shapes_of_a_channels_last_network(self):
        model = tiny_model().to(memory_format=torch.channels_last)
        averaged = Optimizer(model).averaged()
        for name, p in model.named_parameters():
            self.assertTrue(torch.equal(averaged[name], p), name)


class ScheduleTest(unittest.TestCase):
    def test_rate_rises_linearly_then_falls_to_a_hundredth(self):
        self.assertEqual(train.rate_factor(0, 0.1), 0)
        self.assertAlmostEqual(train.rate_factor(0.05, 0.1), 0.5, delta=0.01)
        self.assertAlmostEqual(train.rate_factor(0.5, 0.1), 0.505, places=6)
        self.assertAlmostEqual(train.rate_factor(1, 0.1), 0.01, places=6)
        self.assertEqual(train.rate_factor(0, 0), 1)
        falling = [train.rate_factor(t / 100, 0.1) for t in range(10, 101)]
        self.assertEqual(falling, sorted(falling, reverse=True))

    def test_phases_follow_the_time_and_the_last_one_stays(self):
        phases = train.parse_phases("0.75:128:64,0.25:256:16:psnr")
        first, last = (128, 64, "charbonnier"), (256, 16, "psnr")
        self.assertEqual(phases, [(0.75, *first), (0.25, *last)])
        self.assertEqual(train.phase_at(phases, 0), first)
        self.assertEqual(train.phase_at(phases, 0.7499), first)
        self.assertEqual(train.phase_at(phases, 0.75), last)
        self.assertEqual(train.phase_at(phases, 1.2), last)
        with self.assertRaisesRegex(ValueError, "no loss 'mse', there are charbonnier, psnr"):
            train.parse_phases("1:128:64:mse")

    def test_the_psnr_loss_falls_by_the_logarithm_of_the_error_of_each_crop(self):
        clean = torch.zeros(2, 3, 8, 8)
        errors = torch.tensor([0.1, 0.4]).view(2, 1, 1, 1)
        loss = train.psnr_loss(clean + errors, clean).item()
        expected = 0.02 * (math.log(0.01 + 1e-5) + math.log(0.16 + 1e-5)) / 2
        self.assertAlmostEqual(loss, expected, places=6)


class TrainTest(Folder):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("data"))
        os.mkdir(self.path("validation"))
        write_shard(
            self.path("data", "s.tar"), {f"{i}.jpg": photograph(140, 150, i) for i in range(4)}
        )
        Image.fromarray(photograph(40, 50, 9)).save(self.path("validation", "v.png"))

    def test_twenty_steps_lower_the_loss(self):
        source = CropSource(self.path("data"), "cpu", 1)
        model = tiny_model()
        optimizer = Optimizer(model)
        generator = torch.Generator().manual_seed(0)
        degraded, clean = denoise(source.crops(16, 32, generator), generator)

        def loss_of(degraded, clean):
            return train.charbonnier(model(degraded), clean)

        losses = [optimizer.step(loss_of, (degraded, clean), 1.0).item() for _ in range(21)]
        self.assertLess(losses[-1], 0.8 * losses[0])

    def run_trainer(self, name, *options):
        with contextlib.redirect_stdout(io.StringIO()):
            train.main(
                ["--data", self.path("data"), "--out", self.path(name), "--workers", "1"]
                + ["--phases", "0.5:16:4,0.5:32:2:psnr", *options]
            )
        with open(self.path(name, "train.log")) as log:
            text = log.read()
        return torch.load(self.path(name, "checkpoint.pt")), text

    def test_a_run_saves_what_a_second_run_goes_on_with(self):
        with open(self.path("tiny.json"), "w") as file:
            file.write(str(TINY).replace("'", '"'))
        first, log = self.run_trainer(
            "first", "--config", self.path("tiny.json"), "--minutes", "0.04",
            "--validation", self.path("validation"),
        )
        self.assertEqual(first["config"]["channels"], TINY["channels"])
        self.assertGreater(first["info"]["megapixels"], 0)
        self.assertEqual(first["info"]["pictures"], 4)
        self.assertTrue(all(v.dtype == torch.float16 for v in first["weights"].values()))
        self.assertIn("crops of 16, batch 4, charbonnier", log)
        self.assertIn("crops of 32, batch 2, psnr", log)
        self.assertRegex(log, r"final: sigma 15: \d+\.\d+, sigma 25: \d+\.\d+, sigma 50: \d+\.\d+ dB")

        # No time at all: the weights go through unchanged, the architecture comes along.
        resume = ("--resume", self.path("first", "checkpoint.pt"))
        same, _ = self.run_trainer("same", "--minutes", "0", *resume)
        self.assertEqual(same["config"], first["config"])
        self.assertEqual(same["info"]["megapixels"], first["info"]["megapixels"])
        for name, values in first["weights"].items():
            self.assertTrue(torch.equal(values, same["weights"][name]), name)

        # And through a model file.
        export.main([self.path("first", "checkpoint.pt"), self.path("m.safetensors"),
                     "--name", "m", "--title", "M"])
        same, _ = self.run_trainer("file", "--minutes", "0", "--resume", self.path("m.safetensors"))
        self.assertEqual(same["info"]["megapixels"], first["info"]["megapixels"])
        for name, values in first["weights"].items():
            self.assertTrue(torch.equal(values, same["weights"][name]), name)

        more, _ = self.run_trainer("more", "--minutes", "0.02", *resume)
        self.assertGreater(more["info"]["megapixels"], first["info"]["megapixels"])
        self.assertFalse(
            all(torch.equal(v, more["weights"][n]) for n, v in first["weights"].items())
        )

    def test_an_upscaler_starts_from_another_scale_but_for_its_tail(self):
        with open(self.path("tiny.json"), "w") as file:
            file.write(str(TINY).replace("'", '"'))
        first, _ = self.run_trainer("x1", "--config", self.path("tiny.json"), "--minutes", "0")
        for scale in (2, 3):
            options = ["--task", "upscale", "--scale", str(scale), "--minutes", "0"]
            second, log = self.run_trainer(
                f"x{scale}", *options, "--resume", self.path("x1", "checkpoint.pt")
            )
            self.assertEqual(second["config"]["scale"], scale)
            self.assertEqual(second["weights"]["tail.weight"].shape[0], 3 * scale**2)
            self.assertTrue(torch.equal(second["weights"]["head.weight"],
                                        first["weights"]["head.weight"]))
            self.assertIn("starts anew: tail.weight, tail.bias", log)
        trained, _ = self.run_trainer("more", "--task", "upscale", "--scale", "2", "--minutes",
                                      "0.02", "--resume", self.path("x2", "checkpoint.pt"))
        self.assertGreater(trained["info"]["megapixels"], 0)

    def test_a_checkpoint_of_another_network_is_refused(self):
        with open(self.path("tiny.json"), "w") as file:
            file.write(str(TINY).replace("'", '"'))
        self.run_trainer("first", "--config", self.path("tiny.json"), "--minutes", "0")
        with open(self.path("wide.json"), "w") as file:
            file.write('{"channels": [16, 48]}')
        with self.assertRaisesRegex(ValueError, "of another network: "):
            self.run_trainer("wide", "--minutes", "0", "--config", self.path("wide.json"),
                             "--resume", self.path("first", "checkpoint.pt"))

    def test_a_scale_without_upscaling_is_refused(self):
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            train.parse_arguments(["--data", "d", "--out", "o", "--scale", "2"])
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            train.parse_arguments(["--data", "d", "--out", "o", "--task", "upscale"])


if __name__ == "__main__":
    unittest.main()
