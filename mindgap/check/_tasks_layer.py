"""Feedback on a random layer: it has no one right result, so its statistics are compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mindgap import _inputs
from mindgap.check._feedback import Case, Failed, Feedback, call, numbers, report

_WIDTH = 128
_DRAWS = 60  # times 128 neurons: the squares below are known to 3 %
_ROOM = 0.2


def mlp_layer(function: Callable[..., Any] | object, *, seed: int = 0) -> Feedback:
    """`function(h, generator)` is one random layer of Fig 2b as wide as h (n, width): W, b ~ N(0, 1/width), ReLU."""
    return report(
        "mlp_layer",
        "weights, biases and activation as in the paper, from the generator alone",
        lambda: _test(function, _inputs.generator(seed, stream=7)),
    )


def _test(function: Callable[..., Any] | object, generator: torch.Generator) -> None:
    h = torch.randn(5, _WIDTH, generator=generator)
    seeds = torch.randint(2**31, (_DRAWS,), generator=generator).tolist()

    def layer(inputs: Tensor, source: torch.Generator) -> Tensor:
        result = numbers(call(function, Case(f"{len(inputs)} inputs of width {_WIDTH}", (inputs, source))))
        if result.shape != inputs.shape:
            raise Failed(f"it returns shape {tuple(result.shape)}, expected {tuple(inputs.shape)}")
        if not result.isfinite().all():
            raise Failed("it gives NaN or infinity")
        return result

    def fresh(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    source = fresh(seeds[0])
    first, second = layer(h, source), layer(h, source)
    if not torch.equal(first, layer(h, fresh(seeds[0]))):
        raise Failed("equal generators give different layers. Likely some numbers come from the global generator")
    if torch.equal(first, second):
        raise Failed("one generator gives the same layer twice. Likely it is not used, or seeded again inside")
    if torch.equal(first, layer(h, fresh(seeds[1]))):
        raise Failed("different generators give the same layer. Likely the generator is not used")
    twins = layer(h[:1].repeat(5, 1), fresh(seeds[0]))
    if not torch.allclose(twins, twins[:1].expand_as(twins), atol=1e-4):
        raise Failed("equal inputs get different outputs. Likely each has weights or biases of its own")

    # A long input hears its weights only, a short one its bias only.
    long = 100 * torch.nn.functional.normalize(h, dim=1)
    large = torch.stack([layer(long, fresh(seed)) for seed in seeds])
    small = torch.stack([layer(1e-4 * h, fresh(seed)) for seed in seeds])
    for outputs in (large, small):
        if (outputs < -1e-9).any():
            raise Failed("some outputs are negative. Likely the activation is missing, or is not a ReLU")
    silent = float((large == 0).double().mean())
    if abs(silent - 0.5) > 0.1:
        raise Failed(f"{silent:.0%} of outputs are 0, expected about half. Likely the activation is not a ReLU")
    _compare("weights", float(2 * large.square().sum(-1).mean() / 1e4))
    _compare("biases", float(2 * small.square().sum(-1).mean()))


def _compare(what: str, squares: float) -> None:
    """`squares`: width times the variance of what was drawn, expected 1."""
    if abs(squares - 1) < _ROOM:
        return
    likely = {
        0.0: f"there are no {what}" if what == "biases" else "the weights are 0",
        1 / _WIDTH: "1/width was taken for the standard deviation; it is the variance",
        _WIDTH: "they are from N(0, 1), not scaled to the width",
        2.0: "their variance is twice too large, as of He's initialisation",
        1 / 3: "they are uniform, not normal",
        1 / 12 * _WIDTH: "they are uniform from 0 to 1",
    }
    for value, mistake in likely.items():
        if math.isclose(squares, value, rel_tol=_ROOM, abs_tol=1e-4):
            raise Failed(f"the {what} have the wrong scale. Likely {mistake}")
    raise Failed(f"the {what} have {squares:.2g} times the variance that they should have")
