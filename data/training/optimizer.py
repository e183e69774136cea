"""Gradient clipping, Muon, AdamW and the moving average of the weights, as one step.

On a GPU the step is recorded once and replayed as one CUDA graph: hundreds of small kernels would
otherwise cost more time to launch than the network's own forward and backward pass.
"""

import math

import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(g, steps=5):
    """Newton-Schulz iteration towards the nearest orthogonal matrix, batched [k, rows, columns]."""
    a, b, c = NEWTON_SCHULZ
    x = g.bfloat16() if g.is_cuda else g
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.transpose(-1, -2)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.transpose(-1, -2)
        x = a * x + (b * s + c * s @ s) @ x
    return (x.transpose(-1, -2) if tall else x).to(g.dtype)


def split_parameters(named_parameters):
    """(names for Muon, names for AdamW): matrices with 16 channels or more on both sides, but not
    position biases, which are tables and no maps, and not the tail, whose outputs are pixels."""
    matrices, others = [], []
    for name, p in named_parameters:
        dense = p.ndim in (2, 4) and p.shape[0] >= 16 and p.shape[1] >= 16
        table = "agent_" in name or "query_" in name or name.endswith((".bias", ".position"))
        (matrices if dense and not table and not name.startswith("tail.") else others).append(name)
    return matrices, others


class Optimizer:
    """Muon (Jordan et al. 2024) on matrices, AdamW without decay on the rest, EMA of everything.

    A convolution's weight is the matrix [oc, ic * kh * kw]; its learning rate is scaled by
    sqrt(max(1, rows / columns)). Gradients are scaled to a joint norm of `clip` at most; those whose
    norm is not finite count as zero. Without `record` no CUDA graph is made.
    """

    MOMENTUM = 0.95
    BETAS = (0.9, 0.99)

    def __init__(self, model, muon_lr=0.01, adam_lr=1e-3, clip=0.5, record=True):
        named = dict(model.named_parameters())
        device = next(iter(named.values())).device
        self.names = list(named)
        self.parameters = list(named.values())
        self.rates, self.clip, self.steps = (muon_lr, adam_lr), clip, 0
        sizes = [p.numel() for p in self.parameters]
        self.gradient = torch.zeros(sum(sizes), device=device)
        self.record = record and device.type == "cuda"
        self.views = [v.view(p.shape) for v, p in zip(self.gradient.split(sizes), self.parameters)]
        self.average = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.norm = torch.zeros((), device=device)
        # Learning rates, moving average's share of news, AdamW's two bias corrections.
        self.scalars = torch.zeros(5, device=device)

        view = dict(zip(self.names, self.views))
        matrices, self.others = split_parameters(named.items())
        by_shape = {}
        for name in matrices:
            by_shape.setdefault((named[name].shape[0], named[name][0].numel()), []).append(name)
        self.groups = [
            (
                [named[n] for n in names],
                [view[n].reshape(shape) for n in names],
                torch.zeros((len(names), *shape), device=device),
                math.sqrt(max(1.0, shape[0] / shape[1])),
            )
            for shape, names in by_shape.items()
        ]
        self.other_parameters = [named[n] for n in self.others]
        self.other_gradients = [view[n] for n in self.others]
        count = sum(p.numel() for p in self.other_parameters)
        self.first, self.second = (torch.zeros(count, device=device) for _ in range(2))
        self.graphs = {}

    def _update(self):
        """Everything between the gradients in self.gradient and the new weights."""
        muon_lr, adam_lr, news, correct1, correct2 = self.scalars.unbind()
        norm = self.gradient.norm()
        self.norm.copy_(norm)
        scaled = self.gradient * (self.clip / (norm + 1e-6)).clamp(max=1.0)
        self.gradient.copy_(torch.where(torch.isfinite(norm), scaled, torch.zeros_like(scaled)))
        for parameters, gradients, momentum, scale in self.groups:
            g = torch.stack(gradients)
            momentum.mul_(self.MOMENTUM).add_(g)
            update = orthogonalise(g.add(momentum, alpha=self.MOMENTUM)) * (-scale * muon_lr)
            news_of = [u.reshape(p.shape) for u, p in zip(update, parameters)]
            torch._foreach_add_(parameters, news_of)
        if self.other_parameters:
            g = torch.cat([t.reshape(-1) for t in self.other_gradients])
            self.first.lerp_(g, 1 - self.BETAS[0])
            self.second.mul_(self.BETAS[1]).addcmul_(g, g, value=1 - self.BETAS[1])
            update = self.first / correct1 / ((self.second / correct2).sqrt() + 1e-8) * -adam_lr
            pieces = update.split([p.numel() for p in self.other_parameters])
            torch._foreach_add_(
                self.other_parameters,
                [u.view(p.shape) for u, p in zip(pieces, self.other_parameters)],
            )
        weights = torch.cat([p.reshape(-1) for p in self.parameters])
        self.average.add_((weights - self.average) * news)

    def _backward(self, loss_of, inputs):
        loss = loss_of(*inputs)
        loss.backward()
        with torch.no_grad():
            for view, p in zip(self.views, self.parameters):
                view.copy_(p.grad)
                p.grad = None
            self._update()
        return loss.detach()

    def _record(self, loss_of, inputs):
        """Captures one step; with rates of zero the warm-up that this needs changes no weight."""
        self.scalars.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0]))
        inputs = [t.clone() for t in inputs]
        momenta = [m for _, _, m, _ in self.groups] + [self.first, self.second]
        kept = [m.clone() for m in momenta]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._backward(loss_of, inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = self._backward(loss_of, inputs)
        for m, k in zip(momenta, kept):
            m.copy_(k)
        return graph, inputs, loss

    def step(self, loss_of, inputs, factor):
        """One step on loss_of(*inputs), whose value is returned; `factor` scales both rates. Steps
        with the same loss_of and shapes share one recorded graph."""
        recorded = None
        if self.record:
            key = (loss_of, *(t.shape for t in inputs))
            if key not in self.graphs:
                self.graphs[key] = self._record(loss_of, inputs)
            recorded = self.graphs[key]
        self.steps += 1
        decay = min(0.999, (1 + self.steps) / (10 + self.steps))
        scalars = [
            self.rates[0] * factor,
            self.rates[1] * factor,
            1 - decay,
            1 - self.BETAS[0] ** self.steps,
            1 - self.BETAS[1] ** self.steps,
        ]
        self.scalars.copy_(torch.tensor(scalars), non_blocking=True)
        if recorded is None:
            return self._backward(loss_of, inputs)
        graph, buffers, loss = recorded
        for buffer, values in zip(buffers, inputs):
            buffer.copy_(values)
        graph.replay()
        return loss

    def averaged(self):
        """{name: moving average} of the parameters."""
        sizes = [p.numel() for p in self.parameters]
        pieces = self.average.split(sizes)
        return {n: v.view(p.shape) for n, v, p in zip(self.names, pieces, self.parameters)}
