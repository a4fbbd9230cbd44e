"""What goes wrong with files of embeddings, and how it shows: each check with its limit and with what to try."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs
from mindgap.metrics._moments import TILE_ROWS, Cloud, wide_unit
from mindgap.pairs import PairedEmbeddings

PASSED, NOTED, FAILED = "passed", "note", "failed"
OFFSETS = (*range(-5, 0), *range(1, 6))
REPEATED, NARROW, SURE = 0.01, 0.99, 4.0
LARGEST_HALF = 65504.0
WORDS = {
    "text": re.compile(r"te?xt|caption|sentence|prompt|query", re.IGNORECASE),
    "image": re.compile(r"im(a?ge?|g)|photo|pixel|picture|video|vision|visual", re.IGNORECASE),
}


@dataclass(frozen=True)
class Check:
    """One check: what was found, the limit, what it would mean, what to try; and its state: passed, note or failed.

    A note is worth knowing and no fault by itself; only what has failed makes a report fail.
    """

    name: str
    found: str
    limit: str
    meaning: str
    advice: str
    state: str = PASSED

    @property
    def failed(self) -> bool:
        """Whether it is a fault."""
        return self.state == FAILED


def checked(
    pairs: PairedEmbeddings,
    measures: Mapping[str, float],
    k: int,
    temperatures: Sequence[float],
    n: int | None = None,
) -> tuple[Check, ...]:
    """Every check, in the order in which they matter; `k` is that of the recall in `measures`.

    `n` is the number of pairs that were measured, where only some of them are looked at here.
    """
    n = len(pairs) if n is None else n
    x, y = Cloud(pairs.x), Cloud(pairs.y)
    noise = _noise(x, y)
    return (
        _identical(pairs),
        _order(x, y, noise, measures["matched_cosine"]),
        _pairing(x, y, noise, measures, k),
        *_repeats(pairs, measures, n),
        *_narrow(pairs, measures),
        _norms(pairs),
        _overflow(pairs),
        _names(pairs),
        _few(n, pairs.x.shape[1]),
        _inverse(temperatures),
    )


def _identical(pairs: PairedEmbeddings) -> Check:
    share = float((pairs.x == pairs.y).all(dim=1).float().mean())
    return Check(
        "identical rows", f"{share:.1%} of the rows of both files are equal", "none",
        "The same file was given twice, or one modality was written over the other. Every measure of a gap is then 0.",
        "Look at the two paths, and at what wrote the files.",
        FAILED if share > 0 else PASSED,
    )  # fmt: skip


def _order(x: Cloud, y: Cloud, noise: float, own: float) -> Check:
    offsets = [offset for offset in OFFSETS if abs(offset) < x.n]
    shifted = _cosines_apart(x.rows, y.rows, offsets)
    best = max(shifted, key=shifted.__getitem__)
    moved = shifted[best] - own > SURE * noise
    found = f"matched rows have mean cosine {own:.3f}, rows {best:+d} apart {shifted[best]:.3f}"
    return Check(
        "rows in order", found, f"no shift by up to {max(offsets)} rows matches better by {SURE:g} standard errors",
        f"One file starts {abs(best)} rows later than the other, or one lacks rows the other has."
        if moved else "A header read as a row, or a lost row, would show here.",
        "Look at the first rows of both, and at what was skipped when they were written.",
        FAILED if moved else PASSED,
    )  # fmt: skip


def _cosines_apart(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], offsets: Sequence[int]) -> dict[int, float]:
    """The mean cosine of the rows i of x and i − offset of y, for each offset; a tile at a time, in float64."""
    n, reach = len(x), max(offsets)
    sums = dict.fromkeys(offsets, 0.0)
    for start in range(0, n, TILE_ROWS):
        rows = torch.arange(start, min(start + TILE_ROWS, n), device=x.device)
        around = torch.arange(start - reach, start + len(rows) + reach, device=y.device) % n
        one, other = (wide_unit(part) for part in (x[rows], y[around]))
        for offset in offsets:
            first = reach - offset
            sums[offset] += float((one * other[first : first + len(rows)]).sum())
    return {offset: total / n for offset, total in sums.items()}


def _noise(x: Cloud, y: Cloud) -> float:
    """What chance does to the mean cosine of n random pairs: its standard deviation over orders of the rows."""
    # Var of Σ a_i·b_π(i) is tr(C_a C_b)/(n − 1) with C the sums of squares and products, and those are n − 1 times the
    # covariances.
    traced = x.covariance * y.covariance if x.n > x.d else (x.spread @ y.spread.T).square()
    return math.sqrt(float(traced.sum()) * (x.n - 1)) / x.n


def _pairing(x: Cloud, y: Cloud, noise: float, measures: Mapping[str, float], k: int) -> Check:
    above = measures["matched_cosine"] - float(x.mean @ y.mean)
    errors = above / max(noise, 1e-12)
    recall = measures["recall_xy"], measures["recall_yx"]
    return Check(
        "rows belong together",
        f"matched rows are {above:.4f} nearer than others, {errors:.1f} standard errors; R@{k} {recall[0]:.3f} and "
        f"{recall[1]:.3f}, chance {measures['recall_chance']:.4f}",
        f"more than {SURE:g} standard errors",
        "Row i of one file does not belong with row i of the other, or the model has learned nothing of these pairs. "
        "A gap says nothing about that: it is there in both cases.",
        "Look at a few pairs by eye; sort both files by the same key.",
        PASSED if errors > SURE else FAILED,
    )  # fmt: skip


def _repeats(pairs: PairedEmbeddings, measures: Mapping[str, float], n: int) -> Iterator[Check]:
    shares = {side: 1 - measures[f"distinct_{side}"] / n for side in "xy"}
    for side, name in zip("xy", pairs.modalities, strict=True):
        many = shares[side] > REPEATED
        both = min(shares.values()) > REPEATED
        yield Check(
            f"repeated rows of {name}", f"{shares[side]:.1%} repeat an earlier row", f"{REPEATED:.0%}",
            "The rows are fewer than they seem: recall counts every copy but one as wrong."
            + ("" if both else " Several captions of one image are no fault."),
            "Give the captions of one image one group (--groups), or drop the copies.",
            PASSED if not many else FAILED if both else NOTED,
        )  # fmt: skip


def _narrow(pairs: PairedEmbeddings, measures: Mapping[str, float]) -> Iterator[Check]:
    for side, name in zip("xy", pairs.modalities, strict=True):
        cosine, rank = measures[f"mean_cosine_{side}"], measures[f"effective_rank_{side}"]
        yield Check(
            f"spread of {name}", f"mean cosine {cosine:.4f}, effective rank {rank:.1f}", f"mean cosine below {NARROW}",
            "All rows are nearly one: the tower has collapsed, was never trained, or its output was averaged away.",
            "Check that the inputs differ, that preprocessing is the model's own, and which layer was taken.",
            FAILED if cosine > NARROW else PASSED,
        )  # fmt: skip


def _norms(pairs: PairedEmbeddings) -> Check:
    tiles = [tile for rows in (pairs.x, pairs.y) for tile in rows.split(TILE_ROWS)]
    norms = torch.cat([torch.linalg.vector_norm(_inputs.widened(tile), dim=1) for tile in tiles])
    low, high = float(norms.min()), float(norms.max())
    unit = 1 - 1e-2 < low <= high < 1 + 1e-2
    return Check(
        "norms", f"rows of length {low:.4g} to {high:.4g}", "1, to a hundredth",
        "Not a fault here, since every measure puts the rows on the unit sphere first. But a dot product of these rows "
        "is no cosine, and a search by it ranks long rows first.",
        "Normalise the rows before they are stored, or use cosines.",
        PASSED if unit else NOTED,
    )  # fmt: skip


def _overflow(pairs: PairedEmbeddings) -> Check:
    largest = max(abs(float(end)) for rows in (pairs.x, pairs.y) for end in rows.aminmax())
    at_the_end = 0.999 * LARGEST_HALF < largest <= LARGEST_HALF
    return Check(
        "half precision", f"largest number {largest:.4g}", f"not {LARGEST_HALF:g}, the largest of float16",
        "Numbers were cut off at the end of float16; those beyond it would be infinity, which no file may hold.",
        "Normalise before converting to float16.",
        FAILED if at_the_end else PASSED,
    )  # fmt: skip


def _names(pairs: PairedEmbeddings) -> Check:
    first, comma, second = pairs.name.partition(",")
    swapped = bool(
        comma and WORDS["text"].search(_stem(first)) and WORDS["image"].search(_stem(second))
        and not WORDS["image"].search(_stem(first)) and not WORDS["text"].search(_stem(second))
    )  # fmt: skip
    return Check(
        "order of the files", f"{pairs.modalities[0]} first, then {pairs.modalities[1]}", "images first",
        "By their names the files come in the other order. No measure depends on it, but λ, Δ and \"first to second\" "
        "then point the other way than in the paper." if swapped else "Δ points from the second to the first.",
        "Give the images first.",
        NOTED if swapped else PASSED,
    )  # fmt: skip


def _stem(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _few(n: int, d: int) -> Check:
    return Check(
        "more rows than dimensions", f"{n} pairs in {d} dimensions", "as many pairs as dimensions",
        "With fewer rows than dimensions a plane parts any two sets, ranks and angles are bounded by the rows, and a "
        "Fréchet distance is mostly noise.",
        "Embed more pairs, or compare with random halves of one modality.",
        PASSED if n >= d else NOTED,
    )  # fmt: skip


def _inverse(temperatures: Sequence[float]) -> Check:
    high = [temperature for temperature in temperatures if temperature > 1.5]
    named = ", ".join(f"{temperature:g}" for temperature in high)
    return Check(
        "temperatures", f"{named} among them" if high else f"{min(temperatures):g} to {max(temperatures):g}",
        "at most 1.5",
        "A model's logit scale is 1/τ: CLIP's 100 is the temperature 1/100." if high else
        "Cosines are divided by the temperature.",
        f"Give {', '.join(f'{1 / temperature:g}' for temperature in high)}." if high else "–",
        FAILED if high else PASSED,
    )  # fmt: skip
