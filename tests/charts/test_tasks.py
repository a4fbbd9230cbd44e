"""Charts of what a gap is worth: curves along a shift, accuracies, gains by choice, search in mixed galleries."""

from __future__ import annotations

import pandas as pd
import pytest

from mindgap import charts
from tests.tiny import VEGA_LITE, assert_drawable, texts


def rates() -> pd.DataFrame:
    rows = [
        {
            "kind": kind,
            "labels": labels,
            "shift": shift,
            "value": 0.1 + 0.1 * i + 0.02 * shift,
            "low": 0.05,
            "high": 0.4,
        }
        for i, kind in enumerate(("dark", "middle", "light"))
        for labels in ("shapes", "things")
        for shift in (-0.5, 0.0, 0.5)
    ]
    return pd.DataFrame(rows)


def along() -> object:
    titles = ("shift λ", "wrong labels")
    chosen = rates().query("shift == 0.5").assign(words="chosen")
    return charts.curves_along(rates(), "shift", titles, menu="labels", percent=True, root=True, chosen=chosen)


def accuracies() -> object:
    rows = [
        {"task": task, "gap": gap, "accuracy": 0.5 + gap / 4, "temperature": label, "seed": seed}
        for task in ("shape", "colour", "size")
        for label, gap in (("1/100", 0.5), ("1/10", 0.1))
        for seed in (0, 1)
    ]
    chance = pd.DataFrame({"task": ["shape", "colour", "size"], "accuracy": [0.125, 0.125, 0.5]})
    return charts.accuracy_against_gap(pd.DataFrame(rows), chance)


def gains() -> object:
    expected = [
        {"set": name, "changed": changed, "low": 0.0, "mean": changed / 40, "high": changed / 20}
        for name in ("CIFAR10", "EuroSAT")
        for changed in (0.02, 0.1, 0.3)
    ]
    printed = pd.DataFrame({"set": ["CIFAR10", "EuroSAT"], "gain": [0.0068, 0.0235]})
    return charts.selection_gains(pd.DataFrame(expected), printed)


def search() -> object:
    rows = [
        {"way": way, "share": share, "recall": recall * (1 - share), "rank": 1 + 100 * share}
        for way, recall in (("as they are", 0.1), ("centred", 0.9))
        for share in (0.0, 0.3, 0.6)
    ]
    return charts.mixed_search(pd.DataFrame(rows))


CHARTS = {"curves_along": along, "accuracy_against_gap": accuracies, "selection_gains": gains, "mixed_search": search}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


def test_the_slider_of_search_chooses_a_share() -> None:
    assert "centred: 90%, rank 1" in texts(search(), mixture=0)
    assert "centred: 36%, rank 61" in texts(search(), mixture=2)


def test_curves_without_intervals_have_no_bars() -> None:
    plain = charts.curves_along(
        rates().drop(columns=["low", "high"]).query("labels == 'things'"), "shift", ("λ", "share")
    )
    marks = [layer["mark"]["type"] for layer in plain.to_dict()["layer"]]
    assert marks == ["rule", "line", "point", "text"]
