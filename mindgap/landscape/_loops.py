"""The loops behind `_exponentials.compiled_sums`, written for one choice of types and of multiplied exponentials.

All temperatures are done while a vector of cosines is in registers. The sums of its row stay there as well, those of
its columns in the first cache. Where no exponent can leave the range of normal numbers, which `within` knows before,
an exponential takes ten operations: adding a large number rounds to a whole one, n, and leaves it in the lowest bits;
2ᶠ is a polynomial of what is left; and n is added to its exponent's bits. Elsewhere exponents are cut off first, and so
are the factors of a product that would be subnormal, and slow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from mindgap.landscape import _vectors
from mindgap.landscape._formats import Format, Plan
from mindgap.landscape._vectors import Code, Value, named

TOGETHER = 8  # temperatures: more would not find a register each
WIDTH = 512  # columns that are worked on at a time; a few of them are added up in each lane before sums are float64
ROWS = 64  # rows whose sums are added up before they are float64

PARAMETERS = (
    "First_batch Last_batch First Last Batches Rows Across Shifts Next_shift Next_temperature Next_batch "
    "product pu p v q reference inside sharpness floors sums rows columns"
).split()


def lanes(form: Format) -> int:
    """Numbers of a type in a vector."""
    return _vectors.processor().width // int(form.real.itemsize)


def places(form: Format, temperatures: int) -> int:
    """How many sums of a row lie side by side in `rows`: those of the temperatures, and zeros."""
    whole, rest = divmod(temperatures, lanes(form))
    return whole * lanes(form) + (2 ** (rest - 1).bit_length() if rest else 0)


@functools.lru_cache(maxsize=64)
def sum_blocks(plan: Plan, form: Format, cosines: np.dtype[Any], fast: bool) -> Callable[..., None]:
    """A function of `PARAMETERS` that adds to `rows` and `columns` what some batches have in some of their columns.

    `plan` is what `products` found, `cosines` the type of the products and their moves. Whole numbers: `First_batch` to
    `Last_batch` − 1 of all `Batches` have `Rows` rows and `Across` columns, of which `First` to `Last` − 1 count;
    `First` is a multiple of `lanes`; how far the next shift, temperature and batch are in `columns`. Memory: `product`
    (k, r, b), `pu` = p·u and `p` (s, k, r), `v` and `q` (s, k, b), `reference` (s, k); `inside` (s, k), bytes, is 1
    where a `fast` function has to do it, and 0 where another; `sharpness` (t,), and `floors` (t, 2) of both factors;
    zeros in `sums` (t · WIDTH,), also afterwards; in float64 `rows` (s, k, r, places) and `columns` (s, t, k, b).
    """
    return _written(plan, form, cosines, fast).compiled()


def _written(plan: Plan, form: Format, cosines: np.dtype[Any], fast: bool) -> Code:
    code = Code(PARAMETERS)
    given, zero, count = code.given, code.whole(0), len(plan)
    many = lanes(form)
    vector, exact = (ir.VectorType(named(kind), many) for kind in (form.real.dtype, cosines))
    nothing = code.vector(vector, 0.0)

    def everywhere(name: str, index: Value, kind: Any) -> Value:
        return code.spread(code.read(given[name], index, kind.element), many)

    sharpness = [everywhere("sharpness", code.whole(t), vector) for t in range(count)]
    floors = [[everywhere("floors", code.whole(2 * t + side), vector) for side in range(2)] for t in range(count)]

    def exponentials(cosine: Value) -> list[Value]:
        found: list[Value] = []
        for t, (one, other) in enumerate(plan):
            if one < 0:
                found.append(power(code, cosine, sharpness[t], form, fast))
            elif fast:
                found.append(found[one] * found[other])
            else:
                found.append(found[one].most(floors[t][0]) * found[other].most(floors[t][1]))
        return found

    def sum_shift(k: Value, start: Value, width: Value, s: Value) -> None:
        """All rows of a batch in some columns, after a shift."""
        batch = s * given["Batches"] + k
        across = batch * given["Across"] + start
        less = -everywhere("reference", batch, exact)
        full = width - width % many
        some = code.first(width - full, many)

        def sum_row(i: Value) -> None:
            place = batch * given["Rows"] + i
            here = (k * given["Rows"] + i) * given["Across"] + start
            p, pu = everywhere("p", place, exact), everywhere("pu", place, exact)

            def sum_vector(j: Value, *totals: Value, mask: Value | None = None) -> list[Value]:
                read = functools.partial(code.read, kind=exact, lanes=mask)
                moved = read(given["product"], here + j).times_plus(p, pu)
                moved = p.times_plus(read(given["v"], across + j), moved)
                found = exponentials(moved.times_plus(read(given["q"], across + j), less).rounded(vector))
                for t, value in enumerate(found):
                    code.add(value, given["sums"], j * count + t * many)
                if mask is not None:
                    found = [code.where(mask, value, nothing) for value in found]
                return [total + value for total, value in zip(totals, found, strict=True)]

            totals = code.loop(zero, full, many, sum_vector, [nothing] * count)
            totals = code.loop(full, width, many, functools.partial(sum_vector, mask=some), totals)
            for t in range(0, count, many):
                total = code.totals(totals[t : t + many]).widened()
                code.add(total, given["rows"], place * places(form, count) + t)

        def sum_rows(first: Value) -> None:
            code.loop(first, (first + ROWS).least(given["Rows"]), 1, sum_row)
            there = s * given["Next_shift"] + k * given["Next_batch"] + start

            def add(j: Value, index: Value, kind: Any) -> None:
                for t in range(count):
                    value = code.read(given["sums"], index + t * many, kind).widened()
                    code.add(value, given["columns"], there + given["Next_temperature"] * t + j)

            def forget(j: Value) -> None:
                for t in range(count):
                    code.write(nothing, given["sums"], j * count + t * many)

            code.loop(zero, full, many, lambda j: add(j, j * count, vector))
            code.loop(full, width, 1, lambda j: add(j, full * count + j - full, vector.element))
            code.loop(zero, width, many, forget)

        with code.when(code.read(given["inside"], batch, ir.IntType(8)), int(fast)):
            code.loop(zero, given["Rows"], ROWS, sum_rows)

    def sum_batch(k: Value) -> None:
        def sum_columns(start: Value) -> None:
            width = (given["Last"] - start).least(WIDTH)
            code.loop(zero, given["Shifts"], 1, functools.partial(sum_shift, k, start, width))

        code.loop(given["First"], given["Last"], WIDTH, sum_columns)

    code.loop(given["First_batch"], given["Last_batch"], 1, sum_batch)
    return code


def power(code: Code, cosine: Value, sharpness: Value, form: Format, fast: bool) -> Value:
    """2^(sharpness · cosine); unless `fast`, not below the least normal number, and infinite where it is too large."""
    vector, bits = cosine.kind, ir.VectorType(ir.IntType(8 * form.real.itemsize), cosine.kind.count)
    if fast:
        above = cosine.times_plus(sharpness, code.vector(vector, form.large))
        fraction = cosine.times_plus(sharpness, -(above - form.large))
    else:
        exponent = (cosine * sharpness).most(form.least).least(2 - form.least)
        above = exponent + form.large
        fraction = exponent - (above - form.large)
    value = code.vector(vector, float(form.series[0]))
    for coefficient in form.series[1:]:
        value = value.times_plus(fraction, code.vector(vector, float(coefficient)))
    whole = above.seen_as(bits)
    if fast:
        return (value.seen_as(bits) + (whole << form.mantissa)).seen_as(vector)
    return value * ((whole + int(1 - form.least)) << form.mantissa).seen_as(vector)


@functools.lru_cache(maxsize=2)
def exponentials_of(form: Format) -> Callable[..., None]:
    """A function that computes one exponential a number, and nothing else: of `Repeats` times the `Length` numbers in
    `cosines`, times the only one in `sharpness`, into `result`. `benchmarks/landscape.py` measures by it."""
    code = Code(["Repeats", "Length", "cosines", "sharpness", "result"])
    given, zero, many = code.given, code.whole(0), lanes(form)
    vector = ir.VectorType(named(form.real.dtype), many)
    sharpness = code.spread(code.read(given["sharpness"], zero, vector.element), many)

    def one(j: Value) -> None:
        code.write(power(code, code.read(given["cosines"], j, vector), sharpness, form, True), given["result"], j)

    code.loop(zero, given["Repeats"], 1, lambda _: code.loop(zero, given["Length"], many, one) and None)
    return code.compiled()
