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
TOGETHER = 8
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
    # LLVM takes a tenth of a second to load, which small problems need not pay.
    from mindgap.landscape import _loops

    k, r, b = product.shape
    form, kind = FORMATS[dtype], product.numpy().dtype
    threads, lanes = torch.get_num_threads(), _loops.lanes(form)
    # A thread has some of the batches, or some of the columns of a single one.
    parts = max(1, min(threads, b // NARROWEST if k == 1 else k))
    edges = [round(part * (b / lanes if k == 1 else k) / parts) for part in range(parts + 1)]
    if k == 1:
        edges = [*(edge * lanes for edge in edges[:-1]), b]
    padding = (0, -b % lanes)  # so that every vector can be read as a whole
    u, p, v, q, reference = moves
    held = [torch.nn.functional.pad(part, padding) if padding[1] else part for part in (product, v, q)]
    product_, v, q = (part.contiguous() for part in held)
    careful = (~within(product, moves, float(inverses.max()) / math.log(2), form)).contiguous()
    shared = [part.contiguous() for part in (u * p, p)]
    reference = reference.contiguous()
    sums_of_rows = []
    for first in range(0, len(inverses), TOGETHER):
        some = inverses[first : first + TOGETHER]
        plan = products(tuple(some.tolist()))
        sharpness = some / math.log(2)
        floors = torch.tensor(
            [[2.0 ** (form.least * float(some[i] / some[t])) if i >= 0 else 0.0 for i in pair] for t, pair in enumerate(plan)]
        ).to(dtype)
        sharp = sharpness.to(dtype).contiguous()
        wide = _loops.places(form, len(plan))
        rows = torch.zeros(parts, len(columns), k, r, wide, dtype=torch.float64)
        kinds = [wanted for wanted in (False, True) if (careful == wanted).any()]
        loops = [_loops.sum_blocks(tuple(plan), form, kind, wanted) for wanted in kinds]

        def work(part: int) -> None:
            spans = (0, 1, edges[part], edges[part + 1]) if k == 1 else (edges[part], edges[part + 1], 0, b)
            scratch = torch.zeros(len(plan), _loops.WIDTH, dtype=dtype)
            arrays = (product_, *shared, v, q, reference, careful, sharp, floors, scratch, rows[part], columns[:, first:])
            addresses = [array.data_ptr() for array in arrays]
            for wanted, loop in zip(kinds, loops):
                loop(*spans, k, r, b, product_.shape[2], len(columns), columns.shape[1], int(wanted), *addresses)

        if parts == 1:
            work(0)
        else:
            with ThreadPoolExecutor(parts) as pool:
                list(pool.map(work, range(parts)))
        sums_of_rows.append(rows.sum(dim=0)[..., : len(plan)].permute(0, 3, 1, 2))
    return torch.cat(sums_of_rows, dim=1)


def within(product, moves, sharpness: float, form: Format):
    """(s, k): whether no exponent there can leave the range of normal numbers."""
    low, high = product.flatten(1).aminmax(dim=1)
    (u0, u1), (p0, p1), (v0, v1), (q0, q1) = ((a.amin(dim=-1), a.amax(dim=-1)) for a in moves[:4])
    low, high = low + u0 + v0, high + u1 + v1
    least = torch.minimum(low * p0 * q0, low * p1 * q1) - moves.reference
    most = torch.maximum(high * p0 * q0, high * p1 * q1) - moves.reference
    return torch.maximum(-least, most) * sharpness < -form.least - 1


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

    real: Any  # zero, of that type
    series: tuple[Any, ...]  # coefficients of a polynomial for 2ᶠ, the highest first
    mantissa: int  # how many of its bits come below the exponent
    least: float  # the exponent of its smallest normal number
    large: float  # a number beside which only whole ones are left


def _format(kind: type, series) -> Format:
    about = np.finfo(kind)
    large = 1.5 * 2.0**about.nmant
    return Format(kind(0), tuple(kind(value) for value in series), int(about.nmant), float(about.minexp), large)


def taylor(terms):
    return [math.log(2) ** k / math.factorial(k) for k in reversed(range(terms))]


def interpolated(degree):
    """2^f = 1 + f r(f): r through the nodes of Chebyshev."""
    nodes = np.cos(np.pi * (np.arange(degree) + 0.5) / degree) / 2
    r = np.polynomial.chebyshev.Chebyshev.fit(nodes, np.expm1(nodes * math.log(2)) / nodes if degree % 2 == 0 else np.array([math.log(2) if abs(x) < 1e-9 else np.expm1(x * math.log(2)) / x for x in nodes]), degree - 1, domain=[-0.5, 0.5])
    return [*r.convert(kind=np.polynomial.Polynomial).coef[::-1], 1.0]


FORMATS = {torch.float32: _format(np.float32, interpolated(5)), torch.float64: _format(np.float64, taylor(14))}
