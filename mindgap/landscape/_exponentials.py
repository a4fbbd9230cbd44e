"""Sums of exponentials over the rows and the columns of many logits: where the landscape spends its time.

For every shift and every temperature τ, with the cosines of the moved rows as `_identity` derives them, let

    e_ij = exp(c_ij/τ)        c_ij = p_i q_j (x̂_i·ŷ_j + u_i + v_j) − reference.

All e_ij are summed over j for each i, and over i for each j. torch can do that only in passes over memory, one for each
operation: `in_passes` does, on a GPU and where there is little to do. For the rest, on a CPU, `compiled_sums` does all
operations on a vector of numbers while they are in registers, in loops that are compiled when they are first needed.
That takes a tenth of a second for each choice of types and products (`_vectors`), so nothing is kept on disk.

There an exponential is 2ⁿ·2ᶠ, n whole and |f| ≤ ½: n goes straight into the exponent's bits, and 2ᶠ is a polynomial.
Where an inverse temperature is the sum of two others, its exponentials are products, e^{50c} = e^{30c} e^{20c}. Cosines
have the dtype of the products.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap.landscape._formats import FORMATS, Plan

WORTH_COMPILING = 2**24  # exponentials: fewer are done in passes sooner than anything is compiled
NARROWEST = 128  # columns that are worth a thread of their own
MOST_FACTORS = 16  # the relative errors of multiplied exponentials add up: here to 2e-6 at most


Allowed: TypeAlias = tuple[Float[Tensor, "s k"], Float[Tensor, "s k"]]


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
    allowed: Allowed | None = None,
) -> Float[Tensor, "s t k r"]:
    """What `in_passes` gives, for tensors on the CPU, by as many threads as torch may use.

    `product` and `moves` have the same type; that of the exponentials may be narrower. `allowed`: what is `within`
    range, for these moves or for more.
    """
    # LLVM takes a tenth of a second to load, which small problems need not pay.
    from mindgap.landscape import _loops

    (k, r, b), form = product.shape, FORMATS[dtype]
    low, high = allowed or within(moves, inverses, dtype)
    least, most = _extremes(product.flatten(1))
    inside = (least >= low) & (most <= high)
    kinds = [fast for fast in (True, False) if (inside == fast).any()]
    shared = [product, moves.u * moves.p, moves.p, moves.v, moves.q, moves.reference, inside]
    spans = list(_spans(k, b, _loops.lanes(form)))
    found = []
    for first in range(0, len(inverses), _loops.TOGETHER):
        plan, *factors = _factors(tuple(inverses[first : first + _loops.TOGETHER].tolist()), dtype)
        # Zeros and sums by numpy: torch would take threads, which wait long for each other where others work, too.
        rows = torch.from_numpy(np.zeros((len(spans), len(columns), k, r, _loops.places(form, len(plan)))))
        loops = [_loops.sum_blocks(plan, form, product.numpy().dtype, fast) for fast in kinds]
        held = [part.contiguous() for part in (*shared, *factors)]  # until all is done: only addresses are passed on
        scratch = torch.zeros(len(spans), len(loops), _loops.WIDTH * len(plan), dtype=dtype)
        shape = (k, r, b, len(columns), *columns.stride()[:3])
        calls = [
            functools.partial(loop, *span, *shape, *_addresses(*held, own, rows[part], columns[:, first:]))
            for part, span in enumerate(spans)
            for loop, own in zip(loops, scratch[part], strict=True)
        ]
        if len(calls) == 1:
            calls[0]()
        else:
            with ThreadPoolExecutor(len(spans)) as pool:
                list(pool.map(lambda call: call(), calls))
        total = rows[0] if len(spans) == 1 else torch.from_numpy(rows.numpy().sum(axis=0))
        found.append(total[..., : len(plan)].permute(0, 3, 1, 2))
    return found[0] if len(found) == 1 else torch.cat(found, dim=1)


def _addresses(*memory: Tensor) -> list[int]:
    return [part.data_ptr() for part in memory]


def within(moves: Moves, inverses: Float[Tensor, " t"], dtype: torch.dtype) -> Allowed:
    """Between which products no exponent of 2 leaves the range of normal numbers of a type, whichever row and column of
    a batch they belong to, after a shift."""
    (least_u, u), (least_p, p), (least_v, v), (least_q, q) = map(_extremes, moves[:4])
    bound = (-FORMATS[dtype].least - 1) * math.log(2) / float(inverses.max())  # of |c|
    below, above = moves.reference - bound, moves.reference + bound
    small, large = least_p * least_q, p * q
    return (
        torch.maximum(below / small, below / large) - least_u - least_v,
        torch.minimum(above / small, above / large) - u - v,
    )


def _extremes(values: Float[Tensor, "*some b"]) -> tuple[Float[Tensor, "*some"], Float[Tensor, "*some"]]:
    """The least and the largest of each line."""
    held = values.numpy()  # which is faster at it
    return torch.from_numpy(held.min(axis=-1)), torch.from_numpy(held.max(axis=-1))


@functools.lru_cache(maxsize=16)
def _factors(inverses: tuple[float, ...], dtype: torch.dtype) -> tuple[Plan, Float[Tensor, " t"], Float[Tensor, "t 2"]]:
    """What the loops need of rising inverse temperatures: the products, what makes exponents of 2 of cosines, and what
    the factors of a product are not to be below where they are cut off: it is just normal then."""
    plan = tuple(products(inverses))
    shares = [[inverses[i] / inverses[t] if i >= 0 else 1.0 for i in pair] for t, pair in enumerate(plan)]
    floors = torch.exp2(FORMATS[dtype].least * torch.tensor(shares, dtype=torch.float64))
    return plan, (torch.tensor(inverses, dtype=torch.float64) / math.log(2)).to(dtype), floors.to(dtype)


def _spans(k: int, b: int, lanes: int) -> Iterator[tuple[int, int, int, int]]:
    """First and last batch, first and last column of what each thread does: some batches, or some of the only one's
    columns."""
    many = b // lanes if k == 1 else k
    parts = max(1, min(torch.get_num_threads(), b // NARROWEST if k == 1 else k))
    edges = [round(part * many / parts) for part in range(parts + 1)]
    for first, last in itertools.pairwise(edges):
        yield (0, 1, first * lanes, b if last == many else last * lanes) if k == 1 else (first, last, 0, b)


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
