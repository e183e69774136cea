"""The attention study: every system trains, under equal conditions, and ends in the table."""

import json
import os
import unittest
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

import attention
import attention_study
import model
from fixtures import Folder, photograph, write_shard
from optimizer import Optimizer

CONFIG = {"channels": [8, 8, 32], "window": 64}


def network(system, seed=0):
    torch.manual_seed(seed)
    return attention_study.StudyNet(system, CONFIG)


class HostReads(TorchDispatchMode):
    """Names of operators that read values back or bring new ones from the host."""

    FORBIDDEN = ("_local_scalar_dense", "nonzero", "lift_fresh", "masked_select", "unique")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.__name__.split(".")[0]
        if name.startswith(self.FORBIDDEN):
            self.found.append(name)
        indices = args[1] if name in ("index", "index_put_") else []
        if any(t is not None and t.dtype == torch.bool for t in indices):
            self.found.append(name + " by mask")
        return function(*args, **(kwargs or {}))


class SystemsTest(unittest.TestCase):
    def test_every_parameter_of_every_system_gets_a_gradient(self):
        for system in attention_study.SYSTEMS:
            net = network(system)
            x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
            loss = (net(x) - 0.5).abs().mean() + net.auxiliary_loss()
            loss.backward()
            self.assertTrue(torch.isfinite(loss), system)
            for name, p in net.named_parameters():
                self.assertIsNotNone(p.grad, f"{system}: {name}")
                self.assertTrue(torch.isfinite(p.grad).all(), f"{system}: {name}")

    def test_a_step_can_be_recorded_as_cuda_graph(self):
        for system in attention_study.SYSTEMS:
            net = network(system)
            x = torch.rand(1, 3, 64, 64)
            net(x)  # constants are made once
            with HostReads() as reads:
                (net(x).mean() + net.auxiliary_loss()).backward()
            self.assertEqual(reads.found, [], system)

    def test_windows_do_not_mix(self):
        for system in attention_study.MIXERS:
            block = attention_study.MixerBlock(system, 32, 16).eval()
            x = torch.rand(1, 32, 16, 32, generator=torch.Generator().manual_seed(1))
            changed = x.clone()
            changed[..., 16:] = 0.3
            with torch.no_grad():
                torch.testing.assert_close(block(x)[..., :16], block(changed)[..., :16])

    def test_networks_are_of_one_order_of_size(self):
        counts = {
            system: sum(p.numel() for p in attention_study.StudyNet(system).parameters())
            for system in attention_study.SYSTEMS
        }
        for system, count in counts.items():
            self.assertLess(count, 6e5, system)
            self.assertGreater(count, 2e5, system)

    def test_shapes_are_those_that_the_library_is_tested_with(self):
        folder = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(folder, "../../tests/data/attention_networks.json")) as file:
            self.assertEqual(json.load(file), attention_study.shapes())

    def test_softmax_weights_fit_the_drop_in_systems(self):
        weights = network("softmax").state_dict()
        for system in attention_study.DROP_IN:
            network(system, seed=1).load_state_dict(weights)


class TwinsTest(unittest.TestCase):
    def test_constants_belong_to_one_size(self):
        torch.manual_seed(0)
        twin = attention.SparseAttention(16, 4, (4, 2), (2, 2), 4, 2, 4, width=8).eval()
        small, large = torch.randn(1, 8, 8, 16), torch.randn(1, 12, 8, 16)
        first = twin(small)
        twin(large)
        torch.testing.assert_close(twin(small), first)

    def test_masked_training_form_is_the_gathered_form_on_kept_tokens(self):
        torch.manual_seed(0)
        block = attention.PrunedBlock(16, 2, 11).double()
        x = torch.randn(2, 23, 16, dtype=torch.float64)
        keep = torch.zeros(2, 23, dtype=torch.float64)
        index = torch.stack([torch.randperm(23)[:11].sort().values for _ in range(2)])
        keep.scatter_(1, index, 1.0)
        index = index[..., None].expand(-1, -1, 16)
        masked = block.masked_block(x, keep, eps=0.0).gather(1, index)
        torch.testing.assert_close(masked, block.block(x.gather(1, index)), rtol=0, atol=1e-12)

    def test_ratio_loss_teaches_the_predictor_the_share(self):
        torch.manual_seed(0)
        block = attention.PrunedBlock(16, 2, 6)
        x = torch.randn(2, 24, 16)
        adam = torch.optim.Adam(block.predictor.parameters(), lr=1e-2)
        for _ in range(150):
            block(x)
            adam.zero_grad()
            block.auxiliary_loss().backward()
            adam.step()
        with torch.no_grad():
            share = sum(block.sample(x).mean().item() for _ in range(40)) / 40
        self.assertAlmostEqual(share, 0.25, delta=0.06)

    def test_balanced_routing_has_a_balance_loss_of_active_heads(self):
        mixture = attention.MixtureOfHeads(16, 8, 2, 3)
        torch.nn.init.zeros_(mixture.router_routed.weight)
        probabilities = torch.full((1, 6, 6), 1 / 6)
        turned = torch.stack([torch.roll(torch.tensor([1.0, 1, 1, 0, 0, 0]), i) for i in range(6)])
        self.assertAlmostEqual(mixture.balance(probabilities, turned[None]).item(), 3.0, places=5)

    def test_histogram_blocks_make_the_papers_network_of_16615100_parameters(self):
        def count(module):
            return sum(p.numel() for p in module.parameters())

        # Channels, heads = bins, blocks of each stage, encoder to refinement.
        stages = [(36, 1, 4), (72, 2, 4), (144, 4, 6), (288, 8, 8), (144, 4, 6), (72, 2, 4),
                  (72, 1, 4), (72, 1, 4)]
        total = sum(n * count(model.HistogramBlock(c, h, h, 8, True)) for c, h, n in stages)
        total += 9 * 3 * 36 + 9 * 72 * 3
        for c in (36, 72, 144):  # half, unshuffle, concatenate the reduced picture, mix
            total += 9 * c * c // 2 + (2 * c + 3) * 2 * c + 3 * 3 + 9 * 3
        total += sum(9 * c * 2 * c for c in (288, 144, 72)) + 288 * 144 + 144 * 72
        self.assertEqual(total, 16615100)

    def test_merging_keeps_the_order_of_first_tokens(self):
        metric = torch.tensor([[[1.0, 0], [0, 1], [0, 2], [3, 0], [1, 1], [1, 0.9]]])
        # 0 -> 3 (cosine 1) and 2 -> 1 merge; 4 stays.
        rows = attention.match_tokens(metric, 2)
        self.assertEqual(rows.tolist(), [[1, 0, 0, 1, 2, 3]])


class StudyTest(Folder):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("data"))
        os.mkdir(self.path("set"))
        write_shard(self.path("data", "s.tar"), {"0.png": photograph(140, 150, 0)})
        Image.fromarray(np.asarray(photograph(30, 40, 1))).save(self.path("set", "v.png"))

    def study(self, *arguments):
        return attention_study.main([
            "--data", self.path("data"), "--validation", self.path("set"), "--out",
            self.path("out"), "--megapixels", "0.004", "--crop", "64", "--batch", "1",
            "--config", json.dumps(CONFIG), *arguments])

    def rows(self):
        return {(r["system"], r["seed"]): r for r in attention_study.read_rows(self.path("out"))}

    def test_every_system_ends_in_the_table(self):
        self.assertEqual(self.study("--seeds", "1"), 0)
        self.assertEqual(set(self.rows()), {(s, 1) for s in attention_study.SYSTEMS})
        with open(self.path("out", "table.md")) as file:
            table = file.read()
        for system in attention_study.SYSTEMS:
            self.assertIn(f"| {system} |", table)
        self.assertIn("| softmax, run as token_merging |", table)
        for row in self.rows().values():
            self.assertTrue(row["finite"], row["system"])
            self.assertEqual(list(row["psnr"]), ["sigma 15", "sigma 25", "sigma 50"])

    def test_a_run_that_is_there_is_kept_and_a_failed_one_does_not_end_the_study(self):
        self.study("--systems", "depthwise", "--seeds", "1")
        first = self.rows()
        broken = dict(attention_study.MIXERS, latent=(attention_study.as_is, lambda c, s: 1 / 0))
        with mock.patch.object(attention_study, "MIXERS", broken):
            with mock.patch("traceback.print_exc"):
                code = self.study("--systems", "latent,depthwise", "--seeds", "1,2")
        self.assertEqual(code, 1)
        rows = self.rows()
        self.assertEqual(set(rows), {("depthwise", 1), ("depthwise", 2)})
        self.assertEqual(rows["depthwise", 1], first["depthwise", 1])

    def test_crops_depend_on_the_seed_alone(self):
        seen = []
        step = Optimizer.step

        def watch(optimizer, loss_of, inputs, factor):
            seen.append(torch.cat([t.flatten() for t in inputs]))
            return step(optimizer, loss_of, inputs, factor)

        with mock.patch.object(Optimizer, "step", watch):
            self.study("--systems", "pair,token_pruning", "--seeds", "1,2")
        pair1, pruning1, pair2, pruning2 = seen
        self.assertTrue(torch.equal(pair1, pruning1))
        self.assertTrue(torch.equal(pair2, pruning2))
        self.assertFalse(torch.equal(pair1, pair2))

    def test_table_has_mean_deviation_and_cost(self):
        rows = [{"system": "a", "seed": s, "parameters": 1000, "psnr": {"x": 30.0 + s, "y": 20.0}}
                for s in (1, 3)]
        rows.append({"system": "b", "seed": 1, "parameters": 10, "psnr": {"x": 1.0, "y": 40.0}})
        cost = attention_study.costs_of({"measurements": [
            {"system": "network", "variant": "a", "cost": {"macs": 1500 * 2**14, "seconds": 0.0041}},
            {"system": "softmax", "variant": "b", "cost": {"macs": 1, "seconds": 1}}]})
        lines = attention_study.table(rows, cost).splitlines()
        self.assertEqual(lines[2], "| b | 1 | 10 | 1.000 | 40.000 | – | – |")
        self.assertEqual(
            lines[3], "| a | 2 | 1,000 | 32.000 ± 1.414 | 20.000 ± 0.000 | 1.5 | 0.25 |")


if __name__ == "__main__":
    unittest.main()
