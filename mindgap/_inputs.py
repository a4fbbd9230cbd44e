"""What the public functions accept, and the one clear error they give otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch._C import _functorch as functorch  # torch has no public way to ask whether it is inside of vmap

if TYPE_CHECKING:
    import pandas as pd

from mindgap._scalars import LARGEST_SEED, choice, count, number, positive

__all__ = ["LARGEST_SEED", "choice", "count", "number", "positive"]

_STREAM = 0x9E3779B9  # far from the seeds that people choose
HIGH = 10.0  # a temperature above it is more likely to be the inverse of one
_PART = 8192  # rows looked at together
LOWEST = 1e-30  # and one below it has logits that float32 cannot hold

if TYPE_CHECKING:
    ArrayLike: TypeAlias = Tensor | np.ndarray | Sequence[Any] | pd.DataFrame | pd.Series
    """Numbers: a tensor, an array, nested lists, or a table of pandas."""

    Rows: TypeAlias = Float[Tensor, "n d"] | ArrayLike
    """One embedding a row, shape (n, d), any norms but zero."""
else:
    # Whatever comes is checked below, with a better message than a type checker's.
    ArrayLike = Rows = object


def tensor(value: object, name: str) -> Tensor:
    """`value` as a real floating tensor: float64 stays, everything else becomes float32.

    Python's own numbers stay float64 where float32 would lose them: beyond 3e38, or a row of nothing above 1e-38.
    """
    result = _numbers(value, name)
    if result.dtype != torch.float64:
        return result.to(torch.float32)
    return result.float() if _of_python(value) and not _out_of_single(result).any() else result


def double(value: object, name: str) -> Tensor:
    """`value` as a real float64 tensor, `widened`; Python's own numbers, which are of that precision, lose nothing."""
    return widened(_numbers(value, name))


def holding_float64(x: Tensor) -> Tensor:
    """`x` where there is float64: on its own device, but on the CPU in place of Apple's MPS."""
    return x.cpu() if x.device.type == "mps" else x


def widened(x: Tensor) -> Tensor:
    """`x` in float64, on its own device or, where that has none, on the CPU."""
    return holding_float64(x).double()


def _numbers(value: object, name: str) -> Tensor:
    """`value` as a dense tensor of real numbers, in its own precision; Python's own numbers are float64."""
    if reason := _unreadable(value):
        raise TypeError(f"{name}: {reason}")
    try:
        if isinstance(value, list | tuple) and any(isinstance(part, Tensor) for part in value):
            value = torch.stack([torch.as_tensor(part) for part in value])
        if not isinstance(value, Tensor):
            value = torch.as_tensor(_array(value))
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name}: expected a tensor, an array or nested lists of numbers, got {type(value).__name__} ({error})"
        ) from None
    if value.is_complex():
        raise TypeError(f"{name}: expected real numbers, got {value.dtype}")
    return value


def _unreadable(value: object) -> str | None:
    """What is wrong with what has numbers, but not one in every place."""
    kind = type(value).__name__
    if isinstance(value, Tensor):
        if value.is_nested or value.is_meta or isinstance(value, torch.masked.MaskedTensor):
            return f"expected a tensor with a number in every place, got {kind} ({value.layout} on {value.device})"
        if value.layout != torch.strided:
            return f"expected a dense tensor, got the layout {value.layout}; x.to_dense() makes it dense"
    elif isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        return "expected a number in every place, got a masked array; drop the masked rows, or fill them"
    elif hasattr(value, "toarray"):  # scipy's
        return f"expected a dense array, got the sparse {kind}; x.toarray() makes it dense"
    return None


def _array(value: object) -> np.ndarray:
    """`value` as an array that torch can share: writeable, of the machine's byte order, without negative strides."""
    array = np.asarray(value)
    if array.dtype == object:
        if not array.ndim or not all(isinstance(number, Real) for number in array.flat):
            kinds = sorted({type(number).__name__ for number in array.flat})
            raise TypeError(f"it has {', '.join(kinds[:3])} in the place of numbers")
        array = array.astype(np.float64)
    if array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0:
        return array
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def _of_python(value: object) -> bool:
    """Whether these are Python's numbers, or lists of them."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return not hasattr(value, "__array__")


def _out_of_single(x: Float[Tensor, "*shape"]) -> Bool[Tensor, "*rows"]:
    """Which rows (the last dimension) float32 cannot hold: too large, or so small that they lose digits."""
    if not x.ndim or not x.numel():
        return torch.zeros(x.shape[:-1], dtype=torch.bool, device=x.device)
    # Of rows a part at a time: their absolute values would take as much memory as they.
    parts = x.split(_PART) if x.ndim == 2 else (x,)
    found = [part.abs().amax(dim=-1) for part in parts]
    largest, limits = torch.cat(found) if x.ndim == 2 else found[0], torch.finfo(torch.float32)
    return (largest > limits.max) | ((largest > 0) & (largest < limits.tiny))


def single(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Checked rows as float32, with the directions that they have.

    A row that float32 cannot hold, in float64 say (1e300, …) or (1e-300, …), is divided by its largest entry; all
    others keep their length.
    """
    far = _out_of_single(x)
    if not far.any():
        return x.float()
    return torch.where(far[:, None], x / x.abs().amax(dim=1, keepdim=True), x).float()


def rows(
    value: object, name: str, least: int = 2, numbers: Sequence[int] | Int[np.ndarray, " n"] | None = None
) -> Float[Tensor, "n d"]:
    """`value` as (n, d) rows of non-zero, finite numbers; errors name the argument.

    They name a row, too, by its place, or by what it has in `numbers`.
    """
    result = tensor(value, name)
    if result.ndim != 2:
        raise ValueError(f"{name}: expected shape (n, d), got {tuple(result.shape)}")
    n, d = result.shape
    if n < least or d < 1:
        raise ValueError(f"{name}: expected at least {least} rows and 1 column, got shape {(n, d)}")
    if unreadable_now(result):
        return result
    # One read, and no n·d of memory, for what is nearly always true: NaN, infinity and zero rows show in the norms.
    seen = result.detach()
    norms = torch.linalg.vector_norm(seen, dim=1)
    if norms.isfinite().all() and norms.all():
        return result
    # Or their squares are out of range.
    known = range(n) if numbers is None else numbers
    if not seen.isfinite().all():
        bad = int((~seen.isfinite()).any(dim=1).nonzero()[0])
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity in row {known[bad]}")
    zero = (seen == 0).all(dim=1)
    if zero.any():
        bad = int(zero.nonzero()[0])
        raise ValueError(f"{name}: expected non-zero rows, got all zeros in row {known[bad]}")
    return result


def unreadable_now(x: Tensor) -> bool:
    """Whether the numbers stand for many, inside of `torch.vmap`, so that nothing can depend on them."""
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return True
        x = functorch.get_unwrapped(x)
    return False


def pair(x: object, y: object) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """`x` and `y` as two matrices of one shape, one dtype and one device."""
    x, y = rows(x, "x"), rows(y, "y")
    if x.shape != y.shape:
        raise ValueError(
            f"x and y: expected the same shape, row i of x belonging with row i of y, "
            f"got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    return _together(x, y)


def two_sets(
    x: object, y: object, names: tuple[str, str] = ("x", "y")
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """`x` and `y` as two matrices of one dimension, dtype and device, with as many rows each as they come with."""
    x, y = rows(x, names[0]), rows(y, names[1])
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]}: expected the same dimension d, got {x.shape[1]} and {y.shape[1]}, "
            f"in shapes {tuple(x.shape)} and {tuple(y.shape)}"
        )
    return _together(x, y, names)


def _together(x: Tensor, y: Tensor, names: tuple[str, str] = ("x", "y")) -> tuple[Tensor, Tensor]:
    if x.device != y.device:
        raise ValueError(f"{names[0]} and {names[1]}: expected one device, got {x.device} and {y.device}")
    dtype = torch.promote_types(x.dtype, y.dtype)
    return x.to(dtype), y.to(dtype)


def labels(values: object, name: str, n: int) -> Int[Tensor, " n"]:
    """A number for each of `n` labels of any kind, equal for equal labels, from 0 in the order of their appearance."""
    if isinstance(values, Tensor | np.ndarray):
        values = values.tolist()
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"{name}: expected {n} labels, one for each row, got {values!r:.80}")
    # Tensors are hashed by identity: as they are, no two of them would be one label.
    given = [one.item() if isinstance(one, Tensor) and not one.ndim else one for one in values]
    if len(given) != n:
        raise ValueError(f"{name}: expected {n} labels, one for each row, got {len(given)}")
    numbers: dict[object, int] = {}
    for place, label in enumerate(given):
        if not isinstance(label, Hashable) or isinstance(label, Tensor):
            raise TypeError(f"{name}: expected one label for each row, got {type(label).__name__} for row {place}")
        try:
            unknown = label is None or bool(label != label)  # NaN: what tables have where nothing is known
        except TypeError:  # or pandas.NA, which is neither equal nor not
            unknown = True
        if unknown:
            raise ValueError(f"{name}: expected a label for each row, got {label} for row {place}")
        numbers.setdefault(label, len(numbers))
    return torch.tensor([numbers[label] for label in given])


def temperature(value: object, name: str = "temperature") -> float:
    """`value` as a temperature: a number from 1e-30 up, with a hint where it looks like the inverse of one."""
    result = positive(value, name)
    _check_temperatures(result, result, name)
    return result


def _check_temperatures(lowest: float, highest: float, name: str) -> None:
    if lowest < LOWEST:
        raise ValueError(f"{name}: expected numbers above 0 (at least {LOWEST:g}), got {lowest:g}")
    if highest > HIGH:
        # Legitimate, if rare: so it is a warning, which comes once from each place, and from 10 down there is none.
        warnings.warn(
            f"{name}: the cosines are divided by {highest:g}, which leaves hardly a difference between them; "
            f"did you mean 1/{highest:g}?",
            UserWarning,
            stacklevel=4,
        )


def axis(values: object, name: str) -> Float[Tensor, " m"]:
    """A copy of a list of finite numbers: a floating tensor keeps its dtype, all else is float64, as Python does."""
    axis = (tensor if isinstance(values, Tensor) else double)(values, name).detach().clone()
    if axis.ndim != 1 or len(axis) == 0:
        raise ValueError(f"{name}: expected a list of at least one number, got shape {tuple(axis.shape)}")
    if not axis.isfinite().all():
        raise ValueError(f"{name}: expected finite numbers, got {float(axis[~axis.isfinite()][0])}")
    return axis


def temperatures(values: object, name: str = "temperatures") -> Float[Tensor, " t"]:
    """A copy of a list of temperatures, each checked as by `temperature`, with the dtypes of `axis`."""
    result = axis(values, name)
    _check_temperatures(float(result.min()), float(result.max()), name)
    return result


def generator(seed: object, name: str = "seed", stream: int = 0) -> torch.Generator:
    """A CPU generator for a seed of at most 32 bits, all that torch's looks at; other streams share no numbers."""
    return torch.Generator().manual_seed((count(seed, name, 0, LARGEST_SEED) + stream * _STREAM) % 2**32)
