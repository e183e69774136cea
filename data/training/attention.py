"""PyTorch twins of the attention systems in vision_attention/attention, name by name.

Tokens are [batch, tokens, channels], maps [batch, height, width, channels]. Run as a program it
writes the fixture that the C++ tests compare with:

    python3 data/training/attention.py tests/data/attention.safetensors
"""

import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn


def split_heads(x, heads):
    """[b, n, heads * d] -> [b, heads, n, d]."""
    b, n, c = x.shape
    return x.reshape(b, n, heads, c // heads).transpose(1, 2)


def merge_heads(x):
    b, heads, n, d = x.shape
    return x.transpose(1, 2).reshape(b, n, heads * d)


def attend(q, k, v, scale=None, bias=None):
    """Softmax attention on [..., n, d]; -inf in bias hides a key, a row without keys gives 0."""
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    return torch.nan_to_num(torch.softmax(scores, dim=-1)) @ v


class Projections(nn.Module):
    """Linear layers q, k, v and projection of a layer."""

    def __init__(self, channels):
        super().__init__()
        for name in ("q", "k", "v", "projection"):
            self.add_module(name, nn.Linear(channels, channels))


class MultiHeadAttention(Projections):
    def __init__(self, channels, heads):
        super().__init__(channels)
        self.heads = heads

    def forward(self, x, key_bias=None):
        q, k, v = (split_heads(f(x), self.heads) for f in (self.q, self.k, self.v))
        bias = None if key_bias is None else key_bias[:, None, None, :]
        return self.projection(merge_heads(attend(q, k, v, bias=bias)))


class TransformerBlock(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.attention = MultiHeadAttention(channels, heads)
        self.expand = nn.Linear(channels, 4 * channels)
        self.reduce = nn.Linear(4 * channels, channels)

    def forward(self, x):
        x = x + self.attention(F.layer_norm(x, x.shape[-1:]))
        return x + self.reduce(F.gelu(self.expand(F.layer_norm(x, x.shape[-1:]))))


def rope_pairs(d, rotated, selection, axial):
    groups = 2 if axial else 1
    total, taken = d // 2 // groups, rotated // 2 // groups
    pairs = {
        "high": range(taken),
        "low": range(total - taken, total),
        "uniform": [i * total // max(taken, 1) for i in range(taken)],
    }[selection]
    return [g * total + p for g in range(groups) for p in pairs]


class PartialRope(nn.Module):
    """Rotary position on some channels of a head (2104.09864, 2403.13298, 2502.14837)."""

    def __init__(self, heads, d, rotated, pairing="interleaved", positions="axial",
                 selection="high", base=None, width=0, origin=(0, 0)):
        super().__init__()
        self.heads, self.d, self.pairing, self.positions = heads, d, pairing, positions
        self.base = base or (10000.0 if positions == "sequence" else 100.0)
        self.width, self.origin = width, origin
        self.pairs = rope_pairs(d, rotated, selection, positions == "axial")
        if positions == "mixed":
            self.frequencies = nn.Parameter(torch.randn(heads, d // 2, 2))

    def angles(self, n):
        """[n, heads, pairs]"""
        t = torch.arange(n, dtype=torch.float64)
        i = torch.tensor(self.pairs, dtype=torch.float64)
        if self.positions == "sequence":
            angles = (t + self.origin[0])[:, None] * self.base ** (-2 * i / self.d)
            return angles[:, None].expand(n, self.heads, -1)
        x = t % self.width + self.origin[0]
        y = torch.div(t, self.width, rounding_mode="floor") + self.origin[1]
        if self.positions == "mixed":
            f = self.frequencies[:, self.pairs].double()
            return x[:, None, None] * f[..., 0] + y[:, None, None] * f[..., 1]
        quarter = self.d // 4
        theta = self.base ** (-4 * (i % quarter) / self.d)
        angles = torch.where(i < quarter, x[:, None], y[:, None]) * theta
        return angles[:, None].expand(n, self.heads, -1)

    def forward(self, x):
        b, n, c = x.shape
        if not self.pairs:
            return x
        angles = self.angles(n)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        x = x.reshape(b, n, self.heads, self.d).clone()
        p = torch.tensor(self.pairs)
        half = self.pairing == "half_split"
        first, second = (p, p + self.d // 2) if half else (2 * p, 2 * p + 1)
        u, v = x[..., first], x[..., second]
        x[..., first], x[..., second] = u * cos - v * sin, u * sin + v * cos
        return x.reshape(b, n, c)


class PerHead(nn.Module):
    """A d x d matrix for every head of [b, heads, n, d]."""

    def __init__(self, channels, d):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, d) / math.sqrt(d))

    def forward(self, x):
        weight = self.weight.reshape(x.shape[1], -1, self.weight.shape[1])
        return torch.einsum("bhni,hoi->bhno", x, weight)


class GeneralizedProbabilisticAttention(Projections):
    """daGPAM (2410.15578): (1 + plus) softmax - minus softmax of a second query."""

    def __init__(self, channels, heads, negative_query="relu_linear", tied=True, largest=1.0):
        super().__init__(channels)
        self.heads, self.form, self.tied, self.largest = heads, negative_query, tied, largest
        d = channels // heads
        self.negative = PerHead(channels, d)
        if negative_query == "linear_relu_linear":
            self.negative0 = PerHead(channels, d)
        for name in ("lambda",) if tied else ("lambda_plus", "lambda_minus"):
            self.register_parameter(name, nn.Parameter(torch.full((heads,), -4.0)))

    def forward(self, x):
        q, k, v = (split_heads(f(x), self.heads) for f in (self.q, self.k, self.v))
        negative = q
        if self.form == "linear_relu_linear":
            negative = self.negative0(negative)
        if self.form != "linear":
            negative = F.relu(negative)
        negative = self.negative(negative)
        names = ("lambda", "lambda") if self.tied else ("lambda_plus", "lambda_minus")
        plus, minus = (self.largest * torch.sigmoid(getattr(self, n))[:, None, None] for n in names)
        mixed = (1 + plus) * attend(q, k, v) - minus * attend(negative, k, v)
        return self.projection(merge_heads(mixed))


class MixtureOfHeads(Projections):
    """MoH (2410.11842): routed heads with gates, form of the paper or of its code."""

    def __init__(self, channels, heads, shared, active, form="code", width=0, tile=8):
        super().__init__(channels)
        self.heads, self.shared, self.active, self.form = heads, shared, active, form
        self.width, self.tile = width, tile
        self.router_group = nn.Linear(channels, 2, bias=False)
        self.router_shared = nn.Linear(channels, shared, bias=False)
        self.router_routed = nn.Linear(channels, heads - shared, bias=False)

    def chosen(self, probabilities):
        """Mask of the active routed heads, by token or by tile of the grid."""
        score = probabilities
        if self.width:
            n = score.shape[1]
            t = torch.arange(n)
            across = -(-self.width // self.tile)
            tile = t // self.width // self.tile * across + t % self.width // self.tile
            same = (tile[:, None] == tile[None, :]).to(score.dtype)
            score = same @ score
        order = torch.sort(score, dim=-1, descending=True, stable=True).indices
        return torch.zeros_like(score).scatter(-1, order[..., : self.active], 1.0)

    def gates(self, x):
        groups = self.router_group(x).softmax(-1)
        shared = self.router_shared(x).softmax(-1)
        routed = self.router_routed(x).softmax(-1)
        routed = routed * self.chosen(routed)
        if self.form == "code":
            groups, shared = 2 * groups, shared * self.shared
            routed = routed / routed.sum(-1, keepdim=True) * self.active
        return torch.cat([groups[..., :1] * shared, groups[..., 1:] * routed], dim=-1)

    def balance_loss(self, x):
        """Mean probability times share of tokens, summed and scaled: `active` if balanced."""
        p = self.router_routed(x).softmax(-1)
        return (p.mean((0, 1)) * self.chosen(p).mean((0, 1))).sum() * p.shape[-1]

    def forward(self, x):
        q, k, v = (split_heads(f(x), self.heads) for f in (self.q, self.k, self.v))
        heads = attend(q, k, v) * self.gates(x).transpose(1, 2)[..., None]
        return self.projection(merge_heads(heads))


class ReuseAttention(nn.Module):
    """UniForm (2412.02344): one map for all heads; batch normalisations folded."""

    def __init__(self, channels, height, width, kernels=(1, 3, 5, 7), query_kernel=7):
        super().__init__()
        c, d, quarter = channels, channels // len(kernels), channels // 4
        self.qk = nn.Conv2d(c, c // 2, 1)
        self.local_q = nn.Conv2d(quarter, quarter, query_kernel, padding=query_kernel // 2,
                                 groups=quarter)
        self.local_v = nn.ModuleList(nn.Conv2d(d, d, k, padding=k // 2, groups=d) for k in kernels)
        self.projection = nn.Conv2d(c, c, 1)
        self.bias = nn.Parameter(torch.randn(height, width))

    def forward(self, x):
        b, h, w, c = x.shape
        x = x.permute(0, 3, 1, 2)
        q, k = self.qk(x).chunk(2, dim=1)
        q = self.local_q(q)
        chunks = x.chunk(len(self.local_v), dim=1)
        v = torch.cat([f(part) for f, part in zip(self.local_v, chunks)], dim=1)
        y, z = torch.arange(h * w) // w, torch.arange(h * w) % w
        bias = self.bias[(y[:, None] - y).abs(), (z[:, None] - z).abs()]
        q, k, v = (t.flatten(2).transpose(1, 2) for t in (q, k, v))
        out = F.relu(attend(q, k, v, bias=bias)).transpose(1, 2).reshape(b, c, h, w)
        return self.projection(out).permute(0, 2, 3, 1)


class AgentTrainingFree(Projections):
    """AgentSD (2312.08874) on maps, agents pooled from the queries."""

    def __init__(self, channels, heads, side, power=0.3, shortcut=0.075):
        super().__init__(channels)
        self.heads, self.side, self.power, self.shortcut = heads, side, power, shortcut

    def forward(self, x):
        b, h, w, c = x.shape
        x = x.reshape(b, h * w, c)
        q, k, v = (f(x) for f in (self.q, self.k, self.v))
        pooled = F.adaptive_avg_pool2d(q.transpose(1, 2).reshape(b, c, h, w), self.side)
        agents = split_heads(pooled.flatten(2).transpose(1, 2), self.heads)
        q, k, v = (split_heads(t, self.heads) for t in (q, k, v))
        collected = attend(agents, k, v)
        out = attend(q, agents, collected, scale=q.shape[-1] ** (-0.5 * self.power))
        return self.projection(merge_heads(out + self.shortcut * v)).reshape(b, h, w, c)


class TokenPredictor(nn.Module):
    """DynamicViT's predictor (2106.02034): log probability of keeping each token."""

    def __init__(self, channels):
        super().__init__()
        c = channels
        self.norm = nn.LayerNorm(c)
        self.embed = nn.Linear(c, c)
        self.hidden0 = nn.Linear(c, c // 2)
        self.hidden1 = nn.Linear(c // 2, c // 4)
        self.decide = nn.Linear(c // 4, 2)

    def forward(self, x, keep=None):
        """keep [b, n]: tokens that are still there."""
        u = F.gelu(self.embed(self.norm(x)))
        half = u.shape[-1] // 2
        weight = torch.ones(x.shape[:2], dtype=x.dtype) if keep is None else keep
        mean = (u[..., half:] * weight[..., None]).sum(1, keepdim=True)
        mean = mean / weight.sum(1)[:, None, None]
        u = torch.cat([u[..., :half], mean.expand(-1, u.shape[1], -1)], dim=-1)
        u = self.decide(F.gelu(self.hidden1(F.gelu(self.hidden0(u)))))
        return u.log_softmax(-1)[..., 0]


class PrunedBlock(nn.Module):
    """Bypass: the best tokens go through the block, the others through a linear residual."""

    def __init__(self, channels, heads, kept):
        super().__init__()
        self.kept = kept
        self.predictor = TokenPredictor(channels)
        self.block = TransformerBlock(channels, heads)
        self.light = nn.Linear(channels, channels)

    def forward(self, x):
        order = torch.sort(self.predictor(x), dim=1, descending=True, stable=True).indices
        index = order[:, : self.kept].sort(1).values[..., None].expand(-1, -1, x.shape[-1])
        return (x + self.light(x)).scatter(1, index, self.block(x.gather(1, index)))


def match_tokens(metric, merged):
    """ToMe (2210.09461): the row of the merged tensor that holds each token; odd ones take up."""
    b, n, _ = metric.shape
    unit = metric / metric.norm(dim=-1, keepdim=True)
    best, target = (unit[:, ::2] @ unit[:, 1::2].transpose(1, 2)).max(-1)
    rows = torch.zeros(b, n, dtype=torch.long)
    for i in range(b):
        order = torch.sort(best[i], descending=True, stable=True).indices[:merged]
        gone = torch.zeros(n, dtype=torch.bool)
        gone[2 * order] = True
        rows[i] = torch.cumsum((~gone).long(), 0) - 1
        rows[i, 2 * order] = rows[i, 2 * target[i, order] + 1]
    return rows


class MergedAttention(MultiHeadAttention):
    """Merge, proportional attention, unmerge."""

    def __init__(self, channels, heads, merged):
        super().__init__(channels, heads)
        self.merged = merged

    def forward(self, x):
        rows = match_tokens(x, self.merged)
        b, n, c = x.shape
        index = rows[..., None].expand(-1, -1, c)
        size = torch.zeros(b, n - self.merged, dtype=x.dtype)
        size = size.scatter_add(1, rows, torch.ones_like(rows, dtype=x.dtype))
        sums = torch.zeros(b, n - self.merged, c, dtype=x.dtype).scatter_add(1, index, x)
        return super().forward(sums / size[..., None], size.log()).gather(1, index)


class RmsNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.weight


class LatentAttention(nn.Module):
    """MLA (2405.04434), naive evaluation, not causal, positions on a grid."""

    def __init__(self, channels, heads, size, value_size, latent, query_latent, rope, width):
        super().__init__()
        self.heads, self.size, self.rope, self.latent = heads, size, rope, latent
        linear = lambda i, o: nn.Linear(i, o, bias=False)
        self.kv_down, self.kv_norm = linear(channels, latent), RmsNorm(latent)
        self.q_down, self.q_norm = linear(channels, query_latent), RmsNorm(query_latent)
        self.q_up = linear(query_latent, heads * size)
        self.q_rope = linear(query_latent, heads * rope)
        self.k_rope = linear(channels, rope)
        self.key_up = linear(latent, heads * size)
        self.value_up = linear(latent, heads * value_size)
        self.projection = linear(heads * value_size, channels)
        self.turn_q = PartialRope(heads, rope, rope, width=width)
        self.turn_k = PartialRope(1, rope, rope, width=width)

    def bank(self, x):
        return torch.cat([self.kv_norm(self.kv_down(x)), self.turn_k(self.k_rope(x))], dim=-1)

    def forward(self, x):
        latent, position = self.bank(x).split([self.latent, self.rope], dim=-1)
        from_ = self.q_norm(self.q_down(x))
        q = torch.cat([split_heads(self.q_up(from_), self.heads),
                       split_heads(self.turn_q(self.q_rope(from_)), self.heads)], dim=-1)
        k = torch.cat([split_heads(self.key_up(latent), self.heads),
                       position[:, None].expand(-1, self.heads, -1, -1)], dim=-1)
        v = split_heads(self.value_up(latent), self.heads)
        return self.projection(merge_heads(attend(q, k, v)))


class Compress(nn.Module):
    """Learned compression of windows of tokens to one key or value."""

    def __init__(self, d, window, stride):
        super().__init__()
        self.window, self.stride = window, stride
        length = window[0] * window[1]
        self.position = nn.Parameter(0.5 * torch.randn(length, d))
        self.hidden = nn.Linear(length * d, 2 * d)
        self.out = nn.Linear(2 * d, d)

    def forward(self, x, height, width):
        b, n, d = x.shape
        x = x.transpose(1, 2).reshape(b, d, height, width)
        x = x.unfold(2, self.window[0], self.stride[0]).unfold(3, self.window[1], self.stride[1])
        x = x.permute(0, 2, 3, 4, 5, 1).reshape(b, -1, self.position.shape[0], d) + self.position
        return self.out(F.gelu(self.hidden(x.flatten(2))))


class SparseAttention(nn.Module):
    """NSA (2502.11089) on maps, not causal: heads share one key head, a tile selects together."""

    def __init__(self, channels, heads, window, stride, tile, selected, rotated, width):
        super().__init__()
        c, d = channels, channels // heads
        self.heads, self.window, self.stride = heads, window, stride
        self.tile, self.selected = tile, selected
        self.q = nn.Linear(c, c)
        for name in ("k_compressed", "v_compressed", "k_selected", "v_selected", "k_window",
                     "v_window"):
            self.add_module(name, nn.Linear(c, d))
        self.gate = nn.Linear(c, 3 * heads)
        self.projection = nn.Linear(c, c)
        self.compress_k, self.compress_v = Compress(d, window, stride), Compress(d, window, stride)
        self.turn_q = PartialRope(heads, d, rotated, width=width)
        self.turn_k = PartialRope(1, d, rotated, width=width)

    def overlap(self, h, w):
        """[tiles, windows]: common tokens over the stride's area."""
        across = -(-w // self.tile)
        down = -(-h // self.tile)
        rows = (h - self.window[0]) // self.stride[0] + 1
        columns = (w - self.window[1]) // self.stride[1] + 1
        table = torch.zeros(down * across, rows * columns)
        for i in range(rows * columns):
            for y in range(self.window[0]):
                for x in range(self.window[1]):
                    ty = (i // columns * self.stride[0] + y) // self.tile
                    tx = (i % columns * self.stride[1] + x) // self.tile
                    table[ty * across + tx, i] += 1 / (self.stride[0] * self.stride[1])
        return table

    def forward(self, x):
        b, h, w, c = x.shape
        x = x.reshape(b, h * w, c)
        t = torch.arange(h * w)
        across = -(-w // self.tile)
        ty, tx = t // w // self.tile, t % w // self.tile
        tile = ty * across + tx
        q = self.q(x)
        plain, turned = split_heads(q, self.heads), split_heads(self.turn_q(q), self.heads)
        kc = self.compress_k(self.k_compressed(x), h, w)[:, None]
        vc = self.compress_v(self.v_compressed(x), h, w)[:, None]
        weights = torch.softmax(plain @ kc.transpose(-1, -2) * plain.shape[-1] ** -0.5, dim=-1)
        # The mean importance of a tile's queries, over all heads, chooses the tile's blocks.
        importance = weights.sum(1) @ self.overlap(h, w).T.to(x.dtype)
        same = (torch.arange(int(tile.max()) + 1)[:, None] == tile).to(x.dtype)
        importance = same @ importance
        importance.diagonal(dim1=1, dim2=2).fill_(math.inf)
        order = torch.sort(importance, dim=-1, descending=True, stable=True).indices
        mask = torch.zeros_like(importance).scatter(-1, order[..., : self.selected], 1.0)
        selected = mask[:, tile][:, :, tile]
        near = ((ty[:, None] - ty).abs() <= 1) & ((tx[:, None] - tx).abs() <= 1)
        hide = lambda m: torch.where(m > 0, 0.0, -math.inf)
        branches = [
            weights @ vc,
            attend(turned, self.turn_k(self.k_selected(x))[:, None], self.v_selected(x)[:, None],
                   bias=hide(selected)[:, None]),
            attend(turned, self.turn_k(self.k_window(x))[:, None], self.v_window(x)[:, None],
                   bias=hide(near.float())),
        ]
        gates = torch.sigmoid(self.gate(x)).reshape(b, h * w, 3, self.heads).permute(2, 0, 3, 1)
        out = sum(g[..., None] * o for g, o in zip(gates, branches))
        return self.projection(merge_heads(out)).reshape(b, h, w, c)


def cases():
    """name -> (module, input): small, seeded, of awkward sizes."""
    tokens = lambda *shape: torch.randn(*shape)
    c = 16
    return {
        "multi_head": (MultiHeadAttention(c, 4), tokens(2, 29, c)),
        "block": (TransformerBlock(c, 2), tokens(1, 21, c)),
        "rope_sequence": (PartialRope(2, 8, 4, "half_split", "sequence", "low"), tokens(1, 13, c)),
        "rope_axial": (PartialRope(2, 8, 8, width=5, origin=(3, 2)), tokens(1, 15, c)),
        "rope_mixed": (PartialRope(2, 8, 4, positions="mixed", selection="uniform", width=5),
                       tokens(1, 15, c)),
        "generalized": (GeneralizedProbabilisticAttention(c, 4), tokens(1, 31, c)),
        "generalized_untied": (
            GeneralizedProbabilisticAttention(c, 2, "linear_relu_linear", tied=False, largest=0.5),
            tokens(1, 31, c)),
        "mixture_code": (MixtureOfHeads(c, 8, 3, 2), tokens(2, 27, c)),
        "mixture_paper": (MixtureOfHeads(c, 8, 2, 3, "paper"), tokens(1, 27, c)),
        "mixture_tiles": (MixtureOfHeads(c, 8, 2, 3, width=7, tile=4), tokens(1, 42, c)),
        "reuse": (ReuseAttention(c, 5, 7), tokens(2, 5, 7, c)),
        "agent_training_free": (AgentTrainingFree(c, 4, 3), tokens(2, 6, 7, c)),
        "predictor": (TokenPredictor(c), tokens(2, 23, c)),
        "pruned": (PrunedBlock(c, 2, 11), tokens(2, 23, c)),
        "merged": (MergedAttention(c, 4, 9), tokens(2, 25, c)),
        "latent": (LatentAttention(c, 3, 4, 5, 10, 6, 4, width=6), tokens(2, 24, c)),
        "sparse": (SparseAttention(c, 4, (4, 2), (2, 2), 4, 2, 0, width=10),
                   tokens(2, 7, 10, c)),
        "sparse_rope": (SparseAttention(c, 2, (4, 4), (2, 4), 4, 3, 4, width=9),
                        tokens(1, 10, 9, c)),
    }


def randomize(module):
    """Gains, biases and scalars away from the values that hide an error."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            if name.startswith("lambda"):
                p.normal_()
            elif p.dim() == 1:
                p.add_(0.3 * torch.randn_like(p))
            elif name.startswith("router"):
                p.normal_()


def main():
    from export import write_safetensors

    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("output")
    a = p.parse_args()
    torch.manual_seed(7)
    tensors = {}
    for case, (module, x) in cases().items():
        randomize(module)
        # The definition in f64: what is left of the difference is the library's.
        module, x = module.float().double(), x.float().double()
        for name, value in module.state_dict().items():
            tensors[f"{case}.weights.{name}"] = value.float().numpy()
        tensors[f"{case}.input"] = x.float().numpy()
        with torch.no_grad():
            tensors[f"{case}.output"] = module(x).float().numpy()
    write_safetensors(a.output, tensors, {"source": "data/training/attention.py"})
    print(f"{a.output}: {len(tensors)} tensors, {sum(t.nbytes for t in tensors.values())} bytes")


if __name__ == "__main__":
    main()
