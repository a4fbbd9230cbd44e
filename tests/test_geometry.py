"""Geometry against plain float64 numpy, its symmetries, and the inputs it must refuse."""

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mindgap import geometry
from mindgap.geometry import (
    distinct_rows,
    gap_distance,
    gap_vector,
    matched_cosine,
    mean_cosine,
    normalize,
    recall_at_k,
    row_groups,
    separability,
    shared_projection,
    shift,
    shift_path,
)


def clouds(n, d, seed=0, offset=1.0):
    """Matched pairs in two clouds, float64, norms within a factor of a few."""
    generator = torch.Generator().manual_seed(seed)
    common, x, y = torch.randn(3, n, d, generator=generator, dtype=torch.float64)
    offsets = offset * torch.randn(2, d, generator=generator, dtype=torch.float64)
    return common + x + offsets[0], common + y + offsets[1]


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def reference(x, y, tie=1e-15):
    """Every scalar of the module by its definition, pair by pair, in float64 numpy; cosines `tie` apart are equal."""
    x, y = unit(x), unit(y)
    n = len(x)
    off_diagonal = ~np.eye(n, dtype=bool)
    cross = x @ y.T
    own = np.diag(cross)[:, None]
    nearer = (cross > own + tie).sum(axis=1)
    equal = (abs(cross - own) <= tie).sum(axis=1)
    gap = x.mean(axis=0) - y.mean(axis=0)
    middle = (x.mean(axis=0) + y.mean(axis=0)) / 2
    return {
        "gap_distance": np.linalg.norm(gap),
        "mean_cosine(x)": (x @ x.T)[off_diagonal].mean(),
        "mean_cosine(x, y)": cross[off_diagonal].mean(),
        "matched_cosine": np.diag(cross).mean(),
        "recall_at_1": np.clip((1 - nearer) / equal, 0, 1).mean(),
        "recall_at_5": np.clip((5 - nearer) / equal, 0, 1).mean(),
        "separability": (((x - middle) @ gap > 0).mean() + ((y - middle) @ gap < 0).mean()) / 2,
    }


def measured(x, y):
    return {
        "gap_distance": gap_distance(x, y),
        "mean_cosine(x)": mean_cosine(x),
        "mean_cosine(x, y)": mean_cosine(x, y),
        "matched_cosine": matched_cosine(x, y),
        "recall_at_1": recall_at_k(x, y),
        "recall_at_5": recall_at_k(x, y, k=5),
        "separability": separability(x, y),
    }


shapes = {
    "n": st.integers(5, 30),
    "d": st.integers(2, 20),
    "seed": st.integers(0, 2**32 - 1),
    "offset": st.floats(0, 5),
}
quick = settings(max_examples=30)


@quick
@given(**shapes)
def test_scalars_match_their_definitions(n, d, seed, offset):
    x, y = clouds(n, d, seed, offset)
    assert measured(x, y) == pytest.approx(reference(x, y), abs=1e-12)
    single = measured(x.float(), y.float())
    assert all(isinstance(value, float) for value in single.values())
    smooth = ["gap_distance", "mean_cosine(x)", "mean_cosine(x, y)", "matched_cosine"]
    expected = reference(x.float(), y.float())
    assert [single[name] for name in smooth] == pytest.approx([expected[name] for name in smooth], abs=1e-6)


@quick
@given(**shapes, exponent=st.integers(-100, 100))
def test_scalars_ignore_rotation_order_and_scale(n, d, seed, offset, exponent):
    x, y = clouds(n, d, seed, offset)
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    order = torch.randperm(n, generator=generator)
    scale = torch.rand(n, 1, generator=generator, dtype=torch.float64) + 0.1
    expected = pytest.approx(measured(x, y), abs=1e-9)
    assert measured(x @ rotation, y @ rotation) == expected
    assert measured(x[order], y[order]) == expected
    assert measured(x * scale, y / scale) == expected
    assert measured(x * 10.0**exponent, y * 10.0**-exponent) == expected


@quick
@given(**shapes)
def test_symmetry_of_the_two_modalities(n, d, seed, offset):
    x, y = clouds(n, d, seed, offset)
    torch.testing.assert_close(gap_vector(x, y), -gap_vector(y, x))
    for measure in (gap_distance, mean_cosine, matched_cosine, separability):
        assert measure(x, y) == pytest.approx(measure(y, x), abs=1e-12)


def test_normalize_at_the_ends_of_the_range():
    direction = torch.tensor([[3.0, -4.0]])
    expected = torch.tensor([[0.6, -0.8]])
    for scale in (1e-38, 1e-30, 1.0, 1e30, 8e37):
        torch.testing.assert_close(normalize(direction * scale), expected)
    for scale in (1e-300, 1e300):
        torch.testing.assert_close(normalize(direction.double() * scale), expected.double())
    halves = torch.full((1, 4096), 60000.0, dtype=torch.float16)
    torch.testing.assert_close(normalize(halves), torch.full((1, 4096), 1 / 64))


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda rows: rows.tolist(), torch.float32),
        (lambda rows: rows.half(), torch.float32),
        (lambda rows: rows.bfloat16(), torch.float32),
        (lambda rows: rows.float(), torch.float32),
        (lambda rows: rows, torch.float64),
        (lambda rows: (100 * rows).long(), torch.float32),
        (lambda rows: rows.numpy().astype(np.float16), torch.float32),
        (lambda rows: rows.numpy().astype(">f4"), torch.float32),
        (lambda rows: rows.numpy(), torch.float64),
        (lambda rows: rows.numpy()[::-1], torch.float64),
        (lambda rows: np.broadcast_to(rows.numpy(), rows.shape), torch.float64),  # read-only
        (lambda rows: np.asfortranarray(rows.numpy()), torch.float64),
    ],
)
def test_kinds_of_input(make, dtype):
    x, y = (make(rows) for rows in clouds(12, 6))
    assert normalize(x).dtype == dtype
    assert gap_vector(x, y).dtype == dtype
    assert [rows.dtype for rows in shift(x, y, 0.5)] == [dtype, dtype]
    assert shared_projection(x, y).x.dtype == dtype
    values = [[float(value) for value in row] for row in x], [[float(value) for value in row] for row in y]
    assert gap_distance(x, y) == pytest.approx(reference(*values)["gap_distance"], abs=1e-6)


def test_mixed_precision_takes_the_wider():
    x, y = clouds(12, 6)
    assert gap_vector(x, y.half()).dtype == torch.float64


def test_inputs_are_left_alone():
    x, y = clouds(12, 6)
    before = x.clone(), y.clone()
    shift(x, y, 0.3)
    shared_projection(x, y)
    measured(x, y)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


@quick
@given(**shapes, amount=st.floats(-2, 2))
def test_shift_by_its_definition(n, d, seed, offset, amount):
    x, y = (unit(rows) for rows in clouds(n, d, seed, offset))
    delta = x.mean(axis=0) - y.mean(axis=0)
    moved = x - amount * delta, y + amount * delta
    if min(np.linalg.norm(rows, axis=1).min() for rows in moved) < 1e-3:
        return  # too near the origin for a stable direction
    for result, rows in zip(shift(7 * x, y / 3, amount), moved, strict=True):
        np.testing.assert_allclose(result.numpy(), unit(rows), atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shift_path_far_away(dtype):
    x, y = (rows.to(dtype) for rows in clouds(20, 5))
    path = shift_path(x, y)
    for followed, sign in zip(path.at(1e200), (-1, 1), strict=True):
        torch.testing.assert_close(followed, sign * (path.gap / path.squared_gap**0.5).expand(20, 2))


def test_shift_conventions():
    x, y = clouds(200, 16)
    distance = gap_distance(x, y)
    for moved, still in zip(shift(x, y, 0), (x, y), strict=True):
        torch.testing.assert_close(moved, normalize(still))
    assert gap_distance(*shift(x, y, -0.5)) > distance > gap_distance(*shift(x, y, 0.25))
    # Half way the means meet before the rows return to the sphere; the authors' δ is 2λ‖Δ‖, half of it on each side.
    a, b = normalize(x), normalize(y)
    delta = gap_vector(x, y)
    torch.testing.assert_close((a - 0.5 * delta).mean(dim=0), (b + 0.5 * delta).mean(dim=0))
    authors = 2 * 0.3 * distance
    torch.testing.assert_close(shift(x, y, 0.3)[0], normalize(a - authors / 2 * delta / delta.norm()))
    # A whole step swaps the sides.
    a, b = shift(x, y, 1)
    assert gap_vector(a, b) @ delta < 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [3, 7, 64, 513])
@pytest.mark.parametrize("n", [10, 63, 257])
def test_recall_shares_ties_fairly(n, d, dtype):
    generator = torch.Generator().manual_seed(n + d)
    x, y = torch.randn(2, n, d, generator=generator, dtype=dtype)
    collapsed = x[:1].expand(n, d), y[:1].expand(n, d)
    for k in (1, 5, n):
        assert recall_at_k(*collapsed, k=k) == pytest.approx(k / n)
    twice = torch.cat([y, y])
    assert recall_at_k(twice, twice) == pytest.approx(0.5)
    assert recall_at_k(twice, twice, k=2) == pytest.approx(1.0)
    assert recall_at_k(y, y) == 1.0


def test_recall_by_hand():
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    y = torch.tensor([[0.0, 2.0], [1.0, 3.0], [5.0, 5.0]])
    # Row 0 has its own text last, row 1 second, row 2 first.
    assert [recall_at_k(x, y, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_recall_of_some_rows_is_theirs_among_all():
    x, y = clouds(60, 8)
    hits = [recall_at_k(x, y, rows=[row]) for row in range(60)]
    assert set(hits) == {0.0, 1.0}
    assert recall_at_k(x, y, rows=range(60)) == recall_at_k(x, y) == pytest.approx(sum(hits) / 60)
    assert recall_at_k(x, y, rows=torch.tensor([5, 40, 5])) == pytest.approx((2 * hits[5] + hits[40]) / 3)
    ids = [row // 2 for row in range(60)]
    assert recall_at_k(x, y, groups=ids, rows=[3]) in (0.0, 1.0)
    assert sum(recall_at_k(x, y, groups=ids, rows=[row]) for row in range(60)) / 60 == pytest.approx(
        recall_at_k(x, y, groups=ids)
    )


@pytest.mark.parametrize("rows", [[], [60], [-1], [3, 60]])
def test_rows_of_recall_are_numbers_of_rows(rows):
    x, y = clouds(60, 8)
    with pytest.raises(ValueError, match="rows: expected"):
        recall_at_k(x, y, rows=rows)


def test_recall_says_how_far_it_is_and_can_be_stopped(monkeypatch):
    monkeypatch.setattr(geometry, "TILE_ENTRIES", 600)
    said: list[float] = []
    x, y = clouds(60, 8)
    recall_at_k(x, y, progress=said.append)
    assert said == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])

    def stop(_share):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        recall_at_k(x, y, progress=stop)


def recall_by_drawing(x, y, k, right):
    """R@k in float64 numpy, ties broken in every way; `right[i, j]` says whether row j of y is right for row i of x."""
    shares = []
    for similarity, own in zip(unit(x) @ unit(y).T, right, strict=True):
        best = similarity[own].max()
        tied = np.flatnonzero(abs(similarity - best) < 1e-7)
        places = k - int((similarity > best + 1e-7).sum())
        draws = itertools.combinations(tied, min(max(places, 0), len(tied)))
        shares.append(np.mean([own[list(drawn)].any() for drawn in draws]))
    return np.mean(shares)


@quick
@given(
    n=st.integers(2, 9),
    d=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 9),
    kinds=st.integers(1, 4),
    double=st.booleans(),
)
def test_recall_is_that_of_every_order_of_ties(n, d, seed, k, kinds, double):
    rng, k = np.random.default_rng(seed), min(k, n)
    # Few values make many ties, and few labels make large groups.
    x, y = rng.integers(-1, 3, size=(2, n, d)).astype(float if double else np.float32)
    x[~x.any(axis=1), 0], y[~y.any(axis=1), 0] = 1, 1
    labels = rng.integers(kinds, size=n)
    equal = (x[:, None] == x).all(axis=2) | (y[:, None] == y).all(axis=2)
    for groups, right in [(None, np.eye(n, dtype=bool)), (labels, labels[:, None] == labels), ("equal", equal)]:
        assert recall_at_k(x, y, k, groups) == pytest.approx(recall_by_drawing(x, y, k, right), abs=1e-9)
    assert recall_at_k(x, y, k, range(n)) == pytest.approx(recall_at_k(x, y, k), abs=1e-12)


class TestSeveralCaptionsAnImage:
    """500 pairs in which each of 100 images stands five times, with a caption of its own each time."""

    @pytest.fixture
    def pairs(self):
        generator = torch.Generator().manual_seed(3)
        images = torch.randn(100, 16, generator=generator)
        captions = images.repeat_interleave(5, 0) + torch.randn(500, 16, generator=generator)
        return images.repeat_interleave(5, 0), captions

    def test_one_of_five_right_answers_is_a_fifth_of_the_recall(self, pairs):
        x, y = pairs
        # Each of five equal rows finds the same caption, which is that of one of them.
        plain = recall_at_k(x, y), recall_at_k(y, x)
        assert plain == pytest.approx((0.186, 0.166), abs=0.01)
        any_of_five = recall_at_k(x, y, groups="equal"), recall_at_k(y, x, groups="equal")
        assert any_of_five == pytest.approx((0.93, 0.83), abs=0.05)
        assert any_of_five == pytest.approx([5 * recall for recall in plain])

    def test_ids_do_as_well_as_equal_rows(self, pairs):
        x, y = pairs
        ids = [f"COCO {i // 5}" for i in range(500)]
        for k in (1, 3):
            assert recall_at_k(x, y, k, ids) == recall_at_k(x, y, k, "equal") == recall_at_k(x, y, k, row_groups(x))
        # They also do where an image embedded five times is five rows.
        noisy = x + 1e-6 * torch.randn(500, 16, generator=torch.Generator().manual_seed(0))
        assert distinct_rows(noisy) == 500
        assert recall_at_k(noisy, y, groups=ids) == pytest.approx(recall_at_k(x, y, groups=ids), abs=0.02)
        assert recall_at_k(y, noisy, groups=ids) == pytest.approx(recall_at_k(y, x, groups=ids), abs=0.02)

    def test_they_are_counted(self, pairs):
        x, y = pairs
        assert (distinct_rows(x), distinct_rows(y)) == (100, 500)
        assert row_groups(x).tolist() == [i // 5 for i in range(500)]

    def test_more_places_help(self, pairs):
        x, y = pairs
        for groups in (None, "equal"):
            recalls = [recall_at_k(x, y, k, groups) for k in (1, 2, 5, 50, 500)]
            assert recalls == sorted(recalls)
            assert recalls[-1] == 1


def test_a_collapsed_tower_is_not_taken_for_perfect_unless_that_is_asked_for():
    point = torch.ones(20, 8)
    assert recall_at_k(point, point) == 0.05
    assert recall_at_k(point, point, groups="equal") == 1


def test_recall_of_equal_rows_is_exact_in_many_dimensions():
    b = np.random.default_rng(1).normal(size=(6, 2048))
    y = np.repeat(b, 5, 0)[:26]
    x = y + 0.01 * np.random.default_rng(100).normal(size=y.shape)
    assert recall_at_k(x, y) == 6 / 26
    assert recall_at_k(x.astype(np.float32), y.astype(np.float32)) == 6 / 26
    assert recall_at_k(np.ones((20, 8)), np.ones((20, 8))) == 0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [4, 64, 2048])
@pytest.mark.parametrize("k", [1, 3])
def test_recall_does_not_depend_on_how_a_product_is_rounded(monkeypatch, dtype, d, k):
    """As it differs between processors: by up to √d units, here at random."""
    generator = torch.Generator().manual_seed(d)
    base = torch.randn(30, d, generator=generator, dtype=dtype)
    y = torch.cat([base, base, base[:5]])[torch.randperm(65, generator=generator)]
    x = y + 0.5 * torch.randn(65, d, generator=generator, dtype=dtype)
    exact = recall_by_drawing(x, y, k, np.eye(65, dtype=bool))
    original = geometry._similarity_tiles

    def noisy(*rows):
        for numbers, similarity in original(*rows):
            noise = torch.rand(similarity.shape, generator=generator, dtype=dtype) - 0.5
            yield numbers, similarity + 2 * noise * d**0.5 * torch.finfo(dtype).eps

    monkeypatch.setattr(geometry, "_similarity_tiles", noisy)
    for _ in range(5):
        assert recall_at_k(x, y, k) == pytest.approx(exact, abs=1e-12)


def test_equal_rows_are_equal_number_by_number():
    rows = torch.tensor([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0], [1.0, 1e-30], [2.0, 0.0]])
    assert distinct_rows(rows) == 3
    for same in (rows, rows.double(), rows.numpy().astype(">f4"), rows.T.contiguous().T, rows.tolist()):
        assert row_groups(same).tolist() == [0, 1, 0, 2, 1]
    assert row_groups(rows.half()).tolist() == [0, 1, 0, 0, 1]  # which has no 1e-30
    many = torch.randn(1500, 3, generator=torch.Generator().manual_seed(0)).repeat(2, 1)
    assert row_groups(many).tolist() == [i % 1500 for i in range(3000)]
    assert distinct_rows(rows[:1]) == 1


def test_recall_in_tiles(monkeypatch):
    x, y = clouds(53, 4)
    whole, grouped = recall_at_k(x, y, 3), recall_at_k(x, y, 3, [i // 4 for i in range(53)])
    assert grouped > whole
    for entries in (1, 53 * 7, 53 * 52):
        monkeypatch.setattr(geometry, "TILE_ENTRIES", entries)
        assert recall_at_k(x, y, 3) == pytest.approx(whole)
        assert recall_at_k(x, y, 3, [i // 4 for i in range(53)]) == pytest.approx(grouped)


def test_separability_by_hand():
    x = torch.tensor([[1.0, 0.1], [1.0, -0.1]])
    assert separability(x, -x) == 1.0
    assert separability(x, x) == 0.5
    assert separability(x, torch.tensor([[-1.0, 0.1], [1.0, 0.1]])) == 0.75


@pytest.mark.parametrize(("n", "d", "components"), [(40, 12, 3), (5, 12, 4), (40, 3, 3)])
def test_projection_is_that_of_an_svd(n, d, components):
    x, y = clouds(n, d)
    projection = shared_projection(x, y, components)
    stacked = np.concatenate([unit(x), unit(y)])
    centered = stacked - stacked.mean(axis=0)
    _, singular, axes = np.linalg.svd(centered, full_matrices=False)
    agreement = np.abs(np.sum(projection.basis.numpy() * axes[:components], axis=1))
    np.testing.assert_allclose(agreement, 1, atol=1e-9)
    np.testing.assert_allclose(projection.explained, singular[:components] ** 2 / (singular**2).sum(), atol=1e-12)
    np.testing.assert_allclose(projection.basis @ projection.basis.T, np.eye(components), atol=1e-12)
    projected = torch.cat([projection.x, projection.y]).numpy()
    np.testing.assert_allclose(projected, centered @ projection.basis.numpy().T, atol=1e-12)
    torch.testing.assert_close(projection.apply(normalize(x)), projection.x)
    assert projection.basis[0] @ gap_vector(x, y) > 0
    for axis in projection.basis[1:]:
        assert axis[axis.abs().argmax()] > 0


def test_projection_of_less_than_it_is_asked_for():
    x, y = clouds(3, 8)
    explained = shared_projection(x, y, 8).explained
    assert (explained >= 0).all()
    assert float(explained.sum()) == pytest.approx(1)
    point = torch.ones(4, 3)
    nothing = shared_projection(point, point)
    assert nothing.explained.tolist() == [0, 0]
    torch.testing.assert_close(nothing.x, torch.zeros(4, 2), atol=1e-6, rtol=0)


@quick
@given(**shapes, amount=st.floats(-1.5, 1.5))
def test_shift_path_is_the_projected_shift(n, d, seed, offset, amount):
    x, y = clouds(n, d, seed, offset)
    path = shift_path(x, y)
    basis = shared_projection(x, y, gap_first=True).basis
    a, b = (unit(rows) for rows in (x, y))
    delta = a.mean(axis=0) - b.mean(axis=0)
    if min(np.linalg.norm(a - amount * delta, axis=1).min(), np.linalg.norm(b + amount * delta, axis=1).min()) < 1e-3:
        return
    for followed, moved in zip(path.at(amount), shift(x, y, amount), strict=True):
        torch.testing.assert_close(followed, moved @ basis.T, atol=1e-9, rtol=0)


GOOD = torch.arange(12.0).reshape(4, 3) + 1
TWO_MATRICES = [
    gap_vector,
    gap_distance,
    mean_cosine,
    matched_cosine,
    recall_at_k,
    separability,
    shared_projection,
    shift_path,
    lambda x, y: shift(x, y, 0.5),
]


def changed(row, column, value):
    rows = GOOD.clone()
    rows[row, column] = value
    return rows


@pytest.mark.parametrize("function", TWO_MATRICES)
@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (GOOD[0], GOOD, ValueError, r"x: expected shape \(n, d\), got \(3,\)"),
        (GOOD, GOOD[None], ValueError, r"y: expected shape \(n, d\), got \(1, 4, 3\)"),
        (GOOD[:3], GOOD, ValueError, r"x and y: expected the same shape.*\(3, 3\) and \(4, 3\)"),
        (GOOD, GOOD[:, :2], ValueError, r"x and y: expected the same shape.*\(4, 3\) and \(4, 2\)"),
        (GOOD[:1], GOOD[:1], ValueError, r"x: expected at least 2 rows and 1 column, got shape \(1, 3\)"),
        (GOOD[:, :0], GOOD[:, :0], ValueError, r"x: expected at least 2 rows and 1 column, got shape \(4, 0\)"),
        (changed(2, 0, math.nan), GOOD, ValueError, "x: expected finite numbers, got NaN or infinity in row 2"),
        (GOOD, changed(1, 1, -math.inf), ValueError, "y: expected finite numbers, got NaN or infinity in row 1"),
        (GOOD, changed(3, slice(None), 0), ValueError, "y: expected non-zero rows, got all zeros in row 3"),
        (GOOD * 1j, GOOD, TypeError, "x: expected real numbers, got torch.complex64"),
        (GOOD, [["a", "b", "c"]] * 4, TypeError, "y: expected a tensor, an array or nested lists of numbers, got list"),
    ],
)
def test_bad_matrices(function, x, y, error, message):
    with pytest.raises(error, match=message):
        function(x, y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: normalize(GOOD[:0]), ValueError, "x: expected at least 1 rows"),
        (
            lambda: normalize(changed(0, slice(None), 0)),
            ValueError,
            "x: expected non-zero rows, got all zeros in row 0",
        ),
        (lambda: row_groups(GOOD[:0]), ValueError, "x: expected at least 1 rows"),
        (lambda: mean_cosine(GOOD[:1]), ValueError, "x: expected at least 2 rows"),
        (lambda: shift(GOOD, GOOD, math.inf), ValueError, "amount: expected a finite number, got inf"),
        (lambda: shift(GOOD, GOOD, math.nan), ValueError, "amount: expected a finite number, got nan"),
        (
            lambda: shift(torch.ones(4, 3), -torch.ones(4, 3), 0.5),
            ValueError,
            "amount: expected every row to keep a direction, but 0.5 moves row 0 of x to the origin",
        ),
        (lambda: shift_path(GOOD, 1 / GOOD).at(math.nan), ValueError, "amount: expected a finite number"),
        (lambda: recall_at_k(GOOD, GOOD, 0), ValueError, "k: expected a whole number from 1 to 4, got 0"),
        (lambda: recall_at_k(GOOD, GOOD, 1, "image"), ValueError, "groups: unknown name 'image'; known: equal"),
        (lambda: recall_at_k(GOOD, GOOD, 1, [1, 2, 3]), ValueError, "groups: expected 4 labels, .* got 3"),
        (lambda: recall_at_k(GOOD, GOOD, 5), ValueError, "k: expected a whole number from 1 to 4, got 5"),
        (
            lambda: shared_projection(GOOD, GOOD, 4),
            ValueError,
            "components: expected a whole number from 1 to 3, got 4",
        ),
        (
            lambda: shared_projection(GOOD, GOOD, 0),
            ValueError,
            "components: expected a whole number from 1 to 3, got 0",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


FEATURES = ["clip", "videoclip", "convirt", "clasp"]


@pytest.mark.parametrize("name", [model + state for model in FEATURES for state in ("", "_random")])
def test_the_authors_features(name):
    path = Path(os.environ.get("MINDGAP_DATA", "")) / f"features_{name}.npy"
    if not path.is_file():
        pytest.skip("the authors' features are not in the folder MINDGAP_DATA names")
    x, y = np.load(path, allow_pickle=False)
    assert measured(x, y) == pytest.approx(reference(x, y, tie=1e-6), abs=2e-6)
    assert measured(x.astype(np.float64), y.astype(np.float64)) == pytest.approx(reference(x, y), abs=1e-12)
    delta = unit(x).mean(axis=0) - unit(y).mean(axis=0)
    for moved, rows in zip(shift(x, y, 0.7), (unit(x) - 0.7 * delta, unit(y) + 0.7 * delta), strict=True):
        np.testing.assert_allclose(moved.numpy(), unit(rows), atol=5e-7)
