"""The page on which readers measure their own embeddings: its figures are Python's, and it believes no file."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import json
import pickle
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mindgap import metrics, report
from mindgap.pairs import FeaturesUnavailable, PairedEmbeddings, load_pairs
from tests.browser.conftest import DRAWN, SITE, turn, visiting, watched_page
from tests.browser.judging import grave
from tests.waiting import HANG

PAGE = "book/your_embeddings.html"
SAID = ".mindgap-embeddings-said"
RESULTS = ".mindgap-embeddings-results"
NEAR = pytest.approx

pytestmark = pytest.mark.skipif(not (SITE / PAGE).exists(), reason="the site is not built: run `make book`")


class Visit:
    """The page in a tab of its own, with what it asked for since it was loaded."""

    def __init__(self, context: BrowserContext, base: str = "") -> None:
        self.view, self.watch = watched_page(context, (base,) if base else ())
        self.asked: list[str] = []
        self.view.on("request", lambda request: self.asked.append(request.url))
        self.view.goto(f"{base or SITE.as_uri()}/{PAGE}")
        self.view.wait_for_selector(".mindgap-embeddings.is-ready")
        self.view.wait_for_load_state("networkidle")
        self.asked.clear()

    def done(self) -> str:
        """What the page says once it has nothing more to do."""
        self.view.wait_for_function(
            f"!/^(Computing|Fetching|$)/.test(document.querySelector('{SAID}').textContent)"
            " && document.querySelector('.mindgap-embeddings-work').hidden"
        )
        return self.view.locator(SAID).inner_text()

    def choose(self, *paths: Path) -> str:
        self.view.set_input_files("#mindgap-files", [str(path) for path in paths])
        return self.done()

    def saved(self) -> dict[str, Any]:
        with self.view.expect_download() as download:
            self.view.get_by_role("button", name="Save everything as JSON").click()
        found: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, Visit) as opened:
        yield opened


def small(n: int = 60, d: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two sets that float16 holds exactly, apart and matched."""
    random = np.random.default_rng(seed)
    both = random.normal(size=(n, d))
    x, y = (both + 0.7 * random.normal(size=(n, d)) + side for side in (0.6, -0.6))
    return x.astype(np.float16), y.astype(np.float16)


Save = Callable[..., list[Path]]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def save(x: np.ndarray, y: np.ndarray, names: Sequence[str] = ("image", "text")) -> list[Path]:
        paths = [tmp_path / f"{name}.npy" for name in names]
        for path, rows in zip(paths, (x, y), strict=True):
            np.save(path, rows)
        return paths

    return save


def features(name: str) -> PairedEmbeddings:
    try:
        pairs = load_pairs(name)
    except FeaturesUnavailable as missing:
        pytest.skip(str(missing))
    return PairedEmbeddings(pairs.x, pairs.y, "image.npy,text.npy", ("image", "text"), "")


# ---- the figures are Python's


@pytest.mark.parametrize("name", ["clip", "clasp", "convirt"])
def test_every_figure_is_that_of_python(visit: Visit, save: Save, name: str) -> None:
    pairs = features(name)
    visit.choose(*save(pairs.x.numpy(), pairs.y.numpy()))
    here, made = visit.saved(), report.make(pairs)
    there = made.as_json()
    assert here["name"] == there["name"]
    assert here["modalities"] == there["modalities"]
    assert here["sample"] is None
    assert set(metrics.QUOTED) < set(here["measures"]) <= set(there["measures"])
    assert here["measures"] == NEAR({key: there["measures"][key] for key in here["measures"]}, abs=1e-4)
    for k, found in ((k, here["recall"]) for k in (1, 5, 10)):
        assert found["xy"][str(k)] == NEAR(made_recall(pairs, k)[0], abs=1e-4)
        assert found["yx"][str(k)] == NEAR(made_recall(pairs, k)[1], abs=1e-4)
        assert found["chance"][str(k)] == k / len(pairs)
    assert_landscape(here, there, made)
    for kind, histogram in (("matched", made.matched), ("unmatched", made.unmatched)):
        counts = np.array(here["cosines"][kind])
        assert counts.sum() == int(histogram.counts.sum())
        # A cosine at the edge of a bin may fall to either side of it.
        assert np.abs(counts - histogram.counts.numpy()).sum() <= max(2, 2e-4 * counts.sum())
    assert here["cosines"]["edges"] == NEAR(made.matched.edges.tolist())
    for side, points in zip("xy", made.points, strict=True):
        assert np.array(here["points"][side]) == NEAR(points.numpy(), abs=1e-4)
    wanted = {one["name"]: one for one in there["checks"]}
    assert len(here["checks"]) == 11
    assert here["passed"] == all(wanted[one["name"]]["state"] != "failed" for one in here["checks"])
    for one in here["checks"]:
        if one["name"].startswith("spread of"):  # the rank that Python adds costs too much here
            wanted[one["name"]]["found"] = wanted[one["name"]]["found"].partition(", effective")[0]
        assert one == wanted[one["name"]]


def made_recall(pairs: PairedEmbeddings, k: int) -> tuple[float, float]:
    found = metrics.report(pairs.x, pairs.y, k, only=["recall_xy", "recall_yx"])
    return found["recall_xy"], found["recall_yx"]


def assert_landscape(here: dict[str, Any], there: dict[str, Any], made: report.Report) -> None:
    found, wanted = here["landscape"], made.landscape
    assert found["shifts"] == NEAR(wanted.shifts.tolist())
    assert found["temperatures"] == NEAR(wanted.temperatures.tolist())
    assert found["distance"] == NEAR(wanted.distance.tolist(), abs=1e-4)
    for way in ("image_to_text", "text_to_image"):
        assert np.array(found[way]) == NEAR(getattr(wanted, way).numpy(), abs=1e-4)
    assert len(here["valleys"]) == len(there["valleys"])
    for mine, theirs in zip(here["valleys"], there["valleys"], strict=True):
        for key in ("temperature", "shift", "distance", "loss", "loss_here", "depth"):
            assert mine[key] == NEAR(theirs[key], abs=1e-4), key


def shown(view: Page, label: str) -> dict[str, list[str]]:
    rows = view.locator(f"{RESULTS} [aria-label='{label}'] tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def test_what_is_shown_is_what_is_saved(visit: Visit, save: Save) -> None:
    x, y = small()
    said = visit.choose(*save(x, y))
    found = visit.saved()
    measures = found["measures"]
    assert said.startswith("Done. 60 pairs of image and text, 12 dimensions: gap distance ")
    assert f"gap distance {measures['gap_distance']:.3f}" in said
    table = shown(visit.view, "Every measure")
    names = ("image", "text")
    assert list(table) == [metrics.label(key, names) for key in measures]
    for key, value in measures.items():
        number, name = table[metrics.label(key, names)]
        assert name == key
        assert float(number.replace("−", "-").replace(",", "")) == NEAR(value, abs=5e-5)
    quoted = visit.view.locator(".mindgap-embeddings-quoted div").all_inner_texts()
    assert [words.split("\n")[-1] for words in quoted] == [metrics.label(key, names) for key in metrics.QUOTED]
    recall = shown(visit.view, "Recall")
    assert recall["image, for its text"][0] == f"{found['recall']['xy']['1']:.3f}"
    assert recall["text, for its image"][3] == f"{found['recall']['yx']['median_rank']:.1f}"
    valleys = shown(visit.view, "Best shift at each temperature")
    assert list(valleys) == ["1/100", "1/50", "1/30", "1/20", "1/10", "1"]
    assert float(valleys["1"][0].replace("−", "-")) == NEAR(found["valleys"][5]["shift"], abs=5e-4)


@pytest.fixture(scope="module")
def expected() -> dict[str, float]:
    x, y = small()
    return metrics.report(x, y)


def assert_expected(visit: Visit, expected: dict[str, float]) -> None:
    found = visit.saved()["measures"]
    assert found == NEAR({key: expected[key] for key in found}, abs=1e-4)


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_layout_of_a_matrix(visit: Visit, save: Save, expected: dict[str, float], kind: str, order: Any) -> None:
    x, y = (np.asarray(rows.astype(kind), order=order) for rows in small())
    paths = save(x, y)
    assert (b"'fortran_order': True" in paths[0].read_bytes()) == (order == "F")
    assert f"'{kind}'".encode() in paths[0].read_bytes()
    assert visit.choose(*paths).startswith("Done.")
    assert_expected(visit, expected)


def test_numbers_that_start_at_an_odd_place_and_a_header_of_version_2(
    visit: Visit, tmp_path: Path, expected: dict[str, float]
) -> None:
    paths = []
    for name, rows in zip(("image", "text"), small(), strict=True):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {rows.shape}, }}\n".encode()
        paths.append(tmp_path / f"{name}.npy")
        start = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header))
        assert (len(start) + len(header)) % 8
        paths[-1].write_bytes(start + header + rows.astype("<f8").tobytes())
    assert visit.choose(*paths).startswith("Done.")
    assert_expected(visit, expected)


@pytest.mark.parametrize("kind", ["stored", "deflated", "named", "without names", "stacked", "stacked, Fortran"])
def test_one_file_that_holds_both(visit: Visit, tmp_path: Path, expected: dict[str, float], kind: str) -> None:
    x, y = small()
    path = tmp_path / ("both.npy" if "stacked" in kind else "both.npz")
    if kind == "stored":
        np.savez(path, image=x, text=y)
    elif kind == "deflated":
        np.savez_compressed(path, image=x, text=y.astype("f4"))
    elif kind == "named":
        np.savez(path, captions=y, photos=x, ids=np.ones((2, 3, 4, 5), dtype="f4"))
    elif kind == "without names":
        np.savez_compressed(path, x, y)
    else:
        np.save(path, np.asarray(np.stack([x, y]), order="F" if "Fortran" in kind else "C"))
    assert visit.choose(path).startswith("Done.")
    assert_expected(visit, expected)


def test_a_file_after_the_other(visit: Visit, save: Save, expected: dict[str, float]) -> None:
    first, second = save(*small())
    assert visit.choose(first) == "image.npy holds one side, 60 × 12 numbers. Add the file with the other side."
    expect(visit.view.locator(RESULTS)).to_be_hidden()
    assert visit.choose(second).startswith("Done. 60 pairs of image and text")
    assert_expected(visit, expected)
    assert "holds one side" in visit.choose(first)  # and a third begins a new set
    expect(visit.view.locator(RESULTS)).to_be_hidden()


DROP = """async files => {
  const carried = new DataTransfer();
  for (const { name, body } of files) {
    carried.items.add(new File([Uint8Array.from(atob(body), one => one.charCodeAt(0))], name));
  }
  const over = new DragEvent('dragover', { dataTransfer: carried, bubbles: true, cancelable: true });
  const target = document.querySelector(AT);
  target.dispatchEvent(over);
  const marked = document.querySelector('.mindgap-drop').classList.contains('is-over');
  const drop = new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true });
  target.dispatchEvent(drop);
  return [marked, over.defaultPrevented, drop.defaultPrevented];
}"""


@pytest.mark.parametrize("place", [".mindgap-drop", "h1"])
def test_files_are_dropped(visit: Visit, save: Save, expected: dict[str, float], place: str) -> None:
    """In the zone, or beside it, where the browser would show the file in place of the page."""
    files = [{"name": p.name, "body": base64.b64encode(p.read_bytes()).decode()} for p in save(*small())]
    assert visit.view.evaluate(DROP.replace("AT", repr(place)), files) == [True, True, True]
    assert visit.done().startswith("Done.")
    assert_expected(visit, expected)
    assert "is-over" not in (visit.view.locator(".mindgap-drop").get_attribute("class") or "")


def test_a_second_pair_takes_the_place_of_the_first(visit: Visit, save: Save) -> None:
    visit.choose(*save(*small(), names=("photo", "caption")))
    expect(visit.view.locator(f"{RESULTS} h2")).to_have_text("photo and caption")
    x, y = small(n=50, seed=1)
    visit.choose(*save(x, y))
    expect(visit.view.locator(f"{RESULTS} h2")).to_have_text("image and text")
    assert visit.view.locator(f"{RESULTS} .mindgap-figure").count() == 3
    assert "photo" not in visit.view.locator(RESULTS).inner_text()
    assert "photo" not in visit.view.locator(SAID).inner_text()
    assert visit.saved()["measures"]["gap_distance"] == NEAR(metrics.report(x, y)["gap_distance"], abs=1e-4)


@pytest.mark.parametrize("kind", ["two files", "one file"])
def test_the_two_are_swapped(visit: Visit, save: Save, tmp_path: Path, kind: str) -> None:
    x, y = small()
    paths = save(x, y)
    if kind == "one file":
        paths = [tmp_path / "both.npz"]
        np.savez(paths[0], image=x, text=y)
    visit.choose(*paths)
    before = visit.saved()
    visit.view.get_by_role("button", name="Swap the two").click()
    visit.done()
    after = visit.saved()
    assert after["modalities"] == ["text", "image"]
    assert after["recall"]["xy"] == before["recall"]["yx"]
    assert after["measures"]["gap_distance"] == NEAR(before["measures"]["gap_distance"])
    note = next(one for one in after["checks"] if one["name"] == "order of the files")
    assert note["state"] == "note"


def test_names_stay_with_their_files_when_these_are_swapped(visit: Visit, save: Save) -> None:
    visit.choose(*save(*small()))
    fields = visit.view.locator(".mindgap-embeddings-names input")
    for place, name in enumerate(("photos of dogs", "words")):
        fields.nth(place).fill(name)
        fields.nth(place).press("Enter")
    assert "photos of dogs and words" in visit.view.locator(SAID).inner_text()
    visit.view.get_by_role("button", name="Swap the two").click()
    visit.done()
    assert visit.saved()["modalities"] == ["words", "photos of dogs"]
    visit.view.get_by_role("button", name="Swap the two").click()
    visit.done()
    assert visit.saved()["modalities"] == ["photos of dogs", "words"]
    fields.nth(1).fill("photos of dogs")
    fields.nth(1).press("Enter")
    assert len(set(visit.saved()["modalities"])) == 2, "two that are called alike can be told apart"


def test_a_file_that_waits_is_not_lost_with_a_wrong_partner(visit: Visit, save: Save, tmp_path: Path) -> None:
    first, second = save(*small())
    wrong = tmp_path / "wrong.npy"
    np.save(wrong, np.ones((7, 5)))
    visit.choose(first)
    assert visit.choose(wrong).endswith("image.npy still waits for its partner; two files at once begin anew.")
    assert visit.choose(second).startswith("Done. 60 pairs of image and text")


def test_a_file_that_comes_while_the_sample_is_measured_begins_anew(visit: Visit, save: Save) -> None:
    first, _ = save(*small())
    visit.view.get_by_role("button", name=re.compile("Try the sample")).click()
    visit.view.wait_for_selector(".mindgap-embeddings-work:not([hidden])")
    assert visit.choose(first).startswith("image.npy holds one side")


def test_collapsed_and_repeated_rows_score_by_chance(visit: Visit, save: Save) -> None:
    x, y = small(n=40)
    x[:], y[20:] = x[0], y[:20]
    visit.choose(*save(x, y))
    found, wanted = visit.saved(), metrics.report(x, y)
    assert found["measures"]["recall_xy"] == NEAR(1 / 40)
    for key, value in found["measures"].items():
        assert value == (None if np.isnan(wanted[key]) else NEAR(wanted[key], abs=1e-4)), key
    assert found["measures"]["residual_pair_distance"] is None
    failed = {one["name"] for one in found["checks"] if one["state"] == "failed"}
    assert {"repeated rows of image", "repeated rows of text", "spread of image", "rows belong together"} <= failed
    assert not found["passed"]
    assert "checks failed: look at them first." in visit.view.locator(SAID).inner_text()


def test_rows_shifted_by_one_are_noticed(visit: Visit, save: Save) -> None:
    x, y = small()
    visit.choose(*save(x, np.roll(y, -1, axis=0)))
    table = shown(visit.view, "Checks that found something")
    (order,) = [cells for name, cells in table.items() if name.startswith("rows in order")]
    assert "One file starts 1 rows later than the other" in order[0]


def test_rows_of_any_length_are_measured_and_told(visit: Visit, save: Save, expected: dict[str, float]) -> None:
    x, y = (rows.astype("f8") for rows in small())
    x[3] *= 1e-200
    y[4] *= 1e200
    visit.choose(*save(x, y))
    assert_expected(visit, expected)
    assert "These rows are not of unit length" in visit.view.locator(RESULTS).inner_text()


def test_more_rows_than_are_taken(visit: Visit, save: Save) -> None:
    """What is linear stays exact; the rest is of samples, with intervals, and the same each time."""
    pairs = features("clip")
    whole = metrics.report(pairs.x, pairs.y)
    visit.view.evaluate("document.querySelector('.mindgap-embeddings').dataset.exact = 200")
    try:
        said = visit.choose(*save(pairs.x.numpy(), pairs.y.numpy()))
        found = visit.saved()
        text = visit.view.locator(RESULTS).inner_text()
        visit.choose(*save(pairs.x.numpy(), pairs.y.numpy()))
        assert visit.saved() == found
    finally:
        visit.view.evaluate("document.querySelector('.mindgap-embeddings').dataset.exact = 5000")
    assert found["sample"] == 100
    assert "are of 100 rows of each side against all" in said
    assert "drawn at random with seed 0" in text
    assert "Wilson's for recall" in text
    sampled = {key for key in found["measures"] if key.startswith(("recall_xy", "recall_yx", "median_rank"))}
    exact = set(found["measures"]) - sampled
    assert {key: found["measures"][key] for key in exact} == NEAR({key: whole[key] for key in exact}, abs=1e-4)
    inside = []
    for way in ("xy", "yx"):
        for k in ("1", "5", "10"):
            low, high = found["recall"][way]["intervals"][k]
            assert low < found["recall"][way][k] < high
            truth = made_recall(pairs, int(k))[way == "yx"]
            inside.append(low <= truth <= high)
    made = report.make(pairs).as_json()["valleys"]
    for mine, theirs in zip(found["valleys"], made, strict=True):
        low, high = mine["interval"]
        assert low <= mine["shift"] <= high
        inside.append(low - 0.01 <= theirs["shift"] <= high + 0.01)
        assert mine["loss_here"] == NEAR(theirs["loss_here"], rel=0.2)
    assert sum(inside) >= len(inside) - 2


# ---- hostile files


def header(descr: str, shape: str, extra: str = "", length: int | None = None) -> bytes:
    words = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, {extra}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(words) if length is None else length) + words


def npy(rows: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, rows, **options)
    return file.getvalue()


def npz(compress: bool = True, **arrays: Any) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(file, **arrays)
    return file.getvalue()


def patched(archive: bytes, offset: int, value: bytes) -> bytes:
    """An archive with other bytes in the first entry of its table of contents."""
    at = archive.index(b"PK\x01\x02") + offset
    return archive[:at] + value + archive[at + len(value) :]


def pt() -> bytes:
    file = io.BytesIO()
    torch.save(torch.ones(3, 4), file)
    return file.getvalue()


X, Y = (rows.astype("f4") for rows in small())
ONES = np.ones((60, 12), dtype="f4")
WITH_NAN, WITH_INF, WITH_ZEROS = X.copy(), X.copy(), X.copy()
WITH_NAN[3, 5], WITH_INF[59, 0], WITH_ZEROS[7] = np.nan, -np.inf, 0
PAIR = npz(image=X, text=Y)
STORED = npz(False, image=X, text=Y)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")

# A name, what is in the file, and the plain words that it gets; beside it comes a good file, unless it holds both.
HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "a huge header": (
        "x.npy",
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFF0) + b"{" * 100,
        "announces a header of 4,294,967,280 bytes, where about a hundred are usual",
    ),
    "a header that breaks off": ("x.npy", header("'<f4'", "(60, 12)", length=500), "breaks off within its header"),
    "a few bytes": ("x.npy", b"\x93NUMPY\x01", "breaks off within its header, after 7 bytes"),
    "version 9": ("x.npy", b"\x93NUMPY\x09\x00" + npy(X)[8:], "is a .npy file of version 9; there are versions 1 to 3"),
    "code in the header": (
        "x.npy",
        header("'<f4'", "(__import__('os').getpid(), 12)") + X.tobytes(),
        "has a header that says nothing of type, order and shape in numpy's way",
    ),
    "a key twice": (
        "x.npy",
        header("'<f4'", "(60, 12)", "'shape': (1, 12)") + X.tobytes(),
        "has a header that says nothing",
    ),
    "no dictionary": ("x.npy", b"\x93NUMPY\x01\x00\x10\x00" + b"alert(document)\n", "has a header that says nothing"),
    "Python objects": (
        "x.npy",
        npy(np.array([[1, {}]], dtype=object), allow_pickle=True),
        "holds Python objects, not numbers. To open such a file is to run what it says, so this page does not",
    ),
    "records": ("x.npy", npy(np.zeros(60, dtype=[("a", "<f4"), ("b", "<f4")])), "holds records with fields"),
    "whole numbers": (
        "x.npy",
        npy(np.ones((60, 12), dtype="i8")),
        "holds whole numbers (numpy's type <i8), and embeddings are",
    ),
    "complex numbers": ("x.npy", npy(np.ones((60, 12), dtype="c8")), "holds complex numbers (numpy's type <c8)"),
    "text": ("x.npy", npy(np.array([["a", "b"]])), "holds text (numpy's type <U1)"),
    "bfloat16, as numpy saves it": (
        "x.npy",
        npy(np.zeros((60, 12), dtype="V2")),
        "holds records of raw bytes (numpy's type |V2)",
    ),
    "truncated": (
        "x.npy",
        npy(X)[:-4],
        "promises 60 × 12 numbers of 4 bytes, 2,880 bytes in all, and has only 2,876: it was cut short",
    ),
    "over-long": ("x.npy", npy(X) + b"more", "2,880 bytes in all, and has 2,884: there is more than it says"),
    "a lie about the shape": (
        "x.npy",
        header("'<f4'", "(600, 12)") + X.tobytes(),
        "promises 600 × 12 numbers of 4 bytes, 28,800",
    ),
    "a shape beyond all numbers": (
        "x.npy",
        header("'<f4'", "(1000000000000, 1000000000000)") + X.tobytes(),
        "promises 1,000,000,000,000 × 1,000,000,000,000 numbers, which no computer holds",
    ),
    "a negative shape": ("x.npy", header("'<f4'", "(-60, 12)") + X.tobytes(), "has a header that says nothing"),
    "NaN": (
        "x.npy",
        npy(WITH_NAN),
        "x.npy: row 3, column 5 (counted from 0) is NaN, not a number. Every number must be finite",
    ),
    "infinity": ("x.npy", npy(WITH_INF.astype("f2")), "x.npy: row 59, column 0 (counted from 0) is infinite"),
    "a row of zeros": ("x.npy", npy(WITH_ZEROS), "x.npy: row 7 (counted from 0) is all zeros, and has no direction"),
    "other rows": (
        "x.npy",
        npy(X[:59]),
        "row i of one must belong with row i of the other, but there are 59 rows and 60",
    ),
    "other dimensions": ("x.npy", npy(X[:, :11]), "both must have as many dimensions, but there are 11 and 12"),
    "one dimension": ("x.npy", npy(X[0]), "x.npy has the shape 12. Expected is a matrix, a row for each embedding"),
    "a single number": ("x.npy", npy(np.float32(1)), "x.npy has the shape a single number. Expected is a matrix"),
    "no rows": ("both.npy", npy(np.zeros((2, 0, 12), dtype="f4")), "at least two pairs are needed, and there is none"),
    "one pair": ("both.npy", npy(np.ones((2, 1, 12), dtype="f4")), "at least two pairs are needed, and there is one"),
    "no columns": ("both.npy", npy(np.zeros((2, 5, 0), dtype="f4")), "the rows have no numbers in them"),
    "empty": ("x.npy", b"", "x.npy is empty"),
    "a .pt": (
        "model.pt",
        pt(),
        "model.pt is a file of PyTorch, or another pickle. To open such a file is to run what it says",
    ),
    "a pickle called .npy": ("x.npy", pickle.dumps([1.0]), "is a file of PyTorch, or another pickle"),
    "a picture": (
        "photo.png",
        PNG,
        "photo.png is a picture (PNG). Expected are embeddings as numpy saves them: .npy or .npz",
    ),
    "a picture called .npy": ("x.npy", PNG, "x.npy is a picture (PNG)"),
    "a table of text": ("x.csv", b"0.1,0.2\n0.3,0.4\n", "x.csv is text. Expected are embeddings as numpy saves them"),
    "safetensors": (
        "x.safetensors",
        struct.pack("<Q", 2) + b"{}",
        "is a safetensors file, which this page does not read",
    ),
    "something else": ("x.npy", bytes(range(200, 256)) * 4, "x.npy is of no kind that this page knows"),
    "a bomb": (
        "both.npz",
        patched(PAIR, 24, struct.pack("<I", 2**31)),
        "would unfold to 2,147.5 MB; this page reads up to 268.4 MB",
    ),
    "a bomb that plays small": (
        "both.npz",
        patched(npz(image=np.zeros((9999, 99), "f4"), text=Y), 24, struct.pack("<I", 3000)),
        "its member image.npy unfolds to more than the 3,000 bytes that it says",
    ),
    "ZIP64": ("both.npz", patched(PAIR, 24, b"\xff" * 4), "in the format for more than 4 GB (ZIP64)"),
    "encrypted": ("both.npz", patched(PAIR, 8, b"\x01\x00"), "both.npz is encrypted. Save it without a password"),
    "another compression": (
        "both.npz",
        patched(PAIR, 10, b"\x0e\x00"),
        "in a way that numpy does not use (zip method 14)",
    ),
    "a damaged member": ("both.npz", PAIR[:200] + b"\x00" * 20 + PAIR[220:], "its member image.npy is damaged"),
    "a changed number": (
        "both.npz",
        STORED.replace(X[5].tobytes(), Y[5].tobytes()),
        "its member image.npy is damaged",
    ),
    "a zip cut short": ("both.npz", PAIR[:-30], "is a zip file whose table of contents is damaged or cut off"),
    "members elsewhere": ("both.npz", patched(PAIR, 42, struct.pack("<I", 2**30)), "its member image.npy is damaged"),
    "three matrices": (
        "both.npz",
        npz(a=X, b=Y, c=X),
        "holds 3 matrices (a 60 × 12, b 60 × 12, c 60 × 12), and two are expected",
    ),
    "an archive of no arrays": ("both.npz", b"PK\x05\x06" + b"\x00" * 18, "is a zip file without a .npy file in it"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("good")
    paths = [folder / "image.npy", folder / "text.npy"]
    for path, rows in zip(paths, (X, Y), strict=True):
        np.save(path, rows)
    return paths


def assert_nothing_is_kept(view: Page) -> None:
    expect(view.locator(RESULTS)).to_be_hidden()
    assert view.locator(RESULTS).inner_html() == ""
    expect(view.locator(".mindgap-embeddings-names")).to_be_hidden()
    expect(view.get_by_role("button", name="Swap the two")).to_be_hidden()


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_gets_plain_words(visit: Visit, good: list[Path], tmp_path: Path, case: str) -> None:
    if visit.view.locator(RESULTS).is_hidden():
        assert visit.choose(*good).startswith("Done.")
    name, content, words = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(content)
    said = visit.choose(*([path] if name.startswith("both") else [path, good[1]]))
    assert words in said
    assert "should not have happened" not in said
    assert_nothing_is_kept(visit.view)
    # Nor does what was refused wait for a partner.
    assert "holds one side" in visit.choose(good[0])
    assert visit.choose(good[1]).startswith("Done.")


def test_300_megabytes_are_not_even_read(visit: Visit, good: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    said = visit.choose(path, good[1])
    assert said.startswith("large.npy has 300 MB; this page reads files up to 268.4 MB.")
    assert "mindgap report" in said
    assert_nothing_is_kept(visit.view)


def test_three_files_and_one_too_many(visit: Visit, good: list[Path], tmp_path: Path) -> None:
    assert visit.choose(*good, good[0]) == "3 files came, and two are needed: one of each modality."
    assert_nothing_is_kept(visit.view)
    (tmp_path / "both.npz").write_bytes(PAIR)
    assert "both.npz holds both sides itself." in visit.choose(tmp_path / "both.npz", good[0])


def test_names_are_text_and_nothing_else(visit: Visit, save: Save) -> None:
    names = ("<img src=x onerror=alert(1)>", "'+alert(2)+'\"{{x}}")
    x, y = small()
    visit.choose(*save(x, y, names))
    holder = visit.view.locator(".mindgap-embeddings")
    fields = [holder.get_by_label(f"Name of the {which}") for which in ("first", "second")]
    assert [field.input_value() for field in fields] == list(names)
    assert names[0] in holder.inner_text()
    assert holder.locator("img").count() == 0
    projection = visit.view.locator(f"{RESULTS} .mindgap-figure").first
    projection.scroll_into_view_if_needed()
    visit.view.wait_for_function(DRAWN, arg=projection.element_handle())
    drawn = projection.locator("svg").first.text_content() or ""
    assert "<img src=x" in drawn  # as far as there is room
    assert f"■ {names[1][:12]}" in drawn
    assert visit.saved()["modalities"] == list(names)


def test_names_can_be_changed(visit: Visit, good: list[Path]) -> None:
    visit.choose(*good)
    field = visit.view.get_by_label("Name of the first")
    field.fill("<b>sketch</b>")
    field.press("Enter")
    field.blur()
    expect(visit.view.locator(f"{RESULTS} h2")).to_have_text("<b>sketch</b> and text")
    assert "R@1, <b>sketch</b> to text" in shown(visit.view, "Every measure")
    assert visit.saved()["modalities"] == ["<b>sketch</b>", "text"]


# ---- in everyone's hands


def test_a_picture_is_saved(visit: Visit, good: list[Path]) -> None:
    visit.choose(*good)
    for figure in visit.view.locator(f"{RESULTS} figure").all():
        figure.scroll_into_view_if_needed()
        visit.view.wait_for_function(DRAWN, arg=figure.locator(".mindgap-figure").element_handle())
        with visit.view.expect_download() as download:
            figure.get_by_role("button", name="Save as PNG").click()
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", content[16:24])
        assert 800 < width < 3000
        assert 400 < height < 3000
        assert len(content) > 5000


def test_nothing_leaves_the_page(visit: Visit, good: list[Path]) -> None:
    visit.asked.clear()
    visit.view.context.set_offline(True)
    try:
        assert visit.choose(*good).startswith("Done.")
        visit.saved()
    finally:
        visit.view.context.set_offline(False)
    assert [url for url in visit.asked if not url.startswith(("blob:", "data:"))] == []


def test_the_sample_lies_beside_the_page(visit: Visit) -> None:
    visit.asked.clear()
    button = visit.view.get_by_role("button", name=re.compile("Try the sample"))
    button.focus()
    visit.view.keyboard.press("Enter")
    assert visit.done().startswith("Done. 500 pairs of image and text, 512 dimensions: gap distance 0.851")
    own = [url for url in visit.asked if not url.startswith(("blob:", "data:"))]
    assert own == [f"{SITE.as_uri()}/_static/mindgap-sample.js"] or own == []
    text = (SITE / "_static/mindgap-sample.js").read_text(encoding="utf-8")
    assert "Permission is hereby granted, free of charge" in text


def test_large_files_leave_the_page_at_hand_and_can_be_cancelled(visit: Visit, save: Save) -> None:
    """5,000 × 1,024: what the page's own thread does while the worker computes takes less than half a second in all."""
    random = np.random.default_rng(0)
    x = random.standard_normal((5000, 1024), dtype="f4")
    paths = save(x, x + random.standard_normal((5000, 1024), dtype="f4"), ("one", "other"))
    view = visit.view
    session = view.context.new_cdp_session(view)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return float(found["TaskDuration"])

    before = busy()
    view.set_input_files("#mindgap-files", [str(path) for path in paths])
    step = view.locator(".mindgap-embeddings-step")
    expect(step).to_contain_text("Cosines of all pairs", timeout=2000 * HANG)
    view.wait_for_timeout(1500)
    assert busy() - before < 0.5
    bar = view.get_by_role("progressbar")
    assert 0 <= float(bar.get_attribute("value") or 0) < 1
    assert re.fullmatch(r"Cosines of all pairs: \d+ %", step.inner_text())
    assert len(view.workers) == 1
    view.get_by_role("button", name="Cancel").click()
    assert view.locator(SAID).inner_text() == "Cancelled. Nothing was kept."
    expect(view.locator(".mindgap-embeddings-work")).to_be_hidden(timeout=1000)
    # The page is rid of it at once; the browser gives a busy worker two seconds before it ends it.
    deadline = time.monotonic() + HANG
    while view.workers and time.monotonic() < deadline:
        view.wait_for_timeout(50)
    assert view.workers == []
    assert_nothing_is_kept(view)
    assert view.evaluate("document.activeElement.id") == "mindgap-files"


@pytest.mark.parametrize("width", [1280, 360])
def test_everyone_can_use_the_results(browser: Browser, good: list[Path], width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    visit = Visit(context)
    view = visit.view
    for state in ("empty", "refused", "done"):
        if state == "refused":
            visit.choose(*good, good[0])
        elif state == "done":
            visit.choose(*good)
            for figure in view.locator(f"{RESULTS} .mindgap-figure").all():
                figure.scroll_into_view_if_needed()
                view.wait_for_function(DRAWN, arg=figure.element_handle())
            view.locator(f"{RESULTS} summary").first.click()
        assert view.evaluate("document.documentElement.scrollWidth") <= width, f"{state}: the page scrolls sideways"
        turn(view, "light")
        assert grave(view) == []
        turn(view, "dark")
        assert grave(view, only_colours=True) == []
        if state == "done":
            for figure in view.locator(f"{RESULTS} .mindgap-figure").all():
                expect(figure).to_have_attribute("data-drawn", "dark")
        view.evaluate("document.documentElement.dataset.theme = 'light'")
    status = view.get_by_role("status").filter(has_text="Done.")
    expect(status).to_have_count(1)
    cut = view.evaluate(
        "[...document.querySelectorAll('.mindgap-figure')].filter(f => f.scrollWidth > f.clientWidth + 1).length"
    )
    assert cut == 0
    bars = "[...document.querySelectorAll('.vega-bindings:empty')].filter(bar => bar.offsetHeight).length"
    assert view.evaluate(bars) == 0, "a bar without controls lies over a figure"
    context.close()


def test_without_javascript_the_page_says_what_is_needed(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto((SITE / PAGE).as_uri())
    # Playwright takes what is in <noscript> for hidden, whatever the browser shows.
    shown = "one => [one.textContent, one.getBoundingClientRect().height]"
    words, height = view.locator(".mindgap-embeddings noscript p").evaluate(shown)
    assert "needs JavaScript. In a shell, mindgap report image.npy text.npy writes" in words
    assert height > 10
    expect(view.locator(".mindgap-drop")).to_be_hidden()
    context.close()


def test_the_page_works_over_http(browser: Browser, good: list[Path]) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        visit = Visit(context, f"http://127.0.0.1:{server.server_port}")
        assert visit.choose(*good).startswith("Done.")
        visit.view.get_by_role("button", name=re.compile("Try the sample")).click()
        visit.view.wait_for_function(f"/^Done. 500/.test(document.querySelector('{SAID}').textContent)")
        assert visit.watch.errors == []
        assert visit.watch.outside == []
        context.close()
        server.shutdown()
