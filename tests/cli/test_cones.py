"""`mindgap cones`, driven as a user would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mindgap import seeds, towers
from mindgap.seeds import Cones
from tests.cli.conftest import Invoke, assert_one_line

SMALL = ("--tower", "ViT-S-32-alt:image", "--inputs", "scenes", "--seeds", 2, "--n", 3, "--quiet")


def test_writes_tells_and_goes_on(mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: Any, **options: Any) -> Any:
        yield next(towers.embed_seeds(*given, **options))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(seeds, "embed_seeds", interrupted)
        result = mindgap("cones", *SMALL)
    assert result.exit_code == 130
    assert result.stderr == "interrupted; the same command goes on from unfinished-cones.json.safetensors\n"
    result = mindgap("cones", *SMALL)
    assert result.exit_code == 0, result.output
    assert "resuming: 1 of 2 initialisations are done" in result.stderr
    assert "cones.json: 2 seeds, 3 inputs" in result.stdout
    assert "scenes" in result.stdout
    assert Cones(tmp_path / "cones.json").recipe["n"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["cones.json"]


@pytest.mark.parametrize(("words", "said"), [
    (("--tower", "resnet19"), "did you mean 'resnet18'"), (("--seeds", 1), "seeds: expected"),
    (("--inputs", "pictures"), "inputs: unknown name 'pictures'"), (("--shown", 65), "shown: expected"),
])  # fmt: skip
def test_errors_are_one_line(mindgap: Invoke, tmp_path: Path, words: tuple[Any, ...], said: str) -> None:
    assert_one_line(mindgap("cones", *words), said)
    assert list(tmp_path.iterdir()) == []
