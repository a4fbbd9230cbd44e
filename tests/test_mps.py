"""No public function dies where there is no float64, as on Apple's MPS; the pretence itself is tested first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mindgap import PairedEmbeddings, cones, geometry, landscape, load_pairs, scenes, sphere, towers, training
from tests.mps import MPS, Pretend, tensors, there
from tests.test_public_functions import CALLS, OTHER_NUMBERS, close, matrices, numbers
from tests.tiny import tiny


@pytest.mark.parametrize("refused", [
    lambda x: x.double(),
    lambda x: x.to(torch.float64),
    lambda x: x.to(torch.zeros(1, dtype=torch.float64)),
    lambda x: x.sum(dtype=torch.float64),
    lambda x: x.cumsum(0, dtype=torch.float64),
    lambda x: torch.zeros(2, dtype=torch.float64, device=x.device),
    lambda x: torch.linspace(0, 1, 3, dtype=torch.float64, device="mps"),
    lambda x: torch.tensor([1.0], dtype=torch.float64).to(x.device),
    lambda x: torch.eye(2).double().to("mps"),
    lambda x: x.new_zeros(2, dtype=torch.float64),
    lambda x: torch.as_tensor(x, dtype=torch.float64),
])  # fmt: skip
def test_float64_is_refused(refused: Callable[[Tensor], object]) -> None:
    with Pretend(), pytest.raises(TypeError, match="doesn't support float64"):
        refused(torch.eye(2).to("mps"))


def test_what_else_mps_does_not_do_is_refused() -> None:
    with Pretend():
        x = torch.eye(2).to("mps")
        for mixed in (lambda: x + torch.eye(2), lambda: x @ torch.eye(2), lambda: torch.stack([x, torch.eye(2)])):
            with pytest.raises(RuntimeError, match="same device"):
                mixed()
        with pytest.raises(TypeError, match="numpy"):
            x.numpy()
        with pytest.raises(NotImplementedError, match="_linalg_svd"):
            torch.linalg.svdvals(x)


def test_all_else_is_done_and_stays_there() -> None:
    with Pretend():
        x = torch.eye(3).to("mps")
        made = [
            x * 2.0,
            x.T @ x,
            x[0],
            x[torch.tensor([0, 1])],
            *x,
            *x.split(2),
            x.max(dim=0).values,
            x > 0.5,
            x.clone(),
        ]
        made += [
            torch.zeros(2, device=x.device),
            x.new_zeros(2),
            x.float(),
            x.half().to(x),
            torch.where(x > 0, 1.0, 0.0),
        ]
        assert all(one.device == MPS for one in made)
        assert float(x.sum()) == 3
        assert x.tolist() == torch.eye(3).tolist()
        for back in (x.cpu(), x.to("cpu")):
            assert back.device.type == "cpu"
            assert back.double().numpy().sum() == 3


ALL = [*CALLS, *((name, call, 1) for name, call in OTHER_NUMBERS.items())]


@pytest.mark.parametrize(("name", "call", "many"), ALL, ids=[f"{name}, {many}" for name, _, many in ALL])
def test_every_public_function_gives_there_what_the_cpu_gives(name: str, call: Callable[..., Any], many: int) -> None:
    given = [torch.from_numpy(a).float() for a in matrices()[:many]]
    expected = call(*given)
    with Pretend():
        found = call(*(one.to("mps") for one in given))
        assert all(there(one) or one.device.type == "cpu" for one in tensors(found))
    close(found, expected, 1e-6)


def on(x: Any, device: str) -> Tensor:
    return torch.as_tensor(x, dtype=torch.float32).to(device)


def moved_scenes(device: str) -> Tensor:
    layout = scenes.arrange(3, 0)
    attributes = {name: value.to(device) for name, value in vars(layout.attributes).items()}
    numbers = {name: value.to(device) for name, value in vars(layout).items() if isinstance(value, Tensor)}
    return scenes.render(scenes.Layout(scenes.Attributes(**attributes), **numbers), 8)


X, Y = matrices()
OF_A_DEVICE: dict[str, Callable[[str], Any]] = {
    "recall_at_k among equals": lambda d: geometry.recall_at_k(on(X, d), on(Y[:1].repeat(6, 0), d), 2),
    "recall_at_k of groups among equals": lambda d: geometry.recall_at_k(
        on(X, d), on(Y[:1].repeat(6, 0), d), 1, list("aabbcc")
    ),
    "contrastive_loss at a tensor": lambda d: landscape.contrastive_loss(
        on(X, d), on(Y, d), torch.tensor(0.1, dtype=torch.float64)
    ),
    "loss_landscape on a grid there": lambda d: landscape.loss_landscape(
        on(X, d), on(Y, d), on([0.0, 0.4], d), on([0.1, 1.0], d)
    ),
    "Landscape.minimum": lambda d: landscape.loss_landscape(on(X, d), on(Y, d), [0, 0.4], [0.1]).minimum(0.1).loss,
    "arc_loss of azimuths there": lambda d: sphere.arc_loss(30.0, 0.1, on(X[0], d), None),
    "cosine_histogram of edges there": lambda d: cones.cosine_histogram(on(X, d), on([-1, 0, 1], d)),
    "Projection.apply": lambda d: geometry.shared_projection(on(X, d), on(Y, d)).apply(on(X, d)),
    "ShiftPath.at": lambda d: geometry.shift_path(on(X, d), on(Y, d)).at(0.4),
    "PairedEmbeddings.to": lambda d: (mini().to(d).x, mini().to(d).take(3).y, mini().to(d).one_each().x),
    "mlp_cosines": lambda d: cones.mlp_cosines("maxout", 2, 16, 8, norm="batch", device=d),
    "load_pairs": lambda d: [load_pairs("clip", device=d).take(4).x, load_pairs("mini", n=4, device=d).x],
    "embed_seeds": lambda d: [found for _, found in towers.embed_seeds(["resnet18"], [0], n=2, device=d)],
    "train": lambda d: [vars(row) for row in training.train(tiny(steps=3), device=d, progress=False).history],
    "render": moved_scenes,
}  # fmt: skip


def mini() -> PairedEmbeddings:
    return PairedEmbeddings(on(X, "cpu"), on(Y, "cpu"), "mine", ("image", "text"), "a test")


@pytest.mark.usefixtures("few_held_out")
@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_what_takes_a_device_gives_there_what_the_cpu_gives(name: str) -> None:
    expected = OF_A_DEVICE[name]("cpu")
    with Pretend():
        found = OF_A_DEVICE[name]("mps")
    assert flat(found) == pytest.approx(flat(expected), rel=1e-4, abs=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.usefixtures("few_held_out")
@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_what_takes_a_device_gives_on_a_gpu_what_the_cpu_gives(name: str) -> None:
    assert flat(OF_A_DEVICE[name]("cuda")) == pytest.approx(flat(OF_A_DEVICE[name]("cpu")), rel=1e-2, abs=1e-3)


def flat(result: Any) -> list[float]:
    """All numbers of a result, in lists too."""
    parts = result if isinstance(result, list) else [result]
    return [number for part in parts for number in (flat(part) if isinstance(part, list) else numbers(part))]


def test_a_model_is_trained_there() -> None:
    with Pretend():
        parameters = [p.device for p in training.train(tiny(steps=1), device="mps", progress=False).model.parameters()]
    assert set(parameters) == {MPS}
