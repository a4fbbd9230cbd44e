"""Feedback on functions: the right ones pass however they are written, the wrong ones get the name of their mistake."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from mindgap import check, cones, geometry
from mindgap.check import _tasks_cones, _tasks_gap, _tasks_shift, _tasks_temperature
from mindgap.check._feedback import Task, _difference

Function = Callable[..., Any]
TASKS = [
    task
    for part in (_tasks_gap, _tasks_shift, _tasks_cones, _tasks_temperature)
    for task in vars(part).values()
    if isinstance(task, Task)
]


def off_diagonal(x: Tensor, y: Tensor) -> Tensor:
    cosines = x @ y.T
    return cosines[~torch.eye(len(x), dtype=torch.bool)]


def gap(x: Tensor, y: Tensor) -> Tensor:
    return normalize(x).mean(0) - normalize(y).mean(0)


def recall(x: Tensor, y: Tensor, k: int) -> Tensor:
    nearest = (normalize(x) @ normalize(y).T).topk(k, dim=1).indices
    return (nearest == torch.arange(len(x))[:, None]).any(1).float().mean()


def shift(x: Tensor, y: Tensor, amount: float) -> tuple[Tensor, Tensor]:
    step = amount * gap(x, y)
    return normalize(normalize(x) - step), normalize(normalize(y) + step)


def loss(x: Tensor, y: Tensor, temperature: float) -> Tensor:
    logits, target = normalize(x) @ normalize(y).T / temperature, torch.arange(len(x))
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def naive_loss(x: Tensor, y: Tensor, temperature: float) -> Tensor:
    exponentials = (normalize(x) @ normalize(y).T / temperature).exp()
    own = exponentials.diagonal()
    return -((own / exponentials.sum(0)).log() + (own / exponentials.sum(1)).log()).mean() / 2


def layer(
    h: Tensor,
    generator: torch.Generator,
    weights: float = -0.5,
    biases: float | None = -0.5,
    act: Function = torch.relu,
) -> Tensor:
    """Scales are powers of the width."""
    width = h.shape[1]
    result = h @ torch.randn(width, width, generator=generator) * width**weights
    return act(result if biases is None else result + torch.randn(width, generator=generator) * width**biases)


def global_layer(h: Tensor, generator: torch.Generator) -> Tensor:
    return layer(h, torch.default_generator)


def row_biases(h: Tensor, generator: torch.Generator) -> Tensor:
    width = h.shape[1]
    weights = torch.randn(width, width, generator=generator)
    return torch.relu((h @ weights + torch.randn(h.shape, generator=generator)) / width**0.5)


def seeded_layer(h: Tensor, generator: torch.Generator) -> Tensor:
    return layer(h, torch.Generator().manual_seed(0))


def kernel_of_a_number(cosine: float) -> float:
    angle = math.acos(cosine)
    return (math.sin(angle) + (math.pi - angle) * cosine) / math.pi


def field(depth: int, norm: float, bias: float = 1, first: float = 0, power: int = 2) -> list[float]:
    squared, found = norm**power, [float(first)]
    for _ in range(depth):
        found.append(kernel_of_a_number(min(1.0, (found[-1] * squared + bias) / (squared + bias))))
        squared = (squared + bias) / 2
    return found


def loss_at(cosines: Tensor, temperature: float) -> Tensor:
    logits, target = cosines / temperature, torch.arange(len(cosines))
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def one_way(cosines: Tensor, temperature: float) -> Tensor:
    return cross_entropy(cosines / temperature, torch.arange(len(cosines)))


def naive_loss_at(cosines: Tensor, temperature: float) -> Tensor:
    exponentials = (cosines / temperature).exp()
    own = exponentials.diagonal()
    return -((own / exponentials.sum(0)).log() + (own / exponentials.sum(1)).log()).mean() / 2


def add_gap(x: Tensor, y: Tensor, g: float, u: float | None = None, sides: tuple[int, int] = (1, -1)) -> list[Tensor]:
    u = g * g / 4 if u is None else min(u, 1.0)
    return [
        torch.cat([(1 - u) ** 0.5 * normalize(rows), torch.full((len(rows), 1), side * u**0.5, dtype=rows.dtype)], 1)
        for rows, side in zip((x, y), sides, strict=True)
    ]


def best_temperature(cosines: Tensor, loss: Function = loss_at) -> float:
    low, high = -3.0, 0.0
    while high - low > 1e-4:
        third = (high - low) / 3
        if loss(cosines, 10 ** (low + third)) < loss(cosines, 10 ** (high - third)):
            high -= third
        else:
            low += third
    return 10 ** ((low + high) / 2)


def best_on_a_grid(cosines: Tensor) -> Tensor:
    grid = torch.logspace(-3, 0, 1001, dtype=torch.float64)
    return grid[torch.stack([loss_at(cosines, float(t)) for t in grid]).argmin()]


def flattering_gap(cosines: Tensor, temperature: float) -> float:
    return 2 * max(0.0, 1 - temperature / best_temperature(cosines)) ** 0.5


def split_change(before: Tensor, after: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    excesses = [loss_at(s, temperature) - loss_at(s, best_temperature(s)) for s in (before, after)]
    change = loss_at(after, temperature) - loss_at(before, temperature)
    return excesses[1] - excesses[0], change - excesses[1] + excesses[0]


RIGHT: dict[str, list[Function]] = {
    "normalize": [
        normalize,
        geometry.normalize,
        lambda x: normalize(x.double()).to(x.dtype),
        lambda x: normalize(x).tolist(),
    ],
    "gap_vector": [gap, geometry.gap_vector, lambda x, y: gap(x.float(), y.float())],
    "gap_distance": [geometry.gap_distance, lambda x, y: gap(x.float(), y.float()).norm()],
    "mean_cosine": [geometry.mean_cosine, lambda x: off_diagonal(*2 * [normalize(x)]).mean()],
    "cross_cosine": [geometry.mean_cosine, lambda x, y: off_diagonal(normalize(x), normalize(y)).mean().item()],
    "recall_at_k": [geometry.recall_at_k, recall, lambda x, y, k: float(recall(x, y, k))],
    "shift": [geometry.shift, shift, lambda x, y, amount: list(shift(x.float(), y.float(), amount))],
    "contrastive_loss": [loss, lambda x, y, t: loss(x.float(), y.float(), t).item()],
    "mlp_layer": [layer, lambda h, generator: layer(h, generator).double()],
    "relu_map": [cones.relu_kernel, kernel_of_a_number, lambda rho: cones.relu_kernel(rho).float()],
    "mean_field": [cones.relu_mean_field, field, lambda *a: torch.tensor(field(*a)).float()],
    "loss_at": [loss_at, lambda s, t: loss_at(s.float(), t).item()],
    "add_gap": [lambda x, y, g: tuple(add_gap(x, y, g)), lambda x, y, g: add_gap(x.float(), y.float(), g)],
    "effective_temperature": [lambda g, t: t / (1 - g * g / 4), lambda g, t: torch.tensor(4 * t / (4 - g * g))],
    "best_temperature": [best_temperature, best_on_a_grid],
    "flattering_gap": [flattering_gap, lambda s, t: torch.tensor(flattering_gap(s, t))],
    "split_change": [split_change, lambda *a: [part.item() for part in split_change(*a)]],
}

WRONG: dict[str, list[tuple[str, Function]]] = {
    "normalize": [
        ("columns are scaled", lambda x: normalize(x, dim=0)),
        ("squared lengths", lambda x: x / (x * x).sum(1, keepdim=True)),
        ("whole matrix", lambda x: x / torch.linalg.norm(x)),
        ("absolute values", lambda x: normalize(x, p=1)),
        ("largest entries", lambda x: normalize(x, p=math.inf)),
        ("changes the tensor", lambda x: x.div_(x.norm(dim=1, keepdim=True))),
        ("must match the size", lambda x: x / x.norm(dim=1)),
        ("right, but float64 goes in and float32 comes out", lambda x: normalize(x.float())),
        ("right, but float32 goes in and float64 comes out", lambda x: normalize(x.double())),
        ("nothing is scaled", lambda x: x),
    ],
    "gap_vector": [
        ("other way", lambda x, y: gap(y, x)),
        ("summed, not averaged", lambda x, y: normalize(x).sum(0) - normalize(y).sum(0)),
        ("the means are normalised", lambda x, y: normalize(x.mean(0), dim=0) - normalize(y.mean(0), dim=0)),
        ("its length lost", lambda x, y: normalize(gap(x, y), dim=0)),
        ("not put on the unit sphere", lambda x, y: x.mean(0) - y.mean(0)),
        ("wrong axis", lambda x, y: (normalize(x) - normalize(y)).mean(1)),
        ("those of x are not", lambda x, y: x.mean(0) - normalize(y).mean(0)),
    ],
    "gap_distance": [
        ("the means are normalised", lambda x, y: (normalize(x.mean(0), dim=0) - normalize(y.mean(0), dim=0)).norm()),
        ("squared length", lambda x, y: gap(x, y).square().sum()),
        ("summed, not averaged", lambda x, y: (normalize(x).sum(0) - normalize(y).sum(0)).norm()),
        ("matched pairs", lambda x, y: (normalize(x) - normalize(y)).norm(dim=1).mean()),
        ("not put on the unit sphere", lambda x, y: (x.mean(0) - y.mean(0)).norm()),
        ("expected one number", gap),
        ("wrong axis", lambda x, y: (normalize(x) - normalize(y)).mean(1).norm()),
        ("those of y are not", lambda x, y: (normalize(x).mean(0) - y.mean(0)).norm()),
        ("those of x are not", lambda x, y: (x.mean(0) - normalize(y).mean(0)).norm()),
    ],
    "mean_cosine": [
        ("the diagonal is included", lambda x: normalize(x).mean(0).square().sum()),
        ("not put on the unit sphere", lambda x: off_diagonal(x, x).mean()),
        ("in the sum, though not in", lambda x: (normalize(x) @ normalize(x).T).sum() / (len(x) * (len(x) - 1))),
        ("1 is taken off", lambda x: ((normalize(x) @ normalize(x).T).sum() - 1) / (len(x) * (len(x) - 1))),
        ("sum runs over the wrong axis", lambda x: (
            (normalize(x).sum(1) @ normalize(x).sum(1) - len(x)) / (len(x) * (len(x) - 1))
        )),
        ("mean runs over the wrong axis", lambda x: normalize(x).mean(1) @ normalize(x).mean(1)),
        ("distances, not cosines", lambda x: torch.pdist(normalize(x)).mean()),
        ("summed, not averaged", lambda x: off_diagonal(normalize(x), normalize(x)).sum()),
        ("wrong number of pairs", lambda x: (normalize(x) @ normalize(x).T).fill_diagonal_(0).mean()),
        ("n is taken off", lambda x: (x.sum(0) @ x.sum(0) - len(x)) / (len(x) * (len(x) - 1))),
    ],
    "cross_cosine": [
        ("matched pairs are included", lambda x, y: (normalize(x) @ normalize(y).T).mean()),
        ("only the matched", geometry.matched_cosine),
        ("wrong number of pairs", lambda x, y: (normalize(x) @ normalize(y).T).fill_diagonal_(0).mean()),
        ("those of y are not", lambda x, y: off_diagonal(normalize(x), y).mean()),
        ("those of x are not", lambda x, y: off_diagonal(x, normalize(y)).mean()),
        ("in the sum, though not in", lambda x, y: (normalize(x) @ normalize(y).T).sum() / (len(x) * (len(x) - 1))),
        ("y is not used", lambda x, y: off_diagonal(normalize(x), normalize(x)).mean()),
        ("not put on the unit sphere", lambda x, y: off_diagonal(x, y).mean()),
    ],
    "recall_at_k": [
        ("the order is reversed", lambda x, y, k: recall(-x, y, k)),
        ("rows and columns are exchanged", lambda x, y, k: recall(y, x, k)),
        ("k is ignored", lambda x, y, k: recall(x, y, 1)),
        ("counted, not their share", lambda x, y, k: len(x) * recall(x, y, k)),
        ("per cent", lambda x, y, k: 100 * recall(x, y, k)),
        ("long rows of y always win", lambda x, y, k: (
            ((x @ y.T).topk(k, 1).indices == torch.arange(len(x))[:, None]).any(1).float().mean()
        )),
        ("long rows of y always win", lambda x, y, k: (
            ((normalize(x) @ y.T).topk(k, 1).indices == torch.arange(len(x))[:, None]).any(1).float().mean()
        )),
    ],
    "shift": [
        ("sign is reversed", lambda x, y, amount: shift(x, y, -amount)),
        ("y stays", lambda x, y, amount: (shift(x, y, amount)[0], normalize(y))),
        ("not put back on the sphere", lambda x, y, t: (normalize(x) - t * gap(x, y), normalize(y) + t * gap(x, y))),
        ("the unit vector along the gap", lambda x, y, amount: shift(x, y, amount / gap(x, y).norm())),
        ("half of the unit vector", lambda x, y, amount: shift(x, y, amount / gap(x, y).norm() / 2)),
        ("half as far", lambda x, y, amount: shift(x, y, amount / 2)),
        ("the gap is that of rows of any length", lambda x, y, t: (
            normalize(normalize(x) - t * (x.mean(0) - y.mean(0))),
            normalize(normalize(y) + t * (x.mean(0) - y.mean(0))),
        )),
        ("those of y are not", lambda x, y, t: (
            normalize(normalize(x) - t * (normalize(x).mean(0) - y.mean(0))),
            normalize(y + t * (normalize(x).mean(0) - y.mean(0))),
        )),
        ("expected 2 tensors", lambda x, y, amount: shift(x, y, amount)[0]),
    ],
    "contrastive_loss": [
        ("multiplied, not divided", lambda x, y, t: loss(x, y, 1 / t)),
        ("not treated alike: exchange them", lambda x, y, t: cross_entropy(
            normalize(x) @ normalize(y).T / t, torch.arange(len(x))
        )),
        ("not treated alike: the loss should stay", lambda x, y, t: cross_entropy(
            normalize(y) @ normalize(x).T / t, torch.arange(len(x))
        )),
        ("added, not averaged", lambda x, y, t: 2 * loss(x, y, t)),
        ("summed, not averaged", lambda x, y, t: len(x) * loss(x, y, t)),
        ("wrong axis", lambda x, y, t: -(
            (normalize(x) @ normalize(y).T / t).flatten().log_softmax(0).view(len(x), -1).diagonal().mean()
        )),
        ("left out of the sum", lambda x, y, t: (
            lambda z: ((z - torch.diag(z.new_full((len(z),), torch.inf))).logsumexp(1) / 2
            + (z - torch.diag(z.new_full((len(z),), torch.inf))).logsumexp(0) / 2 - z.diagonal()).mean()
        )(normalize(x) @ normalize(y).T / t)),
        ("an exponential overflows", naive_loss),
        ("not put on the unit sphere", lambda x, y, t: (
            cross_entropy(x @ y.T / t, torch.arange(len(x))) + cross_entropy(y @ x.T / t, torch.arange(len(x)))
        ) / 2),
    ],
    "mlp_layer": [
        ("1/width was taken for the standard deviation", lambda h, g: layer(h, g, -1, -1)),
        ("not scaled to the width", lambda h, g: layer(h, g, 0, 0)),
        ("the biases have the wrong scale. Likely they are from N(0, 1)", lambda h, g: layer(h, g, -0.5, 0)),
        ("there are no biases", lambda h, g: layer(h, g, biases=None)),
        ("the activation is missing", lambda h, g: layer(h, g, act=lambda z: z)),
        ("the activation is not a ReLU", lambda h, g: layer(h, g, act=torch.sigmoid)),
        ("global random numbers", global_layer),
        ("seeded again inside", seeded_layer),
        ("biases of its own", row_biases),
        ("expected (5, 128)", lambda h, g: layer(h, g)[:, :-1]),
    ],
    "relu_map": [
        ("division by π is missing", lambda rho: math.pi * cones.relu_kernel(rho)),
        ("two equal inputs must keep the cosine 1", lambda rho: cones.relu_kernel(rho) / 2),
        ("in degrees", lambda r: (math.sqrt(1 - r * r) + r * (180 - math.degrees(math.acos(r)))) / math.pi),
        ("the sine is missing", lambda rho: rho * (math.pi - rho.acos()) / math.pi),
        ("the angle is not taken from π", lambda rho: (rho.acos().sin() + rho.acos() * rho) / math.pi),
    ],
    "mean_field": [
        ("the bias is forgotten", lambda depth, norm: field(depth, norm, bias=0)),
        ("off by one", lambda depth, norm: field(depth, norm)[1:]),
        ("one layer too many", lambda depth, norm: field(depth + 1, norm)),
        ("it starts at the wrong cosine: orthogonal", lambda depth, norm: field(depth, norm, first=1)),
        ("it starts at the wrong cosine: 1/π", lambda depth, norm: field(depth, norm, first=1 / math.pi)),
        ("not squared", lambda depth, norm: field(depth, norm, power=1)),
    ],
    "loss_at": [
        ("multiplied, not divided", lambda s, t: loss_at(s, 1 / t)),
        ("not treated alike: transpose", one_way),
        ("not treated alike: the loss should stay", lambda s, t: one_way(s.T, t)),
        ("added, not averaged", lambda s, t: 2 * loss_at(s, t)),
        ("an exponential overflows", naive_loss_at),
        ("subtracted without their temperature", lambda s, t: (
            (s / t).logsumexp(0) / 2 + (s / t).logsumexp(1) / 2 - s.diagonal()
        ).mean()),
        ("expected one number", lambda s, t: (s / t).logsumexp(0) - (s / t).diagonal()),
    ],
    "add_gap": [
        ("the gap itself stands for u", lambda x, y, g: add_gap(x, y, g, g)),
        ("u is the square of the gap", lambda x, y, g: add_gap(x, y, g, g * g)),
        ("u is half of the gap:", lambda x, y, g: add_gap(x, y, g, g / 2)),
        ("only x moves", lambda x, y, g: add_gap(x, y, g, sides=(1, 0))),
        ("on the same side", lambda x, y, g: add_gap(x, y, g, sides=(1, 1))),
        ("on each other's side", lambda x, y, g: add_gap(x, y, g, sides=(-1, 1))),
        ("longer than 1", lambda x, y, g: [
            torch.cat([normalize(rows), torch.full((len(rows), 1), side, dtype=rows.dtype)], 1)
            for rows, side in ((x, g / 2), (y, -g / 2))
        ]),
        ("which makes the gap smaller", lambda x, y, g: [
            normalize(torch.cat([normalize(rows), torch.full((len(rows), 1), side, dtype=rows.dtype)], 1))
            for rows, side in ((x, g / 2), (y, -g / 2))
        ]),
        ("not put on the unit sphere", lambda x, y, g: [
            torch.cat([(1 - g * g / 4) ** 0.5 * rows, torch.full((len(rows), 1), side, dtype=rows.dtype)], 1)
            for rows, side in ((x, g / 2), (y, -g / 2))
        ]),
        ("expected 2 tensors", lambda x, y, g: add_gap(x, y, g)[0]),
    ],
    "effective_temperature": [
        ("it goes the wrong way", lambda g, t: t * (1 - g * g / 4)),
        ("the gap itself stands for u", lambda g, t: t / (1 - g) if g != 1 else math.inf),
        ("the root of 1 − u", lambda g, t: t / (1 - g * g / 4) ** 0.5),
        ("the square of the gap", lambda g, t: t / (1 - g * g) if g != 1 else math.inf),
        ("that is the factor", lambda g, t: 1 / (1 - g * g / 4)),
        ("the gap is not used", lambda g, t: t),
    ],
    "best_temperature": [
        ("that is 1/τ", lambda s: 1 / best_temperature(s)),
        ("the least loss", lambda s: loss_at(s, best_temperature(s))),
        ("power of ten", lambda s: math.log10(best_temperature(s))),
        ("that is the best for one direction", lambda s: best_temperature(s, one_way)),
        ("six temperatures", lambda s: min([0.01, 0.02, 1 / 30, 0.05, 0.1, 1.0], key=lambda t: loss_at(s, t).item())),
        ("NaN or infinity", lambda s: naive_loss_at(s, 1e-4)),
    ],
    "flattering_gap": [
        ("that is u, not the gap", lambda s, t: max(0.0, 1 - t / best_temperature(s))),
        ("half of the gap", lambda s, t: flattering_gap(s, t) / 2),
        ("where no gap lowers the loss", lambda s, t: 2 * abs(1 - t / best_temperature(s)) ** 0.5),
        ("temperature is too high already", lambda s, t: 2 * torch.tensor(1 - t / best_temperature(s)).sqrt()),
    ],
    "split_change": [
        ("the two parts are exchanged", lambda *a: split_change(*a)[::-1]),
        ("the sign is reversed", lambda b, a, t: split_change(a, b, t)),
        ("those are shares", lambda *a: [part / sum(split_change(*a)) for part in split_change(*a)]),
        ("the first part is the whole change", lambda *a: (sum(split_change(*a)), split_change(*a)[1])),
        ("best temperature of the first matrix", lambda b, a, t: (
            loss_at(a, t) - loss_at(a, best_temperature(b)) - loss_at(b, t) + loss_at(b, best_temperature(b)),
            loss_at(a, best_temperature(b)) - loss_at(b, best_temperature(b)),
        )),
    ],
}  # fmt: skip
NAMES = [name for name in check.__all__ if name not in ("Feedback", "Variant", "answer", "variant")]


def test_every_check_is_tried_with_a_right_function_and_at_least_four_wrong_ones() -> None:
    assert set(NAMES) == set(RIGHT) == set(WRONG)
    assert min(map(len, WRONG.values())) >= 4


@pytest.mark.parametrize(
    ("name", "function"), [pytest.param(name, f, id=name) for name, several in RIGHT.items() for f in several]
)
def test_right_functions_pass_with_any_seed(name: str, function: Function) -> None:
    for seed in [0, 1, 2, 2026]:
        found = getattr(check, name)(function, seed=seed)
        assert found, found
        assert str(found).startswith(f"✓ {name}: ")
        assert found.require() is found


@pytest.mark.parametrize(
    ("name", "mistake", "function"),
    [pytest.param(name, *pair, id=f"{name}: {pair[0]}") for name, several in WRONG.items() for pair in several],
)
def test_wrong_functions_get_the_name_of_their_mistake(name: str, mistake: str, function: Function) -> None:
    for seed in [0, 1, 2]:
        found = getattr(check, name)(function, seed=seed)
        assert not found
        assert mistake in found.message
        with pytest.raises(AssertionError, match=f"✗ {name}: "):
            found.require()


@pytest.mark.parametrize(
    ("task", "mistake"),
    [pytest.param(task, mistake, id=f"{task.name}: {mistake}") for task in TASKS for mistake in task.mistakes],
)
def test_every_mistake_on_the_list_is_told_from_the_others(task: Task, mistake: str) -> None:
    def wrong(*arguments: Any) -> Any:
        return task.mistakes[mistake](*[part.double() if isinstance(part, Tensor) else part for part in arguments])

    assert f"Likely {mistake}." in getattr(check, task.name)(wrong).message


def test_two_numbers_that_differ_are_shown_with_the_digits_that_differ() -> None:
    message = check.gap_distance(lambda x, y: gap(x, y).norm() + 2e-5).message
    assert (found := re.search(r"\((\S+) instead of (\S+)\)", message))
    assert found[1] != found[2]
    assert max(map(len, found.groups())) < 9
    assert re.search(r"\(0\.\d{3} instead", check.gap_distance(lambda x, y: 0.5).message)


@pytest.mark.parametrize(("one", "other", "most"), [
    (0.0190001, 0.0190002, 10), (0.0099999, 0.0100001, 10), (999.9999, 1000.4, 10), (1000.1, 1000.2, 6),
    (0.0, 1e-9, 6), (-0.5, 0.5, 6), (1.0, 1.0 + 1e-12, 15), (torch.nan, 0.5, 5), (torch.inf, 1.0, 5),
])  # fmt: skip
def test_digits_are_widened_until_two_numbers_differ(one: float, other: float, most: int) -> None:
    numbers = ([torch.tensor(number, dtype=torch.float64)] for number in (one, other))
    found = re.search(r"\((\S+) instead of (\S+)\)", _difference(*numbers))
    assert found
    assert float(found[1]) != float(found[2])
    assert max(map(len, found.groups())) <= most


def test_a_check_does_not_say_what_an_assignment_asks() -> None:
    def twice(x: Tensor, y: Tensor, temperature: float) -> Tensor:
        return cross_entropy(normalize(x) @ normalize(y).T / temperature, torch.arange(len(x)))

    assert not re.search("direction|image|text|axis|transpose", check.contrastive_loss(twice).message)


@pytest.mark.parametrize("name", NAMES)
class TestWhateverTheFunction:
    def test_not_written_yet(self, name: str) -> None:
        def stub(*arguments: Any) -> Any:
            raise NotImplementedError("write this")

        assert getattr(check, name)(stub).message == "not written yet."

    def test_what_torch_does_not_implement_is_no_missing_answer(self, name: str) -> None:
        def of_bools(*arguments: Any) -> Any:
            return (torch.zeros(2, 2) == 0).mean()  # the likeliest slip in recall

        message = getattr(check, name)(of_bools).message
        assert "not written yet" not in message
        assert "it raised" in message

    def test_another_that_raises_the_same_type_without_a_word(self, name: str) -> None:
        def bare(*arguments: Any) -> Any:
            raise NotImplementedError

        assert getattr(check, name)(bare).message.endswith("it raised NotImplementedError.")

    def test_an_exception_is_quoted(self, name: str) -> None:
        def broken(*arguments: Any) -> Any:
            raise KeyError("cosine <of> x")

        found = getattr(check, name)(broken)
        assert "raised KeyError: 'cosine <of> x'" in found.message
        assert "&lt;of&gt;" in found._repr_html_()

    @pytest.mark.parametrize(("returns", "complaint"), [
        (None, "returns nothing (None)"), ("a word", "a str"), (torch.zeros(2, 3, 4), "expected"), ({}, "a dict"),
    ])  # fmt: skip
    def test_something_else_is_returned(self, name: str, returns: Any, complaint: str) -> None:
        assert complaint in getattr(check, name)(lambda *arguments: returns).message

    def test_nan_is_named(self, name: str) -> None:
        def nans(*arguments: Any) -> Any:
            result = RIGHT[name][0](*arguments)
            parts = [torch.as_tensor(part) * torch.nan for part in (result if isinstance(result, tuple) else [result])]
            return tuple(parts) if len(parts) > 1 else parts[0]

        assert "NaN or infinity" in getattr(check, name)(nans).message

    def test_inputs_must_stay_as_they_were(self, name: str) -> None:
        def careless(*arguments: Any) -> Any:
            result = RIGHT[name][0](*arguments)
            for part in arguments:
                if isinstance(part, Tensor):
                    part += 1
            return result

        found = getattr(check, name)(careless)
        of_numbers = name in ("mean_field", "effective_temperature")  # which cannot be changed
        assert found if of_numbers else "changes the tensor that it is given" in found.message

    def test_a_result_is_not_a_function(self, name: str) -> None:
        assert "expected the function itself, got a Tensor" in getattr(check, name)(torch.ones(2)).message

    def test_global_random_numbers_stay_as_they_were(self, name: str) -> None:
        before = torch.get_rng_state()

        def drawing(*arguments: Any) -> Any:
            torch.rand(3)
            return RIGHT[name][0](*arguments)

        getattr(check, name)(RIGHT[name][0])
        assert "global random numbers" in getattr(check, name)(drawing).message
        assert torch.equal(before, torch.get_rng_state())


def test_one_mistake_is_named_after_the_other() -> None:
    def both(x: Tensor) -> Tensor:
        return (x @ x.T).mean()

    assert "the diagonal is included" in check.mean_cosine(both).message
    assert "not put on the unit sphere" in check.mean_cosine(lambda x: off_diagonal(x, x).mean()).message


def test_a_mistake_that_is_not_on_the_list_comes_with_numbers() -> None:
    message = check.gap_distance(lambda x, y: gap(x, y).norm() + 0.25).message
    assert message.startswith("wrong on rows of length 1 (0.")
    assert "Likely" not in message
    assert "somewhere instead of" in check.gap_vector(lambda x, y: gap(x, y) + 0.25).message


def test_a_hard_coded_number_fails() -> None:
    first = _tasks_gap.GAP_DISTANCE.cases(torch.Generator().manual_seed(0))[0]
    right = geometry.gap_distance(*first.arguments)
    assert not check.gap_distance(lambda x, y: right)


def test_mean_cosine_can_ask_for_little_memory() -> None:
    plain = check.mean_cosine(lambda x: off_diagonal(normalize(x), normalize(x)).mean(), fast=True)
    assert "for 1,500 rows it holds 2,250,000 numbers at once" in plain.message
    assert check.mean_cosine(geometry.mean_cosine, fast=True)
    assert "diagonal" in check.mean_cosine(lambda x: normalize(x).mean(0).square().sum(), fast=True).message


def test_feedback_reads_as_one_line() -> None:
    good, bad = check.Feedback("shift", True, "fine"), check.Feedback("shift", False, "a < b")
    assert (bool(good), bool(bad)) == (True, False)
    assert (str(good), repr(bad)) == ("✓ shift: fine", "✗ shift: a < b")
    assert bad._repr_html_() == "<p>✗ <strong>shift</strong>: a &lt; b</p>"


def test_what_cannot_be_found_out_is_neither_right_nor_wrong() -> None:
    neither = check.Feedback("shift", None, "no data")
    assert not neither
    assert str(neither) == repr(neither) == "○ shift: no data"
    assert neither._repr_html_() == "<p>○ <strong>shift</strong>: no data</p>"
    with pytest.raises(AssertionError, match="○ shift: no data"):
        neither.require()


def test_a_file_that_somebodys_function_misses_is_that_functions_fault() -> None:
    assert check.normalize(lambda x: open("no such file")).passed is False  # noqa: SIM115


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_is_a_whole_number(seed: int) -> None:
    with pytest.raises(ValueError, match="seed: expected a whole number"):
        check.normalize(normalize, seed=seed)
