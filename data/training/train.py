"""Trains RestorationNet for a given wall time. See README.md of this folder."""

import argparse
import json
import math
import os
import time

import torch

import degradation
from dataset import CropSource
from export import read_safetensors
from model import DEFAULT_CONFIG, RestorationNet
from optimizer import Optimizer
from validation import Validation


def charbonnier(a, b):
    return torch.sqrt((a - b) ** 2 + 1e-6).mean()


def psnr_loss(a, b):
    """Logarithm of the mean squared error of each crop, averaged: what the tables measure, so a
    last phase with it serves them better than an L1 loss to the end. The factor brings gradients
    near those of charbonnier, so that momentum outlives the change."""
    error = ((a - b) ** 2).flatten(1).mean(dim=1)
    return 0.02 * torch.log(error + 1e-5).mean()


LOSSES = {"charbonnier": charbonnier, "psnr": psnr_loss}

# A phase whose crops fit into fewer of the pictures learns these by heart: the last phase of an
# upscaling by 4 with crops of 512 saw a tenth of them and lost 0.3 dB.
FEWEST_WITH_ROOM = 0.5


def rate_factor(t, warmup):
    """Factor of the learning rates at share t of the time: linear start, then cosine to 1 %."""
    factor = min(1.0, t / warmup) if warmup > 0 else 1.0
    return factor * (0.5 * (1 + math.cos(math.pi * t)) * 0.99 + 0.01)


def parse_phases(text):
    """[(share of the time, side of a crop, batch, loss)] of "share:crop:batch[:loss],..."."""
    phases = []
    for part in text.split(","):
        share, side, batch, loss = (part + ":charbonnier").split(":")[:4]
        if loss not in LOSSES:
            raise ValueError(f"no loss '{loss}', there are {', '.join(LOSSES)}")
        phases.append((float(share), int(side), int(batch), loss))
    return phases


def require_room(source, phases, scale):
    """Throws ValueError if the crops of a phase fit into too few of the pictures."""
    for _, side, *_ in phases:
        share = source.share_with_room(side * scale)
        if share < FEWEST_WITH_ROOM:
            raise ValueError(f"crops of {side * scale} fit into {100 * share:.0f} % of the pictures, "
                             f"expected {100 * FEWEST_WITH_ROOM:.0f} % or more")


def phase_at(phases, t):
    """(side, batch, loss) at share t of the time; the last phase lasts to the end."""
    passed = 0.0
    for share, *phase in phases:
        passed += share
        if t < passed:
            break
    return tuple(phase)


def save(path, config, state, info):
    """Weights go out in f16, as in a model file: half the bytes, and no measurable loss."""
    temporary = path + ".tmp"
    weights = {name: values.half() for name, values in state.items()}
    torch.save({"config": config, "weights": weights, "info": info}, temporary)
    os.replace(temporary, path)


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder with tar shards")
    p.add_argument("--out", required=True, help="folder for checkpoints and log")
    p.add_argument("--validation", help="folder of the task's test set, see validation.py")
    p.add_argument("--config", help="JSON file that overrides model.DEFAULT_CONFIG")
    tasks = sorted({**degradation.TASKS, **degradation.UPSCALE_TASKS})
    p.add_argument("--task", default="denoise", choices=tasks)
    p.add_argument("--scale", type=int, default=1, choices=(1, 2, 3, 4), help="of upscaling")
    p.add_argument("--minutes", type=float, default=20)
    p.add_argument("--megapixels", type=float, default=0,
                   help="of input to see, for equal runs on unequal machines; overrides --minutes")
    p.add_argument("--phases", default="0.7:128:64,0.3:256:16:psnr", help="share:crop:batch[:loss],..., crops in pixels of what the network gets")
    p.add_argument("--muon-lr", type=float, default=0.01)
    p.add_argument("--adam-lr", type=float, default=1e-3)
    p.add_argument("--warmup", type=float, default=0.01, help="share of the time")
    p.add_argument("--resume", help="checkpoint or model file whose weights to start from")
    p.add_argument("--save-every", type=float, default=60, help="seconds")
    p.add_argument("--validate-every", type=float, default=150, help="seconds")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=16)
    p.add_argument("--no-compile", action="store_true")
    a = p.parse_args(arguments)
    if (a.scale > 1) != (a.task in degradation.UPSCALE_TASKS):
        p.error("--scale 2, 3 or 4 belongs to the upscaling tasks, which need it")
    return a


def load_weights(model, weights):
    """Takes over what fits and returns the names of what does not: the tail of another scale."""
    own = model.state_dict()
    unknown = [n for n in weights if n not in own]
    unfit = [n for n, v in own.items() if n not in weights or weights[n].shape != v.shape]
    if unknown or any(not n.startswith("tail.") for n in unfit):
        raise ValueError(f"the checkpoint is of another network: {(unknown + unfit)[0]}")
    own.update({n: v.float() for n, v in weights.items() if n not in unfit})
    model.load_state_dict(own)
    return unfit


def read_checkpoint(path, device):
    """What save() wrote, or the same of a model file (.safetensors)."""
    if not path.endswith(".safetensors"):
        return torch.load(path, map_location=device)
    tensors, metadata = read_safetensors(path)
    info = json.loads(metadata["pristine"])
    weights = {n: torch.from_numpy(v.copy()).to(device) for n, v in tensors.items()}
    return {"config": info["architecture"], "weights": weights, "info": info["training"]}


def main(arguments=None):
    a = parse_arguments(arguments)
    started = time.time()
    os.makedirs(a.out, exist_ok=True)
    log_file = open(os.path.join(a.out, "train.log"), "a", buffering=1)

    def log(text):
        print(text, flush=True)
        log_file.write(text + "\n")

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    config = dict(DEFAULT_CONFIG)
    seen = 0.0
    checkpoint = read_checkpoint(a.resume, device) if a.resume else None
    if checkpoint:
        config.update(checkpoint["config"])
        seen = checkpoint["info"].get("megapixels", 0.0)
    if a.config:
        with open(a.config) as f:
            config.update(json.load(f))
    config["scale"] = a.scale
    # A run that goes on must not see the crops of the first one again.
    torch.manual_seed(a.seed + round(seen))
    model = RestorationNet(config).to(device)
    if checkpoint:
        fresh = load_weights(model, checkpoint["weights"])
        if fresh:
            log("starts anew: " + ", ".join(fresh))
    model = model.to(memory_format=torch.channels_last)
    ema = RestorationNet(config).to(device).eval()
    phases = parse_phases(a.phases)
    source = CropSource(a.data, device, a.workers)
    require_room(source, phases, a.scale)
    validation = Validation(a.task, a.validation, a.scale) if a.validation else None
    parameters = sum(p.numel() for p in model.parameters())
    log(f"{source.count} pictures, {source.bytes.numel() / 3e6:.0f} megapixels, "
        f"{parameters} parameters, {time.time() - started:.0f} s to load")

    optimizer = Optimizer(model, a.muon_lr, a.adam_lr)
    degrade = degradation.of_task(a.task, a.scale)

    def loss_with(function):
        def loss_of(degraded, clean):
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                restored = model(degraded)
            return function(restored, clean)

        return loss_of

    losses = {name: loss_with(function) for name, function in LOSSES.items()}

    if device.type == "cuda" and not a.no_compile:
        # Block by block: equal blocks share one compilation, which takes a third of the time that
        # the whole network takes.
        torch._dynamo.config.cache_size_limit = 64
        for stage in (*model.encoder, model.middle, *model.decoder):
            for block in stage:
                block.compile(dynamic=False)
    seen_before = seen
    begin = time.time()
    end = begin + a.minutes * 60
    step, last_log, last_save, last_validation = 0, begin, begin, begin
    recent, recent_loss, recent_steps = 0.0, torch.zeros((), device=device), 0
    current = None
    while True:
        now = time.time()
        if a.megapixels:
            t = (seen - seen_before) / a.megapixels
        else:
            t = (now - begin) / (end - begin) if end > begin else 1.0
        if t >= 1:
            break
        phase = phase_at(phases, t)
        side, batch, loss_name = phase
        if current != phase:
            current = phase
            log(f"crops of {side}, batch {batch}, {loss_name}")
        factor = rate_factor(t, a.warmup)
        with torch.no_grad():
            clean = source.crops(batch, side * a.scale)
            degraded, clean = degrade(clean)
            degraded = degraded.contiguous(memory_format=torch.channels_last)
        loss = optimizer.step(losses[loss_name], (degraded, clean), factor)
        step += 1
        megapixels = batch * side * side / 1e6
        seen += megapixels
        recent += megapixels
        recent_loss += torch.nan_to_num(loss)
        recent_steps += 1

        if step % 50 == 0:
            value = recent_loss.item()  # waits for the device
            now = time.time()
            if now - last_log > 20:
                log(f"{now - begin:7.0f} s  step {step:6d}  {seen:9.0f} MP  "
                    f"{recent / (now - last_log):6.1f} MP/s  loss {value / recent_steps:.5f}  "
                    f"norm {optimizer.norm.item():.3f}")
                last_log, recent, recent_steps = now, 0.0, 0
                recent_loss.zero_()
            if now - last_save > a.save_every:
                save(os.path.join(a.out, "checkpoint.pt"), config, optimizer.averaged(),
                     {"megapixels": seen, "seconds": now - begin})
                last_save = now
            if validation and now - last_validation > a.validate_every:
                ema.load_state_dict(optimizer.averaged())
                scores = validation.scores(ema, device, device.type == "cuda", quick=True)
                last_validation = time.time()
                log(f"validation: {validation.describe(scores)}")
                last_log += last_validation - now
    info = {"megapixels": seen, "seconds": time.time() - begin, "task": a.task,
            "minutes": a.minutes, "phases": a.phases, "seed": a.seed,
            "pictures": source.count}
    save(os.path.join(a.out, "checkpoint.pt"), config, optimizer.averaged(), info)
    if validation:
        ema.load_state_dict(optimizer.averaged())
        info["scores"] = validation.scores(ema, device, device.type == "cuda")
        log("final: " + validation.describe(info["scores"]))
        save(os.path.join(a.out, "checkpoint.pt"), config, optimizer.averaged(), info)
    log("done")
    log_file.close()


if __name__ == "__main__":
    main()
