"""PyTorch twins of the attention systems in vision_attention/attention, name by name.

Tokens are [batch, tokens, channels], maps [batch, height, width, channels]. What depends on sizes
alone is computed once, so that a training step can be recorded as a CUDA graph; choices (routing,
selection, matching) are made in the parameters' type, never in bf16. Run as a program it writes the
fixture that the C++ tests compare with:

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
    if q.is_cuda:  # streamed, no maps in memory; training has no row without keys
        k, v = k.to(q.dtype), v.to(q.dtype)
        bias = None if bias is None else bias.to(q.dtype)
        if q.dim() == 3:
            return attend(q[:, None], k[:, None], v[:, None], scale, bias)[:, 0]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    return torch.nan_to_num(torch.softmax(scores, dim=-1)) @ v


def exactly():
    """Where a choice is made: autocast would round its scores."""
    return torch.autocast("cuda" if torch.cuda.is_available() else "cpu", enabled=False)


class Constants(nn.Module):
    """Tensors that depend on sizes and device alone, computed at first use."""

    def __init__(self):
        super().__init__()
        self.constants_ = {}

    def constant(self, x, *key, make):
        """make(), a tensor or tuple of them, on the device of x."""
        key = (x.device, x.dtype, *key)
        if key not in self.constants_:
            made = make()
            made = (made,) if torch.is_tensor(made) else made
            self.constants_[key] = tuple(t.to(x.device) for t in made)
        found = self.constants_[key]
        return found[0] if len(found) == 1 else found


class Projections(Constants):
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


class PartialRope(Constants):
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
        """[n, heads or 1, pairs]"""
        t = torch.arange(n, dtype=torch.float64)
        i = torch.tensor(self.pairs, dtype=torch.float64)
        if self.positions == "sequence":
            return ((t + self.origin[0])[:, None] * self.base ** (-2 * i / self.d))[:, None]
        x, y = self.places(n)
        quarter = self.d // 4
        theta = self.base ** (-4 * (i % quarter) / self.d)
        return (torch.where(i < quarter, x[:, None], y[:, None]) * theta)[:, None]

    def places(self, n):
        t = torch.arange(n, dtype=torch.float64)
        y = torch.div(t, self.width, rounding_mode="floor")
        return t % self.width + self.origin[0], y + self.origin[1]

    def turns(self, x, n):
        """Cosines and sines [n, heads or 1, pairs], f32 at least."""
        dtype = torch.promote_types(x.dtype, torch.float32)
        if self.positions != "mixed":
            make = lambda: (self.angles(n).cos().to(dtype), self.angles(n).sin().to(dtype))
            return self.constant(x, "turns", n, make=make)
        column, row = self.constant(x, "places", n, make=lambda: self.places(n))
        f = self.frequencies[:, self.pairs].double()
        angles = column[:, None, None] * f[..., 0] + row[:, None, None] * f[..., 1]
        return angles.cos().to(dtype), angles.sin().to(dtype)

    def order(self):
        """Channels of a head: first of each turning pair, second, those at rest; and the inverse."""
        p = torch.tensor(self.pairs)
        half = self.pairing == "half_split"
        first, second = (p, p + self.d // 2) if half else (2 * p, 2 * p + 1)
        rest = torch.ones(self.d, dtype=torch.bool)
        rest[first] = rest[second] = False
        order = torch.cat([first, second, rest.nonzero()[:, 0]])
        return order, torch.argsort(order)

    def forward(self, x):
        b, n, c = x.shape
        if not self.pairs:
            return x
        cos, sin = self.turns(x, n)
        order, inverse = self.constant(x, "order", make=self.order)
        k = len(self.pairs)
        x = x.reshape(b, n, self.heads, self.d).index_select(-1, order)
        u, v, rest = x.split([k, k, self.d - 2 * k], dim=-1)
        turned = torch.cat([u * cos - v * sin, u * sin + v * cos, rest], dim=-1)
        return turned.index_select(-1, inverse).reshape(b, n, c).to(x.dtype)


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

    def same_tile(self, n):
        """[n, n]: 1 where two tokens of the grid share a tile."""
        t = torch.arange(n)
        across = -(-self.width // self.tile)
        tile = t // self.width // self.tile * across + t % self.width // self.tile
        return (tile[:, None] == tile[None, :]).to(self.router_routed.weight.dtype)

    def chosen(self, score):
        """Mask of the active routed heads, by token or by tile of the grid."""
        if self.width:
            n = score.shape[1]
            score = self.constant(score, n, make=lambda: self.same_tile(n)) @ score
        order = torch.sort(score, dim=-1, descending=True, stable=True).indices
        return torch.zeros_like(score).scatter(-1, order[..., : self.active], 1.0)

    def gates(self, x):
        with exactly():
            x = x.to(self.router_routed.weight.dtype)
            groups = self.router_group(x).softmax(-1)
            shared = self.router_shared(x).softmax(-1)
            probabilities = self.router_routed(x).softmax(-1)
            mask = self.chosen(probabilities)
            self.balance_loss = self.balance(probabilities, mask)
            routed = probabilities * mask
            if self.form == "code":
                groups, shared = 2 * groups, shared * self.shared
                routed = routed / routed.sum(-1, keepdim=True) * self.active
            return torch.cat([groups[..., :1] * shared, groups[..., 1:] * routed], dim=-1)

    @staticmethod
    def balance(probabilities, mask):
        """Mean probability times share of tokens, summed and scaled: `active` if balanced."""
        heads = probabilities.shape[-1]
        return (probabilities.mean((0, 1)) * mask.mean((0, 1))).sum() * heads

    def auxiliary_loss(self):
        return 0.01 * self.balance_loss

    def forward(self, x):
        q, k, v = (split_heads(f(x), self.heads) for f in (self.q, self.k, self.v))
        heads = attend(q, k, v) * self.gates(x).transpose(1, 2)[..., None].to(q.dtype)
        return self.projection(merge_heads(heads))


class ReuseAttention(Constants):
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

    @staticmethod
    def distances(h, w):
        """[h w, h w]: place of |dy|, |dx| in the flattened bias."""
        t = torch.arange(h * w)
        y, x = t // w, t % w
        return (y[:, None] - y).abs() * w + (x[:, None] - x).abs()

    def forward(self, x):
        b, h, w, c = x.shape
        x = x.permute(0, 3, 1, 2)
        q, k = self.qk(x).chunk(2, dim=1)
        q = self.local_q(q)
        chunks = x.chunk(len(self.local_v), dim=1)
        v = torch.cat([f(part) for f, part in zip(self.local_v, chunks)], dim=1)
        place = self.constant(x, h, w, make=lambda: self.distances(h, w))
        bias = self.bias.flatten()[place]
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

    def decisions(self, x, keep=None):
        """Log probabilities [b, n, 2] of keeping and of dropping; keep [b, n]: tokens that are
        still there."""
        u = F.gelu(self.embed(self.norm(x)))
        half = u.shape[-1] // 2
        weight = torch.ones_like(u[..., 0]) if keep is None else keep
        mean = (u[..., half:] * weight[..., None]).sum(1, keepdim=True)
        mean = mean / weight.sum(1)[:, None, None]
        u = torch.cat([u[..., :half], mean.expand(-1, u.shape[1], -1)], dim=-1)
        return self.decide(F.gelu(self.hidden1(F.gelu(self.hidden0(u))))).log_softmax(-1)

    def forward(self, x, keep=None):
        return self.decisions(x, keep)[..., 0]


class PrunedBlock(nn.Module):
    """Bypass: the best tokens go through the block, the others through a linear residual.

    In training no token is removed: a hard Gumbel sample says which are kept, dropped ones are
    hidden from the others' attention, and a loss draws their share to kept / n.
    """

    def __init__(self, channels, heads, kept):
        super().__init__()
        self.kept = kept
        self.predictor = TokenPredictor(channels)
        self.block = TransformerBlock(channels, heads)
        self.light = nn.Linear(channels, channels)

    def sample(self, x):
        """1 for kept tokens, else 0 [b, n], with the gradient of the soft decision."""
        with exactly():
            decisions = self.predictor.decisions(x.to(self.light.weight.dtype))
            noise = -torch.log(-torch.log(torch.rand_like(decisions).clamp(1e-9, 1 - 1e-7)))
            difference = (decisions + noise)[..., 0] - (decisions + noise)[..., 1]
            soft = torch.sigmoid(difference)
            return (difference > 0).to(soft.dtype) + soft - soft.detach()

    def masked_block(self, x, keep, eps=1e-6):
        """The block on all tokens; keys with keep 0 are seen by themselves alone."""
        attention = self.block.attention
        y = F.layer_norm(x, x.shape[-1:])
        q, k, v = (split_heads(f(y), attention.heads)
                   for f in (attention.q, attention.k, attention.v))
        scores = (q @ k.transpose(-1, -2)).to(keep.dtype) * q.shape[-1] ** -0.5
        own = torch.eye(x.shape[1], device=x.device, dtype=keep.dtype)
        visible = (keep[:, None, :] * (1 - own) + own)[:, None]
        weights = torch.exp(scores - scores.max(-1, keepdim=True).values.detach()) * visible
        weights = (weights + eps / x.shape[1]) / (weights.sum(-1, keepdim=True) + eps)
        x = x + attention.projection(merge_heads(weights.to(v.dtype) @ v))
        return x + self.block.reduce(F.gelu(self.block.expand(F.layer_norm(x, x.shape[-1:]))))

    def auxiliary_loss(self):
        return 2.0 * self.ratio_loss

    def forward(self, x):
        if self.training:
            keep = self.sample(x)
            self.ratio_loss = (keep.mean() - self.kept / x.shape[1]) ** 2
            keep, light = keep[..., None], x + self.light(x)
            return light + keep * (self.masked_block(x, keep[..., 0]) - light)
        with exactly():
            score = self.predictor(x.to(self.light.weight.dtype))
        order = torch.sort(score, dim=1, descending=True, stable=True).indices
        index = order[:, : self.kept].sort(1).values[..., None].expand(-1, -1, x.shape[-1])
        light = x + self.light(x)
        return light.scatter(1, index, self.block(x.gather(1, index)).to(light.dtype))


def match_tokens(metric, merged):
    """ToMe (2210.09461): the row of the merged tensor that holds each token; odd ones take up."""
    b, n, _ = metric.shape
    unit = metric / metric.norm(dim=-1, keepdim=True)
    best, target = (unit[:, ::2] @ unit[:, 1::2].transpose(1, 2)).max(-1)
    order = torch.sort(best, dim=-1, descending=True, stable=True).indices[:, :merged]
    gone = torch.zeros_like(metric[..., 0]).scatter(1, 2 * order, 1.0)
    rows = (1 - gone).cumsum(1).round().long() - 1
    taken_up = rows.gather(1, 2 * target.gather(1, order) + 1)
    return rows.scatter(1, 2 * order, taken_up)


class MergedAttention(MultiHeadAttention):
    """Merge, proportional attention, unmerge."""

    def __init__(self, channels, heads, merged):
        super().__init__(channels, heads)
        self.merged = merged

    def forward(self, x):
        with exactly():
            y = x.to(self.q.weight.dtype)
            rows = match_tokens(y, self.merged)
            b, n, c = y.shape
            index = rows[..., None].expand(-1, -1, c)
            size = y.new_zeros(b, n - self.merged)
            size = size.scatter_add(1, rows, torch.ones_like(y[..., 0]))
            sums = y.new_zeros(b, n - self.merged, c).scatter_add(1, index, y)
            means = sums / size[..., None]
        return super().forward(means, size.log()).gather(1, index)


class RmsNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        y = x.to(self.weight.dtype)
        return (y * torch.rsqrt((y * y).mean(-1, keepdim=True) + 1e-6) * self.weight).to(x.dtype)


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


class SparseAttention(Constants):
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

    def grid(self, h, w):
        """Windows to tiles [windows, tiles]; tokens to tiles [tiles, n]; bias [n, n] that hides what
        is not in a neighbouring tile; tile of each token [n]."""
        t = torch.arange(h * w)
        ty, tx = t // w // self.tile, t % w // self.tile
        tile = ty * -(-w // self.tile) + tx
        same = torch.arange(int(tile.max()) + 1)[:, None] == tile
        near = ((ty[:, None] - ty).abs() <= 1) & ((tx[:, None] - tx).abs() <= 1)
        dtype = self.q.weight.dtype
        hidden = torch.zeros(near.shape, dtype=dtype).masked_fill(~near, -math.inf)
        return self.overlap(h, w).T.to(dtype), same.to(dtype), hidden, tile

    def forward(self, x):
        b, h, w, c = x.shape
        x = x.reshape(b, h * w, c)
        overlap, same, far, tile = self.constant(x, h, w, make=lambda: self.grid(h, w))
        q = self.q(x)
        plain, turned = split_heads(q, self.heads), split_heads(self.turn_q(q), self.heads)
        kc = self.compress_k(self.k_compressed(x), h, w)[:, None]
        vc = self.compress_v(self.v_compressed(x), h, w)[:, None]
        weights = torch.softmax(plain @ kc.transpose(-1, -2) * plain.shape[-1] ** -0.5, dim=-1)
        with exactly(), torch.no_grad():
            # The mean importance of a tile's queries, over all heads, chooses the tile's blocks.
            importance = same @ (weights.to(same.dtype).sum(1) @ overlap)
            importance.diagonal(dim1=1, dim2=2).fill_(math.inf)
            order = torch.sort(importance, dim=-1, descending=True, stable=True).indices
            hidden = torch.full_like(importance, -math.inf)
            hidden = hidden.scatter(-1, order[..., : self.selected], 0.0)
            unselected = hidden[:, tile][:, :, tile][:, None]
        rotated = self.turn_k(self.k_selected(x)), self.turn_k(self.k_window(x))
        branches = [
            weights.to(vc.dtype) @ vc,
            self.shared(turned, rotated[0], self.v_selected(x), unselected),
            self.shared(turned, rotated[1], self.v_window(x), far),
        ]
        gates = torch.sigmoid(self.gate(x)).reshape(b, h * w, 3, self.heads).permute(2, 0, 3, 1)
        out = sum(g[..., None] * o for g, o in zip(gates, branches))
        return self.projection(merge_heads(out)).reshape(b, h, w, c)

    def shared(self, q, k, v, bias):
        """All heads of q to one head of keys and values."""
        k, v = (t[:, None].expand(-1, self.heads, -1, -1) for t in (k, v))
        return attend(q, k, v, bias=bias)


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
        module, x = module.float().double().eval(), x.float().double()
        for name, value in module.state_dict().items():
            tensors[f"{case}.weights.{name}"] = value.float().numpy()
        tensors[f"{case}.input"] = x.float().numpy()
        with torch.no_grad():
            tensors[f"{case}.output"] = module(x).float().numpy()
    write_safetensors(a.output, tensors, {"source": "data/training/attention.py"})
    print(f"{a.output}: {len(tensors)} tensors, {sum(t.nbytes for t in tensors.values())} bytes")


if __name__ == "__main__":
    main()
