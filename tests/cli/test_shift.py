"""`mindgap shift`: the file it writes is what `geometry.shift` makes, and a source again."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import torch

from mindgap import gap_distance, load_pairs, recall_at_k
from mindgap import shift as shifted
from tests.cli.conftest import Invoke, assert_one_line


@pytest.mark.parametrize("out", ["out.npz", "out.safetensors"])
def test_what_is_written_is_the_shift(mindgap: Invoke, tmp_path: Path, out: str) -> None:
    ran = mindgap("shift", "clip", "--n", 60, "--by", ".4", "-o", out)
    assert (ran.exit_code, ran.stderr) == (0, ""), ran.output
    pairs, found = load_pairs("clip").take(60), load_pairs(tmp_path / out)
    x, y = shifted(pairs.x, pairs.y, 0.4)
    assert torch.equal(found.x, x)
    assert torch.equal(found.y, y)
    (row,) = [line for line in ran.stdout.splitlines() if "gap distance" in line]
    before, after = (float(word) for word in row.split() if word[0].isdigit())
    assert before == pytest.approx(gap_distance(pairs.x, pairs.y), abs=1e-4)
    assert after == pytest.approx(gap_distance(x, y), abs=1e-4)


def test_other_modalities_can_be_read_again(mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mindgap import pairs

    clip = load_pairs("clip").take(20)
    clip_as_video = pairs.PairedEmbeddings(clip.x, clip.y, "mine", ("video", "text"), "nowhere")
    monkeypatch.setattr(pairs, "load_pairs", lambda *_, **__: clip_as_video)
    assert mindgap("shift", "clip", "--by", "0", "-o", "v.npz").exit_code == 0
    monkeypatch.undo()
    assert load_pairs(tmp_path / "v.npz").x.shape == (20, 512)


def test_json_and_csv(mindgap: Invoke) -> None:
    pairs = load_pairs("clip").take(60)
    found = json.loads(mindgap("shift", "clip", "--n", 60, "--by", "-.5", "-o", "a.npz", "--json").stdout)
    assert (found["shift"], found["output"]) == (-0.5, "a.npz")
    assert found["before"]["recall_xy"] == recall_at_k(pairs.x, pairs.y)
    rows = list(csv.DictReader(io.StringIO(mindgap("shift", "clip", "--by", "1", "-o", "b.npz", "--csv").stdout)))
    assert [row["shift"] for row in rows] == ["0.0", "1.0"]


@pytest.mark.parametrize(("words", "said"), [
    (["--by", "nan", "-o", "x.npz"], "amount: expected a finite number"),
    (["--by", ".5", "-o", "x.npy"], "expected a name ending in .npz or .safetensors"),
    (["--by", ".5", "-o", "absent/x.npz"], "no folder 'absent'"),
])  # fmt: skip
def test_bad_input_is_one_line(mindgap: Invoke, tmp_path: Path, words: list[str], said: str) -> None:
    assert_one_line(mindgap("shift", "clip", *words), said)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_kept_unless_forced(mindgap: Invoke, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"mine")
    assert_one_line(mindgap("shift", "clip", "--by", ".5", "-o", "x.npz"), "exists already")
    assert (tmp_path / "x.npz").read_bytes() == b"mine"
    assert mindgap("shift", "clip", "--by", ".5", "-o", "x.npz", "--force").exit_code == 0
    assert len(load_pairs(tmp_path / "x.npz")) == 500
