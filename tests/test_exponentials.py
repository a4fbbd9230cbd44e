"""Exponentials at many temperatures: the plan, and what comes out against torch.exp in float64."""

import pytest
import torch

from mindgap._exponentials import LEAST_EXPONENT, MOST_FACTORS, Workspace, exponentials, planned

PAPER_INVERSES = [1.0, 10.0, 20.0, 30.0, 50.0, 100.0]


def test_the_papers_temperatures_take_two_exponentials():
    plan = planned(PAPER_INVERSES, torch.float32)
    assert [step.factors for step in plan] == [None, None, (-1, -1), (-2, -1), (-2, -1), (-1, -1)]


def test_products_stay_few():
    plan = planned([2.0**i for i in range(8)], torch.float32)
    assert max(step.leaves for step in plan) == MOST_FACTORS


def test_low_temperatures_are_float64():
    plan = planned([100.0, 128.0, 200.0, 1000.0], torch.float32)
    assert [step.dtype for step in plan] == [torch.float32] * 2 + [torch.float64] * 2


def inputs(dtype, spread, rows=7, b=11, k=2):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    product, left, right = -spread * draw(k, rows, b), 0.1 * draw(k, rows, 3), 0.1 * draw(k, 3, b)
    right[:, 0] += 1
    return product.to(dtype), left.to(dtype), right.to(dtype), 0.5 + draw(k, rows, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("inverses", [PAPER_INVERSES, [0.1], [3.0, 7.0, 11.0], [1.0, 100.0, 200.0, 300.0]])
def test_they_are_those_of_torch(dtype, inverses):
    product, left, right, scale = inputs(dtype, spread=0.3)
    sharpness = torch.stack([scale * inverse for inverse in inverses])
    found = exponentials(product, left, right, sharpness, -1.0, planned(inverses, dtype), Workspace())
    # Cloned, since each is good only until the next is asked for.
    together = torch.cat([part.clone().double() for part in found])
    cosines = product.double() * right[:, :1].double() + left.double() @ right.double()
    expected = (sharpness * cosines).exp()
    torch.testing.assert_close(together, expected, rtol=1e-4 if dtype == torch.float32 else 1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_none_is_subnormal(dtype):
    product, left, right, scale = inputs(dtype, spread=20.0)
    sharpness = torch.stack([scale * inverse for inverse in PAPER_INVERSES])
    found = exponentials(product, left, right, sharpness, -40.0, planned(PAPER_INVERSES, dtype), Workspace())
    least = min(float(part.min()) for part in found)
    assert torch.finfo(dtype).tiny <= least < 1.01 * torch.tensor(LEAST_EXPONENT[dtype], dtype=torch.float64).exp()


def test_a_workspace_keeps_its_tiles_until_the_shape_changes():
    workspace, like = Workspace(), torch.zeros(1, 4, 5)
    both, first, second = workspace.tiles("a", like, torch.float32, 2)
    assert both.shape == (2, 1, 4, 5)
    first.fill_(1)
    assert both[0].eq(1).all()
    assert second.data_ptr() != first.data_ptr()
    assert workspace.tiles("a", like, torch.float32, 2)[0] is both
    assert workspace.tiles("a", like[:, :3], torch.float32, 2)[0].shape == (2, 1, 3, 5)
