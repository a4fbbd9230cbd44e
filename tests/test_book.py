"""The notebooks as files: executed, quiet, captioned, and honest about what they need."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import nbformat
import pytest
import torch
import vl_convert
import yaml

from book.conftest import StoredChart, features_reason, same
from book.notebooks import INSTALL, SKIP, execute, notebooks
from book.results import clip_random, trained_seeds
from mindgap import results
from mindgap.charts.theme import MIME
from mindgap.geometry import distinct_rows
from mindgap.pairs import FeaturesUnavailable, feature_names, load_pairs
from tests.notebooks import forbidden, is_seen_with, write

ROOT = Path(__file__).parents[1]
CHAPTERS = {path.stem: nbformat.read(path, as_version=4) for path in notebooks()}


def code_cells(name: str) -> list[Any]:
    return [cell for cell in CHAPTERS[name].cells if cell.cell_type == "code"]


def outputs(name: str) -> list[Any]:
    return [output for cell in code_cells(name) for output in cell.outputs]


def test_the_table_of_contents_names_every_page_once() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"]] + [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert len(listed) == len(set(listed))
    pages = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for kind in ("ipynb", "md")
        for path in ROOT.glob(f"book/**/*.{kind}")
    }
    # What lies in book/assignments/ is for download, and the API reference comes into being with the site.
    elsewhere = ("book/assignments/", "book/appendix/api/")
    pages = {page for page in pages if ".ipynb_checkpoints" not in page and not page.startswith(elsewhere)}
    assert {page for page in listed if not page.startswith(elsewhere)} == pages
    executed = [path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks()]
    assert executed == [page for page in listed if (ROOT / f"{page}.ipynb").exists()]
    assert len(CHAPTERS) == len(executed), "each has a name of its own, in whatever folder it lies"


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_cell_was_executed_in_order(name: str) -> None:
    ran = [cell for cell in code_cells(name) if not SKIP & set(cell.metadata.get("tags", []))]
    assert ran, "nothing to prove"
    assert [cell.execution_count for cell in ran] == sorted({cell.execution_count for cell in ran})
    assert all(cell.execution_count for cell in ran)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_cell_left_out_is_left_out_everywhere_and_live(name: str) -> None:
    for cell in code_cells(name):
        tags = set(cell.metadata.get("tags", []))
        assert not tags & SKIP or (tags >= SKIP and not cell.outputs)
        assert not tags & SKIP or "widgets." in cell.source or cell.id == INSTALL
        assert not any(tag.startswith("nbval-ignore") for tag in tags)
        assert "NBVAL_IGNORE_OUTPUT" not in cell.source


@pytest.mark.parametrize("name", CHAPTERS)
def test_metadata_is_only_what_every_machine_shares(name: str) -> None:
    notebook = CHAPTERS[name]
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "title"}
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    assert not any("execution" in cell.metadata for cell in notebook.cells)


FILES = set(feature_names()) - {"clip"}  # what load_pairs needs a file for


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_cell_names_the_feature_files_that_it_loads(name: str) -> None:
    for cell in code_cells(name):
        loaded = {found for found in FILES if f'load_pairs("{found}")' in cell.source}
        loaded |= FILES if "feature_names()" in cell.source else set()
        needs = set(cell.metadata.get("mindgap", {}).get("needs", []))
        assert loaded <= needs <= FILES


def test_only_chapter_1_needs_feature_files() -> None:
    needing = {name: sum("mindgap" in cell.metadata for cell in code_cells(name)) for name in CHAPTERS}
    assert {name for name, cells in needing.items() if cells} == {"01_modality_gap"}
    wherever = [
        cell
        for name in CHAPTERS
        for cell in code_cells(name)
        if cell.outputs and "mindgap" not in cell.metadata and not SKIP & set(cell.metadata.get("tags", []))
    ]
    assert len(wherever) >= 75, "cells whose outputs are compared on a machine without feature files"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_cell_that_is_seen_uses_nothing_that_a_hidden_one_defines(name: str) -> None:
    assert forbidden(CHAPTERS[name].cells, is_seen_with) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_outputs_are_quiet_and_rounded(name: str) -> None:
    for output in outputs(name):
        assert output.get("name") != "stderr"
        assert output.output_type != "error"
        words = output.get("text", "") or output.get("data", {}).get("text/plain", "")
        assert not re.search(r"\d\.\d{4,}", words), words
        assert not re.search(r"0x[0-9a-f]{6,}|/home/|/root/|/tmp/|/work/", words), words


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chart_has_a_caption_and_is_drawable(name: str) -> None:
    for cell in code_cells(name):
        for output in cell.outputs:
            spec = output.get("data", {}).get(MIME)
            if spec is None:
                continue
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            assert len(figure.get("caption", "")) > 80
            assert figure.get("name", "").startswith("fig-")
            assert vl_convert.vegalite_to_svg(spec, vl_version="5.20").count("<path") > 5


@pytest.mark.parametrize("name", [name for name in CHAPTERS if name[0].isdigit()])
def test_prose_leads(name: str) -> None:
    words = sum(len(cell.source.split()) for cell in CHAPTERS[name].cells if cell.cell_type == "markdown")
    lines = sum(
        len([line for line in cell.source.splitlines() if line.strip()])
        for cell in code_cells(name)
        if cell.id != INSTALL
    )
    assert words >= 8 * lines


@pytest.mark.parametrize("name", [name for name in CHAPTERS if name[0].isdigit()])
def test_a_chapter_has_the_frame_of_all_chapters(name: str) -> None:
    text = "\n".join(cell.source for cell in CHAPTERS[name].cells if cell.cell_type == "markdown")
    for part in ("**You will learn**", "**Time**", "**Needs**", "## Drag it yourself", "## Exercises", "## Summary"):
        assert part in text
    exercises = re.findall(r"```\{exercise\}.*\n:label: (\S+)", text)
    assert len(exercises) >= 2
    assert text.count("```{hint}") == len(exercises)
    for label in exercises:
        assert f"{{solution-start}} {label}" in text


class TestComparison:
    """Stored charts are compared with room for the last kept digit, and for nothing else."""

    CHART: ClassVar[dict[str, Any]] = {
        "$schema": "vega-lite",
        "datasets": {"data-1": [{"x": 0.8531, "name": "a"}]},
        "mark": "bar",
    }

    def changed(self, **row: Any) -> StoredChart:
        chart = copy.deepcopy(self.CHART)
        chart["datasets"]["data-1"][0].update(row)
        return StoredChart(chart)

    @pytest.mark.parametrize("value", [0.8531, 0.8532, 0.853])
    def test_the_last_digit_may_differ_by_one(self, value: float) -> None:
        assert StoredChart(self.CHART) == self.changed(x=value)

    @pytest.mark.parametrize(
        "row", [{"x": 0.8536}, {"x": -0.8531}, {"name": "b"}, {"more": 1}, {"x": "0.8531"}, {"x": None}]
    )
    def test_anything_else_is_a_difference(self, row: dict) -> None:
        assert StoredChart(self.CHART) != self.changed(**row)

    def test_lists_of_other_length_and_flags_differ(self) -> None:
        assert not same([1.0], [1.0, 2.0])
        assert not same(True, 1)
        assert same(0.0, 1e-9)

    def test_a_formula_may_differ_in_the_last_digit_of_its_numbers_only(self) -> None:
        formula = "sqrt(1 - 2*shift*datum.a + shift*shift*0.72484)"
        assert same(formula, formula.replace("0.72484", "0.72485"))
        assert not same(formula, formula.replace("0.72484", "0.72584"))
        assert not same(formula, formula.replace("0.72484", "0.72485").replace("datum.a", "datum.b"))
        assert not same(formula, formula.replace("2*", "3*"))
        assert not same("gap 0.5", "gap 0.5 0.5")


def small_notebook(folder: Path, source: str, output: str) -> Path:
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=output)]
    path = folder / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


STORED = [("print(1 + 1)", "2\n", "PASSED"), ("print(1 + 1)", "3\n", "FAILED"), ("print(1 / 0)", "2\n", "FAILED")]


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What nbval prints of a notebook of each of them, with no rules of the book's."""
    folder = tmp_path_factory.mktemp("stored")
    for number, (source, output, _) in enumerate(STORED):
        (folder / str(number)).mkdir()
        small_notebook(folder / str(number), source, output)
    command = [sys.executable, "-m", "pytest", "-v", "--nbval", "--nbval-current-env", "--rootdir", str(folder)]
    return subprocess.run([*command, str(folder)], capture_output=True, text=True, cwd=folder).stdout


@pytest.mark.parametrize("number", range(len(STORED)))
def test_nbval_proves_what_is_stored(proved: str, number: int) -> None:
    *_, expected = STORED[number]
    assert re.search(rf"^{number}/small\W+ipynb::Cell 0 {expected}", proved, re.MULTILINE), proved


def test_executing_twice_changes_no_byte(tmp_path: Path) -> None:
    path = small_notebook(tmp_path, "print(1 + 1)", "")
    execute(path)
    first = path.read_bytes()
    assert json.loads(first)["cells"][0]["outputs"][0]["text"] == ["2\n"]
    execute(path)
    assert path.read_bytes() == first


def test_what_is_printed_is_stored_in_one_piece(tmp_path: Path) -> None:
    # The pause makes the kernel send two messages.
    path = small_notebook(tmp_path, "import time\nprint(1, flush=True)\ntime.sleep(0.5)\nprint(2)\n3", "")
    execute(path)
    stream, result = json.loads(path.read_bytes())["cells"][0]["outputs"]
    assert stream["text"] == ["1\n", "2\n"]
    assert result["data"]["text/plain"] == ["3"]


def test_a_notebook_that_writes_to_stderr_is_refused(tmp_path: Path) -> None:
    path = small_notebook(tmp_path, "import sys; print('progress', file=sys.stderr)", "")
    before = path.read_bytes()
    with pytest.raises(SystemExit, match="stderr"):
        execute(path)
    assert path.read_bytes() == before


def test_a_page_is_not_stored_without_the_features_that_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "small.ipynb", [("print(1)", None, {"mindgap": {"needs": ["clasp"]}})])
    before = path.read_bytes()
    for name, value in {"DATA": "", "CACHE": str(tmp_path), "URL": "http://127.0.0.1:9/"}.items():
        monkeypatch.setenv(f"MINDGAP_{name}", value)
    with pytest.raises(FeaturesUnavailable, match="features_clasp"):
        execute(path)
    assert path.read_bytes() == before


def test_what_cannot_be_had_is_skipped_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINDGAP_DATA", raising=False)
    monkeypatch.setenv("MINDGAP_CACHE", str(tmp_path))
    monkeypatch.setenv("MINDGAP_URL", "http://127.0.0.1:9/")  # nothing listens there
    reason = features_reason(["clip_random"])
    assert reason is not None
    assert "features_clip_random.npy" in reason
    assert os.listdir(tmp_path) == []


def test_what_is_kept_of_the_untrained_clip_is_what_its_features_give() -> None:
    if reason := features_reason(["clip_random"]):
        pytest.skip(reason)
    kept = json.loads(results.path("clip_random.json").read_text(encoding="utf-8"))
    found = clip_random.measured()
    assert found["source"] == kept["source"]
    assert found["gap_distance"] == pytest.approx(kept["gap_distance"], rel=1e-5)
    for modality in ("image", "text"):
        now, before = found[modality], kept[modality]
        assert sum(now["counts"]) == sum(before["counts"]) == 500 * 499
        # On another processor a cosine may fall on the other side of an edge.
        assert sum(abs(a - b) for a, b in zip(now["counts"], before["counts"], strict=True)) <= 20
        assert now["edges"] == before["edges"]
        for name in ("mean", "std", "min", "max"):
            assert now[name] == pytest.approx(before[name], rel=1e-5)


def test_convirts_reports_are_repeated_as_chapter_1_says() -> None:
    if reason := features_reason(["convirt"]):
        pytest.skip(reason)
    assert "500 reports contain 443 different ones" in "".join(
        cell.source for cell in CHAPTERS["01_modality_gap"].cells
    )
    assert distinct_rows(load_pairs("convirt").y) == 443


def test_what_is_kept_of_the_seeds_is_what_untrained_models_and_the_summary_give() -> None:
    kept = json.loads(results.path("trained_seeds.json").read_text(encoding="utf-8"))
    assert kept["recipe"]["seed"] == list(range(trained_seeds.SEEDS))
    assert kept["recipe"]["steps"] == trained_seeds.STEPS
    clouds = [trained_seeds.untrained(seed) for seed in range(trained_seeds.SEEDS)]
    image, text = (torch.stack(side) for side in zip(*clouds, strict=True))
    found, before = trained_seeds.of_stage(image, text), kept["stages"]["untrained"]
    for tower in trained_seeds.TOWERS:
        for name, value in found[tower].items():
            assert value == pytest.approx(before[tower][name], abs=2e-3)
    assert found["between"]["both"] == pytest.approx(before["between"]["both"], abs=2e-3)
    after = kept["stages"]["trained"]
    # The gaps and the products of means belong together: ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b.
    n, gaps = trained_seeds.INPUTS, after["gaps"]
    lengths = [c + (1 - c) / n for tower in trained_seeds.TOWERS for c in after[tower]["cosines"]]
    own = [
        (lengths[i] + lengths[i + trained_seeds.SEEDS] - gaps[i][i + trained_seeds.SEEDS] ** 2) / 2
        for i in range(trained_seeds.SEEDS)
    ]
    assert own == pytest.approx(after["own"], abs=1e-3)
