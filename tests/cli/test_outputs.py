"""Commands that compute for long look at their output first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, assert_one_line

WRITERS = [(["train"], ".safetensors"), (["cones", "--out"], ".json"), (["sweep", "--out"], ".json")]
PROC = Path("/proc/self")  # where not even root can make a file


@pytest.fixture(autouse=True)
def nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def computed(*_: object, **__: object) -> None:
        pytest.fail("computed before the output was looked at")

    for name in ("training.train", "seeds.run", "experiments.run"):
        monkeypatch.setattr(f"mindgap.{name}", computed)


@pytest.mark.parametrize(("command", "suffix"), WRITERS)
def test_the_name_is_looked_at(mindgap: Invoke, tmp_path: Path, command: list[str], suffix: str) -> None:
    assert_one_line(mindgap(*command, "out.txt"), f"path: expected a name ending in {suffix}")
    assert_one_line(mindgap(*command, f"absent/out{suffix}"), "path: no folder 'absent'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "suffix"), WRITERS)
def test_a_finished_file_is_kept(mindgap: Invoke, tmp_path: Path, command: list[str], suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    out.write_bytes(b"mine")
    assert_one_line(mindgap(*command, out.name), "exists already")
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize(("command", "suffix"), WRITERS)
def test_a_folder_is_no_file_even_by_force(mindgap: Invoke, tmp_path: Path, command: list[str], suffix: str) -> None:
    (tmp_path / f"out{suffix}").mkdir()
    assert_one_line(mindgap(*command, f"out{suffix}", "--force"), f"'out{suffix}' is a folder")


@pytest.mark.skipif(not PROC.is_dir(), reason="no /proc, the folder that nobody can write in")
@pytest.mark.parametrize(("command", "suffix"), WRITERS)
def test_a_folder_that_cannot_be_written_is_found_at_once(mindgap: Invoke, command: list[str], suffix: str) -> None:
    assert_one_line(mindgap(*command, PROC / f"out{suffix}"), f"nothing can be written in the folder '{PROC}'")
