"""Sums of exponentials: the compiled loops and the passes of torch, against torch.exp in float64."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from mindgap.landscape import _loops, _vectors
from mindgap.landscape._exponentials import (
    MOST_FACTORS,
    NARROWEST,
    Moves,
    compiled_sums,
    in_passes,
    products,
    within,
)
from mindgap.landscape._formats import FORMATS
from mindgap.landscape._loops import WIDTH
from tests.waiting import HANG

PAPER_INVERSES = [1.0, 10.0, 20.0, 30.0, 50.0, 100.0]
KINDS = [torch.float32, torch.float64]


def case(k, r, b, spread=0.3, shifts=3, seed=0):
    """Cosines of k batches, from 0 down to −spread or so, and the moves of some shifts."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    moves = Moves(
        0.1 * draw(shifts, k, r), 0.5 + draw(shifts, k, r), 0.1 * draw(shifts, k, b), 0.5 + draw(shifts, k, b),
        0.2 * draw(shifts, k),
    )  # fmt: skip
    return -spread * draw(k, r, b), moves


def exact(product, moves, inverses):
    """Row and column sums by the formula."""
    u, p, v, q, reference = moves
    cosines = p[..., None] * q[..., None, :] * (product + u[..., None] + v[..., None, :]) - reference[..., None, None]
    values = (cosines[:, None] * torch.tensor(inverses, dtype=torch.float64)[:, None, None, None]).exp()
    return values.sum(dim=-1), values.sum(dim=-2)


def found(how, product, moves, inverses, dtype):
    _, columns = exact(product, moves, inverses)
    columns = torch.ones_like(columns)  # they are to be added to
    rows = how(product, moves, torch.tensor(inverses, dtype=torch.float64), dtype, columns)
    return rows, columns - 1


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("how", [in_passes, compiled_sums])
@pytest.mark.parametrize("inverses", [PAPER_INVERSES, [0.1], [3.0, 7.0, 11.0], [1.0, 99.0, 100.0, 128.0]])
@pytest.mark.parametrize("shape", [(1, 3, 2 * WIDTH + 5), (1, 1, 1), (4, 7, 11), (1, 2, 3 * NARROWEST)])
def test_they_are_those_of_torch(how, shape, inverses, dtype):
    product, moves = case(*shape)
    rtol = 5e-6 if dtype == torch.float32 else 1e-12
    rows, columns = found(how, product, moves, inverses, dtype)
    torch.testing.assert_close(rows, exact(product, moves, inverses)[0], rtol=rtol, atol=0)
    torch.testing.assert_close(columns, exact(product, moves, inverses)[1], rtol=rtol, atol=1e-12)


@pytest.fixture(params=[16, 32, 64])
def width(request, monkeypatch):
    """Vectors of another width than the processor's registers, in bytes: LLVM splits or fills these."""
    other = _vectors.processor()._replace(width=request.param)
    monkeypatch.setattr(_vectors, "processor", lambda: other)
    _loops.sum_blocks.cache_clear()
    yield request.param
    _loops.sum_blocks.cache_clear()


@pytest.mark.parametrize("dtype", KINDS)
def test_the_width_of_vectors_does_not_matter(width, dtype):
    inverses = [*PAPER_INVERSES[:-1], 55.0, 64.0, 77.0, 100.0]  # more than are done together, too
    for spread in (0.3, 3.0):  # and some that under- or overflow in float32
        product, moves = case(1, _loops.ROWS + 3, 37, spread, shifts=2)
        rows, columns = found(
            compiled_sums, product.to(dtype), Moves(*(part.to(dtype) for part in moves)), inverses, dtype
        )
        exact_rows, exact_columns = exact(product, moves, inverses)
        atol, rtol = (1e-30, 2e-5) if dtype == torch.float32 else (0, 1e-11)
        torch.testing.assert_close(rows, exact_rows, rtol=rtol, atol=atol)
        torch.testing.assert_close(columns + 1, exact_columns + 1, rtol=rtol, atol=0)


def test_within_range_is_what_a_few_numbers_can_tell():
    """No product between the limits makes an exponent that leaves the range; just beyond, some does."""
    _, moves = case(2, 5, 20)
    inverses = torch.tensor([100.0], dtype=torch.float64)
    low, high = within(moves, inverses, torch.float32)
    most = -FORMATS[torch.float32].least - 1
    for edge, beyond in ((low, -0.5), (high, 0.5)):
        held = edge[..., None, None]
        u, p, v, q, reference = moves
        for further, inside in ((0.0, True), (beyond, False)):
            sums = held + further + u[..., None] + v[..., None, :]
            cosines = p[..., None] * q[..., None, :] * sums - reference[..., None, None]
            assert bool((cosines.abs().max() * 100 / math.log(2) <= most * (1 + 1e-9)).item()) == inside


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_does_not_matter(monkeypatch, threads):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    for shape in [(1, 3, 1200), (7, 3, 5)]:
        product, moves = case(*shape)
        rows, columns = found(compiled_sums, product, moves, PAPER_INVERSES, torch.float64)
        torch.testing.assert_close(rows, exact(product, moves, PAPER_INVERSES)[0], rtol=1e-12, atol=0)
        torch.testing.assert_close(columns, exact(product, moves, PAPER_INVERSES)[1], rtol=1e-12, atol=1e-12)


def test_slices_of_larger_tensors_will_do():
    product, moves = case(2, 6, 5)
    some = Moves(moves.u[..., 2:4], moves.p[..., 2:4], *moves[2:])
    whole, part = torch.zeros(2, 3, 1, 2, 5, dtype=torch.float64)
    rows = compiled_sums(product, moves, torch.ones(1, dtype=torch.float64), torch.float64, whole)
    of_some = compiled_sums(product[:, 2:4], some, torch.ones(1, dtype=torch.float64), torch.float64, part)
    torch.testing.assert_close(of_some, rows[..., 2:4])


@pytest.mark.parametrize("dtype", KINDS)
def test_far_down_they_are_the_least_normal_number_and_far_up_infinite(dtype):
    flat = torch.zeros(1, 1, 1, dtype=torch.float64)
    moves = Moves(flat, flat + 1, flat, flat + 1, flat[0])
    smallest = torch.finfo(dtype).tiny
    for cosine, expected in [
        (-20.0, smallest),
        (-2000.0, smallest),
        (0.0, 1.0),
        (20.0, torch.inf),
        (2000.0, torch.inf),
    ]:
        rows, _ = found(compiled_sums, flat + cosine, moves, [50.0, 100.0], dtype)
        assert rows[0, 1].item() == expected


@pytest.mark.parametrize("dtype", KINDS)
def test_the_series_is_exact_to_the_last_place_but_one(dtype):
    real, form = FORMATS[dtype].real.dtype.type, FORMATS[dtype]
    halves = np.linspace(-0.5, 0.5, 1001)
    value = np.full(1001, form.series[0])
    for coefficient in form.series[1:]:
        value = value * halves.astype(real) + coefficient
    assert value.dtype == real
    assert np.abs(value / np.exp2(halves.astype(real).astype(np.longdouble)) - 1).max() < 2 * np.finfo(real).eps


def test_the_papers_temperatures_take_two_exponentials():
    none = (-1, -1)
    assert products(tuple(PAPER_INVERSES)) == [none, none, (1, 1), (2, 1), (3, 2), (4, 4)]
    assert products((3.0, 7.0, 11.0)) == [none] * 3


def test_products_stay_few():
    powers = tuple(2.0**i for i in range(8))
    leaves: list[int] = []
    for one, other in products(powers):
        leaves.append(1 if one < 0 else leaves[one] + leaves[other])
    assert max(leaves) == MOST_FACTORS


def test_many_temperatures_are_planned_soon():
    many = tuple(float(i) for i in range(1, 400))
    plan = products(many)
    assert plan[:3] == [(-1, -1), (0, 0), (1, 0)]
    assert all(one < 0 or many[one] + many[other] == many[place] for place, (one, other) in enumerate(plan))


def test_two_threads_may_ask_at_once():
    """As a widget and a training in a notebook do: numba's own threads would end the process."""
    code = """
import threading, torch
from mindgap import loss_landscape
x, results = torch.randn(3000, 8), []
def ask(): results.append(loss_landscape(x, x.flip(1), [0.0, 0.5], [0.1]).loss)
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(results) == 4 and all(torch.equal(results[0], other) for other in results)
"""
    many = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # on all cores
    subprocess.run([sys.executable, "-c", code], check=True, timeout=HANG, env=many)
