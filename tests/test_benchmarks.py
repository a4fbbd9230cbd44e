"""What benchmarks write: a table of theirs is replaced, nothing else is."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

WRITE = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks/_machine.py"))["write"]


def test_a_table_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    table = tmp_path / "new folder/speed.csv"
    for seconds in ("1", "2"):
        WRITE([{"way, in words": "loop", "seconds": seconds}], table)
    assert table.read_text().splitlines() == ['"way, in words",seconds', "loop,2"]
    assert list(table.parent.iterdir()) == [table]


def test_what_somebody_else_wrote_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes.csv"
    notes.write_text("my own notes\n")
    (tmp_path / "notes-2.csv").mkdir()
    WRITE([{"way": "loop", "seconds": "1"}], notes)
    assert notes.read_text() == "my own notes\n"
    assert (tmp_path / "notes-3.csv").read_text().splitlines() == ["way,seconds", "loop,1"]
    assert "notes-3.csv" in capsys.readouterr().out
