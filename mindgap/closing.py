"""Ways to close the gap once a model is trained, and what one pays for them.

Each way takes the rows of both modalities, in pairs, and gives them back on the unit sphere, their gap all but gone.
`flips` and `v_measure` are what two of the later works ask of embeddings beside retrieval; `own_neighbours` asks
whether modalities whose means have met still lie apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs, geometry, metrics
from mindgap._extras import extra
from mindgap._inputs import Rows

__all__ = [
    "WAYS",
    "Way",
    "fitted",
    "flips",
    "own_neighbours",
    "partly",
    "shifted_by_half",
    "spread_matched",
    "standardised",
    "v_measure",
]

Way = Callable[[Rows, Rows], tuple[Tensor, Tensor]]
"""Rows of both modalities, to rows of both modalities."""

_Map = Callable[[Tensor], Tensor]  # unit rows of one modality, to where they go before they return to the sphere
_LEAST = 1e-10  # of the largest variance: along axes with less there is nothing but rounding


@torch.no_grad()
def fitted(name: str, x: Rows, y: Rows) -> Way:
    """One of `WAYS` with what it takes from rows, means and spreads, taken from these: a fixed map, for other rows too.

    `WAYS[name](x, y)` is `fitted(name, x, y)(x, y)`. A way that is fitted to the rows it moves knows more of them than
    it would in use, and the fewer rows there are for each dimension, the more.

    Raises ValueError for an unknown name, or as `metrics.centroid_distance` does.
    """
    fit = _FITS[_inputs.choice(name, "name", WAYS)]
    first, second = fit(*(geometry.unit(rows) for rows in _inputs.two_sets(x, y)))

    @torch.no_grad()
    def way(x: Rows, y: Rows) -> tuple[Tensor, Tensor]:
        a, b = (geometry.unit(rows) for rows in _inputs.two_sets(x, y))
        return geometry.normalize(first(a)), geometry.normalize(second(b))

    return way


def _as_they_are_fit(x: Tensor, y: Tensor) -> tuple[_Map, _Map]:
    return (lambda rows: rows), (lambda rows: rows)


def _centred_fit(x: Tensor, y: Tensor) -> tuple[_Map, _Map]:
    a, b = x.mean(dim=0), y.mean(dim=0)
    return (lambda rows: rows - a), (lambda rows: rows - b)


def _standardised_fit(x: Tensor, y: Tensor) -> tuple[_Map, _Map]:
    (a, b), (s, t) = [(x.mean(dim=0), y.mean(dim=0)), (x.std(dim=0), y.std(dim=0))]
    s, t = (torch.where(spread > 0, spread, 1) for spread in (s, t))
    return (lambda rows: (rows - a) / s), (lambda rows: (rows - b) / t)


def _shifted_fit(x: Tensor, y: Tensor) -> tuple[_Map, _Map]:
    half = (x.mean(dim=0) - y.mean(dim=0)) / 2
    return (lambda rows: rows - half), (lambda rows: rows + half)


def _spread_fit(x: Tensor, y: Tensor) -> tuple[_Map, _Map]:
    x, y = _inputs.widened(x), _inputs.widened(y)
    a, b, p, q = x.mean(dim=0), y.mean(dim=0), x.T.cov(), y.T.cov()
    middle, common = (a + b) / 2, (p + q) / 2
    p, q = _transport(p, common), _transport(q, common)
    return (lambda rows: middle + (_inputs.widened(rows) - a) @ p), (
        lambda rows: middle + (_inputs.widened(rows) - b) @ q
    )


_FITS: dict[str, Callable[[Tensor, Tensor], tuple[_Map, _Map]]] = {
    "as it is": _as_they_are_fit,
    "centred": _centred_fit,
    "standardised": _standardised_fit,
    "shifted by half": _shifted_fit,
    "spread matched": _spread_fit,
}


def _as_they_are(x: Rows, y: Rows) -> tuple[Tensor, Tensor]:
    first, second = (geometry.unit(rows) for rows in _inputs.two_sets(x, y))
    return first, second


def shifted_by_half(x: Rows, y: Rows) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """Both moved along the gap until their means meet: `geometry.shift` by λ = ½ (Liang et al., §4.2)."""
    return geometry.shift(x, y, 0.5)


@torch.no_grad()
def standardised(x: Rows, y: Rows) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """Each modality without its mean, each coordinate over its standard deviation, back on the sphere.

    A coordinate that does not vary stays 0. I0T (2025), after which this is often named, takes out the mean and does
    not divide, by its published code; this is a variant. Shapes: (n, d) and (m, d), which they keep.

    Raises ValueError as `metrics.centroid_distance` does, or for a row that is its modality's mean.
    """
    return fitted("standardised", x, y)(x, y)


@torch.no_grad()
def spread_matched(x: Rows, y: Rows) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """Both modalities moved and stretched so that they share mean and covariance, back on the sphere.

    What is shared is the average of the two means and that of the two covariances, C. A modality with covariance A is
    mapped by A^−½ (A^½ C A^½)^½ A^−½, the optimal transport of one Gaussian to the other, which moves rows as little as
    it can. It goes beyond centring as ReAlign and AnisoAlign (2026) do, with a map of our own choice. Shapes: (n, d)
    and (m, d), which they keep. In float64: O(nd² + d³) time. With hardly more rows than dimensions, or fewer, the map
    fits itself to the very rows it moves, and does worse than centring on others: ask `fitted`.

    Raises ValueError as `metrics.centroid_distance` does.
    """
    return fitted("spread matched", x, y)(x, y)


def _transport(a: Float[Tensor, "d d"], c: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    root, inverse = _powers(a, 0.5, -0.5)
    (middle,) = _powers(root @ c @ root, 0.5)
    return inverse @ middle @ inverse


def _powers(symmetric: Float[Tensor, "d d"], *exponents: float) -> list[Float[Tensor, "d d"]]:
    """Powers of a symmetric matrix, where it is more than rounding; 0 elsewhere."""
    values, vectors = torch.linalg.eigh(symmetric)
    kept = values > _LEAST * values.max()
    values = values.clamp(min=torch.finfo(values.dtype).tiny)
    return [(vectors * torch.where(kept, values**exponent, 0)) @ vectors.T for exponent in exponents]


WAYS: dict[str, Way] = {
    "as it is": _as_they_are,
    "centred": metrics.centred,
    "standardised": standardised,
    "shifted by half": shifted_by_half,
    "spread matched": spread_matched,
}
"""Ways to close a gap without training: without each modality's mean (GR-CLIP), also each coordinate over its standard
deviation, moved along Δ until the means meet (Liang et al., §4.2), or mean and covariance made the same."""


@torch.no_grad()
def partly(x: Rows, y: Rows, way: Way, amount: float) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """A part of a way: the rows between where they are and where `way` puts them, back on the sphere.

        x'_i = normalize((1 − t) x̂_i + t way(x)_i)

    with t = `amount`: 0 leaves all where it is, 1 is the whole way. Shapes: (n, d) and (m, d), which they keep.

    Raises ValueError unless 0 ≤ amount ≤ 1, where the way has no answer, or where a row meets the origin.
    """
    amount = _inputs.number(amount, "amount")
    if not 0 <= amount <= 1:
        raise ValueError(f"amount: expected a number from 0 to 1, got {amount:g}")
    sides = [geometry.unit(rows) for rows in _inputs.two_sets(x, y)]
    moved = [geometry.normalize(rows + amount * (there - rows)) for rows, there in zip(sides, way(*sides), strict=True)]
    return moved[0], moved[1]


@torch.no_grad()
def own_neighbours(x: Rows, y: Rows) -> float:
    """The share of all rows whose nearest other row, by the cosine, is of their own modality.

    About ½ where nothing tells the modalities apart, and 1 where they lie apart, whether their means do or not. Of
    rows that are equally near it takes the first. Shapes: (n, d) and (m, d). In float64: O((n + m)² d) time, in tiles.

    Raises ValueError as `metrics.centroid_distance` does.
    """
    sides = [geometry.unit(_inputs.widened(rows)) for rows in _inputs.two_sets(x, y)]
    rows, first, start, own = torch.cat(sides), len(sides[0]), 0, 0
    for part in rows.split(max(1, geometry.TILE_ENTRIES // len(rows))):
        cosines = part @ rows.T
        cosines.diagonal(start).fill_(-2)
        numbers = torch.arange(start, start + len(part), device=rows.device)
        own += int(((cosines.argmax(dim=1) < first) == (numbers < first)).sum())
        start += len(part)
    return own / len(rows)


@torch.no_grad()
def flips(
    x: Rows, y: Rows, noise: float = 0.1, way: Way | None = None, first: bool = False, seeds: Iterable[int] = range(10)
) -> tuple[float, ...]:
    """How often noise changes the best match: the share of rows of x whose nearest row of y becomes another.

    Every unit row of both gets a Gaussian vector of expected length `noise` and goes back to the sphere; one number for
    each of `seeds`. With `way`, of `WAYS` or your own, the rows are moved by it, and the noise comes after that, or
    with `first` before it. The two differ: most ways stretch what they leave, which shrinks noise that came before as
    much as everything else, while noise that comes after meets rows that are further apart. A way of `WAYS` is fitted
    anew to the disturbed rows; one of `fitted` stays what it is.

    Shapes: (n, d) and (n, d). O(n²d) time a seed. Raises ValueError as `gap_vector` does, for a negative `noise`, or
    where a way has no answer.
    """
    x, y = (geometry.unit(_inputs.widened(rows)) for rows in _inputs.pair(x, y))
    noise = _inputs.number(noise, "noise")
    if noise < 0:
        raise ValueError(f"noise: expected a number of at least 0, got {noise:g}")
    move = way or _as_they_are
    still, found = move(x, y), []
    before = _nearest(*still)
    for seed in seeds:
        random = _inputs.generator(seed, "seeds")
        disturbed = [_disturbed(rows, noise, random) for rows in ((x, y) if first else still)]
        after = _nearest(*(move(*disturbed) if first else disturbed))
        found.append(float((before != after).double().mean()))
    return tuple(found)


def _disturbed(rows: Float[Tensor, "n d"], noise: float, random: torch.Generator) -> Float[Tensor, "n d"]:
    drawn = torch.randn(rows.shape, dtype=rows.dtype, generator=random).to(rows.device)
    return geometry.normalize(rows + noise / rows.shape[1] ** 0.5 * drawn)


def _nearest(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> Tensor:
    found = [(part @ y.T).argmax(dim=1) for part in x.split(max(1, geometry.TILE_ENTRIES // len(y)))]
    return torch.cat(found)


def v_measure(x: Rows, y: Rows, labels: Iterable[object], seed: int = 0) -> float:
    """How well k-means, which does not know the labels, finds them in both modalities at once; from 0 to 1.

    The rows of both are clustered together, into as many clusters as there are labels, ten times from random starts of
    `seed`. The V-measure of the best is the harmonic mean of homogeneity, one label a cluster, and completeness, one
    cluster a label (Rosenberg & Hirschberg, 2007). Where clusters are modalities both are low.

    Shapes: (n, d) and (n, d), with n labels of any kind. Computed by scikit-learn, which the extra `cluster` brings.
    Raises ValueError as `gap_vector` does, or unless there are n labels.
    """
    with extra("cluster"):
        from sklearn.cluster import KMeans
        from sklearn.metrics import v_measure_score

    x, y = geometry.unit_pair(x, y)
    numbers = _inputs.labels(labels, "labels", len(x))
    rows = torch.cat([x, y]).detach().cpu().numpy()
    found = KMeans(int(numbers.max()) + 1, n_init=10, random_state=seed).fit_predict(rows)
    return float(v_measure_score(torch.cat([numbers, numbers]).numpy(), found))
