"""`mindgap sweep`, driven as a user would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mindgap import experiments
from mindgap.experiments import Sweep
from tests.cli.conftest import Invoke, assert_one_line

pytestmark = pytest.mark.usefixtures("few_held_out")


def test_writes_and_tells(mindgap: Invoke, tmp_path: Path) -> None:
    result = mindgap("sweep", "initialisation", "--out", "s.json", "--seeds", 1, "--steps", 1, "--quiet")
    assert result.exit_code == 0, result.output
    assert "2 runs of 1 steps" in result.stderr
    assert "s.json: 2 runs of 1 steps; mean over seeds" in result.stdout
    assert "aligned" in result.stdout
    assert len(Sweep(tmp_path / "s.json").runs) == 2


@pytest.mark.parametrize(("words", "asked"), [
    ([], ("temperature", "sweep_temperature.json", range(5), 300, False)),
    (["mismatch", "--seeds", 2, "--first-seed", 7], ("mismatch", "sweep_mismatch.json", range(7, 9), 300, False)),
    (["--quick"], ("temperature", "sweep_temperature_quick.json", range(1000, 1001), 250, True)),
    (["--quick", "--seeds", 5], ("temperature", "sweep_temperature_quick.json", range(1000, 1005), 250, True)),
    (["--quick", "--steps", 3, "--first-seed", 0], ("temperature", "sweep_temperature_quick.json", range(1), 3, True)),
])  # fmt: skip
def test_what_is_named_is_what_is_trained(
    mindgap: Invoke, monkeypatch: pytest.MonkeyPatch, words: list[Any], asked: tuple[Any, ...]
) -> None:
    """Also with --quick, which sets only what is not named, be it named as the usual default."""
    given: list[tuple[Any, ...]] = []

    def run(experiment: str, out: Path, *rest: Any, **_: Any) -> None:
        given.append((experiment, str(out), *rest[:3]))
        raise ValueError("enough")

    monkeypatch.setattr(experiments, "run", run)
    result = mindgap("sweep", *words)
    assert result.exit_code == 2
    assert given == [asked]


@pytest.mark.parametrize(("words", "said"), [
    (["mismatches"], "did you mean 'mismatch'"), (["--seeds", 0], "seeds: expected a whole number at least 1, got 0"),
    (["--steps", 0], "steps: expected a whole number at least 1, got 0"),
])  # fmt: skip
def test_errors_are_one_line(mindgap: Invoke, tmp_path: Path, words: list[Any], said: str) -> None:
    assert_one_line(mindgap("sweep", *words), said)
    assert list(tmp_path.iterdir()) == []
