"""Two ways to run a model file over float pictures: PyTorch and the pristine command."""

import json
import os
import subprocess
import tempfile
import time

import numpy as np

from export import model_info
from tiff import read_tiff, write_tiff


class CommandError(RuntimeError):
    """The command failed; the text holds what it said."""


class TorchEngine:
    """Whole pictures through RestorationNet in f32, on the GPU where there is one."""

    name = "torch"

    def __init__(self, model_path, threads=0):
        import torch

        from export import load_model

        self.torch = torch
        if threads:
            torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = load_model(model_path).to(self.device)
        self.window = self.model.config["window"]
        self.scale = self.model.config["scale"]

    def restore(self, names, pictures):
        """Restored float32 pictures [h, w, c], and seconds for each megapixel of them."""
        begin = time.time()
        restored = [self._restore(p) for p in pictures]
        megapixels = sum(p.shape[0] * p.shape[1] for p in restored) / 1e6
        return restored, (time.time() - begin) / megapixels

    def _restore(self, picture):
        torch = self.torch
        h, w, channels = picture.shape
        padding = ((0, -h % self.window), (0, -w % self.window), (0, 0))
        padded = np.pad(picture, padding, mode="reflect").repeat(3 if channels == 1 else 1, axis=2)
        with torch.no_grad():
            image = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]
            restored = self.model(image.to(self.device))[0].cpu().numpy()
        restored = restored[:, : h * self.scale, : w * self.scale].transpose(1, 2, 0)
        return restored.mean(axis=2, keepdims=True) if channels == 1 else restored


def seconds_per_megapixel(lines):
    """Of a run of the command: what its summary says, the last of the JSON lines of --json."""
    summary = json.loads(lines.strip().splitlines()[-1])
    return summary["network_seconds"] / summary["megapixels"]


class CommandEngine:
    """The verb of the model's task over a folder of float TIFFs; grey ones have one channel."""

    name = "command"

    def __init__(self, model_path, command, precision="f32", threads=0, tile=0):
        self.command, self.model_path = command, model_path
        info = model_info(model_path)
        self.task, self.scale = info["task"], info["scale"]
        self.options = ["--precision", precision, "--threads", str(threads), "--tile", str(tile)]
        if self.scale > 1:
            self.options += ["--scale", str(self.scale)]

    def call(self, *arguments):
        """(stdout, stderr) of a call; throws CommandError."""
        try:
            done = subprocess.run([self.command, *arguments], capture_output=True, text=True)
        except OSError as error:
            raise CommandError(f"'{self.command}' cannot be run: {error.strerror}") from error
        if done.returncode != 0:
            raise CommandError(
                f"'{self.command} {arguments[0]}' ended with {done.returncode}: "
                f"{done.stderr.strip()[-500:]}"
            )
        return done.stdout, done.stderr

    def restore(self, names, pictures):
        """As TorchEngine.restore; the seconds are those that the command prints."""
        stems = [os.path.splitext(n)[0] for n in names]
        if len(set(stems)) != len(stems):
            raise ValueError("two pictures have one name but for the extension")
        with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
            noisy, restored = os.path.join(folder, "noisy"), os.path.join(folder, "restored")
            os.mkdir(noisy)
            for stem, picture in zip(stems, pictures):
                write_tiff(os.path.join(noisy, stem + ".tif"), picture)
            said, _ = self.call(
                self.task, noisy, "-o", restored, "-m", self.model_path, "--json", *self.options
            )
            results = [read_tiff(os.path.join(restored, stem + ".tif")) for stem in stems]
        # The command counts megapixels of its inputs.
        return results, seconds_per_megapixel(said) / self.scale**2
