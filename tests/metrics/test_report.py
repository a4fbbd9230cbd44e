"""Alignment, uniformity, effective rank: definitions, extremes, symmetries; and the report of all measures."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mindgap import geometry, metrics
from mindgap.metrics import _spread


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_by_definition() -> None:
    x, y = rows(40, 7), rows(40, 7, seed=1)
    u, v = geometry.normalize(x).numpy(), geometry.normalize(y).numpy()
    assert metrics.alignment(x, y) == pytest.approx(np.square(u - v).sum(axis=1).mean())
    squared = np.square(u[:, None] - u[None]).sum(axis=2)[~np.eye(40, dtype=bool)]
    assert metrics.uniformity(x) == pytest.approx(math.log(np.exp(-2 * squared).mean()))
    assert metrics.uniformity(x, t=3) == pytest.approx(math.log(np.exp(-3 * squared).mean()))
    singular = np.linalg.svd(u - u.mean(axis=0), compute_uv=False)
    shares = singular / singular.sum()
    assert metrics.effective_rank(x) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


@pytest.mark.parametrize(("seed", "value"), [(0, -29.43), (1, -30.76), (2, -29.96)])
def test_uniformity_of_few_near_pairs_is_not_drowned_by_the_rows_themselves(seed: int, value: float) -> None:
    x = np.random.default_rng(seed).normal(size=(100, 64)).astype("f4")
    assert metrics.uniformity(x, 20) == pytest.approx(value, abs=0.005)
    u = geometry.normalize(x.astype(float)).numpy()
    squared = np.square(u[:, None] - u[None]).sum(axis=2)[~np.eye(100, dtype=bool)]
    for t in (1, 20, 500, 1e4, 1e300):
        nearest = -t * squared.min()
        expected = nearest + math.log(np.exp(-t * (squared - squared.min())).mean())
        assert metrics.uniformity(x, t) == pytest.approx(expected, rel=1e-9)


def test_uniformity_is_walked_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows(50, 5)
    whole = metrics.uniformity(x), metrics.uniformity(x, 100)
    for entries in (1, 120, 50 * 49):
        monkeypatch.setattr(_spread, "TILE_ENTRIES", entries)
        assert (metrics.uniformity(x), metrics.uniformity(x, 100)) == pytest.approx(whole, abs=1e-12)


def test_extremes() -> None:
    same = torch.ones(10, 4)
    assert metrics.alignment(same, -same) == pytest.approx(4)
    assert metrics.uniformity(same) == pytest.approx(0, abs=1e-9)
    assert metrics.effective_rank(same) == 1
    assert metrics.uniformity(rows(2000, 512)) == pytest.approx(-4, abs=0.05)
    axes = torch.cat([torch.eye(6), -torch.eye(6)])
    assert metrics.effective_rank(axes) == pytest.approx(6)
    line = torch.tensor([[1.0, 0.1 * k, 0.0] for k in range(-3, 4)])
    assert metrics.effective_rank(line) < 1.6


def test_norms_and_rotations_change_nothing() -> None:
    x, y = rows(30, 6), rows(30, 6, seed=1)
    turn = torch.linalg.qr(rows(6, 6, seed=2)).Q
    scale = rows(30, 1, seed=3).abs() + 0.1
    for measure in (metrics.uniformity, metrics.effective_rank):
        assert measure(scale * x @ turn) == pytest.approx(measure(x), abs=1e-9)
    assert metrics.alignment(scale * x @ turn, y @ turn) == pytest.approx(metrics.alignment(x, y), abs=1e-9)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: metrics.uniformity(torch.ones(1, 3)), "x: expected at least 2 rows"),
    (lambda: metrics.uniformity(torch.ones(3, 3), 0), "t: .* above 0"),
    (lambda: metrics.uniformity(torch.eye(3), 1e308), r"t: .* finite, got 1e\+308"),
    (lambda: metrics.report(torch.eye(3), torch.eye(3), 4), "k: .* from 1 to 3, got 4"),
    (lambda: metrics.report(torch.eye(3), torch.eye(3), only=["recal_xy"]), "only: .*; did you mean 'recall_xy'"),
    (lambda: metrics.effective_rank(torch.zeros(3, 3)), "x: expected non-zero rows"),
    (lambda: metrics.alignment(torch.ones(3, 3), torch.ones(4, 3)), "x and y: expected the same shape"),
])  # fmt: skip
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def embeddings() -> tuple[torch.Tensor, torch.Tensor]:
    """30 pairs; images 3, 4 and 5 are one, and so are captions 5 and 6, and both of pairs 8 and 9."""
    common, noise = rows(30, 6), rows(30, 6, seed=1)
    common[4:6], common[9], noise[9] = common[3], common[8], noise[8]
    x, y = common + 1, common + 0.3 * noise - 0.5
    y[6] = y[5]
    return x, y


def rmg(*options: object) -> Callable[[torch.Tensor, torch.Tensor], float]:
    return lambda x, y: metrics.relative_modality_gap(x, y, *options)  # type: ignore[arg-type]


# What `report` takes of both sets at once, each by the function that a reader would call.
OF_BOTH: dict[str, Callable[[torch.Tensor, torch.Tensor], float]] = {
    "squared_gap": lambda x, y: geometry.gap_distance(x, y) ** 2,
    "mean_squared_gap": lambda x, y: geometry.gap_distance(x, y) ** 2 / x.shape[1],
    "centroid_distance": metrics.centroid_distance,
    "pair_distance": metrics.pair_distance,
    "rmg_cosine": rmg(),
    "rmg_cosine_diagonal": rmg("cosine", True),
    "rmg_euclidean": rmg("euclidean"),
    "rmg_euclidean_diagonal": rmg("euclidean", True),
    "frechet_distance": metrics.frechet_distance,
    "top_dimensions_share": lambda x, y: metrics.top_dimensions_share(x, y, min(10, x.shape[1])),
    "linear_probe": metrics.linear_probe,
    "uniformity_joint": metrics.joint_uniformity,
    "principal_angle": lambda x, y: float(metrics.principal_angles(x, y, min(10, *x.shape)).mean()),
    "shared_energy_x": lambda x, y: metrics.shared_energy(x, y, min(10, *x.shape))[0],
    "shared_energy_y": lambda x, y: metrics.shared_energy(x, y, min(10, *x.shape))[1],
    "residual_pair_distance": lambda x, y: metrics.pair_distance(*metrics.centred(x, y)),
    "residual_frechet": lambda x, y: metrics.frechet_distance(*metrics.centred(x, y)),
    "median_rank_xy": metrics.median_rank,
    "median_rank_yx": lambda x, y: metrics.median_rank(y, x),
    "mixed_recall_xy": lambda x, y: metrics.mixed_recall_at_k(x, y, 2),
    "mixed_recall_yx": lambda x, y: metrics.mixed_recall_at_k(y, x, 2),
    "mixed_median_rank_xy": metrics.mixed_median_rank,
    "mixed_median_rank_yx": lambda x, y: metrics.mixed_median_rank(y, x),
}


class TestReport:
    def test_every_measure_by_its_own_function(self) -> None:
        x, y = embeddings()
        found = metrics.report(x, y, 2)
        expected = {
            "pairs": 30,
            "dimension": 6,
            "distinct_x": 27,
            "distinct_y": 28,
            "gap_distance": geometry.gap_distance(x, y),
            "separability": geometry.separability(x, y),
            "mean_cosine_x": geometry.mean_cosine(x),
            "mean_cosine_y": geometry.mean_cosine(y),
            "mean_cosine_xy": geometry.mean_cosine(x, y),
            "matched_cosine": geometry.matched_cosine(x, y),
            "alignment": metrics.alignment(x, y),
            "uniformity_x": metrics.uniformity(x),
            "uniformity_y": metrics.uniformity(y),
            "effective_rank_x": metrics.effective_rank(x),
            "effective_rank_y": metrics.effective_rank(y),
            "recall_xy": geometry.recall_at_k(x, y, 2),
            "recall_yx": geometry.recall_at_k(y, x, 2),
            "recall_chance": 2 / 30,
            "recall_xy_grouped": geometry.recall_at_k(x, y, 2, "equal"),
            "recall_yx_grouped": geometry.recall_at_k(y, x, 2, "equal"),
        }
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-14)
        assert set(expected) | {"recall_chance_grouped"} | set(OF_BOTH) == set(found)
        assert list(found) == list(metrics.MEASURES)
        assert found["recall_yx_grouped"] > found["recall_yx"]
        assert [type(found[name]) for name in list(found)[:4]] == [int] * 4
        assert {type(value) for value in list(found.values())[4:]} == {float}
        for name, measure in OF_BOTH.items():
            assert found[name] == pytest.approx(measure(x, y), rel=1e-9), name
        assert json.loads(json.dumps(found)) == found

    @pytest.mark.parametrize("k", [1, 2, 29])
    def test_chance_with_groups_is_that_of_random_orders(self, k: int) -> None:
        x, y = (side.numpy() for side in embeddings())
        same = (x[:, None] == x).all(axis=2) | (y[:, None] == y).all(axis=2)
        assert same.sum() == 30 + 6 + 2 + 2
        orders = np.random.default_rng(0).random((20_000, 30)).argsort(axis=1)[:, :k]
        drawn = np.mean([right[orders].any(axis=1).mean() for right in same])
        assert metrics.report(x, y, k)["recall_chance_grouped"] == pytest.approx(drawn, abs=0.002)

    def test_without_repeated_rows_groups_change_nothing_and_cost_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        x, y = rows(20, 4), rows(20, 4, seed=1)
        calls: list[object] = []
        original = geometry.recall_at_k

        def counted(*rest: object) -> float:
            calls.append(rest)
            return original(*rest)  # type: ignore[arg-type]

        monkeypatch.setattr(geometry, "recall_at_k", counted)
        found = metrics.report(x, y)
        assert len(calls) == 2
        for name in ("recall_xy", "recall_yx", "recall_chance"):
            assert found[f"{name}_grouped"] == pytest.approx(found[name])

    def test_only_what_is_asked_for_is_computed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(geometry, "recall_at_k", None)
        monkeypatch.setattr(_spread, "uniformity", None)
        x, y = embeddings()
        assert metrics.report(x, y, only="gap_distance") == {"gap_distance": geometry.gap_distance(x, y)}
        assert list(metrics.report(x, y, only=["matched_cosine", "pairs"])) == ["matched_cosine", "pairs"]

    def test_a_measure_is_added_in_one_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(
            metrics.MEASURES, "first", metrics.Measure(lambda sets: float(sets.x[0, 0]), "first number")
        )
        x, y = embeddings()
        assert metrics.report(x, y)["first"] == float(x[0, 0])

    def test_its_table_has_every_measure(self) -> None:
        assert re.findall(r"^ *\| `(\w+)` \|.*\|.*\|.*\|$", metrics.report.__doc__ or "", re.MULTILINE) == list(
            metrics.MEASURES
        )

    def test_the_authors_features(self) -> None:
        """The shipped CLIP pairs: the figures of chapter 1."""
        path = Path(os.environ.get("MINDGAP_DATA", "")) / "features_clip.npy"
        if not path.is_file():
            pytest.skip("the authors' features are not in the folder MINDGAP_DATA names")
        found = metrics.report(*np.load(path, allow_pickle=False))
        assert (found["pairs"], found["dimension"], found["distinct_x"]) == (500, 512, 500)
        assert found["recall_yx"] == pytest.approx(0.506)
        assert found["mean_cosine_x"] == pytest.approx(0.5315, abs=5e-5)


def test_every_measure_has_a_label() -> None:
    assert list(metrics.LABELS) == list(metrics.MEASURES)
    assert metrics.label("recall_yx", ("image", "text"), k=5) == "R@5, text to image"
    assert len({metrics.label(name, ("image", "text")) for name in metrics.MEASURES}) == len(metrics.MEASURES)
    with pytest.raises(ValueError, match="did you mean 'gap_distance'"):
        metrics.label("gap_distanc")


def test_single_precision_is_measured_in_double() -> None:
    """In a narrow cone the products of float32 rows have lost what tells the rows apart."""
    random = torch.Generator().manual_seed(0)
    x, y = (1 + 3e-4 * torch.randn(2, 300, 64, generator=random)).float()
    y = x + 1e-4 * (y - 1)
    found, exact = metrics.report(x, y), metrics.report(x.double(), y.double())
    assert found == exact
    assert found["recall_xy"] > 0.9
    assert found["median_rank_xy"] == 1


def test_the_fewest_rows_have_all_but_the_probe() -> None:
    x, y = torch.eye(5)[:3], torch.eye(5)[:3] + 0.1
    found = metrics.report(x, y)
    assert math.isnan(found["linear_probe"])
    assert found["gap_distance"] == pytest.approx(metrics.report(x, y, only="gap_distance")["gap_distance"])


def test_axes_along_which_nothing_varies_have_no_angle() -> None:
    random = torch.Generator().manual_seed(0)
    basis = torch.randn(3, 50, generator=random, dtype=torch.float64)
    x, y = (torch.randn(100, 3, generator=random, dtype=torch.float64) @ basis for _ in range(2))
    found = metrics.report(x, y)
    assert found["principal_angle"] < 40  # of unit rows of one subspace of 3 dimensions, whose means differ
    order = torch.randperm(100, generator=random)
    again = metrics.report(x[order], y[order])
    assert again["principal_angle"] == pytest.approx(found["principal_angle"], abs=1e-5)
    assert again["shared_energy_x"] == pytest.approx(found["shared_energy_x"], abs=1e-8)
    with pytest.raises(ValueError, match=r"dimensions: .* from 1 to 3, got 10"):
        metrics.principal_angles(x, y)
    flat = metrics.report(torch.ones(20, 5), torch.randn(20, 5, generator=random))
    assert math.isnan(flat["principal_angle"])


def test_modalities_whose_names_are_written_alike_are_refused() -> None:
    x = torch.eye(5)
    with pytest.raises(ValueError, match="expected modalities that differ in their names, got 1, 1, 2"):
        metrics.report({1: x, "1": x, "2": x})
