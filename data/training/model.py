"""RestorationNet: the definition that vision_attention/network.cpp mirrors name by name.

Maps are [batch, channels, height, width]; a window is a square of a map that every pooling and
sorting operator stays in, so that results do not depend on how a picture is cut into tiles.
"""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

DEFAULT_CONFIG = {
    "type": "restoration_net",
    "image_channels": 3,
    "channels": [32, 64, 128, 192],
    "encoder": [["pair", "pair"], ["pair", "pair"], ["pair", "se_cbam"]],
    "middle": ["se_cbam", "histogram", "agent", "pair"],
    "decoder": [["pair", "pair", "pair"], ["pair", "pair"], ["pair", "pair"]],
    "window": 128,
    "heads": 8,
    "bins": 8,
    "agents": 8,
    "dynamic_range": True,
    "scale": 1,
}


def to_windows(x, side):
    """[b, c, h, w] -> [b * windows, c, side, side], windows row-major."""
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // side, side, w // side, side)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(-1, c, side, side)


def from_windows(x, b, h, w):
    """Inverse of to_windows."""
    _, c, side, _ = x.shape
    x = x.reshape(b, h // side, w // side, c, side, side)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(b, c, h, w)


def layer_norm(x):
    """Normalises over the channels of a map, no gain or offset, biased variance (1607.06450)."""
    dtype = x.dtype
    x = x.float()
    mean = x.mean(dim=1, keepdim=True)
    centred = x - mean
    variance = (centred * centred).mean(dim=1, keepdim=True)
    return (centred * torch.rsqrt(variance + 1e-5)).to(dtype)


def softmax_plus_one(x):
    """exp(x_i) / (1 + sum_j exp(x_j)) over the last axis."""
    top = x.max(dim=-1, keepdim=True).values.clamp(min=0).detach()
    e = torch.exp(x - top)
    return e / (torch.exp(-top) + e.sum(dim=-1, keepdim=True))


class ConvPair(nn.Module):
    """Two dense 3x3 convolutions on a residual branch with a learned scale per channel."""

    def __init__(self, channels):
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def branch(self, x):
        return self.conv1(F.relu(self.conv0(x)))

    def forward(self, x):
        return x + self.branch(x) * self.scale.to(x.dtype).view(1, -1, 1, 1)


class SeCbamFusion(nn.Module):
    """SE channel gate (CVPR 2018) per window, then CBAM's 7x7 spatial gate (ECCV 2018)."""

    def __init__(self, channels, window):
        super().__init__()
        hidden = max(4, channels // 16)
        self.window = window
        self.reduce = nn.Linear(channels, hidden)
        self.expand = nn.Linear(hidden, channels)
        self.spatial = nn.Conv2d(2, 1, 7)
        nn.init.constant_(self.expand.bias, 2.0)
        nn.init.constant_(self.spatial.bias, 2.0)

    def forward(self, y):
        b, c, h, w = y.shape
        side = self.window
        pooled = y.float().reshape(b, c, h // side, side, w // side, side).mean(dim=(3, 5))
        gate = pooled.permute(0, 2, 3, 1)
        gate = torch.sigmoid(self.expand(F.relu(self.reduce(gate)))).permute(0, 3, 1, 2)
        gate = gate.reshape(b, c, h // side, 1, w // side, 1).to(y.dtype)
        y = (y.reshape(b, c, h // side, side, w // side, side) * gate).reshape(b, c, h, w)
        statistics = torch.cat([y.max(dim=1, keepdim=True).values, y.mean(dim=1, keepdim=True)], 1)
        statistics = F.pad(statistics, (3, 3, 3, 3), mode="reflect")
        return y * torch.sigmoid(self.spatial(statistics))


class SeCbamPair(ConvPair):
    def __init__(self, channels, window):
        super().__init__(channels)
        self.fusion = SeCbamFusion(channels, window)

    def forward(self, x):
        return x + self.fusion(self.branch(x)) * self.scale.to(x.dtype).view(1, -1, 1, 1)


class FeedForward(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.expand = nn.Linear(channels, 2 * channels)
        self.reduce = nn.Linear(2 * channels, channels)

    def forward(self, x):
        return self.reduce(F.gelu(self.expand(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


class AgentAttention(nn.Module):
    """Agent attention (arXiv 2312.08874, variant 1) on windows [b, c, side, side]."""

    def __init__(self, channels, heads, agents, side):
        super().__init__()
        self.heads, self.agents, self.side = heads, agents, side
        n = agents * agents
        self.q = nn.Linear(channels, channels)
        self.k = nn.Linear(channels, channels)
        self.v = nn.Linear(channels, channels)
        self.local = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.projection = nn.Linear(channels, channels)
        for name, shape in (
            ("agent_bias", (heads, n, 7, 7)),
            ("agent_row", (heads, n, side)),
            ("agent_column", (heads, n, side)),
            ("query_bias", (heads, n, 7, 7)),
            ("query_row", (heads, side, n)),
            ("query_column", (heads, side, n)),
        ):
            self.register_parameter(
                name, nn.Parameter(nn.init.trunc_normal_(torch.empty(shape), std=0.02))
            )

    def biases(self):
        """B1 [heads, agents, tokens] and B2 [heads, tokens, agents]."""
        side, tokens = self.side, self.side * self.side
        size = (side, side)
        b1 = F.interpolate(self.agent_bias, size=size, mode="bilinear", align_corners=False)
        b1 = b1 + self.agent_row[:, :, :, None] + self.agent_column[:, :, None, :]
        b2 = F.interpolate(self.query_bias, size=size, mode="bilinear", align_corners=False)
        b2 = b2.permute(0, 2, 3, 1) + self.query_row[:, :, None, :] + self.query_column[:, None]
        return b1.reshape(self.heads, -1, tokens), b2.reshape(self.heads, tokens, -1)

    def forward(self, x):
        b, c, side, _ = x.shape
        tokens = x.permute(0, 2, 3, 1).reshape(b, side * side, c)
        q, k, v = self.q(tokens), self.k(tokens), self.v(tokens)
        image = q.transpose(1, 2).reshape(b, c, side, side)
        a = F.adaptive_avg_pool2d(image, self.agents).flatten(2).transpose(1, 2)

        def split(t):
            return t.reshape(b, -1, self.heads, c // self.heads).transpose(1, 2)

        scale = (c // self.heads) ** -0.5
        b1, b2 = self.biases()
        qh, kh, vh, ah = split(q), split(k), split(v), split(a)
        gathered = torch.softmax((ah @ kh.transpose(-1, -2)).float() * scale + b1, -1).to(vh.dtype)
        gathered = gathered @ vh
        out = torch.softmax((qh @ ah.transpose(-1, -2)).float() * scale + b2, -1).to(vh.dtype)
        out = (out @ gathered).transpose(1, 2).reshape(b, side * side, c)
        local = self.local(v.transpose(1, 2).reshape(b, c, side, side))
        out = self.projection(out + local.flatten(2).transpose(1, 2))
        return out.transpose(1, 2).reshape(b, c, side, side)


class AgentBlock(nn.Module):
    def __init__(self, channels, heads, agents, window):
        super().__init__()
        self.window = window
        self.attention = AgentAttention(channels, heads, agents, window)
        self.feed_forward = FeedForward(channels)

    def forward(self, x):
        b, _, h, w = x.shape
        x = x + from_windows(self.attention(to_windows(layer_norm(x), self.window)), b, h, w)
        return x + self.feed_forward(layer_norm(x))


def dynamic_range_sort(x):
    """Sorts a map along its height, then its width, each channel on its own (arXiv 2407.10172).

    Returns the sorted map and both index tensors.
    """
    x, rows = torch.sort(x, dim=-2, stable=True)
    x, columns = torch.sort(x, dim=-1, stable=True)
    return x, rows, columns


def dynamic_range_unsort(x, rows, columns):
    """Puts the values of x where dynamic_range_sort took its input's from."""
    x = torch.zeros_like(x).scatter(-1, columns, x)
    return torch.zeros_like(x).scatter(-2, rows, x)


class HistogramAttention(nn.Module):
    """Dynamic-range histogram self-attention, DHSA (arXiv 2407.10172), on windows."""

    def __init__(self, channels, heads, bins, dynamic_range):
        super().__init__()
        self.heads, self.bins, self.dynamic_range = heads, bins, dynamic_range
        self.qkv = nn.Conv2d(channels, 5 * channels, 1, bias=False)
        self.qkv_depthwise = nn.Conv2d(
            5 * channels, 5 * channels, 3, padding=1, groups=5 * channels, bias=False
        )
        self.projection = nn.Conv2d(channels, channels, 1, bias=False)
        self.temperature = nn.Parameter(torch.ones(heads))

    def tokens(self, x, frequency):
        """[b, c, n] sorted values -> [b, heads, (c / heads) * bins, n / bins]."""
        b, c, n = x.shape
        if frequency:
            x = x.reshape(b, c, n // self.bins, self.bins).transpose(2, 3)
        return x.reshape(b, self.heads, c // self.heads * self.bins, n // self.bins)

    def untokens(self, x, frequency):
        b, _, _, length = x.shape
        c = x.shape[1] * x.shape[2] // self.bins
        x = x.reshape(b, c, self.bins, length)
        if frequency:
            x = x.transpose(2, 3)
        return x.reshape(b, c, self.bins * length)

    def attend(self, q, k, v, frequency):
        q, k, v = (self.tokens(t, frequency) for t in (q, k, v))
        q = q * torch.rsqrt((q * q).sum(-1, keepdim=True) + 1e-12)
        k = k * torch.rsqrt((k * k).sum(-1, keepdim=True) + 1e-12)
        scores = (q @ k.transpose(-1, -2)).float() * self.temperature.view(1, -1, 1, 1)
        return self.untokens((softmax_plus_one(scores).to(v.dtype) @ v).float(), frequency)

    def core(self, q1, k1, q2, k2, v):
        """[b, c, n] each; sorts by v, attends in both branches, multiplies, puts back."""
        n = v.shape[-1]
        v, order = torch.sort(v.float(), dim=-1, stable=True)
        q1, k1, q2, k2 = (torch.gather(t.float(), -1, order) for t in (q1, k1, q2, k2))
        pad = -n % self.bins
        if pad:
            q1, k1, q2, k2, v = (F.pad(t, (0, pad)) for t in (q1, k1, q2, k2, v))
        out = self.attend(q1, k1, v, False)[..., :n] * self.attend(q2, k2, v, True)[..., :n]
        return torch.zeros_like(out).scatter(-1, order, out)

    def forward(self, x):
        b, c, h, w = x.shape
        half = c // 2
        if self.dynamic_range:
            first, rows, columns = dynamic_range_sort(x[:, :half].float())
            x = torch.cat([first.to(x.dtype), x[:, half:]], dim=1)
        x = self.qkv(x)
        with torch.autocast(x.device.type, enabled=False):  # sort keys keep f32
            parts = self.qkv_depthwise(x.float()).flatten(2).chunk(5, dim=1)
        out = self.projection(self.core(*parts).to(x.dtype).reshape(b, c, h, w))
        if self.dynamic_range:
            first = dynamic_range_unsort(out[:, :half], rows, columns)
            out = torch.cat([first, out[:, half:]], dim=1)
        return out


class DualScaleGatedFeedForward(nn.Module):
    """DGFF (arXiv 2407.10172): two depthwise scales at twice the resolution, one gates the other."""

    def __init__(self, channels):
        super().__init__()
        hidden = 4 * round(channels * 2.667 / 4)
        quarter = hidden // 4
        self.expand = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.depthwise5 = nn.Conv2d(quarter, quarter, 5, padding=2, groups=quarter, bias=False)
        self.depthwise3 = nn.Conv2d(
            quarter, quarter, 3, padding=2, dilation=2, groups=quarter, bias=False
        )
        self.reduce = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x):
        x1, x2 = F.pixel_shuffle(self.expand(x), 2).chunk(2, dim=1)
        y = F.mish(self.depthwise3(x2)) * self.depthwise5(x1)
        return self.reduce(F.pixel_unshuffle(y, 2))


class HistogramBlock(nn.Module):
    def __init__(self, channels, heads, bins, window, dynamic_range):
        super().__init__()
        self.window = window
        self.attention = HistogramAttention(channels, heads, bins, dynamic_range)
        self.feed_forward = DualScaleGatedFeedForward(channels)

    def forward(self, x):
        b, _, h, w = x.shape
        x = x + from_windows(self.attention(to_windows(layer_norm(x), self.window)), b, h, w)
        return x + self.feed_forward(layer_norm(x))


def make_block(kind, channels, window, config):
    if kind == "pair":
        return ConvPair(channels)
    if kind == "se_cbam":
        return SeCbamPair(channels, window)
    if kind == "agent":
        return AgentBlock(channels, config["heads"], config["agents"], window)
    if kind == "histogram":
        return HistogramBlock(
            channels, config["heads"], config["bins"], window, config["dynamic_range"]
        )
    raise ValueError(f"unknown block kind '{kind}'")


def depth_to_space(x, side=2):
    """[b, side^2 c, h, w] -> [b, c, side h, side w], channel block dy * side + dx to pixel
    (side y + dy, side x + dx)."""
    b, c, h, w = x.shape
    c //= side * side
    x = x.reshape(b, side, side, c, h, w)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(b, c, side * h, side * w)


def enlarge(image, scale):
    """Every pixel of [b, c, h, w] repeated scale times in both directions."""
    return image.repeat_interleave(scale, 2).repeat_interleave(scale, 3) if scale > 1 else image


class RestorationNet(nn.Module):
    """U-shaped restoration network; sides of the input are multiples of config["window"].

    The output is config["scale"] times as high and as wide as the input: the trunk works on the
    small picture and the tail delivers scale^2 pixels for each of its own.
    """

    def __init__(self, config=None):
        super().__init__()
        self.config = dict(DEFAULT_CONFIG, **(config or {}))
        c = self.config["channels"]
        colours = self.config["image_channels"]
        deepest = len(c) - 1

        def stage(kinds, level):
            window = self.config["window"] >> level
            return nn.Sequential(*(make_block(k, c[level], window, self.config) for k in kinds))

        self.head = nn.Conv2d(colours, c[0], 3, padding=1)
        self.encoder = nn.ModuleList(stage(k, i) for i, k in enumerate(self.config["encoder"]))
        self.down = nn.ModuleList(nn.Conv2d(c[i], c[i + 1], 2, stride=2) for i in range(deepest))
        self.middle = stage(self.config["middle"], deepest)
        self.up = nn.ModuleList(nn.Conv2d(c[i + 1], 4 * c[i], 1) for i in range(deepest))
        self.decoder = nn.ModuleList(stage(k, i) for i, k in enumerate(self.config["decoder"]))
        self.tail = nn.Conv2d(c[0], colours * self.config["scale"] ** 2, 3, padding=1)

    def forward(self, image):
        x = self.head(image)
        skips = []
        for encoder, down in zip(self.encoder, self.down):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.middle(x)
        for up, decoder, skip in zip(
            reversed(self.up), reversed(self.decoder), reversed(skips)
        ):
            x = decoder(depth_to_space(up(x)) + skip)
        scale = self.config["scale"]
        return enlarge(image, scale) + depth_to_space(self.tail(x), scale).float()
