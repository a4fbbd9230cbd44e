"""Unfinished runs: each output has one of its own, and only the same recipe goes on with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mindgap import _files, _unfinished

RECIPE = {"steps": 5, "drop": ("size",)}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "x.json"


def test_a_run_is_found_again(out: Path) -> None:
    assert _unfinished.read(out, RECIPE) is None
    _unfinished.write(out, {"recipe": RECIPE, "step": 3}, {"a": torch.ones(2)})
    found = _unfinished.read(out, RECIPE, "step")
    assert found is not None
    assert found[0] == {"recipe": {"steps": 5, "drop": ["size"]}, "step": 3}
    assert torch.equal(found[1]["a"], torch.ones(2))
    _unfinished.remove(out)
    assert list(out.parent.iterdir()) == []
    _unfinished.remove(out)  # another process may have been faster


def test_outputs_of_one_stem_do_not_share_their_unfinished_runs() -> None:
    paths = [_unfinished.working_path(name) for name in ("x.json", "x.safetensors", "y.json", "a.b.json", "a.json")]
    assert len(set(paths)) == len(paths)
    assert {path.suffix for path in paths} == {".safetensors"}


def test_another_recipe_is_refused_and_replaced_by_force_only(out: Path) -> None:
    _unfinished.write(out, {"recipe": RECIPE}, {})
    with pytest.raises(
        ValueError, match=r"another recipe \(steps 5 there, 6 here\).*start over with force \(--force\)"
    ):
        _unfinished.read(out, {**RECIPE, "steps": 6})
    assert _unfinished.read(out, {**RECIPE, "steps": 6}, force=True) is None
    assert _unfinished.read(out, RECIPE, force=True) is not None


@pytest.mark.parametrize("content", ["torn", "foreign", "finished"])
def test_what_cannot_be_read_is_refused_and_replaced_by_force_only(out: Path, content: str) -> None:
    kept = _unfinished.working_path(out)
    if content == "torn":
        kept.write_bytes(b"\x00" * 20)
    elif content == "foreign":
        import safetensors.torch

        safetensors.torch.save_file({"a": torch.ones(2)}, kept)
    else:
        _files.write_tensors(kept, {"recipe": RECIPE}, {})  # as a model has it: no step
    with pytest.raises(ValueError, match=r"unfinished-x\.json\.safetensors.*start over with force \(--force\)"):
        _unfinished.read(out, RECIPE, "step")
    assert _unfinished.read(out, RECIPE, "step", force=True) is None
    assert kept.exists()
