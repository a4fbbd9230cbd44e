"""Every measure of `metrics.report` of pairs that are read once, or twice where once cannot do.

In one pass: counts, means, covariances and hashes, from which most measures follow. Four need the means first, and so
a second pass: `separability` and `linear_probe` count the rows on either side of a plane that is known only then, and
the two `residual_…` put rows back on the sphere without their mean. Recall of a sample is counted in that pass, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindgap import _inputs, devices, geometry, metrics
from mindgap._reprs import Readable, Shown, short
from mindgap.metrics import _sampled, _spread
from mindgap.metrics._moments import Moments, Undefined
from mindgap.metrics._report import Summary
from mindgap.pairs import Shards
from mindgap.stream._equal import Equal, equal_rows, hashed
from mindgap.stream._moments import Collected, as_parts, from_parts, merge
from mindgap.stream._ranks import ALONE, Parts, Ranks
from mindgap.stream._walk import Span, State, Walk, kept_in, tiles

SCATTERED = {
    "frechet_distance", "linear_probe", "effective_rank_x", "effective_rank_y", "principal_angle", "shared_energy_x",
    "shared_energy_y", "residual_frechet",
}  # fmt: skip
"""Measures that need covariances, which cost O(nd²)."""
SECOND = {"separability", "linear_probe", "residual_pair_distance", "residual_frechet"}
"""Those that need a second pass."""
RECALLS = tuple(_sampled.RECALLS)


@dataclass(frozen=True, repr=False)
class StreamedReport(Readable):
    """The measures of pairs that were streamed: see `stream.report`.

    `measures` has them all by name; those in `sampled` are estimates from a sample, with their intervals, all others
    are of all rows. `passes` says how often the rows were read.
    """

    name: str
    rows: int
    k: int
    measures: dict[str, Any]
    sampled: dict[str, metrics.Estimate]
    passes: int

    def _shown(self) -> Shown:
        sampled = f"; {len(self.sampled)} of {len(self.measures)} measures from samples" if self.sampled else ""
        times = {1: "once", 2: "twice"}[self.passes]
        return Shown(
            f"Report on {short(self.name)!r}: {self.rows} pairs, read {times}{sampled}.",
            ("measure", "value"),
            [(metrics.label(name, k=self.k), value) for name, value in self.measures.items()],
        )


@torch.no_grad()
def report(
    shards: Shards,
    k: int = 1,
    only: Iterable[str] | None = None,
    seed: int = 0,
    state: str | Path | None = None,
    device: str | torch.device = "cpu",
    ranks: Ranks = ALONE,
    progress: Callable[[str, float], object] | None = None,
) -> StreamedReport:
    """The measures of `metrics.report` of pairs that need not fit into memory, by name; `only` some of them.

    Those of `metrics.LINEAR` are of all rows and equal to what `metrics.report` gives, to 1e-9; the rows are read once,
    or twice for `separability`, `linear_probe`, the `residual_…` and recall. Those that cost n² are as
    `metrics.estimates` has them, from random samples by `seed`, if there are more than `metrics.EXACT` rows. Memory is
    that of a few tiles and some d × d matrices, and for a moment 9 bytes a row; equal rows are found in a file of 16
    bytes a row.

    `state` names a .safetensors file in which the run is kept after each of at most 256 units of work, and from which
    the same call goes on; that file is left where it is. `ranks` share the work: see `stream.joined`. `progress` is
    called on rank 0 with the name of a pass and the share of it that is done.

    Raises ValueError for an unknown name in `only`; unless 1 ≤ k ≤ n, or the rows of a sample; naming the file for rows
    that are none; for a `state` of other shards or options; and where shards change while they are read. Raises
    ConnectionError where another rank ends.
    """
    names = metrics.MEASURES if only is None else [only] if isinstance(only, str) else only
    chosen = [_inputs.choice(name, "only", metrics.MEASURES) for name in names]
    n = len(shards)
    sampled = n > metrics.EXACT and not set(chosen) <= set(metrics.LINEAR)
    k = _inputs.count(k, "k", 1, min(n, _sampled.SAMPLE) if sampled else n)
    device = _inputs.holding_float64(torch.empty(0, device=devices.usable(device))).device
    _inputs.generator(seed)
    options = {"what": "report", "k": k, "only": sorted(chosen), "seed": seed}
    with kept_in(state, shards, ranks, **options) as kept:
        beside = kept.path if ranks.first else None
        with equal_rows(beside, n, kept.begun("first pass")[0] > 0) if ranks.first else nullcontext() as equal:
            walk = Walk(shards, kept, ranks, progress)
            return _report(walk, kept, equal, chosen, k, seed, device)


def _report(
    walk: Walk, kept: State, equal: Equal | None, chosen: list[str], k: int, seed: int, device: torch.device
) -> StreamedReport:
    shards, ranks, n = walk.shards, walk.ranks, len(walk.shards)
    hashing = any(name.startswith("distinct") or name.endswith("_grouped") for name in chosen)
    learning = learners(n) if "linear_probe" in chosen else torch.zeros(n, dtype=torch.bool)
    with_scatter = bool(SCATTERED & set(chosen))

    def first(span: Span) -> Parts:
        total: Parts | None = None
        hashes = []
        for start, stop in tiles(span):
            given = shards.read(start, stop)
            if hashing:
                hashes.append(hashed(*given))
            x, y = (geometry.unit(_inputs.widened(rows.to(device))) for rows in given)
            parts = _sums(x, y, learning[start:stop].to(device), with_scatter)
            total = parts if total is None else merge(total, parts)
        assert total is not None, "a unit has rows"
        return {**_at_home(total), **({"hashes": torch.cat(hashes)} if hashing else {})}

    def aside(span: Span, parts: Parts) -> None:
        if hashing and equal is not None:
            equal.put(span, parts.pop("hashes"))

    sums = walk.fold("first pass", first, merge, aside)
    known = Streamed(k, n, sums, equal)

    sampling = [name for name in chosen if name not in metrics.LINEAR]
    inexact = n > metrics.EXACT
    asked = _Asked(shards, seed, ranks, equal, known, device) if inexact and set(sampling) & set(RECALLS) else None
    if asked is not None or SECOND & set(chosen):
        if asked is not None and any(name.endswith("_grouped") for name in sampling):
            asked.look_for_equal_rows()
        known.add(
            walk.fold(
                "second pass", lambda span: _second(shards, span, known, learning, asked, with_scatter, device), merge
            )
        )

    estimates: dict[str, metrics.Estimate] = {}
    exact: dict[str, float] = {}
    if sampling and ranks.first:
        if inexact:
            estimates = _estimates(shards, sampling, k, seed, asked)
        else:
            exact = metrics.report(*shards.read(0, n), k=k, only=sampling)
    values = {
        name: (estimates[name].value if name in estimates else exact[name] if name in exact else _value(name, known))
        for name in chosen
        if ranks.first
    }
    return StreamedReport(shards.name, n, k, values, estimates, 2 if "second pass" in known.passes else 1)


def learners(n: int) -> Bool[Tensor, " n"]:
    """The rows from which `metrics.linear_probe` learns, of both sides; none where they are too few."""
    chosen = torch.zeros(n, dtype=torch.bool)
    if n >= 4:
        chosen[_spread.probe_halves(n, n, _inputs.generator(0))[0][0]] = True
    return chosen


def _at_home(parts: Parts) -> Parts:
    return {name: part.cpu() for name, part in parts.items()}


def _sums(x: Float[Tensor, "b d"], y: Float[Tensor, "b d"], learning: Bool[Tensor, " b"], with_scatter: bool) -> Parts:
    """Of some unit rows what one pass can give."""
    parts: Parts = {}
    for name, rows in (("x", x), ("y", y)):
        for half, where in (("seen", learning), ("unseen", ~learning)):
            parts |= as_parts(f"{name}.{half}", Collected.of(rows[where], with_scatter))
    return {**parts, "cosine": (x * y).sum(), "distance": torch.linalg.vector_norm(x - y, dim=1).sum()}


class Streamed(Summary):
    """What the passes have found, from which the measures are computed."""

    def __init__(self, k: int, n: int, sums: Parts, equal: Equal | None) -> None:
        self.k, self._n, self._sums, self._equal = k, n, dict(sums), equal
        self.passes = ["first pass"]

    def add(self, sums: Parts) -> None:
        """What the second pass has found."""
        self._sums |= sums
        self.passes.append("second pass")

    @property
    def n(self) -> int:
        """Pairs."""
        return self._n

    def half(self, side: str, half: str) -> Collected:
        """The rows that the probe has seen, or not."""
        return from_parts(f"{side}.{half}", self._sums)

    def sum(self, name: str) -> Tensor | None:
        """One of the sums, if it is there."""
        return self._sums.get(name)

    @cached_property
    def moments(self) -> Moments:
        """Means and covariances."""
        x, y = (self.half(side, "seen").merged(self.half(side, "unseen")) for side in "xy")
        return Moments(x, y)

    @cached_property
    def plane(self) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]] | None:
        """That of the probe; None where there are too few rows for one."""
        if self.half("x", "seen").n < 2:
            return None
        return _spread.probe_plane(self.half("x", "seen"), self.half("y", "seen"))

    @cached_property
    def centred(self) -> Moments:
        """Means and covariances of the centred rows."""
        self._no_row_is_lost()
        return Moments(from_parts("residual.x", self._sums), from_parts("residual.y", self._sums))

    @property
    def matched_cosine(self) -> float:
        """Of the pairs."""
        return float(self._sums["cosine"]) / self.n

    @property
    def pair_distance(self) -> float:
        """Mean distance of the pairs."""
        return float(self._sums["distance"]) / self.n

    @property
    def residual_pair_distance(self) -> float:
        """The same of the centred pairs."""
        self._no_row_is_lost()
        return float(self._sums["residual.distance"]) / self.n

    @property
    def separability(self) -> float:
        """See `geometry.separability`."""
        return float(self._sums["separable"]) / (2 * self.n)

    @property
    def linear_probe(self) -> float:
        """See `metrics.linear_probe`."""
        if self.plane is None:
            raise Undefined(f"x: expected at least 4 rows, two to learn from and two to ask, got {self.n}")
        return float(self._sums["probe"].sum()) / (2 * self.half("x", "unseen").n)

    @cached_property
    def distinct(self) -> tuple[int, int]:
        """Different rows of x and of y."""
        assert self._equal is not None, "rank 0 has the hashes"
        return self._equal.distinct()

    @property
    def repeated(self) -> bool:
        """Whether rows are, on both sides or on one."""
        return min(self.distinct) < self.n

    @cached_property
    def recall_chance_grouped(self) -> float:
        """Recall in random order, any pair with an equal row being right."""
        assert self._equal is not None, "rank 0 has the hashes"
        return self._equal.chance(self.k) if self.repeated else self.k / self.n

    def _no_row_is_lost(self) -> None:
        if float(self._sums["residual.lost"]):
            raise Undefined("expected rows that differ from their mean")


def _value(name: str, known: Streamed) -> float:
    try:
        return metrics.MEASURES[name].compute(known)
    except Undefined:
        return math.nan


class _Asked:
    """A thousand random rows of each side, whose recall among all of the other is counted."""

    def __init__(
        self, shards: Shards, seed: int, ranks: Ranks, equal: Equal | None, known: Streamed, device: torch.device
    ) -> None:
        self.numbers = sampled_rows(len(shards), seed)[: _sampled.ASKED]
        self._shards, self._ranks, self._equal, self._known = shards, ranks, equal, known
        self.x, self.y = (geometry.unit(_inputs.widened(rows.to(device))) for rows in shards.take(self.numbers))
        self.tie = geometry.rounding(shards.dimension, torch.float64)
        own = (self.x * self.y).sum(dim=1)
        self.best = own.repeat(4, 1)  # cosine of the nearest right row, for each of RECALLS
        self.ours = torch.ones_like(self.best)  # right rows as near as that

    def look_for_equal_rows(self) -> None:
        """Let any pair with an equal row be right for the grouped ones."""
        if self._equal is not None and self._known.repeated:
            for _ in self._similarities():
                pass
            self.ours[2:] = 0
            for similarity, places, row in self._similarities():
                near = similarity >= self.best[row, places] - self.tie
                self.ours[row].index_add_(0, places, near.double())
        known = self._ranks.shared({"best": self.best.cpu(), "ours": self.ours.cpu()} if self._ranks.first else None)
        self.best, self.ours = (known[name].to(self.x.device) for name in ("best", "ours"))

    def _similarities(self) -> Iterator[tuple[Float[Tensor, " p"], Int[Tensor, " p"], int]]:
        """Cosines of the right rows, for which of those asked, and in which row of `best`, which they raise."""
        assert self._equal is not None, "rank 0 has the hashes"
        for places, rows in self._equal.equal_to(self.numbers):
            columns, where = rows.unique(return_inverse=True)
            sides = [geometry.unit(_inputs.widened(side.to(self.x.device))) for side in self._shards.take(columns)]
            places, where = places.to(self.x.device), where.to(self.x.device)
            for row, asked, gallery in ((2, self.x, sides[1]), (3, self.y, sides[0])):
                similarity = (asked @ gallery.T)[places, where]
                self.best[row].scatter_reduce_(0, places, similarity, "amax")
                yield similarity, places, row

    def counted(self, x: Float[Tensor, "b d"], y: Float[Tensor, "b d"]) -> Parts:
        """How many of some rows are nearer than the right one, and how many as near, for each of RECALLS."""
        parts = {}
        for place, name in enumerate(RECALLS):
            turned, _ = _sampled.RECALLS[name]
            if name.endswith("_grouped") and torch.equal(self.best[place], self.best[place - 2]):
                continue
            similarity = self.y @ x.T if turned else self.x @ y.T
            best = self.best[place][:, None]
            above, reached = similarity > best + self.tie, similarity >= best - self.tie
            parts[f"{name}.nearer"] = above.sum(dim=1).double()
            parts[f"{name}.near"] = (reached & ~above).sum(dim=1).double()
        return parts

    def recall(self, name: str, k: int) -> float:
        """From what was counted."""
        place = RECALLS.index(name)
        counted = name if self._known.sum(f"{name}.near") is not None else RECALLS[place - 2]
        nearer, near = (self._known.sum(f"{counted}.{kind}") for kind in ("nearer", "near"))
        assert nearer is not None and near is not None, "counted for the plain one, if it is the same"  # noqa: PT018
        return float(geometry.chance_of_one(self.ours[place].cpu(), near, k - nearer).mean())


def sampled_rows(n: int, seed: int) -> Int[Tensor, " m"]:
    """The rows of the samples, the same that `metrics.estimates` draws."""
    return torch.randperm(n, generator=_inputs.generator(seed))[: _sampled.SAMPLE * _sampled.SAMPLES].clone()


def _second(
    shards: Shards,
    span: Span,
    known: Streamed,
    learning: Bool[Tensor, " n"],
    asked: _Asked | None,
    with_scatter: bool,
    device: torch.device,
) -> Parts:
    """Of a unit what needs the means."""
    means = [cloud.mean.to(device) for cloud in (known.moments.x, known.moments.y)]
    middle, gap = (means[0] + means[1]) / 2, means[0] - means[1]
    plane = [part.to(device) for part in known.plane] if with_scatter and known.plane is not None else None
    total: Parts | None = None
    for start, stop in tiles(span):
        rows = [geometry.unit(_inputs.widened(side.to(device))) for side in shards.read(start, stop)]
        held = ~learning[start:stop].to(device)
        right, probed, centred = 0.0, [0.0, 0.0], []
        lost = 0
        for place, (side, mean, sign) in enumerate(zip(rows, means, (1, -1), strict=True)):
            right += geometry.on_the_side(sign * ((side - middle) @ gap))
            if plane is not None:
                probed[place] = geometry.on_the_side(sign * ((side[held] - plane[1]) @ plane[0]))
            apart = side - mean
            gone = torch.linalg.vector_norm(apart, dim=1) < 8 * torch.finfo(apart.dtype).eps
            lost += int(gone.sum())
            apart[gone] = 1.0  # of no meaning: the measures that would use it have no value
            centred.append(geometry.unit(apart))
        x, y = centred
        parts = {
            "separable": torch.tensor(right, dtype=torch.float64),
            "probe": torch.tensor(probed, dtype=torch.float64),
            "residual.lost": torch.tensor(float(lost), dtype=torch.float64),
            "residual.distance": torch.linalg.vector_norm(x - y, dim=1).sum(),
            **as_parts("residual.x", Collected.of(x, with_scatter)),
            **as_parts("residual.y", Collected.of(y, with_scatter)),
            **({} if asked is None else asked.counted(*rows)),
        }
        total = parts if total is None else merge(total, parts)
    assert total is not None, "a unit has rows"
    return _at_home(total)


def _estimates(
    shards: Shards, names: list[str], k: int, seed: int, asked: _Asked | None
) -> dict[str, metrics.Estimate]:
    """What `metrics.estimates` gives, from what was counted and from rows that are picked, a sample at a time."""
    others = [name for name in names if name not in RECALLS]
    samples = sampled_rows(len(shards), seed).split(_sampled.SAMPLE) if others else ()
    values = [metrics.report(*shards.take(rows), k=k, only=others) for rows in samples]
    found: dict[str, metrics.Estimate] = {}
    for name in names:
        if name in RECALLS:
            assert asked is not None, "counted in the second pass"
            found[name] = _sampled.of_share(asked.recall(name, k), len(shards))
        else:
            found[name] = _sampled.of_samples([one[name] for one in values])
    return found
