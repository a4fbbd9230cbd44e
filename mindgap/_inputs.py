"""What the public functions accept, and the one clear error they give otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap._scalars import LARGEST_SEED, choice, count, number, positive

__all__ = ["LARGEST_SEED", "choice", "count", "number", "positive"]

_STREAM = 0x9E3779B9  # far from the seeds that people choose

ArrayLike: TypeAlias = Tensor | np.ndarray | Sequence
"""Anything `torch.as_tensor` takes."""

Rows: TypeAlias = Float[Tensor, "n d"] | ArrayLike
"""One embedding a row, shape (n, d), any norms but zero."""


def tensor(value: object, name: str) -> Tensor:
    """`value` as a real floating tensor: float64 stays, everything else becomes float32."""
    try:
        # A copy only where torch cannot share the memory: of a read-only, byte-swapped or reversed array.
        if isinstance(value, np.ndarray) and not (
            value.flags.writeable and value.dtype.isnative and min(value.strides, default=0) >= 0
        ):
            value = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
        result = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name}: expected a tensor, an array or nested lists of numbers, got {type(value).__name__} ({error})"
        ) from None
    if result.is_complex():
        raise TypeError(f"{name}: expected real numbers, got {result.dtype}")
    return result if result.dtype == torch.float64 else result.to(torch.float32)


def double(value: object, name: str) -> Tensor:
    """`value` as a real float64 tensor; Python's own numbers, which are of that precision, lose nothing."""
    return tensor(value if isinstance(value, Tensor) else np.asarray(value, dtype=np.float64), name).double()


def rows(value: object, name: str, least: int = 2) -> Float[Tensor, "n d"]:
    """`value` as (n, d) rows of non-zero, finite numbers; errors name the argument."""
    result = tensor(value, name)
    if result.ndim != 2:
        raise ValueError(f"{name}: expected shape (n, d), got {tuple(result.shape)}")
    n, d = result.shape
    if n < least or d < 1:
        raise ValueError(f"{name}: expected at least {least} rows and 1 column, got shape {(n, d)}")
    # One read, and no n·d of memory, for what is nearly always true: NaN, infinity and zero rows show in the norms.
    norms = torch.linalg.vector_norm(result, dim=1)
    if norms.isfinite().all() and norms.all():
        return result
    # Or their squares are out of range.
    if not result.isfinite().all():
        bad = int((~torch.isfinite(result)).any(dim=1).nonzero()[0])
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity in row {bad}")
    zero = (result == 0).all(dim=1)
    if zero.any():
        raise ValueError(f"{name}: expected non-zero rows, got all zeros in row {int(zero.nonzero()[0])}")
    return result


def single(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Checked rows as float32. A row beyond its range is divided by its largest entry: its direction is what counts."""
    if x.dtype != torch.float64:
        return x.float()
    largest = torch.linalg.vector_norm(x, ord=torch.inf, dim=1, keepdim=True)
    limits = torch.finfo(torch.float32)
    beyond = (largest > limits.max) | (largest < limits.tiny)
    return (torch.where(beyond, x / largest, x) if beyond.any() else x).float()


def pair(x: object, y: object) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """`x` and `y` as two matrices of one shape, one dtype and one device."""
    x, y = rows(x, "x"), rows(y, "y")
    if x.shape != y.shape:
        raise ValueError(
            f"x and y: expected the same shape, row i of x belonging with row i of y, "
            f"got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if x.device != y.device:
        raise ValueError(f"x and y: expected one device, got {x.device} and {y.device}")
    dtype = torch.promote_types(x.dtype, y.dtype)
    return x.to(dtype), y.to(dtype)


def axis(values: object, name: str) -> Float[Tensor, " m"]:
    """A copy of a list of finite numbers: a floating tensor keeps its dtype, all else is float64, as Python does."""
    axis = tensor(values, name).detach().clone()
    if not isinstance(values, Tensor):
        axis = torch.from_numpy(np.array(values, dtype=np.float64))
    if axis.ndim != 1 or len(axis) == 0:
        raise ValueError(f"{name}: expected a list of at least one number, got shape {tuple(axis.shape)}")
    if not axis.isfinite().all():
        raise ValueError(f"{name}: expected finite numbers, got {float(axis[~axis.isfinite()][0])}")
    return axis


def generator(seed: object, name: str = "seed", stream: int = 0) -> torch.Generator:
    """A CPU generator for a seed of at most 32 bits, all that torch's looks at; other streams share no numbers."""
    return torch.Generator().manual_seed((count(seed, name, 0, LARGEST_SEED) + stream * _STREAM) % 2**32)


def device(value: str | torch.device | None) -> torch.device:
    """`value` as torch's device, if tensors can be made there; None is the GPU where there is one, else the CPU."""
    if value is None:
        value = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=value).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch has no one error for this
        reason = str(error).splitlines()[0]
        raise ValueError(f"device: {str(value)!r} cannot be used here ({reason})") from None
