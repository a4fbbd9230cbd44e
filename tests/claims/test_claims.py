"""The ledger: what it holds is what comes out when one checks, and nothing can be changed in silence."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mindgap import claims
from mindgap.claims import _parts, _tables

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build/html/book"
BY_ID = {one.id: one for one in claims.CLAIMS}


@pytest.fixture(scope="module")
def found() -> dict[str, claims.Finding]:
    """All claims, checked."""
    return {one.claim.id: one for one in claims.check_all()}


def test_every_verdict_is_that_of_the_committed_ledger(found: dict[str, claims.Finding]) -> None:
    assert [str(change) for change in claims.changed(found.values())] == []
    assert list(found) == list(claims.committed())


def test_numbers_are_those_of_the_ledger(found: dict[str, claims.Finding]) -> None:
    """As far as another machine gives the same: a hundredth of them, or of the unit."""
    for id, row in claims.committed().items():
        now = {one.name: one.value for one in found[id].numbers}
        then = {one["name"]: one["value"] for one in row["numbers"]}
        assert now == pytest.approx(then, rel=0.01, abs=0.01), id


def test_conditions_are_held_against_the_thresholds(found: dict[str, claims.Finding]) -> None:
    """No limit is hidden in the code of a check, and no threshold is there for show."""
    for one in found.values():
        assert {c.limit for c in one.conditions} <= set(one.claim.thresholds.values()), one.claim.id
        if one.claim.decide is not None:
            code = inspect.getsource(one.claim.decide)
            for name in one.claim.thresholds:
                assert f'limits["{name}"]' in code, one.claim.id


def test_what_fails_here_is_confirmed_and_what_does_not_is_no_failure(found: dict[str, claims.Finding]) -> None:
    failing = [one for one in found.values() if one.verdict == "fails here"]
    assert failing
    for one in failing:
        assert any(c.role == "confirms" and c.met for c in one.conditions), one.claim.id


def test_there_are_many_and_each_says_all_that_a_row_needs() -> None:
    assert sum(one.decide is not None for one in claims.CLAIMS) >= 50
    assert len(BY_ID) == len(claims.CLAIMS)
    for one in claims.CLAIMS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id)
        assert one.statement.endswith(".")
        assert one.scale in claims.SCALES, one.id
        assert one.chapter in claims.CHAPTERS, one.id
        assert one.source, one.id
        assert one.protocol, one.id
        assert (one.decide is None) == (not one.thresholds), one.id
        assert bool(one.reason) == (one.decide is None or bool(one.needs)), one.id
        assert one.function == "" or one.function.rpartition(".")[2] == one.id.replace("-", "_")


def test_what_is_cited_is_in_the_bibliography() -> None:
    known = set(
        re.findall(r"^@\w+\{([^,]+),", (ROOT / "book/references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert {one.cites for one in claims.CLAIMS if one.cites} <= known


@pytest.mark.skipif(not SITE.exists(), reason="the site is not built: run `make book`")
def test_figures_are_where_the_ledger_sends_readers() -> None:
    for one in claims.CLAIMS:
        if one.figure:
            page, _, anchor = one.figure.partition("#")
            text = (SITE / f"{page}.html").read_text(encoding="utf-8")
            assert not anchor or f'id="{anchor}"' in text, one.figure


def test_nothing_heavy_is_loaded_to_read_it() -> None:
    code = (
        "import sys; from mindgap import claims; claims.committed(); assert claims.CLAIMS; "
        "print({'torch', 'pandas', 'llvmlite'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def condition(role: str, met: bool) -> claims.Condition:
    return claims.Condition(role, f"{role} it", 1.0 if met else 0.0, "≥", 0.5)


@pytest.mark.parametrize(("conditions", "scale", "verdict"), [
    ([("for", True)], "exact mathematics", "holds"),
    ([("for", True)], "drawn scenes, small CLIP", "holds at toy scale"),
    ([("for", True), ("caveat", False), ("against", False)], "exact mathematics", "holds"),
    ([("for", True), ("caveat", True)], "drawn scenes, small CLIP", "holds with a caveat"),
    ([("for", True), ("caveat", True), ("against", True)], "exact mathematics", "contested"),
    ([("for", True), ("for", False)], "exact mathematics", "contested"),
    ([("for", False), ("confirms", False)], "exact mathematics", "contested"),
    ([("for", False), ("confirms", True), ("confirms", False)], "exact mathematics", "contested"),
    ([("for", False), ("confirms", True)], "exact mathematics", "fails here"),
])  # fmt: skip
def test_verdicts(conditions: list[tuple[str, bool]], scale: str, verdict: str) -> None:
    given, why = _parts.verdict(scale, [condition(*one) for one in conditions])
    assert given == verdict
    assert bool(why) == (verdict not in ("holds", "holds at toy scale"))


def test_a_check_without_a_condition_for_the_claim_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="one at least that is for the claim"):
        _parts.verdict("exact mathematics", [condition("against", True)])


def test_nothing_is_met_by_a_number_that_is_none() -> None:
    for relation in ("≥", "≤"):
        assert not claims.Condition("for", "a number", float("nan"), relation, 0.5).met


def test_another_threshold_is_a_change_even_where_the_verdict_stays() -> None:
    one = BY_ID["cone-on-a-circle"]
    loose = replace(one, thresholds={"difference in per cent": 0.05})
    (change,) = claims.changed([claims.check(loose)])
    assert str(change) == (
        "cone-on-a-circle: a threshold was difference in per cent 0.02, now difference in per cent 0.05"
    )
    strict = replace(one, thresholds={"difference in per cent": 0.001})
    verdict, threshold = claims.changed([claims.check(strict)])
    assert (verdict.what, verdict.before, verdict.now) == ("the verdict", "holds", "contested")
    assert threshold.what == "a threshold"


def test_an_altered_table_has_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = _tables.LONG
    content = json.loads(table.path.read_text(encoding="utf-8"))
    monkeypatch.setattr(_parts, "PACKAGE", tmp_path)
    assert table.altered() == "results/sweep_long.json is missing"
    (tmp_path / "results").mkdir()
    content["runs"][0]["history"][-1][content["columns"].index("gap")] += 0.001
    table.path.write_text(json.dumps(content), encoding="utf-8")
    assert "SHA-256 is" in table.altered()
    content["steps"] = 4000
    table.path.write_text(json.dumps(content), encoding="utf-8")
    assert table.altered() == "results/sweep_long.json: steps is 4000 and not 5000"
    finding = claims.check("shi-local-minima")
    assert (finding.verdict, finding.numbers) == (claims.ALTERED, ())
    (change,) = claims.changed([finding])
    assert (change.before, change.now) == ("fails here", "table changed")


def test_a_table_is_known_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    one = BY_ID["cones-by-seed"]
    other = replace(one, tables=(replace(one.tables[0], sha256="0" * 64),))
    assert claims.check(other).verdict == claims.ALTERED
    assert all(not table.altered() for claim in claims.CLAIMS for table in claim.tables)


def test_a_claim_that_comes_or_goes_is_a_change() -> None:
    one = BY_ID["cone-on-a-circle"]
    (change,) = claims.changed([claims.check(replace(one, id="cone-on-a-square"))])
    assert str(change) == "cone-on-a-square: the verdict was not there, now holds"
    everything = [claims.Finding(claim, row["verdict"]) for claim, row in zip(
        claims.CLAIMS, claims.committed().values(), strict=True)]  # fmt: skip
    assert claims.changed(everything) == []
    before = {**claims.committed(), "gone": {"verdict": "holds", "thresholds": {}}}
    assert [str(change) for change in claims.changed(everything, before)] == [
        "gone: the claim was holds, now not there"
    ]


def test_a_misspelt_claim_has_near_matches() -> None:
    with pytest.raises(ValueError, match="did you mean 'cone-depth'"):
        claims.check("cone-dept")


def test_claims_and_findings_show_themselves() -> None:
    finding = claims.check("cone-on-a-sphere")
    assert "Finding on cone-on-a-sphere: fails here." in repr(finding)
    assert repr(finding.claim).startswith("Claim cone-on-a-sphere: A cap that is 55.94° across")


@pytest.mark.parametrize(("value", "words"), [
    (0.0, "0"), (24.0, "24"), (-308.2, "−308"), (0.85135, "0.851"), (0.0223, "0.0223"), (0.999197, "0.9992"),
    (0.999997, "0.999997"), (51.99, "51.990"), (4e-44, "4e−44"), (1.0, "1"),
])  # fmt: skip
def test_numbers_in_words(value: float, words: str) -> None:
    assert _parts.spelled(value) == words


def test_the_page_spells_numbers_as_the_command_does() -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")
    from book._ext import mindgap_ledger

    for value in (0.0, 24.0, -308.2, 0.85135, 0.0223, 0.999197, 0.999997, 4e-44, 1.0, 1234567.0):
        assert mindgap_ledger.spelled(value) == _parts.spelled(value)
    assert set(mindgap_ledger.SHAPES) == set(claims.VERDICTS)
    assert set(mindgap_ledger.ROLES) == {"for", "against", "caveat", "confirms"}


def test_what_decided_is_the_first_that_counts() -> None:
    finding = claims.check("cone-linear")
    assert finding.decisive is not None
    assert finding.decisive.role == "against"
    assert claims.check("zero-shot").decisive is None
