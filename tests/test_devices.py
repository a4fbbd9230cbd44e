"""Where heavy work runs: what is chosen, what overrules it, and the one error for what is not here."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import mindgap
from mindgap import devices


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(devices.VARIABLE, raising=False)


def there_is(monkeypatch: pytest.MonkeyPatch, cuda: bool = False, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(devices, "_mps_works", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda:0"), (True, False, "cuda:0"), (False, True, "mps:0"), (False, False, "cpu")],
)
def test_the_best_there_is(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str) -> None:
    there_is(monkeypatch, cuda, mps)
    assert str(mindgap.device()) == expected
    monkeypatch.setenv(devices.VARIABLE, "cpu")
    assert mindgap.device() == torch.device("cpu")
    for nothing in ("auto", "", " "):
        monkeypatch.setenv(devices.VARIABLE, nothing)
        assert str(mindgap.device()) == expected


@pytest.mark.parametrize("value", ["cpu", torch.device("cpu"), "auto", None])
def test_a_device(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    there_is(monkeypatch)
    assert devices.usable(value) == torch.device("cpu")


@pytest.mark.parametrize("value", ["cuda:77", "gpu", "meta", 3.5, -1])
def test_a_device_that_is_not_here(value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^device: '{value}' cannot be used here \(.+\); expected auto or cpu"):
        devices.usable(value)


@pytest.mark.parametrize(("value", "reason"), [("gpu", "torch knows no such device"), ("mps", "this torch was .+")])
def test_what_torch_says_on_a_page_is_said_in_a_line(value: str, reason: str) -> None:
    if value == "mps" and torch.backends.mps.is_built():
        pytest.skip("torch is built for MPS here")
    with pytest.raises(ValueError, match=rf"^device: '{value}' cannot be used here \({reason}\); expected auto or cpu"):
        devices.usable(value)


@pytest.mark.parametrize("value", ["cuda:77", "gpu", "meta"])
def test_a_variable_with_one_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(devices.VARIABLE, value)
    for call in (mindgap.device, lambda: mindgap.mlp_cosines("relu", 1, 8, 4, device="auto")):
        with pytest.raises(ValueError, match=rf"^MINDGAP_DEVICE: '{value}' cannot be used here \("):
            call()
    assert devices.usable("cpu").type == "cpu", "who names one is not disturbed"


def test_mps_that_has_no_memory_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a virtual machine: torch sees it, and fails at the first number."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("MPS backend out of memory")

    monkeypatch.setattr(torch, "ones", fails)
    assert not devices._mps_works()


def test_the_note_is_silent_on_the_cpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    there_is(monkeypatch)
    devices.note()
    devices.note("cpu")
    assert capsys.readouterr().out == ""


def test_the_note_of_another(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    there_is(monkeypatch, mps=True)
    devices.note()
    assert capsys.readouterr().out == "Computed on mps:0; digits may differ from the CPU's.\n"
    there_is(monkeypatch, cuda=True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a fast one")
    devices.note()
    assert capsys.readouterr().out == "Computed on cuda:0 (a fast one); digits may differ from the CPU's.\n"


def test_functions_take_auto_and_torch_devices() -> None:
    for device in ("auto", torch.device("cpu"), mindgap.device()):
        there = mindgap.mlp_cosines("relu", 1, 8, 4, device=device)
        assert there.shape == (2,)
        assert mindgap.load_pairs("clip", device=device).x.device == devices.usable(device)
