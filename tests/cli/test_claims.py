"""`mindgap claims`, driven as a user would: it tells the ledger, and what differs from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mindgap import claims, load_pairs, results
from mindgap.claims import _parts
from tests.cli.conftest import Invoke, assert_one_line
from tests.embedding import drawn

SOME = ("cone-on-a-circle", "cone-on-a-sphere", "fahim-one-modality", "zero-shot")


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> tuple[claims.Claim, ...]:
    """A ledger of four claims, which is quick to check."""
    chosen = tuple(claims.named(one) for one in SOME)
    rows = {id: row for id, row in claims.committed().items() if id in SOME}
    monkeypatch.setattr(claims, "CLAIMS", chosen)
    monkeypatch.setattr(claims, "committed", lambda: rows)
    return chosen


@pytest.mark.usefixtures("four")
def test_the_table_has_a_row_a_claim_and_fits_a_terminal(mindgap: Invoke) -> None:
    result = mindgap("claims")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    head, *rest = result.stdout.splitlines()
    assert (
        head == "4 claims, 3 with a computed verdict: 1 holds, 1 holds with a caveat, 1 fails here, 1 not testable here"
    )
    assert rest[-1] == "as in the committed ledger"
    assert max(map(len, rest)) <= 80
    assert not any("…" in line for line in rest)
    for id, word in zip(SOME, ("● holds", "✗ fails here", "◐ holds with a caveat", "– not testable"), strict=True):
        assert any(line.strip().startswith(id) and word in line for line in rest), id
    assert any("2.501 > 0.05" in line for line in rest)


@pytest.mark.usefixtures("four")
def test_a_wide_terminal_has_the_words_too(mindgap: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert "at 1/10 it closes: largest gap left" in mindgap("claims").stdout


def test_one_claim_is_told_in_full_with_its_sentence_first(mindgap: Invoke) -> None:
    result = mindgap("claims", "fahim-one-modality")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    claim = claims.named("fahim-one-modality")
    assert result.stdout.startswith(claim.statement + "\n")
    words = " ".join(result.stdout.split())
    for part in (
        "holds with a caveat",
        "for, met",
        "caveat, met",
        "gap left at 1/100 0.100",
        "results/sweep_modality.json",
        "_since.fahim_one_modality",
        "fahim2024modality",
    ):
        assert part in words, part


def test_json_has_everything(mindgap: Invoke) -> None:
    content = json.loads(mindgap("claims", "cone-on-a-circle", "--json").stdout)
    (row,) = content["claims"]
    assert row == claims.committed()["cone-on-a-circle"]
    assert content["changed"] == []


def test_a_claim_that_is_not_there_has_near_matches(mindgap: Invoke) -> None:
    assert_one_line(mindgap("claims", "cone-circle"), "unknown name 'cone-circle'; did you mean 'cone-on-a-circle'")


def test_a_threshold_that_was_tampered_with_is_told(mindgap: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    loose = replace(claims.named("cone-on-a-sphere"), thresholds={"difference in per cent": 3.0})
    others = (one for one in claims.CLAIMS if one.id != loose.id)
    monkeypatch.setattr(claims, "CLAIMS", (loose, *others))
    result = mindgap("claims", "cone-on-a-sphere")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "changed, cone-on-a-sphere: the verdict was fails here, now holds",
        "changed, cone-on-a-sphere: a threshold was difference in per cent 0.05, now difference in per cent 3",
    ]


def test_a_table_that_was_tampered_with_is_told(
    mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claims.named("fahim-one-modality")
    text = claim.tables[0].path.read_text(encoding="utf-8")
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(_parts, "PACKAGE", tmp_path)
    claim.tables[0].path.write_text(text.replace("0", "1", 1), encoding="utf-8")
    result = mindgap("claims", claim.id, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["claims"][0]["verdict"] == "table changed"
    changed, why = result.stderr.splitlines()
    assert changed == "changed, fahim-one-modality: the verdict was holds with a caveat, now table changed"
    assert why.startswith("table changed, fahim-one-modality: results/sweep_modality.json:")


def test_writing_is_of_the_whole_ledger(mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_one_line(mindgap("claims", "cone-depth", "--write"), "--write: expected no ID")
    chosen = tuple(claims.named(one) for one in SOME)
    monkeypatch.setattr(claims, "CLAIMS", chosen)
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert_one_line(mindgap("claims"), "claims.json: No such file or directory")
    assert mindgap("claims", "--write").exit_code == 0
    assert list(claims.committed()) == list(SOME)
    written = (tmp_path / "claims.json").read_bytes()
    assert mindgap("claims").exit_code == 0
    assert mindgap("claims", "--write").exit_code == 0
    assert (tmp_path / "claims.json").read_bytes() == written


def test_the_ledger_is_a_stored_result(mindgap: Invoke) -> None:
    assert "claims.json: a result of mindgap" in " ".join(mindgap("show", "claims.json").stdout.split())


def test_results_of_the_reader_decide_what_is_not_testable_without(mindgap: Invoke, tmp_path: Path) -> None:
    pairs = load_pairs("clip")
    drawn.folder_of(tmp_path / "results/coco", pairs.x, pairs.y, ["a caption"] * 500, "ViT-B-16")
    assert "– not testable here" in mindgap("claims", "gap-size-coco").stdout
    result = mindgap("claims", "gap-size-coco", "--results", "results")
    assert (result.exit_code, result.stderr) == (0, ""), result.output  # the ledger has no such result to differ from
    words = " ".join(result.stdout.split())
    assert "✗ fails here" in words
    assert "decided from coco: 500 pairs by ViT-B-16/openai" in words
    (row,) = json.loads(mindgap("claims", "gap-size-coco", "--results", "results", "--json").stdout)["claims"]
    assert row["results"] == "coco: 500 pairs by ViT-B-16/openai"
    assert_one_line(mindgap("claims", "gap-size-coco", "--results", "absent"), "results: no folder 'absent'")
    assert_one_line(mindgap("claims", "--write", "--results", "results"), "--write: expected no --results")


def test_the_table_says_what_was_decided_from_results(
    mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ("gap-size-coco", "zero-shot")
    rows = {id: row for id, row in claims.committed().items() if id in ids}
    monkeypatch.setattr(claims, "CLAIMS", tuple(claims.named(one) for one in ids))
    monkeypatch.setattr(claims, "committed", lambda: rows)
    pairs = load_pairs("clip")
    drawn.folder_of(tmp_path / "results/coco", pairs.x, pairs.y, ["a caption"] * 500, "ViT-B-16")
    head, *_, before, last = mindgap("claims", "--results", "results").stdout.splitlines()
    assert head == "2 claims, 1 with a computed verdict: 1 fails here, 1 not testable here"
    assert before == "as in the committed ledger"
    assert last == "decided from your results, which the ledger does not have: gap-size-coco"
