"""The ablation: variants, their cost, one run to the report and on."""

import json
import os
import unittest
from unittest import mock

import numpy as np
import torch
from PIL import Image

import ablation
from fixtures import TINY, Folder, photograph, write_shard
from model import RestorationNet


def kinds(config):
    stages = [*config["encoder"], config["middle"], *config["decoder"]]
    return [k for stage in stages for k in stage]


class VariantsTest(unittest.TestCase):
    def test_each_variant_lacks_what_its_name_says_and_keeps_the_rest(self):
        full = kinds(ablation.FULL)
        for name, kind in (
            ("no SE+CBAM", "se_cbam"),
            ("no agent attention", "agent"),
            ("no histogram attention", "histogram"),
        ):
            self.assertIn(kind, full)
            expected = ["pair" if k == kind else k for k in full]
            self.assertEqual(kinds(ablation.VARIANTS[name]), expected)
        self.assertEqual(set(kinds(ablation.VARIANTS["none"])), {"pair"})
        unsorted = ablation.VARIANTS["no dynamic-range convolution"]
        self.assertFalse(unsorted["dynamic_range"])
        self.assertEqual(kinds(unsorted), full)

    def test_every_variant_has_at_most_a_million_parameters(self):
        for name, config in ablation.VARIANTS.items():
            count = sum(p.numel() for p in RestorationNet(config).parameters())
            self.assertLess(count, 1e6, name)

    def test_macs_of_a_network_of_convolutions(self):
        config = dict(TINY, middle=["pair"])
        # Head, tail; per level one encoder and decoder pair, the middle; down, up.
        full = 27 * 16 * 2 + 2 * 2 * 9 * 16 * 16
        half = 2 * 9 * 32 * 32 + 4 * 16 * 32 + 32 * 64
        self.assertEqual(ablation.macs_per_pixel(config), full + half / 4)

    def test_attention_counts_its_products(self):
        plain = dict(TINY, middle=["pair"], heads=4, agents=2, bins=4)
        agent = ablation.macs_per_pixel(dict(plain, middle=["agent"]))
        histogram = ablation.macs_per_pixel(dict(plain, middle=["histogram"]))
        pair = 2 * 9 * 32 * 32
        base = ablation.macs_per_pixel(plain) - pair / 4
        # q, k, v, projection and both feed-forward layers, 3x3 depthwise, 4 products with 4 agents.
        expected = 4 * 32 * 32 + 4 * 32 * 32 + 9 * 32 + 4 * 4 * 32
        self.assertAlmostEqual(agent, base + expected / 4)
        hidden = 4 * round(32 * 2.667 / 4)
        convolutions = 5 * 32 * 32 + 9 * 5 * 32 + 32 * 32
        forward = 32 * 2 * hidden + hidden * 32 + (25 + 9) * hidden
        products = 4 * 32 * (32 // 4 * 4)  # each row of a head against 8 · 4 rows
        self.assertAlmostEqual(histogram, base + (convolutions + forward + products) / 4)


class RunTest(Folder):
    def test_every_variant_and_seed_is_run_once(self):
        os.mkdir(self.path("data"))
        os.mkdir(self.path("set"))
        write_shard(self.path("data", "s.tar"), {"0.png": photograph(140, 150, 0)})
        Image.fromarray(np.asarray(photograph(30, 40, 1))).save(self.path("set", "v.png"))
        arguments = ["--data", self.path("data"), "--validation", self.path("set")]
        arguments += ["--out", self.path("out"), "--megapixels", "0.002", "--phases", "1:16:2"]
        variants = {"one": TINY, "two": dict(TINY, middle=["pair"])}
        with mock.patch.object(ablation, "VARIANTS", variants):
            ablation.main([*arguments, "--variants", "one", "two", "--seeds", "1", "--no-compile"])
            with open(self.path("out", "ablation.json")) as file:
                first = json.load(file)["runs"]
            ablation.main([*arguments, "--variants", "one", "--seeds", "1", "2", "--no-compile"])
            with open(self.path("out", "ablation.json")) as file:
                second = json.load(file)["runs"]
        self.assertEqual([(r["variant"], r["seed"]) for r in first], [("one", 1), ("two", 1)])
        self.assertEqual(second[:2], first)
        self.assertEqual((second[2]["variant"], second[2]["seed"]), ("one", 2))
        for run in second:
            self.assertGreaterEqual(run["megapixels"], 0.002)
            self.assertEqual(list(run["psnr"]), ["sigma 15", "sigma 25", "sigma 50"])
        weights = [
            torch.load(self.path("out", n, "checkpoint.pt"))["weights"]["head.weight"]
            for n in ("one_1", "one_2")
        ]
        self.assertFalse(torch.equal(*weights))


if __name__ == "__main__":
    unittest.main()
