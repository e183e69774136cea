"""The network's definition: identities that its operators keep, and its independence of tiles."""

import math
import pathlib
import subprocess
import sys
import unittest

import numpy as np
import torch

import model
from export import read_safetensors
from fixtures import TINY, Folder, tiny_model


def rand(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class RearrangeTest(unittest.TestCase):
    def test_windows_come_back(self):
        x = rand(2, 3, 16, 24)
        windows = model.to_windows(x, 8)
        self.assertEqual(tuple(windows.shape), (2 * 2 * 3, 3, 8, 8))
        self.assertTrue(torch.equal(model.from_windows(windows, 2, 16, 24), x))
        # Row-major: the second window lies to the right of the first.
        self.assertTrue(torch.equal(windows[1], x[0, :, :8, 8:16]))

    def test_depth_to_space_puts_block_dy_dx_at_pixel_dy_dx(self):
        for side in (1, 2, 3, 4):
            x = rand(1, 3 * side**2, 4, 5)
            y = model.depth_to_space(x, side)
            self.assertEqual(tuple(y.shape), (1, 3, 4 * side, 5 * side))
            for dy in range(side):
                for dx in range(side):
                    block = 3 * (dy * side + dx)
                    expected = x[:, block : block + 3]
                    self.assertTrue(torch.equal(y[:, :, dy::side, dx::side], expected))

    def test_an_upscaler_adds_its_tail_to_the_repeated_picture(self):
        net = tiny_model(scale=3)
        x = rand(1, 3, 16, 32)
        torch.nn.init.zeros_(net.tail.weight)
        with torch.no_grad():
            net.tail.bias.copy_(torch.arange(27.0))
            y = net(x)
        self.assertEqual(tuple(y.shape), (1, 3, 48, 96))
        for dy in range(3):
            for dx in range(3):
                offset = 3 * (3 * dy + dx) + torch.arange(3.0).view(1, 3, 1, 1)
                self.assertTrue(torch.allclose(y[:, :, dy::3, dx::3], x + offset))


class NormalisationTest(unittest.TestCase):
    def test_layer_norm_matches_torch(self):
        x = rand(2, 8, 5, 6) * 3 + 1
        expected = torch.nn.functional.layer_norm(x.permute(0, 2, 3, 1), (8,))
        expected = expected.permute(0, 3, 1, 2)
        self.assertTrue(torch.allclose(model.layer_norm(x), expected, atol=1e-5))

    def test_softmax_plus_one_is_softmax_with_one_more_zero_logit(self):
        for scale in (1, 100):
            x = rand(4, 7) * scale
            expected = torch.softmax(torch.cat([x, torch.zeros(4, 1)], 1), 1)[:, :7]
            self.assertTrue(torch.allclose(model.softmax_plus_one(x), expected, atol=1e-6))


class HistogramTest(unittest.TestCase):
    def test_unsort_undoes_sort_with_ties_too(self):
        for x in (rand(2, 4, 8, 12), torch.randint(0, 3, (2, 4, 8, 12)).float()):
            ordered, rows, columns = model.dynamic_range_sort(x)
            self.assertTrue((ordered.diff(dim=-1) >= 0).all())
            self.assertTrue((ordered.diff(dim=-2) >= 0).all())
            self.assertTrue(torch.equal(model.dynamic_range_unsort(ordered, rows, columns), x))

    def attention(self):
        torch.manual_seed(1)
        return model.HistogramAttention(16, heads=4, bins=4, dynamic_range=True)

    def test_tokens_come_back_in_both_branches(self):
        attention = self.attention()
        x = rand(2, 16, 64)
        for frequency in (False, True):
            tokens = attention.tokens(x, frequency)
            self.assertEqual(tuple(tokens.shape), (2, 4, 4 * 4, 16))
            self.assertTrue(torch.equal(attention.untokens(tokens, frequency), x))

    def test_core_commutes_with_a_permutation_of_the_pixels(self):
        attention = self.attention()
        parts = [rand(1, 16, 48, seed=s) for s in range(5)]
        order = torch.randperm(48, generator=torch.Generator().manual_seed(9))
        plain = attention.core(*parts)
        permuted = attention.core(*(p[..., order] for p in parts))
        self.assertTrue(torch.allclose(permuted, plain[..., order], atol=1e-5))

    def test_core_pads_lengths_that_are_no_multiple_of_the_bins(self):
        attention = self.attention()
        parts = [rand(1, 16, 50, seed=s) for s in range(5)]
        result = attention.core(*parts)
        self.assertEqual(tuple(result.shape), (1, 16, 50))
        self.assertTrue(torch.isfinite(result).all())


class AgentTest(unittest.TestCase):
    def test_equal_queries_and_no_bias_give_the_mean_of_the_values(self):
        torch.manual_seed(2)
        attention = model.AgentAttention(16, heads=4, agents=2, side=8)
        with torch.no_grad():
            for name, p in attention.named_parameters():
                if "agent_" in name or "query_" in name or name.startswith(("q.", "local.")):
                    p.zero_()
            attention.projection.weight.copy_(torch.eye(16))
            attention.projection.bias.zero_()
            x = rand(1, 16, 8, 8)
            expected = attention.v(x.permute(0, 2, 3, 1)).mean(dim=(1, 2)).view(1, 16, 1, 1)
            result = attention(x)
        self.assertTrue(torch.allclose(result, expected.expand_as(result), atol=1e-5))

    def test_bias_tables_reach_their_axes(self):
        attention = model.AgentAttention(16, heads=4, agents=2, side=8)
        with torch.no_grad():
            for p in attention.parameters():
                p.zero_()
            attention.agent_row[1, 2] = torch.arange(8.0)
            attention.query_column[3, :, 1] = torch.arange(8.0)
            b1, b2 = attention.biases()
        b1, b2 = b1.view(4, 4, 8, 8), b2.view(4, 8, 8, 4)
        self.assertEqual(b1[1, 2, 5].tolist(), [5.0] * 8)
        self.assertEqual(b2[3, 5, :, 1].tolist(), list(range(8)))
        self.assertEqual(b1.sum().item(), b1[1, 2].sum().item())
        self.assertEqual(b2.sum().item(), b2[3, :, :, 1].sum().item())


class SeCbamTest(unittest.TestCase):
    def test_zero_weights_leave_two_constant_gates(self):
        fusion = model.SeCbamFusion(16, window=8)
        with torch.no_grad():
            for p in (fusion.reduce.weight, fusion.expand.weight, fusion.spatial.weight):
                p.zero_()
            y = rand(1, 16, 16, 8)
            gate = 1 / (1 + math.exp(-2.0))  # both biases start at 2
            self.assertTrue(torch.allclose(fusion(y), y * gate * gate, atol=1e-6))

    def test_channel_gate_depends_on_its_own_window_alone(self):
        torch.manual_seed(3)
        fusion = model.SeCbamFusion(16, window=8)
        with torch.no_grad():
            fusion.spatial.weight.zero_()
            y = rand(1, 16, 8, 16)
            changed = y.clone()
            changed[..., 8:] += 1
            before, after = fusion(y), fusion(changed)
        self.assertTrue(torch.allclose(before[..., :8], after[..., :8], atol=1e-6))
        self.assertFalse(torch.allclose(before[..., 8:], after[..., 8:] - 1))


class RestorationNetTest(unittest.TestCase):
    def test_windowed_blocks_do_not_depend_on_how_a_map_is_cut(self):
        for kind in ("agent", "histogram"):
            config = dict(model.DEFAULT_CONFIG, heads=4, bins=4, agents=4)
            torch.manual_seed(4)
            block = model.make_block(kind, 16, 8, config)
            attention = block.attention
            x = rand(1, 16, 16, 24)
            with torch.no_grad():
                whole = model.from_windows(attention(model.to_windows(x, 8)), 1, 16, 24)
                cut = model.from_windows(attention(model.to_windows(x[..., 8:16], 8)), 1, 16, 8)
            self.assertTrue(torch.allclose(whole[..., 8:16], cut, atol=1e-5), kind)

    def test_zero_tail_is_the_identity(self):
        net = tiny_model(middle=["se_cbam", "histogram", "agent", "pair"], agents=4)
        with torch.no_grad():
            net.tail.weight.zero_()
            net.tail.bias.zero_()
            x = rand(1, 3, 32, 48)
            self.assertTrue(torch.equal(net(x), x))

    def test_every_parameter_gets_a_gradient(self):
        net = tiny_model(middle=["se_cbam", "histogram", "agent", "pair"], agents=4)
        net(rand(1, 3, 32, 32)).square().mean().backward()
        for name, p in net.named_parameters():
            self.assertIsNotNone(p.grad, name)
            self.assertTrue(torch.isfinite(p.grad).all(), name)
            self.assertGreater(p.grad.abs().sum().item(), 0, name)

    def test_unknown_block_is_named(self):
        with self.assertRaisesRegex(ValueError, "'cube'"):
            model.RestorationNet(dict(TINY, middle=["cube"]))


class ParityTest(Folder):
    def test_the_files_of_the_cpp_tests_are_what_the_definition_computes(self):
        here = pathlib.Path(__file__).resolve().parent
        subprocess.run(
            [sys.executable, str(here / "parity.py"), self.folder], check=True, capture_output=True
        )
        kept = sorted((here.parents[1] / "tests" / "data").glob("parity_*.safetensors"))
        made = sorted(p.name for p in pathlib.Path(self.folder).iterdir())
        self.assertEqual([p.name for p in kept], made)
        for path in kept:
            expected, metadata = read_safetensors(path)
            tensors, now = read_safetensors(self.path(path.name))
            self.assertEqual(metadata, now, path.name)
            self.assertEqual(list(expected), list(tensors), path.name)
            for name, values in expected.items():
                # Other versions of PyTorch sum in another order.
                tolerance = 1e-4 if name == "output" else 0
                np.testing.assert_allclose(tensors[name], values, rtol=0, atol=tolerance)


if __name__ == "__main__":
    unittest.main()
