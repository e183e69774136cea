"""Trains RestorationNet for a given wall time. See README.md of this folder."""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
from PIL import Image

import degradation
from dataset import CropSource
from model import DEFAULT_CONFIG, RestorationNet

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(g, steps=5):
    """Newton-Schulz iteration towards the nearest orthogonal matrix, batched [k, rows, columns]."""
    a, b, c = NEWTON_SCHULZ
    x = g.bfloat16() if g.is_cuda else g
    wide = x.shape[-2] > x.shape[-1]
    if wide:
        x = x.transpose(-1, -2)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.transpose(-1, -2)
        x = a * x + (b * s + c * s @ s) @ x
    return (x.transpose(-1, -2) if wide else x).to(g.dtype)


def clip_gradients(grads, limit):
    """Scales to a joint norm of `limit`; zeros them all when the norm is not finite."""
    norm = torch.sqrt(sum((g.float() ** 2).sum() for g in grads))
    ok = torch.isfinite(norm)
    factor = (limit / (norm + 1e-6)).clamp(max=1.0)
    return [torch.where(ok, g * factor, torch.zeros_like(g)) for g in grads], norm


def muon_update(grads, buffer, momentum):
    buffer.mul_(momentum).add_(grads)
    return orthogonalise(grads.add(buffer, alpha=momentum))


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates (Jordan et al. 2024) for weights seen as matrices."""

    def __init__(self, parameters, lr=0.01, momentum=0.95):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault((p.shape[0], p[0].numel()), []).append(p)
            for (rows, columns), parameters in by_shape.items():
                grads = torch.stack([p.grad.reshape(rows, columns) for p in parameters])
                state = self.state[parameters[0]]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(grads)
                update = muon_update(grads, state["momentum"], group["momentum"])
                lr = group["lr"] * math.sqrt(max(1.0, rows / columns))
                updates = [u.reshape(p.shape) for p, u in zip(parameters, update)]
                torch._foreach_add_(parameters, updates, alpha=-lr)


def split_parameters(model):
    """(matrices for Muon, everything else for AdamW)."""
    matrices, others = [], []
    for name, p in model.named_parameters():
        dense = p.ndim in (2, 4) and p.shape[0] >= 16 and p.shape[1] >= 16
        bias_table = "agent_" in name or "query_" in name
        (matrices if dense and not bias_table else others).append(p)
    return matrices, others


def charbonnier(a, b):
    return torch.sqrt((a - b) ** 2 + 1e-6).mean()


def load_pictures(folder, limit=0):
    names = sorted(n for n in os.listdir(folder) if n.lower().endswith((".png", ".jpg", ".bmp")))
    names = names[:limit] if limit else names
    return [
        torch.from_numpy(np.asarray(Image.open(os.path.join(folder, n)).convert("RGB")).copy())
        .permute(2, 0, 1)
        .float()
        .div(255)
        for n in names
    ]


def pad_to(x, multiple):
    """Reflects the right and bottom edge until both sides are multiples."""
    h, w = x.shape[-2:]
    return torch.nn.functional.pad(x, (0, -w % multiple, 0, -h % multiple), mode="reflect")


@torch.no_grad()
def validate(model, pictures, sigma, device, autocast):
    """Mean PSNR by the published protocol (float noise, output clipped and rounded to 8 bit)."""
    total = 0.0
    window = model.config["window"]
    for i, clean in enumerate(pictures):
        generator = torch.Generator().manual_seed(1000 + i)
        noisy = clean + torch.randn(clean.shape, generator=generator) * (sigma / 255)
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            restored = model(pad_to(noisy[None], window).to(device))[0]
        restored = restored[:, : clean.shape[1], : clean.shape[2]].float().cpu()
        restored = (restored.clamp(0, 1) * 255).round() / 255
        total += -10 * math.log10(((restored - clean) ** 2).mean().item())
    return total / len(pictures)


def rate_factor(t, warmup):
    """Factor of the learning rates at share t of the time: linear start, then cosine to 1 %."""
    factor = min(1.0, t / warmup) if warmup > 0 else 1.0
    return factor * (0.5 * (1 + math.cos(math.pi * t)) * 0.99 + 0.01)


def parse_phases(text):
    """[(share of the time, side of a crop, batch)] of "share:crop:batch,..."."""
    phases = []
    for part in text.split(","):
        share, side, batch = part.split(":")
        phases.append((float(share), int(side), int(batch)))
    return phases


def phase_at(phases, t):
    """(side, batch) at share t of the time; the last phase lasts to the end."""
    passed = 0.0
    for share, side, batch in phases:
        passed += share
        if t < passed:
            break
    return side, batch


def follow(average, parameters, step):
    """Moves the moving average towards the parameters; it forgets faster in the first steps."""
    decay = min(0.999, (1 + step) / (10 + step))
    torch._foreach_mul_(average, decay)
    torch._foreach_add_(average, parameters, alpha=1 - decay)


def save(path, config, state, info):
    """Weights go out in f16, as in a model file: half the bytes, and no measurable loss."""
    temporary = path + ".tmp"
    weights = {name: values.half() for name, values in state.items()}
    torch.save({"config": config, "weights": weights, "info": info}, temporary)
    os.replace(temporary, path)


def profile(source, degrade, compiled, clip, muon, adam, parameters, model, phases, log):
    """Logs milliseconds of each part of a training step; learning rates are zero meanwhile."""
    rates = muon.param_groups[0]["lr"], adam.param_groups[0]["lr"]
    muon.param_groups[0]["lr"] = adam.param_groups[0]["lr"] = 0.0
    for _, side, batch in phases:
        parts = dict.fromkeys(("data", "forward", "backward", "clip", "step"), 0.0)
        for i in range(13):
            marks = [time.time()]

            def mark():
                torch.cuda.synchronize()
                marks.append(time.time())

            with torch.no_grad():
                degraded, clean = degrade(source.crops(batch, side))
                degraded = degraded.contiguous(memory_format=torch.channels_last)
            mark()
            loss = compiled(degraded, clean)
            mark()
            loss.backward()
            mark()
            with torch.no_grad():
                grads, _ = clip([p.grad for p in parameters], 0.5)
                for p, g in zip(parameters, grads):
                    p.grad = g
            mark()
            muon.step()
            adam.step()
            model.zero_grad(set_to_none=True)
            mark()
            if i >= 3:
                for name, first, last in zip(parts, marks, marks[1:]):
                    parts[name] += (last - first) * 100
        total = sum(parts.values())
        log(f"crop {side}, batch {batch}: " + ", ".join(f"{k} {v:.1f}" for k, v in parts.items())
            + f" ms; {batch * side * side / total / 1e3:.1f} MP/s")
    muon.param_groups[0]["lr"], adam.param_groups[0]["lr"] = rates


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder with tar shards")
    p.add_argument("--out", required=True, help="folder for checkpoints and log")
    p.add_argument("--validation", help="folder of clean pictures for PSNR")
    p.add_argument("--config", help="JSON file that overrides model.DEFAULT_CONFIG")
    p.add_argument("--task", default="denoise", choices=sorted(degradation.TASKS))
    p.add_argument("--minutes", type=float, default=20)
    p.add_argument("--phases", default="0.75:128:64,0.25:256:16", help="share:crop:batch,...")
    p.add_argument("--muon-lr", type=float, default=0.01)
    p.add_argument("--adam-lr", type=float, default=1e-3)
    p.add_argument("--warmup", type=float, default=0.01, help="share of the time")
    p.add_argument("--resume", help="checkpoint whose weights to start from")
    p.add_argument("--save-every", type=float, default=60, help="seconds")
    p.add_argument("--validate-every", type=float, default=150, help="seconds")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=16)
    p.add_argument("--no-compile", action="store_true")
    p.add_argument("--profile-steps", action="store_true", help="time the parts of a step first")
    return p.parse_args(arguments)


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
    checkpoint = torch.load(a.resume, map_location=device) if a.resume else None
    if checkpoint:
        config.update(checkpoint["config"])
        seen = checkpoint["info"].get("megapixels", 0.0)
    if a.config:
        with open(a.config) as f:
            config.update(json.load(f))
    # A run that goes on must not see the crops of the first one again.
    torch.manual_seed(a.seed + round(seen))
    model = RestorationNet(config).to(device)
    if checkpoint:
        model.load_state_dict({k: v.float() for k, v in checkpoint["weights"].items()})
    model = model.to(memory_format=torch.channels_last)
    ema = RestorationNet(config).to(device).eval()
    ema.load_state_dict(model.state_dict())
    ema_parameters, parameters = list(ema.parameters()), list(model.parameters())

    source = CropSource(a.data, device, a.workers)
    pictures = load_pictures(a.validation) if a.validation else []
    log(f"{source.count} pictures, {source.bytes.numel() / 3e6:.0f} megapixels, "
        f"{sum(p.numel() for p in parameters)} parameters, {time.time() - started:.0f} s to load")

    matrices, others = split_parameters(model)
    muon = Muon(matrices, lr=a.muon_lr)
    fused = {"fused": True} if device.type == "cuda" else {}
    adam = torch.optim.AdamW(others, lr=a.adam_lr, betas=(0.9, 0.99), weight_decay=0, **fused)
    degrade = degradation.TASKS[a.task]

    def loss_of(degraded, clean):
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            restored = model(degraded)
        return charbonnier(restored, clean)

    compiled, clip = loss_of, clip_gradients
    if device.type == "cuda" and not a.no_compile:
        torch._dynamo.config.cache_size_limit = 64
        compiled = torch.compile(loss_of, dynamic=False)
        clip = torch.compile(clip_gradients, dynamic=False)
        global muon_update
        muon_update = torch.compile(muon_update, dynamic=False)
    phases = parse_phases(a.phases)
    if a.profile_steps and device.type == "cuda":
        profile(source, degrade, compiled, clip, muon, adam, parameters, model, phases, log)
    begin = time.time()
    end = begin + a.minutes * 60
    step, last_log, last_save, last_validation = 0, begin, begin, begin
    recent, recent_loss, recent_steps = 0.0, torch.zeros((), device=device), 0
    current = None
    while True:
        now = time.time()
        if now >= end:
            break
        t = (now - begin) / (end - begin)
        side, batch = phase_at(phases, t)
        if current != side:
            current = side
            log(f"crops of {side}, batch {batch}")
        factor = rate_factor(t, a.warmup)
        muon.param_groups[0]["lr"] = a.muon_lr * factor
        adam.param_groups[0]["lr"] = a.adam_lr * factor

        with torch.no_grad():
            clean = source.crops(batch, side)
            degraded, clean = degrade(clean)
            degraded = degraded.contiguous(memory_format=torch.channels_last)
        try:
            loss = compiled(degraded, clean)
        except Exception as error:  # compilation is an optimisation, not a need
            if compiled is loss_of:
                raise
            log(f"torch.compile failed, going on without: {str(error)[:2000]}")
            compiled = loss_of
            continue
        loss.backward()
        with torch.no_grad():
            grads, norm = clip([p.grad for p in parameters], 0.5)
            for p, g in zip(parameters, grads):
                p.grad = g
        muon.step()
        adam.step()
        model.zero_grad(set_to_none=True)
        step += 1
        with torch.no_grad():
            follow(ema_parameters, parameters, step)
        megapixels = batch * side * side / 1e6
        seen += megapixels
        recent += megapixels
        recent_loss += torch.nan_to_num(loss.detach())
        recent_steps += 1

        if step % 50 == 0:
            value = recent_loss.item()  # waits for the device
            now = time.time()
            if now - last_log > 20:
                log(f"{now - begin:7.0f} s  step {step:6d}  {seen:9.0f} MP  "
                    f"{recent / (now - last_log):6.1f} MP/s  loss {value / recent_steps:.5f}  "
                    f"norm {norm.item():.3f}")
                last_log, recent, recent_steps = now, 0.0, 0
                recent_loss.zero_()
            if now - last_save > a.save_every:
                save(os.path.join(a.out, "checkpoint.pt"), config, ema.state_dict(),
                     {"megapixels": seen, "seconds": now - begin})
                last_save = now
            if pictures and now - last_validation > a.validate_every:
                score = validate(ema, pictures[:20], 25, device, device.type == "cuda")
                last_validation = time.time()
                log(f"validation: first {len(pictures[:20])} pictures, sigma 25: {score:.3f} dB")
                last_log += last_validation - now
    info = {"megapixels": seen, "seconds": time.time() - begin, "task": a.task,
            "minutes": a.minutes, "phases": a.phases, "seed": a.seed,
            "pictures": source.count}
    save(os.path.join(a.out, "checkpoint.pt"), config, ema.state_dict(), info)
    if pictures:
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        scores = [validate(ema, pictures, sigma, device, False) for sigma in (15, 25, 50)]
        log("final, f32, sigma 15/25/50: " + " / ".join(f"{s:.3f}" for s in scores) + " dB")
    log("done")


if __name__ == "__main__":
    main()
