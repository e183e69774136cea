#!/usr/bin/env python3
"""Which attention system restores best: one small network, each system in turn as its mixer.

    attention_study.py --data DIR --validation CBSD68 --out DIR --megapixels 600 --seeds 1,2

Every system trains as denoiser on the same crops with the same noise for each seed. Writes
OUT/SYSTEM_SEED.json and .pt (the weights, f16) for each run and OUT/table.md; a run whose JSON is
there is not trained again, one that fails is reported and the others go on. With --cost FILE, the
JSON of `pristine bench attention --system network --json`, the table also has the multiply-adds of a
pixel and the seconds of a megapixel on that processor.
"""

import argparse
import gc
import json
import math
import os
import sys
import time
import traceback

import torch
from torch import nn

import attention as systems
import degradation
import model
from dataset import CropSource
from optimizer import Optimizer
from train import charbonnier, rate_factor, save
from validation import Validation

# Two levels of dense pairs around four blocks at a quarter of the resolution.
CONFIG = {
    "channels": [32, 48, 64],
    "encoder": [["pair"], ["pair"]],
    "middle": [],
    "decoder": [["pair"], ["pair"]],
    "window": 128,
    "heads": 4,
}
BLOCKS = 4
HEADS = 4


class DynamicRangeConv(nn.Module):
    """Sort half of the channels, 1x1 and depthwise 3x3 convolution, put back (2407.10172)."""

    def __init__(self, channels):
        super().__init__()
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)

    def forward(self, x):
        half = x.shape[1] // 2
        first, rows, columns = model.dynamic_range_sort(x[:, :half].float())
        x = self.depthwise(self.pointwise(torch.cat([first.to(x.dtype), x[:, half:]], dim=1)))
        first = model.dynamic_range_unsort(x[:, :half], rows, columns)
        return torch.cat([first, x[:, half:]], dim=1)


class RotaryAttention(systems.MultiHeadAttention):
    """Softmax attention whose queries and keys turn with their place on half of the channels."""

    def __init__(self, channels, heads, width):
        super().__init__(channels, heads)
        d = channels // heads
        self.turn = systems.PartialRope(heads, d, d // 2, width=width)

    def forward(self, x):
        q, k, v = self.turn(self.q(x)), self.turn(self.k(x)), self.v(x)
        q, k, v = (systems.split_heads(t, self.heads) for t in (q, k, v))
        return self.projection(systems.merge_heads(systems.attend(q, k, v)))


def of_tokens(mixer):
    """A mixer of [b, n, c] as one of windows [b, c, h, w]."""

    def mix(x):
        b, c, h, w = x.shape
        out = mixer(x.flatten(2).transpose(1, 2))
        return out.transpose(1, 2).reshape(b, c, h, w)

    return mix


def of_map(mixer):
    """A mixer of [b, h, w, c] as one of windows [b, c, h, w]."""
    return lambda x: mixer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def as_is(mixer):
    return mixer


# name: (layout, mixer of c channels on windows of s x s tokens)
MIXERS = {
    "softmax": (of_tokens, lambda c, s: systems.MultiHeadAttention(c, HEADS)),
    "sparse": (of_map, lambda c, s: systems.SparseAttention(c, HEADS, (8, 4), (4, 4), 8, 4,
                                                            c // HEADS // 2, s)),
    "token_merging": (of_tokens, lambda c, s: systems.MergedAttention(c, HEADS, s * s // 4)),
    "agent_training_free": (of_map, lambda c, s: systems.AgentTrainingFree(c, HEADS, 8)),
    "latent": (of_tokens, lambda c, s: systems.LatentAttention(
        c, HEADS, c // HEADS, c // HEADS, 3 * c // 8, c // 2, c // HEADS // 2, s)),
    "reuse": (of_map, lambda c, s: systems.ReuseAttention(c, s, s)),
    "mixture_of_heads": (of_tokens, lambda c, s: systems.MixtureOfHeads(c, HEADS, 1, 2)),
    "partial_rope": (of_tokens, lambda c, s: RotaryAttention(c, HEADS, s)),
    "generalized_probabilistic": (
        of_tokens, lambda c, s: systems.GeneralizedProbabilisticAttention(c, HEADS)),
    "dynamic_range_conv": (as_is, lambda c, s: DynamicRangeConv(c)),
    "depthwise": (as_is, lambda c, s: nn.Conv2d(c, c, 3, padding=1, groups=c)),
}


class MixerBlock(nn.Module):
    """x + mixer(norm x) in windows, then x + feed_forward(norm x)."""

    def __init__(self, system, channels, window):
        super().__init__()
        layout, make = MIXERS[system]
        self.window, self.layout = window, layout
        self.mixer = make(channels, window)
        self.feed_forward = model.FeedForward(channels)

    def forward(self, x):
        b, _, h, w = x.shape
        windows = model.to_windows(model.layer_norm(x), self.window)
        x = x + model.from_windows(self.layout(self.mixer)(windows), b, h, w).to(x.dtype)
        return x + self.feed_forward(model.layer_norm(x))


class PrunedBlock(nn.Module):
    """Token pruning prunes a whole transformer block: half of a window's tokens go through it."""

    def __init__(self, channels, window):
        super().__init__()
        self.window = window
        self.mixer = systems.PrunedBlock(channels, HEADS, window * window // 2)

    def forward(self, x):
        b, _, h, w = x.shape
        mix = of_tokens(self.mixer)
        return model.from_windows(mix(model.to_windows(x, self.window)), b, h, w).to(x.dtype)


# The network's own blocks as they are, each with its own feed-forward.
OWN_BLOCKS = ("pair", "se_cbam", "agent", "histogram")
SYSTEMS = [*MIXERS, "token_pruning", *OWN_BLOCKS]
# Systems that need no training of their own: these also run on the weights of softmax attention.
DROP_IN = ("agent_training_free", "token_merging")


class StudyNet(model.RestorationNet):
    def __init__(self, system, config=None):
        super().__init__(dict(CONFIG, **(config or {})))
        channels, level = self.config["channels"][-1], len(self.config["channels"]) - 1
        window = self.config["window"] >> level

        def block():
            if system in OWN_BLOCKS:
                return model.make_block(system, channels, window, self.config)
            if system == "token_pruning":
                return PrunedBlock(channels, window)
            return MixerBlock(system, channels, window)

        self.middle = nn.Sequential(*(block() for _ in range(BLOCKS)))

    def auxiliary_loss(self):
        """What routers and predictors add to the loss; after a forward pass in training."""
        losses = [m.auxiliary_loss() for m in self.middle.modules() if m is not self
                  and hasattr(m, "auxiliary_loss")]
        return sum(losses) / len(losses) if losses else 0.0


def shapes():
    """{system: {name: shape}} of the weights; of the equal blocks the first alone."""
    return {
        system: {
            name: list(p.shape)
            for name, p in StudyNet(system).named_parameters()
            if not name.startswith("middle.") or name.startswith("middle.0.")
        }
        for system in SYSTEMS
    }


def costs_of(report):
    """{system: (multiply-adds a pixel, seconds a megapixel)} of a benchmark's report."""
    side = CONFIG["window"]
    return {
        m["variant"]: (m["cost"]["macs"] / side**2, m["cost"]["seconds"] / (side**2 / 1e6))
        for m in report["measurements"]
        if m["system"] == "network"
    }


def train_run(a, system, seed, source, validation, device):
    """(row of the report, weights)"""
    torch.manual_seed(seed)
    network = StudyNet(system, a.config).to(device).to(memory_format=torch.channels_last)
    draws = torch.Generator(device).manual_seed(seed)  # the same crops for every system
    optimizer = Optimizer(network, record=not a.eager)

    def loss_of(degraded, clean):
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            restored = network(degraded)
        return charbonnier(restored.float(), clean) + network.auxiliary_loss()

    begin, seen, steps, total = time.time(), 0.0, 0, torch.zeros((), device=device)
    while seen < a.megapixels:
        with torch.no_grad():
            clean = source.crops(a.batch, a.crop, draws)
            degraded, clean = degradation.denoise(clean, draws)
            degraded = degraded.contiguous(memory_format=torch.channels_last)
        factor = rate_factor(seen / a.megapixels, 0.02)
        total += torch.nan_to_num(optimizer.step(loss_of, (degraded, clean), factor))
        seen += a.batch * a.crop**2 / 1e6
        steps += 1
    loss = total.item() / steps  # waits for the device
    seconds = time.time() - begin
    averaged = optimizer.averaged()

    def scores(name):
        restored = StudyNet(name, a.config).to(device).eval()
        restored.load_state_dict(averaged)
        return validation.scores(restored, device, device.type == "cuda")

    row = {
        "system": system,
        "seed": seed,
        "parameters": sum(p.numel() for p in network.parameters()),
        "megapixels": seen,
        "training_seconds": seconds,
        "loss": loss,
        "psnr": scores(system),
    }
    if system == "softmax":
        row["drop_in"] = {name: scores(name) for name in DROP_IN}
    row["finite"] = all(math.isfinite(v) for v in row["psnr"].values()) and math.isfinite(loss)
    return row, averaged


def mean_and_deviation(values):
    mean = sum(values) / len(values)
    if len(values) < 2:
        return f"{mean:.3f}"
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return f"{mean:.3f} ± {deviation:.3f}"


def table(rows, cost=None):
    """Markdown: mean ± standard deviation over seeds, best mean of the middle set first."""
    grouped = {}
    for row in rows:
        grouped.setdefault(row["system"], []).append((row["parameters"], row["psnr"]))
        for name, psnr in row.get("drop_in", {}).items():
            label = f"softmax, run as {name}"
            grouped.setdefault(label, []).append((row["parameters"], psnr))
    if not grouped:
        return ""
    sets = list(next(iter(grouped.values()))[0][1])
    middle = sets[len(sets) // 2]
    order = sorted(grouped, key=lambda s: -sum(p[middle] for _, p in grouped[s]) / len(grouped[s]))
    head = ["mixer", "seeds", "parameters", *sets, *(["K MAC/px", "s/MP"] if cost else [])]
    lines = [" | ".join(["", *head, ""]).strip(), "|" + "---|" * len(head)]
    for name in order:
        found = grouped[name]
        cells = [name, str(len(found)), f"{found[0][0]:,}"]
        cells += [mean_and_deviation([p[s] for _, p in found]) for s in sets]
        if cost:
            known = cost.get(name.split("run as ")[-1])
            cells += [f"{known[0] / 1e3:.1f}", f"{known[1]:.2f}"] if known else ["–", "–"]
        lines.append(" | ".join(["", *cells, ""]).strip())
    return "\n".join(lines) + "\n"


def read_rows(folder):
    rows = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".json"):
            with open(os.path.join(folder, name)) as file:
                row = json.load(file)
            if isinstance(row, dict) and "psnr" in row:
                rows.append(row)
    return rows


def write_json(path, value):
    with open(path + ".tmp", "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
    os.replace(path + ".tmp", path)


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", help="folder with tar shards")
    p.add_argument("--validation", help="CBSD68")
    p.add_argument("--out", required=True)
    p.add_argument("--megapixels", type=float, default=600, help="of crops that each run sees")
    p.add_argument("--seeds", default="1,2", help="joined by commas")
    p.add_argument("--systems", default=",".join(SYSTEMS), help="joined by commas")
    p.add_argument("--crop", type=int, default=128, help="a multiple of the window")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--limit", type=int, default=0, help="of validation pictures; 0: all")
    p.add_argument("--workers", type=int, default=16)
    p.add_argument("--minutes", type=float, default=math.inf, help="no run starts after that")
    p.add_argument("--config", type=json.loads, default={}, help="JSON, overrides CONFIG")
    p.add_argument("--eager", action="store_true", help="without CUDA graphs")
    p.add_argument("--cost", help="JSON of `pristine bench attention --system network --json`")
    p.add_argument("--table", action="store_true", help="only write the table anew")
    p.add_argument("--shapes", action="store_true",
                   help="only write OUT/attention_networks.json, which a C++ test compares with")
    a = p.parse_args(arguments)
    a.seeds = [int(s) for s in a.seeds.split(",")]
    a.systems = a.systems.split(",")
    unknown = [s for s in a.systems if s not in SYSTEMS]
    if unknown:
        p.error(f"no system '{unknown[0]}', there are {', '.join(SYSTEMS)}")
    if not (a.table or a.shapes) and not (a.data and a.validation):
        p.error("--data and --validation are needed")
    return a


def train_all(a):
    """Number of runs that failed."""
    begin = time.time()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    source = CropSource(a.data, device, a.workers, smallest=a.crop)
    validation = Validation("denoise", a.validation, limit=a.limit)
    print(f"{source.count} pictures, {time.time() - begin:.0f} s to load", flush=True)
    failed = 0
    # Seeds outside: a study cut short has whole rounds of systems.
    for seed in a.seeds:
        for system in a.systems:
            stem = os.path.join(a.out, f"{system}_{seed}")
            if os.path.exists(stem + ".json"):
                continue
            if time.time() - begin > 60 * a.minutes:
                print(f"{system}, seed {seed}: no time left", flush=True)
                continue
            try:
                row, weights = train_run(a, system, seed, source, validation, device)
            except Exception:  # the other systems' runs are worth having
                failed += 1
                print(f"{system}, seed {seed}: failed", flush=True)
                traceback.print_exc()
                continue
            info = {"megapixels": row["megapixels"], "system": system, "seed": seed}
            save(stem + ".pt", dict(CONFIG, **a.config, mixer=system), weights, info)
            write_json(stem + ".json", row)
            print(f"{time.time() - begin:6.0f} s  {system}, seed {seed}: "
                  f"{row['megapixels'] / row['training_seconds']:.1f} MP/s, loss "
                  f"{row['loss']:.5f}, {validation.describe(row['psnr'])}", flush=True)
            gc.collect()  # the recorded graph's memory
            if device.type == "cuda":
                torch.cuda.empty_cache()
    return failed


def main(arguments=None):
    a = parse_arguments(arguments)
    os.makedirs(a.out, exist_ok=True)
    if a.shapes:
        lines = ",\n".join(f'"{n}": {json.dumps(v)}' for n, v in shapes().items())
        with open(os.path.join(a.out, "attention_networks.json"), "w") as file:
            file.write("{" + lines + "}\n")
        return 0
    failed = 0 if a.table else train_all(a)
    cost = None
    if a.cost:
        with open(a.cost) as file:
            cost = costs_of(json.load(file))
    text = table(read_rows(a.out), cost)
    with open(os.path.join(a.out, "table.md"), "w") as file:
        file.write(text)
    print(text, end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
