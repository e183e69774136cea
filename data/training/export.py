"""Checkpoint of train.py -> model file (safetensors, f16 weights, JSON in the metadata)."""

import argparse
import json
import struct

import numpy as np
import torch

DTYPES = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}


def write_safetensors(path, tensors, metadata):
    """Writes {name: numpy array} in the safetensors format; metadata maps strings to strings."""
    header, offset = {"__metadata__": metadata}, 0
    for name, values in tensors.items():
        header[name] = {
            "dtype": DTYPES[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [offset, offset + values.nbytes],
        }
        offset += values.nbytes
    text = json.dumps(header, ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            file.write(np.ascontiguousarray(values).tobytes())


def read_safetensors(path):
    """Returns ({name: numpy array}, metadata)."""
    names = {v: k for k, v in DTYPES.items()}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        values = np.frombuffer(data[first:last], dtype=names[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


def model_info(path):
    """The `pristine` entry of a model file; a file of before variants is the best of its task."""
    return dict({"variant": "best"}, **json.loads(read_safetensors(path)[1]["pristine"]))


def load_model(path):
    """RestorationNet with the weights of a model file, in f32."""
    from model import RestorationNet

    tensors, metadata = read_safetensors(path)
    model = RestorationNet(json.loads(metadata["pristine"])["architecture"])
    state = {k: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items()}
    model.load_state_dict(state)
    return model.eval()


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("checkpoint")
    p.add_argument("output")
    p.add_argument("--name", required=True, help="what the command line calls it")
    p.add_argument("--title", required=True)
    p.add_argument("--task", choices=("denoise", "dejpeg", "upscale"), default="denoise")
    p.add_argument("--variant", default="best", help="of the task: best, fast, camera, photo")
    p.add_argument("--halo", type=int, default=64, help="pixels of context a tile needs")
    p.add_argument("--training", default="{}", help="JSON object added to the training record")
    a = p.parse_args(arguments)
    checkpoint = torch.load(a.checkpoint, map_location="cpu")
    scale = checkpoint["config"].get("scale", 1)
    if (a.task == "upscale") != (scale > 1):
        p.error(f"the network enlarges by {scale}, the task is '{a.task}'")
    tensors = {
        name: values.detach().float().contiguous().numpy().astype(np.float16)
        for name, values in checkpoint["weights"].items()
    }
    training = dict(checkpoint["info"], **json.loads(a.training))
    info = {
        "format": 1,
        "name": a.name,
        "title": a.title,
        "task": a.task,
        "variant": a.variant,
        "scale": scale,
        "halo": a.halo,
        "architecture": checkpoint["config"],
        "training": training,
    }
    write_safetensors(a.output, tensors, {"pristine": json.dumps(info)})
    print(f"{a.output}: {sum(v.size for v in tensors.values())} parameters")


if __name__ == "__main__":
    main()
