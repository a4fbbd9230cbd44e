"""The tasks of the second chapter: what a wide ReLU layer does to a cosine, and what many do."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from mindgap.check._feedback import Case, Task
from mindgap.cones import relu_kernel, relu_mean_field


def _kernel_cases(generator: torch.Generator) -> list[Case]:
    return [
        Case("cosines from 0 to 1", (torch.linspace(0, 1, 6, dtype=torch.float64),)),
        Case("negative cosines", (torch.linspace(-1, -0.1, 4, dtype=torch.float64),)),
        Case("random cosines", (torch.rand(20, dtype=torch.float64, generator=generator) * 2 - 1,)),
        Case("float32", (torch.rand(20, generator=generator) * 2 - 1,)),
    ]


RELU_MAP = Task(
    "relu_map",
    "right for cosines from −1 to 1",
    _kernel_cases,
    relu_kernel,
    {
        "a division by π is missing": lambda r: math.pi * relu_kernel(r),
        "it is not normalised: two equal inputs must keep the cosine 1": lambda r: relu_kernel(r) / 2,
        "the angle is in degrees": lambda r: ((1 - r**2).sqrt() + r * (180 - r.acos().rad2deg())) / math.pi,
        "an angle in degrees meets π": lambda r: ((1 - r**2).sqrt() + r * (math.pi - r.acos().rad2deg())) / math.pi,
        "the angle is not taken from π": lambda r: ((1 - r**2).sqrt() + r * r.acos()) / math.pi,
        "the arc sine stands for the arc cosine": lambda r: ((1 - r**2).sqrt() + r * (math.pi - r.asin())) / math.pi,
        "the sine is not a root: 1 − ρ² stands for its square root": lambda r: (
            ((1 - r**2) + r * (math.pi - r.acos())) / math.pi
        ),
        "the sine is missing": lambda r: r * (math.pi - r.acos()) / math.pi,
        "that is the share of neurons that fire for both, the kernel of a step": lambda r: 1 - r.acos() / math.pi,
        "the cosine itself is returned, cut at 0": lambda r: r.clamp(min=0),
    },
)


def _field(
    depth: int,
    norm: float,
    start: float = 0.0,
    bias: float = 1.0,
    power: int = 2,
    halves: bool = True,
    kernel: Callable[[Tensor], Tensor] = relu_kernel,
) -> Tensor:
    """`relu_mean_field` with its parts exchangeable."""
    squared, found = norm**power, [start]
    for _ in range(depth):
        rho = (found[-1] * squared + bias) / (squared + bias)
        found.append(float(kernel(torch.tensor(min(1.0, rho), dtype=torch.float64))))
        squared = (squared + bias) / 2 if halves else squared
    return torch.tensor(found, dtype=torch.float64)


def _field_cases(generator: torch.Generator) -> list[Case]:
    norm = 1 + 9 * float(torch.rand(1, generator=generator))
    cases = {"one layer": (1, 3.0), "four layers": (4, 3.0), "inputs of length 1": (6, 1.0)}
    cases |= {"25 layers, inputs of length √512": (25, 512**0.5), "inputs of some length": (12, norm)}
    return [Case(what, arguments) for what, arguments in cases.items()]


MEAN_FIELD = Task(
    "mean_field",
    "biases, lengths and the map, layer by layer",
    _field_cases,
    lambda depth, norm: relu_mean_field(depth, norm),
    {
        "the bias is forgotten": lambda depth, norm: _field(depth, norm, bias=0.0),
        "the inputs' own cosine is missing: off by one, depth entries instead of depth + 1": lambda depth, norm: _field(
            depth, norm
        )[1:],
        "there is one layer too many": lambda depth, norm: _field(depth + 1, norm),
        "it starts after the first layer: entry 0 belongs to the inputs": lambda depth, norm: _field(depth + 1, norm)[
            1:
        ],
        "it starts at the wrong cosine: orthogonal inputs, not equal ones": lambda depth, norm: _field(
            depth, norm, start=1.0
        ),
        "it starts at the wrong cosine: 1/π is what one layer makes of orthogonal inputs": lambda depth, norm: _field(
            depth, norm, start=1 / math.pi
        ),
        "the length is not squared": lambda depth, norm: _field(depth, norm, power=1),
        "the squared length stays the same from layer to layer, but a ReLU cuts off half of it": lambda depth, norm: (
            _field(depth, norm, halves=False)
        ),
        "the ReLU is left out: only biases act": lambda depth, norm: _field(
            depth, norm, kernel=lambda rho: rho, halves=False
        ),
    },
)
