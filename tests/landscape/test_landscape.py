"""The landscape against the plain double loop in float64, on inputs from harmless to hostile."""

import functools
import math
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mindgap import geometry, load_pairs
from mindgap.check._feedback import Largest
from mindgap.geometry import normalize, shift
from mindgap.landscape import (
    DIRECTIONS,
    TEMPERATURES,
    Landscape,
    _exponentials,
    _identity,
    best_shift,
    contrastive_loss,
    info_nce,
    loss_landscape,
    sigmoid_loss,
)

SHIFTS = [-3.0, -1.0, -0.25, 0.0, 0.3, 0.5, 1.0, 3.0]
MANY_TEMPERATURES = [1 / 1000, 1 / 300, 1 / 100, 1 / 50, 1 / 30, 1 / 20, 1 / 10, 1.0, 10.0]


def plain(x, y, shifts, temperatures, batch_size=None):
    """The definition, cell by cell in float64: distances (S,) and losses (2, S, T)."""
    x, y = (F.normalize(torch.as_tensor(rows).double(), dim=1, eps=0) for rows in (x, y))
    delta = x.mean(dim=0) - y.mean(dim=0)
    size = batch_size or len(x)
    used = len(x) // size * size
    target = torch.arange(size).repeat(used // size)
    distances, losses = [], torch.zeros(2, len(shifts), len(temperatures), dtype=torch.float64)
    for s, amount in enumerate(shifts):
        a, b = F.normalize(x - amount * delta, dim=1), F.normalize(y + amount * delta, dim=1)
        between = a.mean(dim=0) - b.mean(dim=0)
        distances.append(between.norm() * (-1 if between @ delta < 0 else 1))
        cosines = a[:used].unflatten(0, (-1, size)) @ b[:used].unflatten(0, (-1, size)).mT
        for t, temperature in enumerate(temperatures):
            losses[0, s, t] = F.cross_entropy(cosines.flatten(0, 1) / temperature, target)
            losses[1, s, t] = F.cross_entropy(cosines.mT.flatten(0, 1) / temperature, target)
    return torch.stack(distances), losses


def assert_matches_plain(x, y, *, shifts=SHIFTS, temperatures=MANY_TEMPERATURES, batch_size=None):
    result = loss_landscape(x, y, shifts, temperatures, batch_size)
    distances, losses = plain(x, y, shifts, temperatures, batch_size)
    measured = torch.stack([result.image_to_text, result.text_to_image])
    if result.loss.dtype == torch.float64:
        atol, rtol = 1e-9, 0.0
    else:
        atol, rtol = 1e-5, 6e-8  # the second is half a unit in the last place: it matters for losses above 100
    torch.testing.assert_close(measured.double(), losses, atol=atol, rtol=rtol)
    torch.testing.assert_close(result.distance.double(), distances, atol=max(atol / 10, 1e-9), rtol=0)


def gaussian(n, d, seed=0, noise=1.0, offset=1.0):
    """Matched pairs in two clouds: a common part, noise, and an offset for each modality; norms all over the place."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    common, offsets = draw(n, d), offset * draw(2, 1, d)
    x, y = common + noise * draw(n, d) + offsets[0], common + noise * draw(n, d) + offsets[1]
    return x * draw(n, 1).exp(), y * draw(n, 1).exp()


def near_duplicates(n=40, d=16):
    x, y = gaussian(n, d, seed=3)
    return x[:1] / x[0].norm() + 1e-5 * x, y[:1] / y[0].norm() + 1e-5 * y


CLOUDS = {
    "pairs": gaussian(61, 32),
    "narrow cones": gaussian(60, 24, seed=1, offset=8.0),
    "two pairs": gaussian(2, 4, seed=2),
    "near duplicates": near_duplicates(),
    "one cloud twice": (gaussian(50, 8)[0],) * 2,
    "orthogonal, matched": (torch.eye(48, dtype=torch.float64),) * 2,
    "orthogonal throughout": tuple(torch.eye(48, dtype=torch.float64).split(24)),
    "opposite matches": (gaussian(30, 3)[0], -gaussian(30, 3)[0]),
    "shuffled": (gaussian(80, 4)[0], gaussian(80, 4)[0].roll(1, 0)),
}


@pytest.fixture(params=["compiled", "passes"])
def way(request, monkeypatch):
    """Both ways to sum exponentials, whatever the size: on the CPU small problems are done in passes."""
    monkeypatch.setattr(_identity, "WORTH_COMPILING", 0 if request.param == "compiled" else math.inf)
    monkeypatch.setattr(_identity, "NARROW", 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize("batch_size", [None, 2, 20])
@pytest.mark.parametrize("name", CLOUDS)
def test_parity(way, name, batch_size, dtype):
    x, y = CLOUDS[name]
    if batch_size is not None and batch_size > len(x):
        batch_size = len(x)
    assert_matches_plain(x.to(dtype), y.to(dtype), batch_size=batch_size)


def test_parity_of_many_equal_terms(way):
    # Beside a diagonal of 1, float32 sums of many small terms would be rounded the same way each time.
    x = torch.eye(724)
    assert_matches_plain(x, x, shifts=[0.0], temperatures=[1 / 10.38, 0.1, 0.05])


@pytest.mark.parametrize("spread", [1e-2, 1e-3, 2e-4])
@pytest.mark.parametrize("batch_size", [None, 10])
def test_parity_of_rows_that_pass_near_the_origin(way, spread, batch_size):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 40, 8, generator=generator, dtype=torch.float64)
    x, y = torch.eye(8, dtype=torch.float64)[0] + spread * noise[0], -torch.eye(8)[0] + spread * noise[1]
    assert_matches_plain(x, y, shifts=[0.0, 0.499, 0.5, 1.0], batch_size=batch_size)
    assert_matches_plain(x.float(), y.float(), shifts=[0.0, 0.5], batch_size=batch_size)


@pytest.mark.parametrize("cosine", [-1.0, -0.9])
def test_clouds_that_all_but_vanish_half_way(way, cosine):
    """All rows of a cloud are one: what one float32 cosine is off, all are, times p q, 15 to 100 here."""
    n, turn = 40, math.sqrt(1 - cosine**2)
    x, y = torch.tensor([[0.6, 0.8]]), torch.tensor([[0.6 * cosine - 0.8 * turn, 0.8 * cosine + 0.6 * turn]])
    assert_matches_plain(x.repeat(n, 1), y.repeat(n, 1), shifts=[0.35, 0.42, 0.45, 0.55], temperatures=[1 / 128, 0.01])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    n=st.integers(2, 12),
    d=st.integers(2, 6),
    seed=st.integers(0, 2**32 - 1),
    offset=st.floats(0, 10),
    amount=st.floats(-3, 3),
    inverse=st.floats(0.1, 1000),
    double=st.booleans(),
)
def test_parity_anywhere(way, n, d, seed, offset, amount, inverse, double):
    x, y = gaussian(n, d, seed=seed, offset=offset)
    if not double:
        x, y = x.float(), y.float()
    a, b = normalize(x.double()), normalize(y.double())
    step = amount * (a.mean(dim=0) - b.mean(dim=0))
    if torch.cat([a - step, b + step]).norm(dim=1).min() > 1e-3:  # nearer, rounding of the reference itself counts
        assert_matches_plain(x, y, shifts=[amount], temperatures=[1 / inverse])


@pytest.mark.parametrize(("tile", "batch_size"), [(1, None), (150, None), (2**10, None), (150, 7), (2**10, 20)])
def test_tiles_do_not_matter(way, monkeypatch, tile, batch_size):
    monkeypatch.setattr("mindgap.landscape.tile_entries", lambda device: tile)
    monkeypatch.setattr("mindgap.landscape._identity.tile_entries", lambda device: tile)
    monkeypatch.setattr("mindgap.landscape._identity.AT_ONCE", 50 * tile)
    x, y = gaussian(47, 8, seed=5)
    assert_matches_plain(x, y, batch_size=batch_size)


def test_all_rows_count_for_the_gap_but_the_rest_of_a_batch_is_dropped():
    x, y = gaussian(50, 8)
    x[40:] += 3
    whole = loss_landscape(x, y, SHIFTS, [0.1], batch_size=20)
    torch.testing.assert_close(whole.distance, loss_landscape(x, y, SHIFTS, [0.1]).distance)
    changed = loss_landscape(x, torch.cat([y[:40], y[40:].roll(1, 0)]), SHIFTS, [0.1], batch_size=20)
    torch.testing.assert_close(whole.loss, changed.loss)  # another order of the rest leaves gap and batches alone
    assert not torch.allclose(whole.loss, loss_landscape(x[:40], y[:40], SHIFTS, [0.1], batch_size=20).loss)


def recomputed_sums(monkeypatch, x, y, shifts, temperatures):
    """How many sums were out of range and computed again."""
    counts = []
    original = _identity._recompute

    def spy(logs, doubtful, *rest):
        counts.append(int(doubtful.sum()))
        original(logs, doubtful, *rest)

    monkeypatch.setattr(_identity, "_recompute", spy)
    loss_landscape(x, y, shifts, temperatures)
    return sum(counts)


def far_from_all():
    """Matched pairs, but the last image is opposite to every text and the last text to every image."""
    first = torch.tensor([1.0, 0.0, 0.0])
    around = gaussian(20, 3, seed=7)[0]
    x = first + 0.05 * normalize(around).float()
    y = x.clone()
    x[-1], y[-1] = -first, torch.tensor([-1.0, 0.5, 0.0])
    x[0], y[0] = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, -1.0, 0.0])
    return x, y


@pytest.mark.parametrize(
    ("x", "y", "temperature"),
    [
        pytest.param(*far_from_all(), 1 / 100, id="underflow in float32"),
        pytest.param(*far_from_all(), 1 / 1000, id="underflow in float64"),
        pytest.param(torch.eye(2), torch.eye(2).flip(0), 1 / 128, id="overflow in float32"),
        pytest.param(torch.eye(2), torch.eye(2).flip(0), 1 / 1000, id="overflow in float64"),
    ],
)
def test_sums_out_of_range_are_recomputed(way, monkeypatch, x, y, temperature):
    assert recomputed_sums(monkeypatch, x, y, [0.0], [temperature]) > 0
    assert_matches_plain(x, y, temperatures=[temperature])
    assert_matches_plain(x.double(), y.double(), temperatures=[temperature])


def test_ordinary_sums_are_not_recomputed(monkeypatch):
    x, y = gaussian(200, 64, noise=0.5)
    assert recomputed_sums(monkeypatch, x.float(), y.float(), [-0.5, 0.0, 0.5, 1.0], TEMPERATURES) == 0


def test_products_of_exponentials_serve_the_papers_temperatures(way):
    x, y = (rows.float() for rows in gaussian(100, 32))
    together = loss_landscape(x, y, SHIFTS, TEMPERATURES).loss
    alone = torch.cat([loss_landscape(x, y, SHIFTS, [t]).loss for t in TEMPERATURES], dim=1)
    torch.testing.assert_close(together, alone, atol=2e-6, rtol=1e-7)


def kinds_of_exponentials(monkeypatch, x, y, temperatures):
    """The dtypes in which exponentials were computed, and of what share of the temperatures."""
    seen = {}
    original = _exponentials.in_passes

    def spy(product, moves, inverses, dtype, columns):
        seen[dtype] = inverses.tolist()
        return original(product, moves, inverses, dtype, columns)

    monkeypatch.setattr(_identity, "in_passes", spy)
    loss_landscape(x, y, [0.0], temperatures)
    return seen


@pytest.mark.parametrize("temperature", [1 / 128, 1 / 100, 1 / 10, 1.0])
def test_float32_is_as_exact_as_what_it_says(temperature: float) -> None:
    """Cosines are rounded to 1e-7, and yet the loss to half a unit of its last place and little more."""
    pairs = load_pairs("clip")
    shifts = torch.linspace(-1, 2, 13)
    ours = loss_landscape(pairs.x.float(), pairs.y.float(), shifts, [temperature])
    exact = loss_landscape(pairs.x.double(), pairs.y.double(), shifts, [temperature])
    torch.testing.assert_close(ours.loss.double(), exact.loss, atol=8e-7, rtol=6e-8)


def test_exponentials_are_float32_only_where_it_holds_their_range(monkeypatch):
    x, y = gaussian(60, 24)
    found = kinds_of_exponentials(monkeypatch, x.float(), y.float(), [1 / 1000, 0.01, 1.0])
    assert found == {torch.float32: pytest.approx([1, 100]), torch.float64: pytest.approx([1000])}
    assert kinds_of_exponentials(monkeypatch, x, y, [0.01, 1.0]) == {torch.float64: pytest.approx([1, 100])}


def test_one_perfect_match_among_others_costs_no_recomputation(monkeypatch):
    x, y = (normalize(rows).float() for rows in gaussian(200, 64, noise=0.5))
    y[0] = x[0]
    assert recomputed_sums(monkeypatch, x, y, [0.0], [1 / 100]) == 0


@pytest.mark.parametrize(
    ("n", "batch_size", "compiles"), [(100, None, False), (900, None, True), (900, 100, True), (900, 10, False)]
)
def test_only_large_problems_are_compiled(monkeypatch, n, batch_size, compiles):
    calls = []
    original = _exponentials.compiled_sums

    def spy(*rest):
        calls.append(rest)
        return original(*rest)

    monkeypatch.setattr(_identity, "compiled_sums", spy)
    x, y = gaussian(n, 8)
    many = np.geomspace(0.01, 1, 50)
    loss_landscape(x, y, SHIFTS, many, batch_size)
    assert bool(calls) == compiles


def test_products_stay_few_so_that_their_errors_do(way):
    x, y = (rows.float() for rows in gaussian(50, 32))
    assert_matches_plain(x, y, temperatures=[2.0**-i for i in range(8)])


@pytest.mark.parametrize("batch_size", [None, 11])
def test_invariances(way, batch_size):
    x, y = gaussian(33, 6)
    generator = torch.Generator().manual_seed(1)
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    scale = torch.rand(33, 1, generator=generator, dtype=torch.float64) + 0.1
    reference = loss_landscape(x, y, SHIFTS, MANY_TEMPERATURES, batch_size)
    for other in [(x @ rotation, y @ rotation), (x * scale, y / scale), (x * 1e300, y * 1e-300)]:
        result = loss_landscape(*other, SHIFTS, MANY_TEMPERATURES, batch_size)
        torch.testing.assert_close(result.loss, reference.loss, atol=1e-9, rtol=0)
        torch.testing.assert_close(result.distance, reference.distance)
    order = torch.randperm(33, generator=generator)
    permuted = loss_landscape(x[order], y[order], SHIFTS, MANY_TEMPERATURES)
    torch.testing.assert_close(permuted.loss, loss_landscape(x, y, SHIFTS, MANY_TEMPERATURES).loss, atol=1e-9, rtol=0)
    swapped = loss_landscape(y, x, SHIFTS, MANY_TEMPERATURES, batch_size)
    torch.testing.assert_close(swapped.image_to_text, reference.text_to_image, atol=1e-9, rtol=0)
    torch.testing.assert_close(swapped.distance, reference.distance)


def test_distance_is_that_of_the_shifted_means():
    x, y = gaussian(100, 16)
    result = loss_landscape(x, y, [-1.0, 0.0, 0.5, 1.0], [0.1])
    for amount, distance in zip(result.shifts.tolist(), result.distance, strict=True):
        a, b = shift(x, y, amount)
        torch.testing.assert_close(distance.abs(), (a.mean(dim=0) - b.mean(dim=0)).norm())
    assert result.distance[0] > result.distance[1] > result.distance[2].abs() > 0 > result.distance[3]


@pytest.mark.parametrize("amount", [1e9, 1e18, 1e155, 1e200, -1e308])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_very_far_both_clouds_are_a_point_on_either_side(way, amount, dtype):
    """There the direction of −λΔ is all that is left of an image, that of λΔ all that is left of a text."""
    x, y = (rows.to(dtype) for rows in gaussian(61, 32))
    result = loss_landscape(x, y, [0.0, amount], MANY_TEMPERATURES)
    torch.testing.assert_close(result.loss[1], torch.full((9,), math.log(61), dtype=dtype), atol=1e-5, rtol=0)
    assert float(result.distance[1]) == pytest.approx(-2 if amount > 0 else 2, abs=1e-6)
    for moved, side in zip(shift(x, y, amount), (-amount, amount), strict=True):
        delta = normalize((normalize(x).mean(dim=0) - normalize(y).mean(dim=0))[None])
        torch.testing.assert_close(moved, math.copysign(1, side) * delta.expand(61, -1), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        result.loss[0], loss_landscape(x, y, [0.0], MANY_TEMPERATURES).loss[0], rtol=1e-6, atol=0
    )


@pytest.mark.parametrize("batch_size", [None, 50, 1500])
def test_memory_is_never_quadratic(batch_size):
    n = 4000
    x, y = (rows.float() for rows in gaussian(n, 8))
    with Largest() as seen:
        loss_landscape(x, y, [0.0, 0.5], [0.01, 0.1], batch_size)
    assert 0 < seen.entries < n * n / 20
    tracemalloc.start()
    loss_landscape(x, y, [0.0, 0.5], [0.01, 0.1], batch_size)  # all is compiled by now
    _, peak = tracemalloc.get_traced_memory()  # what numpy holds, which torch does not see
    tracemalloc.stop()
    assert peak < n * n / 20


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda rows: rows.numpy().astype(np.float16), torch.float32),
        (lambda rows: rows.float().numpy(), torch.float32),
        (lambda rows: rows.numpy(), torch.float64),
        (lambda rows: rows.bfloat16(), torch.float32),
        (lambda rows: rows.tolist(), torch.float32),
        (lambda rows: (100 * rows).int(), torch.float32),
        (lambda rows: rows.float().requires_grad_(), torch.float32),
    ],
)
def test_kinds_of_input(make, dtype):
    x, y = (make(normalize(rows)) for rows in gaussian(20, 8))
    result = loss_landscape(x, y, SHIFTS, MANY_TEMPERATURES)
    for part in (result.distance, result.image_to_text, result.text_to_image, result.loss):
        assert part.dtype == dtype
        assert not part.requires_grad
    if not isinstance(x, list):  # lists are rounded to float32 on their way in
        assert_matches_plain(torch.as_tensor(x).detach(), torch.as_tensor(y).detach())


def test_the_grid_comes_back_as_given():
    x, y = gaussian(10, 4)
    result = loss_landscape(x.float(), y.float(), torch.tensor([0.5, 0.0]), [1.0, 0.01, 0.1])
    assert result.shifts.tolist() == [0.5, 0.0]
    assert result.shifts.dtype == torch.float32
    assert result.temperatures.tolist() == [1.0, 0.01, 0.1]
    ordered = loss_landscape(x.float(), y.float(), range(2), np.array([0.01, 0.1, 1.0]))
    torch.testing.assert_close(result.loss[1], ordered.loss[0, [2, 0, 1]])


def test_the_grid_is_a_copy_without_history():
    x, y = gaussian(10, 4)
    shifts = torch.tensor([0.0, 0.5], requires_grad=True)
    result = loss_landscape(x, y, shifts, [0.1])
    assert not result.shifts.requires_grad
    assert len(result.frame()) == 2
    plain = shifts.detach()
    result = loss_landscape(x, y, plain, [0.1])
    plain += 1
    assert result.shifts.tolist() == [0.0, 0.5]


def test_progress(capsys, monkeypatch):
    x, y = gaussian(40, 4)
    shares: list[float] = []
    loss_landscape(x, y, [0.0], [0.1], batch_size=4, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    shares.clear()
    monkeypatch.setattr(_identity, "AT_ONCE", 2**20)
    x, y = gaussian(200, 4)
    loss_landscape(x, y, np.linspace(0, 1, 10), [*np.geomspace(0.01, 1, 10), 1e-3], progress=shares.append)
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert capsys.readouterr() == ("", "")
    loss_landscape(x, y, [0.0], [0.1], progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "landscape: 100%" in err


def valleys():
    """Ten shifts out of order, two temperatures: one with two valleys and a hill, one without any."""
    losses = {-2: 5.0, -1: 3.0, 0: 1.0, 1: 2.0, 2: 4.0, 3: 4.0, 4: 3.0, 5: 3.5, 6: 3.5 + 1e-7, 7: 3.5 - 1e-7}
    order = [3, -2, 0, 7, 6, 1, 5, -1, 4, 2]
    first = torch.tensor([losses[i] for i in order], dtype=torch.float64)
    table = torch.stack([first, torch.tensor(order) / 10], dim=1)
    shifts = torch.tensor(order, dtype=torch.float64)
    return Landscape(shifts, torch.tensor([0.01, 1.0]), 1 - shifts, table - 0.5, table + 0.5)


def test_minimum_and_extrema():
    landscape = valleys()
    least = landscape.minimum(0.01)
    assert (least.shift, least.distance, least.loss, least.kind) == (0, 1, 1, "minimum")
    assert landscape.minimum(0.01, "image_to_text").loss == 0.5
    assert landscape.minimum(1, "text_to_image").shift == -2  # at the edge
    found = [(point.shift, point.loss, point.kind) for point in landscape.extrema(0.01)]
    assert found == [(0, 1, "minimum"), (2, 4, "maximum"), (4, 3, "minimum")]
    assert [point.loss for point in landscape.extrema(0.01, "image_to_text")] == [0.5, 3.5, 2.5]
    assert landscape.extrema(1.0) == ()


def test_landmarks():
    found = valleys().landmarks(0.01)
    assert {name: point.shift for name, point in found.items()} == {
        "global minimum": 0, "barrier": 2, "back to back": 4,
    }  # fmt: skip
    assert {name: point.loss for name, point in valleys().landmarks(0.01, "image_to_text").items()} == {
        "global minimum": 0.5, "barrier": 3.5, "back to back": 2.5,
    }  # fmt: skip
    assert valleys().landmarks(1) == {"global minimum": valleys().minimum(1)}


def test_landmarks_of_a_hill_with_nothing_behind_it():
    losses = torch.tensor([[2.0], [1.0], [3.0], [2.5]])
    landscape = Landscape(torch.arange(4.0), torch.ones(1), torch.zeros(4), losses, losses)
    assert {name: point.shift for name, point in landscape.landmarks(1).items()} == {"global minimum": 1, "barrier": 2}


def test_frame():
    landscape = valleys()
    frame = landscape.frame()
    assert list(frame.columns) == ["shift", "distance", "temperature", "image_to_text", "text_to_image", "loss"]
    assert len(frame) == 20
    for s, t in [(0, 0), (4, 1), (9, 0)]:
        row = frame[
            (frame["shift"] == float(landscape.shifts[s])) & (frame.temperature == landscape.temperatures[t].item())
        ]
        assert row.loss.tolist() == [float(landscape.loss[s, t])]
        assert row.image_to_text.tolist() == [float(landscape.image_to_text[s, t])]
        assert row.distance.tolist() == [float(landscape.distance[s])]


@pytest.mark.parametrize("method", ["minimum", "extrema", "landmarks"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.02,), r"temperature: expected one of the landscape's temperatures \(0.01, 1\), got 0.02"),
        ((0.0,), "temperature: expected a number above 0"),
        ((0.01, "image"), "direction: unknown name 'image'; did you mean 'text_to_image' or 'image_to_text'"),
    ],
)
def test_bad_lookups(method, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(valleys(), method)(*arguments)


X, Y = (rows.float() for rows in gaussian(6, 4))
BAD = X.clone()
BAD[3, 1] = float("nan")
ZERO = X.clone()
ZERO[2] = 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": X[0]}, r"x: expected shape \(n, d\), got \(4,\)"),
        ({"y": Y[None]}, r"y: expected shape \(n, d\), got \(1, 6, 4\)"),
        ({"x": X[:5]}, r"x and y: expected the same shape.* \(5, 4\) and \(6, 4\)"),
        ({"y": Y[:, :3]}, r"x and y: expected the same shape.* \(6, 4\) and \(6, 3\)"),
        ({"x": X[:1], "y": Y[:1]}, "x: expected at least 2 rows"),
        ({"x": BAD}, "x: expected finite numbers, got NaN or infinity in row 3"),
        ({"y": BAD / 0}, "y: expected finite numbers, got NaN or infinity in row 0"),
        ({"y": ZERO}, "y: expected non-zero rows, got all zeros in row 2"),
        ({"shifts": []}, r"shifts: expected a list of at least one number, got shape \(0,\)"),
        ({"shifts": [[0.0, 1.0]]}, r"shifts: expected a list of at least one number, got shape \(1, 2\)"),
        ({"shifts": torch.tensor(0.5)}, r"shifts: expected a list of at least one number, got shape \(\)"),
        ({"shifts": [0.0, float("inf")]}, "shifts: expected finite numbers, got inf"),
        ({"temperatures": []}, "temperatures: expected a list of at least one number"),
        ({"temperatures": [0.1, 0.0]}, r"temperatures: expected numbers above 0 \(at least 1e-30\), got 0"),
        ({"temperatures": [0.1, -1.0]}, r"temperatures: expected numbers above 0 \(at least 1e-30\), got -1"),
        ({"temperatures": [0.1, 1e-310]}, r"temperatures: expected numbers above 0 \(at least 1e-30\), got 1e-310"),
        ({"temperatures": [float("nan")]}, "temperatures: expected finite numbers, got nan"),
        ({"batch_size": 1}, "batch_size: expected a whole number from 2 to 6, got 1"),
        ({"batch_size": 7}, "batch_size: expected a whole number from 2 to 6, got 7"),
        (
            {"x": torch.ones(6, 4), "y": -torch.ones(6, 4), "shifts": [0.0, 0.5]},
            r"shifts\[1\] moves row 0 of x to the origin",
        ),
    ],
)
def test_bad_input(changes, message):
    arguments = {"x": X, "y": Y, "shifts": [0.0], "temperatures": [0.1]} | changes
    with pytest.raises(ValueError, match=message):
        loss_landscape(**arguments)


def test_what_is_no_number_at_all():
    with pytest.raises(TypeError, match="shifts: expected a tensor, an array or nested lists of numbers"):
        loss_landscape(X, Y, ["wide"], [0.1])
    with pytest.raises(TypeError, match="x: expected real numbers"):
        loss_landscape(X.to(torch.complex64), Y, [0.0], [0.1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("batch_size", [None, 20])
def test_on_a_gpu(batch_size):
    x, y = gaussian(61, 32)
    here = loss_landscape(x, y, SHIFTS, MANY_TEMPERATURES, batch_size)
    there = loss_landscape(x.cuda(), y.cuda(), SHIFTS, MANY_TEMPERATURES, batch_size)
    assert there.loss.device.type == "cuda"
    torch.testing.assert_close(there.loss.cpu(), here.loss, atol=1e-9, rtol=0)
    found, expected = there.minimum(0.01), here.minimum(0.01)
    assert found.kind == expected.kind
    assert (found.shift, found.distance, found.loss) == pytest.approx(
        (expected.shift, expected.distance, expected.loss), abs=1e-9
    )
    assert len(there.frame()) == len(SHIFTS) * len(MANY_TEMPERATURES)


def test_the_papers_minimum():
    """Fig 3b: at τ = 1/100 the loss of the authors' 500 CLIP pairs is least where training left them."""
    path = Path(os.environ.get("MINDGAP_DATA", "")) / "features_clip.npy"
    if not path.is_file():
        pytest.skip("the authors' features are not in the folder MINDGAP_DATA names")
    x, y = torch.from_numpy(np.load(path, allow_pickle=False))
    shifts = torch.linspace(-1, 2, 61, dtype=torch.float64)
    for batch_size in (None, 50):
        least = loss_landscape(x, y, shifts, TEMPERATURES, batch_size)
        assert abs(least.minimum(0.01).shift) <= 0.1
        assert abs(least.minimum(1.0).distance) < 0.1
    assert_matches_plain(x, y)


def test_the_papers_temperatures():
    assert TEMPERATURES == (1 / 100, 1 / 50, 1 / 30, 1 / 20, 1 / 10, 1)


class TestContrastiveLoss:
    """One plain loss for training, checks and chapters."""

    @pytest.mark.parametrize("temperature", [1 / 1000, *TEMPERATURES, 10.0])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_it_is_open_clips_with_its_gradient(self, temperature, dtype):
        clip_loss = pytest.importorskip("open_clip.loss").ClipLoss()
        x, y = (normalize(rows).to(dtype) for rows in gaussian(30, 16))
        scale = torch.tensor(1 / temperature, dtype=dtype)
        results = []
        for loss in (
            lambda a, b, s: contrastive_loss(a, b, 1 / s),
            lambda a, b, s: clip_loss(F.normalize(a, dim=-1), F.normalize(b, dim=-1), s),
        ):
            inputs = [part.clone().requires_grad_() for part in (x, y, scale)]
            value = loss(*inputs)
            assert value.dtype == dtype
            results.append((value.detach(), *torch.autograd.grad(value, inputs)))
        within = 1e-7 / temperature if dtype == torch.float32 else 1e-12 / temperature
        for found, expected in zip(*results, strict=True):
            assert expected.any()
            torch.testing.assert_close(found, expected, rtol=1e-4 if dtype == torch.float32 else 1e-9, atol=within)

    @settings(max_examples=40, deadline=None)
    @given(
        n=st.integers(2, 12), d=st.integers(1, 6), seed=st.integers(0, 2**32 - 1), inverse=st.floats(0.1, 1000),
        batch=st.integers(2, 12), direction=st.sampled_from(DIRECTIONS),
    )  # fmt: skip
    def test_it_is_the_landscape_without_a_shift(self, n, d, seed, inverse, batch, direction):
        x, y = gaussian(n, d, seed=seed)
        for batch_size in (None, min(batch, n)):
            landscape = loss_landscape(x, y, [0.0], [1 / inverse], batch_size)
            expected = landscape.loss if direction == "both" else getattr(landscape, direction)
            found = contrastive_loss(x, y, 1 / inverse, direction, batch_size)
            assert found.dtype == torch.float64
            assert found.shape == ()
            torch.testing.assert_close(found, expected[0, 0], atol=1e-9, rtol=1e-12)
            _, losses = plain(x, y, [0.0], [1 / inverse], batch_size)
            one_way = dict(zip(DIRECTIONS, [losses.mean(), losses[0, 0, 0], losses[1, 0, 0]], strict=True))
            torch.testing.assert_close(found, one_way[direction], atol=1e-9, rtol=1e-12)

    @pytest.mark.parametrize("name", CLOUDS)
    @pytest.mark.parametrize("temperature", [1 / 1000, 0.01, 1.0])
    def test_hostile_clouds_have_a_finite_loss_and_gradient(self, name, temperature):
        x, y = (rows.float().requires_grad_() for rows in CLOUDS[name])
        loss = contrastive_loss(x, y, temperature)
        exact = plain(x.detach(), y.detach(), [0.0], [temperature])[1].mean()
        assert float(loss.detach()) == pytest.approx(float(exact), abs=1e-6 + 2e-7 / temperature)
        for gradient in torch.autograd.grad(loss, (x, y)):
            assert gradient.isfinite().all()

    def test_a_small_loss_of_large_logits_is_exact(self):
        logits = torch.tensor([[10000.0, 9990.0], [9980.0, 10000.0]])  # where neighbours in float32 are 1e-3 apart
        for direction in DIRECTIONS:
            expected = (math.log1p(math.exp(-10)) + math.log1p(math.exp(-20))) / 2
            assert float(info_nce(logits, direction)) == pytest.approx(expected, abs=1e-7)

    def test_its_gradient_by_differences(self):
        x, y = (rows.requires_grad_() for rows in gaussian(6, 3))
        temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        for direction in DIRECTIONS:
            for batch_size in (None, 2, 5):
                loss = functools.partial(contrastive_loss, direction=direction, batch_size=batch_size)
                assert torch.autograd.gradcheck(loss, (x, y, temperature))

    def test_many_models_at_once(self):
        """As trainings side by side do: under `torch.vmap`, with a temperature each."""
        x, y = torch.randn(2, 3, 8, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        temperatures = torch.tensor([0.05, 0.1, 1.0], dtype=torch.float64)
        found = torch.vmap(contrastive_loss)(x, y, temperatures)
        alone = torch.stack([contrastive_loss(*parts) for parts in zip(x, y, temperatures, strict=True)])
        torch.testing.assert_close(found, alone)
        slopes = torch.vmap(torch.func.grad(contrastive_loss))(x, y, temperatures)
        first = x[0].clone().requires_grad_()
        contrastive_loss(first, y[0], temperatures[0]).backward()
        torch.testing.assert_close(slopes[0], first.grad)

    def test_a_batch_of_logits_has_a_loss_each(self):
        logits = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        target = torch.arange(5)
        for i, j in [(0, 0), (1, 2)]:
            rows, columns = F.cross_entropy(logits[i, j], target), F.cross_entropy(logits[i, j].T, target)
            for direction, expected in zip(DIRECTIONS, [(rows + columns) / 2, rows, columns], strict=True):
                torch.testing.assert_close(info_nce(logits, direction)[i, j], expected)

    @pytest.mark.parametrize(("changes", "message"), [
        ({"temperature": 0}, "temperature: expected a number above 0, got 0"),
        ({"temperature": torch.tensor(-1.0)}, "temperature: expected a number above 0, got -1"),
        ({"temperature": float("nan")}, "temperature: expected a finite number, got nan"),
        ({"temperature": 1e-40}, r"temperature: expected numbers above 0 \(at least 1e-30\), got 1e-40"),
        ({"temperature": torch.ones(2)}, r"temperature: expected one number, got shape \(2,\)"),
        ({"direction": "image"}, "direction: unknown name 'image'; did you mean 'text_to_image' or 'image_to_text'"),
        ({"batch_size": 1}, "batch_size: expected a whole number from 2 to 6, got 1"),
        ({"batch_size": 7}, "batch_size: expected a whole number from 2 to 6, got 7"),
    ])  # fmt: skip
    def test_bad_input(self, changes, message):
        with pytest.raises(ValueError, match=message):
            contrastive_loss(**({"x": X, "y": Y, "temperature": 0.1} | changes))

    def test_bad_logits(self):
        for shape in [(3, 4), (5,), (2, 0, 0)]:
            with pytest.raises(ValueError, match="logits: expected shape"):
                info_nce(torch.ones(shape))


class TestBestShift:
    def test_float32_noise_does_not_move_it(self):
        x, y = (rows.float() for rows in gaussian(500, 32))
        best = best_shift(x, y, 0.1)
        assert best.shift == pytest.approx(best_shift(x.double(), y.double(), 0.1).shift, abs=1e-12)
        assert best.loss == pytest.approx(loss_landscape(x, y, [best.shift], [0.1]).loss.item(), abs=1e-5)

    @pytest.mark.parametrize("temperature", [1 / 100, 1 / 30, 1.0])
    def test_it_is_the_least_loss_and_on_no_grid(self, temperature):
        x, y = gaussian(61, 32)
        best = best_shift(x, y, temperature)
        near = torch.linspace(best.shift - 1e-3, best.shift + 1e-3, 201, dtype=torch.float64)
        fine = loss_landscape(x, y, near, [temperature]).minimum(temperature)
        assert best.kind == "minimum"
        assert best.shift == pytest.approx(fine.shift, abs=5e-5)
        assert best.loss <= fine.loss + 1e-12
        coarse = loss_landscape(x, y, torch.arange(-20, 51) / 20, [temperature]).minimum(temperature)
        assert abs(best.shift - coarse.shift) < 0.05
        distances, losses = plain(x, y, [best.shift], [temperature])
        assert best.distance == pytest.approx(float(distances), abs=1e-9)
        assert best.loss == pytest.approx(float(losses.mean()), abs=1e-9)

    def test_equal_clouds_want_no_gap(self):
        # Two copies of one cloud, pulled apart: the least loss is where they meet.
        x, _ = gaussian(40, 16)
        away = torch.zeros(16, dtype=x.dtype).index_fill_(0, torch.tensor([0]), 0.3)
        best = best_shift(normalize(x) + away, normalize(x) - away, 0.1)
        assert abs(best.distance) < 0.1

    def test_an_end_is_called_an_end(self):
        x, y = gaussian(61, 32)
        inner = best_shift(x, y, 0.01).shift
        assert best_shift(x, y, 0.01, shifts=[inner + 0.1, inner + 0.2, inner + 0.3]).kind == "end"
        assert best_shift(x, y, 0.01, shifts=[inner + 0.1, inner + 0.2]).shift == pytest.approx(inner + 0.1)

    def test_where_shifts_are_repeated_or_the_end_is_next_to_it(self):
        x, y = gaussian(61, 32)
        best = best_shift(x, y, 0.1)
        m = best.shift
        repeated = best_shift(x, y, 0.1, shifts=[m - 1, m - 0.02, m - 0.02, m - 0.02, m + 1])
        assert repeated.shift == pytest.approx(m, abs=1e-4)
        inner = best_shift(x, y, 0.1, shifts=[m - 0.01, m + 1, m + 2])
        assert (inner.shift, inner.kind) == (pytest.approx(m, abs=1e-4), "minimum")

    def test_very_far_shifts_are_searched_as_well(self):
        x, y = gaussian(20, 8)
        near = best_shift(x, y, 0.1, [-1.0, 0.0, 0.5, 1.0, 2.0])
        far = best_shift(x, y, 0.1, [-1e308, -1.0, 0.0, 0.5, 1.0, 2.0, 1e200])
        assert far.shift == pytest.approx(near.shift, abs=2e-4)

    def test_the_least_tolerance_ends(self):
        x, y = gaussian(20, 8)
        assert best_shift(x, y, 0.1, tolerance=1e-300).shift == pytest.approx(best_shift(x, y, 0.1).shift, abs=1e-4)

    def test_bad_input(self):
        x, y = gaussian(61, 32)
        with pytest.raises(ValueError, match="tolerance: expected a number above 0"):
            best_shift(x, y, 0.1, tolerance=0)
        with pytest.raises(ValueError, match="shifts: expected a list of at least one number"):
            best_shift(x, y, 0.1, shifts=[])


class TestSigmoidLoss:
    """The pairwise loss of SigLIP."""

    def test_it_is_a_sum_over_all_combinations(self) -> None:
        random = torch.Generator().manual_seed(0)
        x, y = torch.randn(2, 7, 5, dtype=torch.float64, generator=random)
        u, v = geometry.normalize(x), geometry.normalize(y)
        expected = sum(
            math.log1p(math.exp(-(1 if i == j else -1) * (float(u[i] @ v[j]) / 0.2 - 3)))
            for i in range(7)
            for j in range(7)
        )
        assert float(sigmoid_loss(x, y, 0.2, -3)) == pytest.approx(expected / 7, rel=1e-12)

    def test_a_gap_costs_nothing_where_a_bias_can_meet_it(self) -> None:
        # Two parallel circles: every pair has a higher cosine than every other combination, at any distance.
        angle = torch.linspace(0, 2 * math.pi, 9, dtype=torch.float64)[:-1]
        ring = torch.stack([angle.cos(), angle.sin()], dim=1)
        for height in (0.0, 1.0, 3.0):
            sides = [torch.cat([ring, torch.full((8, 1), sign * height, dtype=torch.float64)], 1) for sign in (1, -1)]
            u, v = (geometry.normalize(side) for side in sides)
            cosines = u @ v.T
            pair, other = float(cosines[0, 0]), float(cosines[0, 1])
            loss = sigmoid_loss(u, v, 1e-3, -(pair + other) / 2 / 1e-3)
            assert float(loss) < 1e-3
            assert (geometry.gap_distance(u, v) > 0.5) == (height > 0)

    def test_gradients_reach_rows_temperature_and_bias(self) -> None:
        x, y = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
        temperature, bias = torch.tensor(0.1, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
        sigmoid_loss(x, y, temperature, bias).backward()
        for learned in (temperature, bias):
            assert learned.grad is not None
            assert float(learned.grad) != 0

    def test_other_rows_are_refused(self) -> None:
        with pytest.raises(ValueError, match="x and y"):
            sigmoid_loss(torch.ones(3, 2), torch.ones(4, 2), 0.1, 0.0)
