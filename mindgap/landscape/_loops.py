"""The loops behind `_exponentials.compiled_sums`, written for one choice of types and of multiplied exponentials.

All temperatures are done while a vector of cosines is in registers. The sums of its row stay there, too, those of its
columns in the first cache. Where nothing can under- or overflow, which is known before (`_exponentials.within`), an
exponential takes ten operations: adding a large number rounds to a whole one, n, and leaves it in the lowest bits;
2ᶠ is a polynomial; and n is added to its exponent's bits. Elsewhere, in code of its own that is `careful`, exponents
are cut off first, and what is multiplied is not so small that the product would be subnormal, and slow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from llvmlite import ir

from mindgap.landscape._exponentials import Format
from mindgap.landscape._vectors import Code, Value, processor, real

TOGETHER = 8  # temperatures: more would not find a register each
WIDTH = 512  # columns that are worked on at a time
ROWS = 64  # and to that of a column

NAMES = (
    "First_batch Last_batch First Last Batches Rows Across Shifts Next_shift Next_temperature Next_batch "
    "product pu p v q reference inside sharpness floors sums rows columns"
).split()


def lanes(form: Format) -> int:
    """Numbers of a type in a vector."""
    return processor().width // form.real.itemsize


def places(form: Format, temperatures: int) -> int:
    """How many sums of a row lie beside each other in `rows`: zeros follow those of the temperatures."""
    whole, rest = divmod(temperatures, lanes(form))
    return whole * lanes(form) + (2 ** (rest - 1).bit_length() if rest else 0)


@functools.lru_cache(maxsize=64)
def sum_blocks(
    plan: tuple[tuple[int, int], ...], form: Format, cosines: np.dtype, fast: bool
) -> Callable[..., None]:
    """A function of `NAMES` that adds to `rows` and `columns` what some batches have in some columns.

    `plan` is that of `products`, `cosines` the type of the product and its moves. Whole numbers: the batches `First_batch`
    to `Last_batch` − 1 of all `Batches`, their columns `First` to `Last` − 1 of `Across`, stored `Stride` apart; `First`
    is a multiple of `lanes`. Only where `careful` (s, k), in bytes, equals `Careful`. Memory: `product` (k, r, Stride),
    `pu` = p·u and `p` (s, k, r), `v` and `q` (s, k, Stride), `reference` (s, k), `sharpness` (t,), `floors` (t, 2), the
    least that is multiplied, zeros in `sums` (t, width()), `rows` (s, k, r, places()), `columns` (s, Temperatures, k, b).
    """
    code = Code(NAMES)
    g = code.given
    many, wide = lanes(form), WIDTH
    vector = ir.VectorType(real(form.real.dtype), many)
    exact = ir.VectorType(real(cosines), many)
    zero, nothing = code.whole(0), code.vector(vector, 0.0)

    def number(name: str, index: Value, kind: ir.VectorType) -> Value:
        return code.spread(code.read(g[name], index, kind.element), many)

    sharp = [number("sharpness", code.whole(t), vector) for t in range(len(plan))]
    floors = [[number("floors", code.whole(2 * t + side), vector) for side in range(2)] for t in range(len(plan))]

    def batch(k: Value) -> None:
        def block(start: Value) -> None:
            width = (g["Last"] - start).least(wide)
            full = width - width % many
            inside = code.first(width - full, many)

            def shift(s: Value) -> None:
                sk = s * g["Batches"] + k
                with code.when(code.read(g["inside"], sk, ir.IntType(8)), int(fast)):
                    across = sk * g["Across"] + start
                    minus = -number("reference", sk, exact)

                    def some(first: Value) -> None:
                        def row(i: Value) -> None:
                            place = sk * g["Rows"] + i
                            p, pu = number("p", place, exact), number("pu", place, exact)
                            here = (k * g["Rows"] + i) * g["Across"] + start

                            def column(j: Value, *before: Value, mask: Value | None = None) -> list[Value]:
                                def read(name: str, index: Value) -> Value:
                                    if mask is None:
                                        return code.read(g[name], index, exact)
                                    return code.read_some(g[name], index, exact, mask)

                                moved = read("product", here + j).times_plus(p, pu)
                                moved = p.times_plus(read("v", across + j), moved)
                                cosine = moved.times_plus(read("q", across + j), minus).rounded(vector)
                                values = exponentials(code, cosine, sharp, floors, plan, form, not fast)
                                for t, value in enumerate(values):
                                    code.add(value, g["sums"], j * len(plan) + t * many)
                                kept = values if mask is None else [code.where(mask, value, nothing) for value in values]
                                return [one + other for one, other in zip(before, kept, strict=True)]

                            found = code.loop(zero, full, many, column, [nothing] * len(plan))
                            found = code.loop(full, width, many, functools.partial(column, mask=inside), found)
                            at = place * places(form, len(plan))
                            for t in range(0, len(plan), many):
                                code.add(code.totals(found[t : t + many]).widened(), g["rows"], at + t)

                        last = (first + ROWS).least(g["Rows"])
                        code.loop(first, last, 1, row)
                        def flush(j: Value) -> None:
                            for t in range(len(plan)):
                                there = s * g["Next_shift"] + g["Next_temperature"] * t + k * g["Next_batch"] + start + j
                                code.add(code.read(g["sums"], j * len(plan) + t * many, vector).widened(), g["columns"], there)
                        code.loop(zero, full, many, flush)
                        def rest(j: Value) -> None:
                            for t in range(len(plan)):
                                there = s * g["Next_shift"] + g["Next_temperature"] * t + k * g["Next_batch"] + start + j
                                code.add(code.read(g["sums"], full * len(plan) + t * many + j - full, vector.element).widened(), g["columns"], there)
                        code.loop(full, width, 1, rest)
                        def forget(j: Value) -> None:
                            for t in range(len(plan)):
                                code.write(nothing, g["sums"], j * len(plan) + t * many)
                        code.loop(zero, width, many, forget)

                    code.loop(zero, g["Rows"], ROWS, some)

            code.loop(zero, g["Shifts"], 1, shift)

        code.loop(g["First"], g["Last"], wide, block)

    code.loop(g["First_batch"], g["Last_batch"], 1, batch)
    return code.compiled()


def exponentials(
    code: Code,
    cosine: Value,
    sharpness: Sequence[Value],
    floors: Sequence[Sequence[Value]],
    plan: Sequence[tuple[int, int]],
    form: Format,
    careful: bool,
) -> list[Value]:
    """2^(sharpness · cosine) at each temperature."""
    values: list[Value] = []
    for t, (one, other) in enumerate(plan):
        if one < 0:
            values.append(power(code, cosine, sharpness[t], form, careful))
        elif careful:
            values.append(values[one].most(floors[t][0]) * values[other].most(floors[t][1]))
        else:
            values.append(values[one] * values[other])
    return values


def power(code: Code, cosine: Value, sharpness: Value, form: Format, careful: bool) -> Value:
    """2^(sharpness · cosine); if `careful`, not below the least normal number, and infinite where it is too large."""
    vector, bits = cosine.kind, ir.VectorType(ir.IntType(8 * form.real.itemsize), cosine.kind.count)
    large = code.vector(vector, form.large)
    if careful:
        exponent = (cosine * sharpness).most(form.least).least(2 - form.least)
        above = exponent + large
        fraction = exponent - (above - large)
    else:
        above = cosine.times_plus(sharpness, large)
        fraction = cosine.times_plus(sharpness, -(above - large))
    value = code.vector(vector, float(form.series[0]))
    for coefficient in form.series[1:]:
        value = value.times_plus(fraction, code.vector(vector, float(coefficient)))
    whole = above.seen_as(bits)
    if careful:
        bias = int(1 - form.least)
        return value * ((whole + bias) << form.mantissa).seen_as(vector)
    return (value.seen_as(bits) + (whole << form.mantissa)).seen_as(vector)
