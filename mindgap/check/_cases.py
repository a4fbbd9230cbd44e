"""Random inputs for the functions that `mindgap.check` looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize as unit  # rows

from mindgap.check._feedback import Case


def clouds(
    generator: torch.Generator, n: int, d: int, lengths: bool = True, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """n pairs in two cones with a gap, matched well but not perfectly; rows of length 1, or of any length."""

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    common = noise(n, d)
    clouds = [unit(common + 0.6 * noise(n, d) + 0.7 * noise(d)) for _ in range(2)]
    scales = [torch.rand(n, 1, dtype=torch.float64, generator=generator) * 3 + 0.3 for _ in range(2)]
    x, y = (cloud * scale if lengths else cloud for cloud, scale in zip(clouds, scales, strict=True))
    return x.to(dtype), y.to(dtype)


def matrices(count: int, *extra: Any) -> Callable[[torch.Generator], list[Case]]:
    """Cases of one matrix or of two, followed by `extra` arguments: one of them a case, in turn."""

    def cases(generator: torch.Generator) -> list[Case]:
        x, y = clouds(generator, 9, 5)
        order = torch.randperm(9, generator=generator)
        turn = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=generator)).Q
        made = {
            "rows of length 1": clouds(generator, 7, 5, lengths=False),
            "rows of any length": (x, y),
            "the same rows, turned and in another order": (x[order] @ turn, y[order] @ turn),
            "more columns than rows": clouds(generator, 4, 11),
            "as many rows as columns": clouds(generator, 6, 6),
            "rows of lengths about 10,000": tuple(1e4 * rows for rows in clouds(generator, 7, 5)),
            "float32": clouds(generator, 40, 16, dtype=torch.float32),
        }
        turns = [extra[i % len(extra)] if extra else () for i in range(len(made))]
        return [Case(on, (*pair[:count], *rest)) for (on, pair), rest in zip(made.items(), turns, strict=True)]

    return cases
