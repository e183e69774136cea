"""Training photographs from tar shards, kept as bytes on the device that trains."""

import concurrent.futures
import io
import os
import tarfile

import numpy as np
import torch
from PIL import Image


def read_shards(folder):
    """Names and encoded bytes of every picture in folder/*.tar (or folder/*/*.tar), sorted."""
    shards = []
    for path, _, files in os.walk(folder):
        shards += [os.path.join(path, name) for name in files if name.endswith(".tar")]
    pictures = []
    for shard in sorted(shards, key=os.path.basename):
        with tarfile.open(shard) as tar:
            for member in tar.getmembers():
                if member.isfile() and member.name.lower().endswith((".jpg", ".jpeg", ".png")):
                    pictures.append((member.name, tar.extractfile(member).read()))
    return pictures


def decode(item):
    """uint8 [h, w, 3] of one encoded picture and, if it is large enough, of a reduced version."""
    _, data = item
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    results = [np.asarray(picture)]
    scale = 0.7
    small = (round(picture.width * scale), round(picture.height * scale))
    if min(small) >= 288:
        results.append(np.asarray(picture.resize(small, Image.BICUBIC)))
    return results


class CropSource:
    """All pictures as one byte tensor on `device`; draws random crops there in one gather."""

    def __init__(self, folder, device, workers=16, smallest=128):
        items = read_shards(folder)
        if not items:
            raise FileNotFoundError(f"no pictures in the tar shards of '{folder}'")
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            decoded = [p for versions in pool.map(decode, items) for p in versions]
        decoded = [p for p in decoded if min(p.shape[:2]) >= smallest]
        sizes = np.array([p.shape[:2] for p in decoded], dtype=np.int64)
        offsets = np.cumsum([0] + [p.size for p in decoded[:-1]]).astype(np.int64)
        flat = np.concatenate([p.reshape(-1) for p in decoded])
        self.count = len(decoded)
        self.device = torch.device(device)
        self.bytes = torch.from_numpy(flat).to(device)
        self.heights = torch.from_numpy(sizes[:, 0].copy()).to(device)
        self.widths = torch.from_numpy(sizes[:, 1].copy()).to(device)
        self.offsets = torch.from_numpy(offsets).to(device)
        self.weights = {}

    def share_with_room(self, side):
        """Share of the pictures that a crop of this side fits into."""
        fits = (self.heights >= side) & (self.widths >= side)
        return fits.float().mean().item()

    def crops(self, batch, side, generator=None):
        """float [batch, 3, side, side] in [0, 1]: random place and orientation."""
        device = self.device
        if side not in self.weights:
            # Every place where a crop fits is equally likely.
            room = (self.heights - side + 1).clamp(min=0) * (self.widths - side + 1).clamp(min=0)
            if not room.any():
                raise ValueError(f"no picture holds a crop of {side}x{side}")
            self.weights[side] = room.double().div(room.sum()).float()
        index = torch.multinomial(self.weights[side], batch, True, generator=generator)
        h, w, offset = self.heights[index], self.widths[index], self.offsets[index]
        draw = torch.rand(4, batch, device=device, generator=generator)
        top = (draw[0] * (h - side + 1)).long()
        left = (draw[1] * (w - side + 1)).long()
        top, left = torch.minimum(top, h - side), torch.minimum(left, w - side)
        line = torch.arange(side, device=device)
        y, x = line.view(1, -1, 1).expand(batch, side, side), line.view(1, 1, -1).expand(
            batch, side, side
        )
        turn = draw[2] < 0.5
        turn = turn.view(-1, 1, 1)
        y, x = torch.where(turn, x, y), torch.where(turn, y, x)
        code = (draw[3] * 4).long().view(-1, 1, 1)
        y = torch.where(code % 2 == 1, side - 1 - y, y)
        x = torch.where(code >= 2, side - 1 - x, x)
        place = ((top.view(-1, 1, 1) + y) * w.view(-1, 1, 1) + left.view(-1, 1, 1) + x) * 3
        place = place + offset.view(-1, 1, 1)
        channel = torch.arange(3, device=device).view(1, 3, 1, 1)
        return self.bytes[place.unsqueeze(1) + channel].float() / 255
