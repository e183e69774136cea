"""What happens to a clean crop before the network sees it, by task."""

import torch

SIGMA_MAX = 55  # of 255
GREY = 0.1  # share of crops that are grey photographs, fed as three equal channels


def denoise(clean, generator=None):
    """Gaussian noise of one sigma a crop, uniform in 0 to 55 of 255, neither clipped nor rounded.

    Returns (degraded, clean).
    """
    batch = clean.shape[0]
    draw = torch.rand(2, batch, 1, 1, 1, device=clean.device, generator=generator)
    noise = torch.randn(clean.shape, device=clean.device, generator=generator)
    luma = clean.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    grey = draw[1] < GREY
    clean = torch.where(grey, (clean * luma).sum(1, keepdim=True).expand_as(clean), clean)
    noise = torch.where(grey, noise[:, :1].expand_as(noise), noise)
    return clean + noise * (draw[0] * SIGMA_MAX / 255), clean


TASKS = {"denoise": denoise}
