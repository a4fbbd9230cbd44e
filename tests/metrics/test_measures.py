"""Each measure against its definition in plain numpy and float64, its symmetries, its extremes, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mindgap
from mindgap import geometry, metrics
from mindgap.metrics import _moments, _retrieval
from tests.metrics.test_report import OF_BOTH, rows


def two(n: int = 40, m: int = 40, d: int = 7, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two sets of rows that have something in common, and a gap."""
    common = rows(max(n, m), d, seed=seed)
    return common[:n] + 1 + 0.3 * rows(n, d, seed + 1), common[:m] - 0.5 + 0.3 * rows(m, d, seed + 2)


def sphere(x: torch.Tensor) -> np.ndarray:
    return (x / x.norm(dim=1, keepdim=True)).double().numpy()


def root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def frechet(u: np.ndarray, v: np.ndarray) -> float:
    a, b = np.cov(u.T), np.cov(v.T)
    between = u.mean(axis=0) - v.mean(axis=0)
    return float(between @ between + np.trace(a + b - 2 * root(root(a) @ b @ root(a))))


class TestDefinitions:
    def test_distances(self) -> None:
        x, y = two()
        u, v = sphere(x), sphere(y)
        a, b = u.mean(axis=0), v.mean(axis=0)
        assert metrics.centroid_distance(x, y) == pytest.approx(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        assert metrics.pair_distance(x, y) == pytest.approx(np.linalg.norm(u - v, axis=1).mean())
        squares = np.sort((a - b) ** 2)[::-1]
        assert metrics.top_dimensions_share(x, y, 3) == pytest.approx(squares[:3].sum() / squares.sum())

    @pytest.mark.parametrize("diagonal", [False, True])
    @pytest.mark.parametrize(
        ("distance", "of_cosine"), [("cosine", lambda c: (1 - c) / 2), ("euclidean", lambda c: np.sqrt(2 - 2 * c))]
    )
    def test_relative_modality_gap(
        self, distance: str, of_cosine: Callable[[np.ndarray], np.ndarray], diagonal: bool
    ) -> None:
        x, y = two()
        u, v = sphere(x), sphere(y)
        counted = np.ones((40, 40), dtype=bool) if diagonal else ~np.eye(40, dtype=bool)
        within = [of_cosine(np.minimum(w @ w.T, 1))[counted].mean() for w in (u, v)]
        matched = of_cosine((u * v).sum(axis=1)).mean()
        expected = matched / (matched + sum(within) / 2)
        # The rows with themselves are 0 but for the root of rounding, here and in no exact sum.
        assert metrics.relative_modality_gap(x, y, distance, diagonal) == pytest.approx(expected, abs=1e-8)

    @pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 7), (12, 12, 30), (40, 25, 7), (12, 50, 30), (9, 14, 30)])
    def test_frechet_distance_for_many_rows_and_for_few(self, n: int, m: int, d: int) -> None:
        x, y = two(n, m, d)
        assert metrics.frechet_distance(x, y) == pytest.approx(frechet(sphere(x), sphere(y)), rel=1e-5)

    def test_centred(self) -> None:
        x, y = two()
        for found, given_ in zip(metrics.centred(x, y), (x, y), strict=True):
            u = sphere(given_)
            u = u - u.mean(axis=0)
            assert np.allclose(found.numpy(), u / np.linalg.norm(u, axis=1, keepdims=True))

    @pytest.mark.parametrize(("n", "d"), [(40, 9), (15, 30)])
    def test_subspaces(self, n: int, d: int) -> None:
        x, y = two(n, n, d)
        spread = [sphere(one) - sphere(one).mean(axis=0) for one in (x, y)]
        a, b = (np.linalg.svd(one, full_matrices=False)[2][:4] for one in spread)
        angles = np.degrees(np.arccos(np.clip(np.linalg.svd(a @ b.T, compute_uv=False), 0, 1)))
        assert metrics.principal_angles(x, y, 4).numpy() == pytest.approx(angles, abs=1e-5)
        expected = [np.square(s @ t.T).sum() / np.square(s).sum() for s, t in zip(spread, (b, a), strict=True)]
        assert metrics.shared_energy(x, y, 4) == pytest.approx(tuple(expected))

    def test_joint_uniformity(self) -> None:
        x, y = two(20, 30)
        both = np.concatenate([sphere(x), sphere(y)])
        squares = np.square(both[:, None] - both[None]).sum(axis=2)[~np.eye(50, dtype=bool)]
        assert metrics.joint_uniformity(x, y) == pytest.approx(math.log(np.exp(-2 * squares).mean()))

    def test_linear_probe(self) -> None:
        x, y = two(30, 30, 5)
        order = torch.randperm(30, generator=torch.Generator().manual_seed(3)).numpy()
        (a, b), (c, e) = ((sphere(one)[order[:15]], sphere(one)[order[15:]]) for one in (x, y))
        pooled = (np.cov(a.T) + np.cov(c.T)) / 2
        pooled += 1e-3 * np.trace(pooled) / 5 * np.eye(5)
        normal, middle = np.linalg.solve(pooled, a.mean(0) - c.mean(0)), (a.mean(0) + c.mean(0)) / 2
        expected = (((b - middle) @ normal > 0).mean() + ((e - middle) @ normal < 0).mean()) / 2
        assert metrics.linear_probe(x, y, seed=3) == pytest.approx(expected)

    @pytest.mark.parametrize("k", [1, 3, 10])
    def test_a_mixed_gallery(self, k: int) -> None:
        x, y = two()
        foreign = _retrieval.of_the_queries(40, 0.4, seed=5).numpy()
        assert foreign.sum() == 16
        u, v = sphere(x), sphere(y)
        cosines = u @ np.where(foreign[:, None], u, v).T
        places = [(row > row[i]).sum() + 1 for i, row in enumerate(cosines) if not foreign[i]]
        assert metrics.mixed_recall_at_k(x, y, k, share=0.4, seed=5) == pytest.approx(np.mean(np.array(places) <= k))
        assert metrics.mixed_median_rank(x, y, share=0.4, seed=5) == pytest.approx(np.median(places))

    def test_without_the_queries_own_modality_a_gallery_is_the_usual_one(self) -> None:
        x, y = two()
        assert metrics.mixed_recall_at_k(x, y, 3, share=0) == geometry.recall_at_k(x, y, 3)
        assert metrics.mixed_median_rank(x, y, share=0) == metrics.median_rank(x, y)

    def test_median_rank(self) -> None:
        x, y = two(31, 31)
        cosines = sphere(x) @ sphere(y).T
        places = (cosines > np.diag(cosines)[:, None]).sum(axis=1) + 1
        assert metrics.median_rank(x, y) == np.median(places)
        labels = [i // 3 for i in range(31)]
        best = [min((cosines[i] > cosines[i, j]).sum() + 1 for j in range(31) if j // 3 == i // 3) for i in range(31)]
        assert metrics.median_rank(x, y, labels) == np.median(best)


def test_work_is_done_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = two(50, 50)
    measured = {name: measure(x, y) for name, measure in OF_BOTH.items()}
    for module in (_moments, _retrieval):
        monkeypatch.setattr(module, "TILE_ENTRIES", 120)
    monkeypatch.setattr(_moments, "TILE_ROWS", 7)
    for name, measure in OF_BOTH.items():
        assert measure(x, y) == pytest.approx(measured[name], rel=1e-9), name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_rotations_permutations_and_norms_change_nothing(seed: int) -> None:
    x, y = two(24, 24, 6, seed)
    turn = torch.linalg.qr(rows(6, 6, seed=seed + 3)).Q
    order = torch.randperm(24, generator=torch.Generator().manual_seed(seed))
    scale = rows(24, 1, seed=seed + 4).abs() + 0.1
    turned = (scale * x @ turn)[order], y[order] @ turn
    for name, measure in OF_BOTH.items():
        if name == "top_dimensions_share":  # of the axes that there are
            same = metrics.top_dimensions_share(scale * x[order], y[order], 3), metrics.top_dimensions_share(x, y, 3)
        elif name == "linear_probe" or name.startswith("mixed"):  # a draw of rows by their places
            same = measure(scale * x @ turn, y @ turn), measure(x, y)
        else:
            same = measure(*turned), measure(x, y)
        assert same[0] == pytest.approx(same[1], rel=1e-6, abs=1e-8), name


class TestExtremes:
    def test_equal_sets(self) -> None:
        x, _ = two()
        for name in ("squared_gap", "centroid_distance", "pair_distance", "frechet_distance", "residual_frechet"):
            assert OF_BOTH[name](x, x) == pytest.approx(0, abs=1e-6), name
        assert metrics.relative_modality_gap(x, x) == pytest.approx(0, abs=1e-9)
        assert metrics.principal_angles(x, x, 3).numpy() == pytest.approx(np.zeros(3), abs=1e-5)
        assert metrics.shared_energy(x, x, 7) == pytest.approx((1, 1))
        assert metrics.median_rank(x, x) == 1

    def test_two_opposite_points(self) -> None:
        x = torch.ones(10, 4, dtype=torch.float64)
        assert metrics.pair_distance(x, -x) == pytest.approx(2)
        assert metrics.centroid_distance(x, -x) == pytest.approx(2)
        assert metrics.frechet_distance(x, -x) == pytest.approx(4)
        assert metrics.relative_modality_gap(x, -x) == 1
        assert metrics.linear_probe(x, -x) == 1
        assert metrics.median_rank(x, -x) == pytest.approx(5.5)  # every place is as good as any
        assert metrics.mixed_recall_at_k(x, -x, 5) == 0

    def test_a_probe_is_asked_about_rows_it_has_not_seen(self) -> None:
        """A plane parts any 60 points of 200 dimensions; held out, what has no modality is told at chance."""
        shares = [metrics.linear_probe(rows(30, 200, seed), rows(30, 200, seed + 50), seed=seed) for seed in range(30)]
        assert np.mean(shares) == pytest.approx(0.5, abs=0.05)

    def test_orthogonal_subspaces(self) -> None:
        x, y = torch.zeros(30, 8, dtype=torch.float64), torch.zeros(30, 8, dtype=torch.float64)
        x[:, :4], y[:, 4:] = rows(30, 4), rows(30, 4, seed=1)
        assert metrics.principal_angles(x, y, 3).numpy() == pytest.approx(np.full(3, 90))
        assert metrics.shared_energy(x, y, 3) == pytest.approx((0, 0), abs=1e-12)

    def test_small_angles_have_digits(self) -> None:
        x = torch.zeros(50, 5, dtype=torch.float64)
        x[:25, 0], x[25:, 0], x[:, 1] = rows(25, 1)[:, 0], -rows(25, 1)[:, 0], 3  # the axis is the first
        turn = torch.eye(5, dtype=torch.float64)
        angle = 1e-7
        turn[0, 0] = turn[2, 2] = math.cos(angle)
        turn[0, 2], turn[2, 0] = math.sin(angle), -math.sin(angle)
        assert float(metrics.principal_angles(x, x @ turn, 1)[0]) == pytest.approx(math.degrees(angle), rel=1e-3)


def test_the_shipped_clip_pairs_have_the_figures_that_people_quote() -> None:
    pairs = mindgap.load_pairs("clip")
    found = metrics.report(pairs.x, pairs.y)
    expected = {
        "gap_distance": 0.8514, "rmg_cosine": 0.5915, "rmg_euclidean": 0.548, "alignment": 1.380,
        "uniformity_x": -1.79, "uniformity_y": -1.84, "uniformity_joint": -2.31, "frechet_distance": 1.105,
        "centroid_distance": 0.691, "pair_distance": 1.174, "residual_pair_distance": 1.169,
    }  # fmt: skip
    for name, value in expected.items():
        digits = len(f"{value}".partition(".")[2])
        assert round(found[name], digits) == pytest.approx(value, abs=1e-9 if name != "pair_distance" else 1e-3), name
    texts, images = pairs.y, pairs.x
    assert metrics.mixed_recall_at_k(texts, images, 10) < 0.01
    assert metrics.mixed_recall_at_k(*metrics.centred(texts, images), 10) > 0.4


def test_half_precision_and_any_norm_give_what_unit_rows_in_double_give() -> None:
    pairs = mindgap.load_pairs("clip")
    lengths = 5 + rows(500, 1, seed=3).abs()
    (a, exact_a), (b, exact_b) = (
        ((lengths * one.double()).half(), geometry.normalize(one.double())) for one in (pairs.x, pairs.y)
    )
    rough, fine = metrics.report(a, b), metrics.report(exact_a, exact_b)
    for name, value in fine.items():
        # Ranks and recall count rows, and a row whose two best partners are as near to a digit may change places.
        tolerance = 3e-3 if "recall" in name else 1e-3
        assert rough[name] == pytest.approx(value, rel=1e-3, abs=tolerance), name


class TestReportOfSets:
    def test_other_numbers_of_rows_have_what_needs_no_pairs(self) -> None:
        x, y = two(30, 20)
        found = metrics.report(x, y)
        assert set(found) == {name for name, measure in metrics.MEASURES.items() if not measure.paired}
        assert found["gap_distance"] == pytest.approx(
            np.linalg.norm(sphere(x).mean(axis=0) - sphere(y).mean(axis=0)), rel=1e-12
        )
        a, b = sphere(x).mean(axis=0), sphere(y).mean(axis=0)
        sides = np.concatenate([(sphere(x) - (a + b) / 2) @ (a - b), (sphere(y) - (a + b) / 2) @ (b - a)])
        assert found["separability"] == pytest.approx((sides > 0).mean())
        with pytest.raises(ValueError, match=r"only: alignment needs pairs, .* got 30 and 20"):
            metrics.report(x, y, only="alignment")

    def test_three_modalities_are_taken_two_by_two(self) -> None:
        x, y = two(20, 20)
        z = rows(15, 7, seed=9)
        found = metrics.report({"image": x, "text": y, "audio": z}, only=["gap_distance"])
        assert list(found) == ["image and text", "image and audio", "text and audio"]
        assert found["image and text"] == metrics.report(x, y, only=["gap_distance"])
        with pytest.raises(ValueError, match="at least two modalities, got 1"):
            metrics.report({"image": x})
        with pytest.raises(ValueError, match="image and audio: expected the same dimension d, got 7 and 3"):
            metrics.report({"image": x, "audio": z[:, :3]})
        with pytest.raises(ValueError, match="audio: expected finite numbers"):
            metrics.report({"image": x, "audio": z * math.nan})
        with pytest.raises(TypeError, match=r"x: .*got dict beside y"):
            metrics.report({"image": x, "text": y}, y)

    def test_names_to_quote_and_names_that_are_cheap(self) -> None:
        assert set(metrics.QUOTED) <= set(metrics.MEASURES)
        assert set(metrics.QUOTED) <= set(metrics.LINEAR)
        assert "uniformity_x" not in metrics.LINEAR
        assert {"rmg_euclidean", "recall_xy", "mixed_recall_xy"} & set(metrics.LINEAR) == set()


@pytest.mark.parametrize(("call", "words"), [
    (lambda: metrics.centroid_distance(torch.ones(3, 3), torch.ones(4, 2)), "same dimension d, got 3 and 2"),
    (lambda: metrics.centroid_distance(torch.cat([torch.eye(3), -torch.eye(3)]), torch.eye(3)), "x: .* the origin"),
    (lambda: metrics.pair_distance(torch.ones(3, 3), torch.ones(4, 3)), "x and y: expected the same shape"),
    (lambda: metrics.relative_modality_gap(torch.eye(3), torch.eye(3), "cosin"), "distance: .*'cosine'"),
    (lambda: metrics.relative_modality_gap(torch.ones(3, 3), torch.ones(3, 3)), "x and y: expected rows that differ"),
    (lambda: metrics.top_dimensions_share(torch.eye(3), torch.eye(3)[:2], 4), "dimensions: .* from 1 to 3, got 4"),
    (lambda: metrics.top_dimensions_share(torch.eye(3), torch.eye(3), 1), "expected two means, got the same"),
    (lambda: metrics.centred(torch.ones(3, 3), torch.eye(3)), "x: .* differ from their mean, got it in row 0"),
    (lambda: metrics.principal_angles(torch.eye(3), torch.eye(3), 3), "dimensions: .* from 1 to 2, got 3"),
    (lambda: metrics.shared_energy(torch.ones(3, 3), torch.eye(3), 1), "expected rows that differ"),
    (lambda: metrics.linear_probe(torch.eye(3), torch.eye(3)), "x: expected at least 4 rows"),
    (lambda: metrics.linear_probe(torch.eye(5), torch.eye(5), seed=-1), "seed: .*got -1"),
    (lambda: metrics.mixed_recall_at_k(torch.eye(5), torch.eye(5), 6), "k: .* from 1 to 5, got 6"),
    (lambda: metrics.mixed_recall_at_k(torch.eye(5), torch.eye(5), 1, share=1), "share: .* got 1"),
    (lambda: metrics.mixed_median_rank(torch.eye(5), torch.eye(5), share=-0.1), "share: .* got -0.1"),
    (lambda: metrics.recall_by_chance([1, 2], 3), "k: .* from 1 to 2, got 3"),
    (lambda: metrics.recall_by_chance([1, 3], 1), r"right\[1\]: .* from 0 to 2, got 3"),
    (lambda: metrics.median_rank(torch.eye(5), torch.eye(5), [1, 2]), "groups: expected 5 labels"),
])  # fmt: skip
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
