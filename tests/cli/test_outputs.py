"""Commands that compute for long look at their output first."""

from __future__ import annotations

import subprocess
import sys
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
    assert_one_line(mindgap(*command, "out.txt"), f": expected a name ending in {suffix}")
    assert_one_line(mindgap(*command, f"absent/out{suffix}"), ": no folder 'absent'")
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


SHORT = [
    (["gap", "clip", "-o"], ".json"), (["landscape", "clip", "-o"], ".html"),
    (["shift", "clip", "--by", ".5", "-o"], ".npz"), (["report", "clip", "-o"], ".html"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "suffix"), [*WRITERS, *SHORT])
def test_what_another_process_is_writing_is_left_alone(
    mindgap: Invoke, tmp_path: Path, command: list[str], suffix: str
) -> None:
    out = f"out{suffix}"
    holder = (
        "import sys, pathlib; from mindgap import _files\n"
        "with _files.claimed(sys.argv[1], suffix=pathlib.Path(sys.argv[1]).suffix):\n"
        "    print('claimed', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        assert_one_line(mindgap(*command, out, "--force"), f"another process is writing '{out}'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "suffix"), SHORT)
def test_an_output_is_looked_at_before_anything_is_read(
    mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], suffix: str
) -> None:
    monkeypatch.setattr(
        "mindgap.pairs.load_pairs", lambda *_, **__: pytest.fail("read before the output was looked at")
    )
    out = tmp_path / f"out{suffix}"
    out.write_bytes(b"mine")
    assert_one_line(mindgap(*command, out.name), "exists already")
    assert_one_line(mindgap(*command, "out.txt"), "expected a name ending in")
    assert_one_line(mindgap(*command, f"absent/out{suffix}"), "no folder 'absent'")
    assert out.read_bytes() == b"mine"
    assert [file.name for file in tmp_path.iterdir()] == [out.name]
