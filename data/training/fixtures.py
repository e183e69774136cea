"""Small data and models that the tests of this folder share."""

import io
import os
import tarfile
import tempfile
import unittest

import numpy as np
import torch
from PIL import Image

from model import RestorationNet

TINY = {
    "channels": [16, 32],
    "encoder": [["pair"]],
    "middle": ["se_cbam"],
    "decoder": [["pair"]],
    "window": 16,
}


class Folder(unittest.TestCase):
    """A test with a folder of its own in self.folder."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def path(self, *names):
        return os.path.join(self.folder, *names)


def photograph(height, width, seed):
    """uint8 [h, w, 3]: smooth colour fields with a few hard edges."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC)).copy()
    for _ in range(6):
        top, left = generator.integers(0, height - 8), generator.integers(0, width - 8)
        bottom, right = top + generator.integers(4, 40), left + generator.integers(4, 40)
        picture[top:bottom, left:right] = generator.integers(0, 256, 3)
    return picture


def write_shard(path, pictures):
    """A tar of {name: uint8 [h, w, 3]}, encoded by the extension of the name."""
    with tarfile.open(path, "w") as tar:
        for name, pixels in pictures.items():
            data = io.BytesIO()
            kind = "PNG" if name.endswith(".png") else "JPEG"
            Image.fromarray(pixels).save(data, kind, quality=95, subsampling=0)
            entry = tarfile.TarInfo(name)
            entry.size = data.tell()
            data.seek(0)
            tar.addfile(entry, data)


def tiny_model(seed=0, **changes):
    """RestorationNet of TINY, weights that a seed decides."""
    torch.manual_seed(seed)
    return RestorationNet(dict(TINY, **changes))


def write_checkpoint(path, model):
    """What train.py would save, without training."""
    from train import save

    save(os.fspath(path), model.config, model.state_dict(), {"megapixels": 0.0})
