"""The kernel behind `_fused.row_sums`, which Triton compiles when it is first called."""

from __future__ import annotations

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check
def row_sums(
    x, y, u, p, v, q, reference, factors, sums, first, last, batches, m, b, d, shifts,
    temperatures: tl.constexpr, PRECISION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
):  # fmt: skip
    """Add to `sums` what a tile of the columns of a batch gives to a tile of its rows from `first` to `last` − 1."""
    across = tl.cdiv(b, COLUMNS)
    down = tl.cdiv(last - first, ROWS)
    program = tl.program_id(0)
    batch = (program // (across * down)).to(tl.int64)
    i = first + (program // across) % down * ROWS + tl.arange(0, ROWS)
    j = program % across * COLUMNS + tl.arange(0, COLUMNS)
    rows, columns = i < last, j < b
    product = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, d, DEPTH):
        k = start + tl.arange(0, DEPTH)
        left = tl.load(x + (batch * m + i)[:, None] * d + k[None, :], mask=rows[:, None] & (k < d)[None, :], other=0.0)
        right = tl.load(
            y + (batch * b + j)[None, :] * d + k[:, None], mask=columns[None, :] & (k < d)[:, None], other=0.0
        )
        product = tl.dot(left, right, product, input_precision=PRECISION)
    inside = rows[:, None] & columns[None, :]
    for s in range(shifts):
        here, there = (s * batches + batch) * m + i, (s * batches + batch) * b + j
        offset = tl.load(u + here, mask=rows, other=0.0)[:, None] + tl.load(v + there, mask=columns, other=0.0)
        scale = tl.load(p + here, mask=rows, other=0.0)[:, None] * tl.load(q + there, mask=columns, other=0.0)
        cosines = (product + offset) * scale - tl.load(reference + s * batches + batch)
        for t in tl.static_range(temperatures):
            exponentials = tl.where(inside, tl.exp2(cosines * tl.load(factors + t)), 0.0)
            place = ((s * temperatures + t) * batches + batch) * m + i
            tl.atomic_add(sums + place, tl.sum(exponentials, 1), mask=rows, sem="relaxed")
