"""The loops behind `_exponentials.compiled_sums`, which numba compiles when they are first called."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

WIDTH = 512  # logits that are worked on at a time
ROWS = 32  # rows whose sums are kept in the type of the exponentials, before they are added up in float64

_compiled = numba.njit(nogil=True, fastmath={"contract", "nnan", "nsz", "reassoc"})


@_compiled
@no_type_check
def _moved(product, u, v, p, q, reference, limit, out):
    """Cosines after a shift less their reference, from those before it, into `out`; how many are below the limit."""
    below = 0
    for j in range(out.shape[0]):
        cosine = (product[j] + (u + v[j])) * (p * q[j]) - reference
        below += cosine < limit
        out[j] = cosine
    return below


@_compiled
@no_type_check
def _exponentials(cosines, sharpness, series, mantissa, least, fractions, bits, powers, t, out, sums):
    """2^(sharpness · cosines) into row t of `out`, and added to that of `sums`; returns their total.

    None is below 2^least: smaller numbers would be subnormal, and slow. One that is too large is infinite.
    """
    bias = 1 - np.int64(least)
    kind = cosines.dtype.type  # an operation with a wider number would be done as wide, at half the speed
    factor, low, high = kind(sharpness), kind(least), kind(bias + 1)
    for j in range(cosines.shape[0]):
        exponent = min(max(cosines[j] * factor, low), high)
        whole = np.rint(exponent)
        fractions[j] = exponent - whole
        bits[j] = (np.int32(whole) + bias) << mantissa
    total = out.dtype.type(0)
    for j in range(cosines.shape[0]):
        value = series[0]
        for term in range(1, len(series)):
            value = value * fractions[j] + series[term]
        value *= powers[j]
        total += value
        sums[t, j] += value
        out[t, j] = value
    return total


@_compiled
@no_type_check
def _products(one, other, t, out, sums):
    """The same for exponentials that are the products of those in two rows of `out`."""
    total = out.dtype.type(0)
    for j in range(out.shape[1]):
        value = out[one, j] * out[other, j]
        total += value
        sums[t, j] += value
        out[t, j] = value
    return total


@_compiled
@no_type_check
def sum_blocks(
    first_batch, last_batch, first, last, product, u, p, v, q, reference, sharpness, plan,
    series, real, whole, mantissa, least, rows, columns,
):  # fmt: skip
    """Add to `rows` and `columns` what some batches have in their columns `first` to `last` − 1."""
    steps = sharpness.shape[0]
    limit = product.dtype.type(least / sharpness.max())
    for k in range(first_batch, last_batch):
        for start in range(first, last, WIDTH):
            width = min(WIDTH, last - start)
            cosines = np.empty(width, product.dtype)
            bits = np.empty(width, whole.dtype)
            powers = bits.view(real.dtype)
            fractions = np.empty_like(powers)
            values = np.empty((steps, width), real.dtype)
            sums = np.zeros((steps, width), real.dtype)
            for s in range(u.shape[0]):
                across, stretch = v[s, k, start : start + width], q[s, k, start : start + width]
                for i in range(product.shape[1]):
                    here = product[k, i, start : start + width]
                    below = _moved(here, u[s, k, i], across, p[s, k, i], stretch, reference[s, k], limit, cosines)
                    for t in range(steps):
                        one, other = plan[t]
                        if one < 0 or below > 0:  # where a product could be subnormal, none is made
                            total = _exponentials(
                                cosines, sharpness[t], series, mantissa, least, fractions, bits, powers, t, values, sums
                            )
                        else:
                            total = _products(one, other, t, values, sums)
                        rows[s, t, k, i] += total
                    if (i + 1) % ROWS == 0 or i == product.shape[1] - 1:
                        for t in range(steps):
                            for j in range(width):
                                columns[s, t, k, start + j] += sums[t, j]
                        sums[:] = 0
