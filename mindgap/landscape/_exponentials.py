"""Sums of exponentials over the rows and the columns of many logits: where the landscape spends its time.

For every shift and every temperature τ, with the cosines of the moved rows as `_identity` derives them, let

    e_ij = exp(c_ij/τ)        c_ij = p_i q_j (x̂_i·ŷ_j + u_i + v_j) − reference.

All e_ij are summed over j for each i, and over i for each j. torch can do that only in passes over memory, one for each
operation: `in_passes` does, on a GPU and where there is little to do. For the rest, on a CPU, all operations on a few
hundred numbers are done while these stay in the first cache, in loops that numba compiles: `compiled_sums`. Compiling
takes seconds, once a process. It is not kept on disk, where a full disk or an interrupted upgrade could spoil it.

There an exponential is 2ⁿ·2ᶠ, n whole and |f| ≤ ½: n goes straight into the exponent's bits, and 2ᶠ is a Taylor series.
Where an inverse temperature is the sum of two others, its exponentials are products, e^{50c} = e^{30c} e^{20c}. Cosines
have the dtype of the products up to f.
"""

from __future__ import annotations

import bisect
import functools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

WORTH_COMPILING = 2**24  # exponentials: fewer are done in passes sooner than anything is compiled
NARROWEST = 128  # columns that are worth a thread of their own
MOST_FACTORS = 16  # the relative errors of multiplied exponentials add up: here to 2e-6 at most


class Moves(NamedTuple):
    """What S shifts make of the cosines of k batches of r rows with b columns: the u, p, v, q and reference above."""

    u: Float[Tensor, "s k r"]
    p: Float[Tensor, "s k r"]
    v: Float[Tensor, "s k b"]
    q: Float[Tensor, "s k b"]
    reference: Float[Tensor, "s k"]


def in_passes(
    product: Float[Tensor, "k r b"],
    moves: Moves,
    inverses: Float[Tensor, " t"],
    dtype: torch.dtype,
    columns: Float[Tensor, "s t k b"],
) -> Float[Tensor, "s t k r"]:
    """The row sums of e_ij, and the column sums added to `columns`; exponentials in `dtype`, sums in float64."""
    rows = columns.new_empty(*columns.shape[:-1], product.shape[1])
    for s, (u, p, v, q, reference) in enumerate(zip(*moves, strict=True)):
        cosines = (product + u[..., None]).add_(v[:, None]).mul_(p[..., None]).mul_(q[:, None])
        cosines -= reference[:, None, None]
        for t, inverse in enumerate(inverses):
            exponentials = (cosines * inverse).to(dtype).exp_()
            rows[s, t] = exponentials.sum(dim=-1)
            columns[s, t] += exponentials.sum(dim=-2)
    return rows


def compiled_sums(
    product: Float[Tensor, "k r b"],
    moves: Moves,
    inverses: Float[Tensor, " t"],
    dtype: torch.dtype,
    columns: Float[Tensor, "s t k b"],
) -> Float[Tensor, "s t k r"]:
    """What `in_passes` gives, for tensors on the CPU, by as many threads as torch may use."""
    # numba takes half a second to import, which small problems need not pay.
    from mindgap.landscape._loops import sum_blocks

    k, r, b = product.shape
    threads = torch.get_num_threads()
    # A thread has some of the batches, or some of the columns of a single one.
    parts = max(1, min(threads, b // NARROWEST if k == 1 else k))
    edges = [round(part * (b if k == 1 else k) / parts) for part in range(parts + 1)]
    rows = np.zeros((parts, *columns.shape[:-1], r))
    arrays = [part.contiguous().numpy() for part in (product, *moves)]
    plan = np.array(products(tuple(inverses.tolist())))
    sharpness = inverses.numpy() / math.log(2)

    def work(part: int) -> None:
        some = (edges[part], edges[part + 1])
        spans = (0, 1, *some) if k == 1 else (*some, 0, b)
        sum_blocks(*spans, *arrays, sharpness, plan, *FORMATS[dtype], rows[part], columns.numpy())

    if parts == 1:
        work(0)
    else:
        with ThreadPoolExecutor(parts) as pool:
            list(pool.map(work, range(parts)))
    return torch.from_numpy(rows.sum(axis=0))


@functools.lru_cache(maxsize=16)
def products(inverses: tuple[float, ...]) -> list[tuple[int, int]]:
    """For each of the rising inverse temperatures the places of two earlier ones that it is the sum of, or (−1, −1)."""
    found: list[tuple[int, int]] = []
    leaves: list[int] = []  # exponentials multiplied in all
    for place, inverse in enumerate(inverses):
        best = (1, -1, -1)
        for i in range(place):
            j = bisect.bisect_left(inverses, (inverse - inverses[i]) * (1 - 1e-14), hi=i + 1)
            if j <= i and math.isclose(inverses[i] + inverses[j], inverse, rel_tol=1e-14):
                many = leaves[i] + leaves[j]
                if many <= MOST_FACTORS and (best[1] < 0 or many < best[0]):
                    best = (many, i, j)
        found.append(best[1:])
        leaves.append(best[0])
    return found


class Format(NamedTuple):
    """What the compiled loops must know of a floating type."""

    series: tuple[Any, ...]  # Taylor coefficients of 2ᶠ, the highest first, as many as make it exact
    real: np.ndarray  # empty, of that type
    whole: np.ndarray  # empty, of whole numbers as wide
    mantissa: int  # how many of its bits come below the exponent
    least: float  # the exponent of its smallest normal number


def _format(real: type, whole: type, terms: int) -> Format:
    series = tuple(real(math.log(2) ** k / math.factorial(k)) for k in reversed(range(terms)))
    about = np.finfo(real)
    return Format(series, np.empty(0, real), np.empty(0, whole), int(about.nmant), float(about.minexp))


FORMATS = {torch.float32: _format(np.float32, np.int32, 8), torch.float64: _format(np.float64, np.int64, 14)}
