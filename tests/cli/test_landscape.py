"""`mindgap landscape`: where the loss is least, as a table, as data and as a figure."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from mindgap import landscape, load_pairs
from tests.cli.conftest import Invoke, assert_one_line

SMALL = ("clip", "--n", 60, "--temperatures", ".05,1/10")


def test_the_table_says_where_the_loss_is_least(mindgap: Invoke) -> None:
    ran = mindgap("landscape", *SMALL)
    assert (ran.exit_code, ran.stderr) == (0, ""), ran.output
    pairs = load_pairs("clip").take(60)
    for temperature in (0.05, 0.1):
        best = landscape.best_shift(pairs.x, pairs.y, temperature)
        (row,) = [line for line in ran.stdout.splitlines() if f" {temperature:g} " in line and "│" in line]
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert float(cells[1]) == pytest.approx(best.shift, abs=2e-3)
        assert float(cells[3]) == pytest.approx(best.loss, abs=1e-3)
        assert float(cells[4]) - float(cells[3]) == pytest.approx(float(cells[5]), abs=2e-4)
    assert "clip: 60 pairs, all at once" in ran.stdout


def test_json_and_csv_have_all_digits(mindgap: Invoke) -> None:
    found = json.loads(mindgap("landscape", *SMALL, "--json", "--batch-size", 20).stdout)
    assert (found["pairs"], found["batch_size"], found["sample"]) == (60, 20, None)
    assert len(found["image_to_text"]) == len(found["shifts"])
    assert len(found["image_to_text"][0]) == len(found["temperatures"]) == len(found["valleys"]) == 2
    rows = list(csv.DictReader(io.StringIO(mindgap("landscape", *SMALL, "--csv", "--batch-size", 20).stdout)))
    assert [float(row["shift"]) for row in rows] == [one["shift"] for one in found["valleys"]]
    assert rows[0]["spread"] == ""


def test_a_figure_that_needs_no_network(mindgap: Invoke, tmp_path: Path) -> None:
    ran = mindgap("landscape", "clip", "mini", *SMALL[1:], "-o", "plot.html")
    assert ran.exit_code == 0, ran.output
    page = (tmp_path / "plot.html").read_text(encoding="utf-8")
    assert "vega-lite" in page.lower()
    assert not re.search(r'<(script|link)[^>]*(src|href)="?http', page)
    assert "clip, mini" in ran.stdout
    assert_one_line(mindgap("landscape", *SMALL, "-o", "plot.html"), "exists already")
    assert [file.name for file in tmp_path.iterdir()] == ["plot.html"]


@pytest.mark.parametrize(("words", "said"), [
    (["--temperatures", "a"], "temperatures: expected numbers"), (["--batch-size", 61], "--batch-size: expected"),
    (["-o", "x.png"], "expected a name ending in .html or .json or .csv"), (["--json", "--csv"], "--json and --csv"),
])  # fmt: skip
def test_bad_input_is_one_line(mindgap: Invoke, tmp_path: Path, words: list[str], said: str) -> None:
    assert_one_line(mindgap("landscape", "clip", "--n", 60, *words), said)
    assert list(tmp_path.iterdir()) == []
