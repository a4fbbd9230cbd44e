"""Experiments of many trainings: what they vary, resuming, files, and the starts they need."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from mindgap import _files, experiments, miniclip, results, training
from mindgap.experiments import Sweep
from mindgap.recipe import Recipe, from_json
from mindgap.training import _steps

STEPS = 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of an experiment whose runs measured themselves on 64 held-out scenes."""
    out = tmp_path_factory.mktemp("sweep") / "starts.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_steps, "HELD_OUT", 64)
        experiments.run("initialisation", out, seeds=[3], steps=STEPS, progress=False)
    return out


class TestWhatIsPlanned:
    @pytest.mark.parametrize(("experiment", "runs"), [
        ("temperature", 7), ("finetune", 12), ("initialisation", 2), ("long", 2), ("slow", 2), ("mismatch", 10),
        ("captions", 8), ("modality", 4), ("since", 6),
    ])  # fmt: skip
    def test_every_experiment_has_its_runs_for_every_seed(self, experiment: str, runs: int) -> None:
        found = experiments.planned(experiment, [0, 7], 50)
        assert len(found) == 2 * runs
        assert {run.recipe.seed for run in found} == {0, 7}
        assert all(run.recipe.steps == 50 and run.labels["seed"] == run.recipe.seed for run in found)
        varied = [json.dumps(run.labels, sort_keys=True) for run in found]
        assert len(set(varied)) == len(found)

    def test_labels_say_what_recipes_do(self) -> None:
        for experiment in experiments.EXPERIMENTS:
            for run in experiments.planned(experiment, [0], 10):
                for name in ("temperature", "start", "mismatch", "modalities"):
                    assert run.labels.get(name, getattr(run.recipe, name)) == getattr(run.recipe, name)
                if "way" not in run.labels:
                    assert run.labels.get("learned", False) == run.recipe.learn_temperature

    def test_temperatures_are_the_papers(self) -> None:
        runs = experiments.planned("temperature", [0], 10)
        assert [run.recipe.temperature for run in runs[:-1]] == [1 / 100, 1 / 50, 1 / 30, 1 / 20, 1 / 10, 1]
        assert runs[-1].recipe.learn_temperature

    def test_each_way_since_differs_from_the_first_in_what_its_name_says(self) -> None:
        first, *others = experiments.planned("since", [0], 10)
        changed = [
            {name for name, value in asdict(run.recipe).items() if value != asdict(first.recipe)[name]}
            for run in others
        ]
        learned = {"temperature", "learn_temperature"}
        assert changed == [learned, {"cool_from"}, {"shared"}, {"loss", *learned}, {"loss"}]

    def test_quick_keeps_two_temperatures(self) -> None:
        runs = experiments.planned("temperature", [0], 10, quick=True)
        assert [run.recipe.temperature for run in runs] == [1 / 100, 1 / 10]
        assert len(experiments.planned("initialisation", [0], 10, quick=True)) == 2

    def test_no_seeds_are_refused(self) -> None:
        with pytest.raises(ValueError, match="seeds: expected at least one, got none"):
            experiments.planned("temperature", [], 10)

    @pytest.mark.parametrize(("field", "value", "words"), [
        ("seeds", 0, "seeds: expected a whole number at least 1, got 0"),
        ("first_seed", -1, "first_seed: expected a whole number at least 0, got -1"),
        ("steps", 0, "steps: expected a whole number at least 1, got 0"),
        ("experiment", "modalities", "experiment: unknown name 'modalities'; did you mean 'modality'"),
    ])  # fmt: skip
    def test_settings_name_what_is_wrong(self, field: str, value: Any, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            experiments.Settings(**{field: value})

    def test_an_unknown_experiment_has_near_matches(self) -> None:
        with pytest.raises(ValueError, match="experiment: unknown name 'temperatures'; did you mean 'temperature'"):
            experiments.planned("temperatures", [0], 10)


class TestStarts:
    def test_fine_tuning_starts_from_the_shipped_weights_at_another_temperature(self) -> None:
        shipped = miniclip.load("0.01").model.state_dict()
        model = miniclip.build(Recipe(start="mini", temperature=0.1, seed=4))
        state = model.state_dict()
        assert float(state["logit_scale"].exp()) == pytest.approx(10)
        assert all(torch.equal(state[name], value) for name, value in shipped.items() if name != "logit_scale")

    def test_other_towers_cannot_start_from_them(self) -> None:
        with pytest.raises(ValueError, match="start: 'mini' needs the towers of the shipped model"):
            miniclip.build(Recipe(start="mini", width=32))


@pytest.mark.usefixtures("few_held_out")
class TestFile:
    def test_rows_are_those_of_single_trainings(self, finished: Path) -> None:
        found = Sweep(finished)
        table = found.history()
        assert set(table["start"]) == {"random", "aligned"}
        assert set(table["step"]) == {0, 1, 2}
        alone = training.train(Recipe(steps=STEPS, seed=3), progress=False)
        rows = table[table["start"] == "random"].reset_index(drop=True)
        for name in ("loss", "gap", "image_to_text", "alignment", "text_rank", "image_uniformity"):
            expected = [getattr(row, name) for row in alone.history]
            assert rows[name].tolist() == pytest.approx(expected, rel=1e-3, abs=1e-6), name
        assert found.last()["step"].tolist() == [STEPS, STEPS]

    def test_alignment_at_the_start_closes_the_gap(self, finished: Path) -> None:
        first = Sweep(finished).history().query("step == 0").set_index("start")["gap"]
        assert first["random"] > 1
        assert first["aligned"] < 0.3

    def test_an_interrupted_experiment_goes_on_and_ends_the_same(
        self, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[str] = []
        train = training.train

        def interrupted(recipe: Recipe, **options: Any) -> Any:
            calls.append(recipe.start)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return train(recipe, **options)

        monkeypatch.setattr(training, "train", interrupted)
        out = tmp_path / "starts.json"
        with pytest.raises(KeyboardInterrupt):
            experiments.run("initialisation", out, [3], STEPS, progress=False)
        assert not out.exists()
        assert list(experiments.finished("initialisation", out, [3], STEPS)) == [0]
        with pytest.raises(ValueError, match=r"unfinished run of another recipe.*steps 2 there, 9 here"):
            experiments.run("initialisation", out, [3], 9, progress=False)
        experiments.run("initialisation", out, [3], STEPS, progress=False)
        assert calls == ["random", "aligned", "aligned"]
        assert out.read_bytes() == finished.read_bytes()
        assert [path.name for path in tmp_path.iterdir()] == ["starts.json"]

    def test_side_by_side_is_the_same_table(self, finished: Path, tmp_path: Path) -> None:
        out = tmp_path / "together.json"
        experiments.run("initialisation", out, seeds=[3], steps=STEPS, together=True, progress=False)
        alone, beside = Sweep(finished).history(), Sweep(out).history()
        assert alone["start"].tolist() == beside["start"].tolist()
        for name in ("loss", "gap", "alignment", "image_cosine"):
            assert beside[name].tolist() == pytest.approx(alone[name].tolist(), abs=2e-3), name

    def test_nothing_is_overwritten(self, finished: Path) -> None:
        before = finished.read_bytes()
        with pytest.raises(FileExistsError, match="exists already"):
            experiments.run("initialisation", finished, [3], STEPS, progress=False)
        assert finished.read_bytes() == before

    def test_nor_is_what_another_writes_meanwhile(
        self, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "starts.json"

        def beside(*_: Any, **__: Any) -> dict[str, str]:
            out.write_text("mine")
            return versions

        versions = json.loads(finished.read_bytes())["versions"]
        with monkeypatch.context() as during:
            during.setattr(_files, "versions", beside)
            with pytest.raises(FileExistsError, match="exists already"):
                experiments.run("initialisation", out, [3], STEPS, progress=False)
        assert out.read_text() == "mine"
        experiments.run("initialisation", out, [3], STEPS, force=True, progress=False)  # goes on from what was kept
        assert out.read_bytes() == finished.read_bytes()

    @pytest.mark.parametrize("content", ["{", "[]", '{"runs": []}'])
    def test_another_file_is_refused(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "sweep.json"
        path.write_text(content)
        with pytest.raises(ValueError, match="expected a file of `mindgap sweep`"):
            Sweep(path)


@pytest.fixture(scope="module")
def committed() -> Sweep:
    return Sweep(results.path("sweep_temperature.json"))


class TestCommitted:
    """The committed tables: what they hold, and one row once more."""

    @pytest.mark.parametrize(("experiment", "runs", "seeds"), [
        ("temperature", 7, 5), ("initialisation", 2, 5), ("long", 2, 3), ("slow", 2, 1), ("finetune", 12, 3),
        ("mismatch", 10, 3), ("captions", 8, 3), ("modality", 4, 3),
        ("since", 6, 3),
    ])  # fmt: skip
    def test_a_table_is_its_whole_experiment(self, experiment: str, runs: int, seeds: int) -> None:
        table = Sweep(results.path(f"sweep_{experiment}.json"))
        assert table.data["experiment"] == experiment
        assert len(table.runs) == seeds * runs
        planned = experiments.planned(experiment, table.data["seeds"], table.data["steps"])
        assert [run["labels"] for run in table.runs] == [run.labels for run in planned]
        given = [from_json(run["recipe"]) for run in table.runs]
        assert given == [run.recipe for run in planned]

    def test_the_same_run_is_the_same_in_both_tables(self, committed: Sweep) -> None:
        one = committed.last().query("temperature == 0.01")["gap"].tolist()
        other = Sweep(results.path("sweep_initialisation.json")).last().query("start == 'random'")["gap"].tolist()
        assert one == pytest.approx(other, abs=0.02)

    def test_fine_tuning_closes_the_gap_with_the_temperature_in_every_series(self) -> None:
        last = Sweep(results.path("sweep_finetune.json")).last()
        series = last.pivot_table(index=["learned", "seed"], columns="temperature", values="gap")
        assert series.shape == (6, 6)
        assert (series.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
        assert (last["image_to_text"] > 0.75).all()

    def test_the_gap_falls_with_the_temperature_in_every_seed(self, committed: Sweep) -> None:
        fixed = committed.last().query("not learned").pivot_table(index="seed", columns="temperature", values="gap")
        assert (fixed.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)

    def test_every_run_retrieves_far_above_chance(self, committed: Sweep) -> None:
        assert (committed.last()["image_to_text"] > 20 / _steps.HELD_OUT).all()

    @pytest.mark.parametrize(("experiment", "labels", "until"), [
        # Two text towers, the cheapest of all runs: its gap closes, from 1.20 to .19, within thirty steps.
        ("modality", {"modalities": "text-text", "temperature": 0.1, "seed": 0}, 30),
        # The image tower too, as far as it is cheap; what follows are the same steps.
        ("temperature", {"temperature": 0.1, "learned": False, "seed": 0}, 5),
        ("slow", {"start": "aligned", "seed": 0}, 5),
        # The longest runs of all, as far as the gap of aligned towers opens and begins to close.
        ("long", {"start": "aligned", "seed": 0}, 30),
    ])  # fmt: skip
    def test_a_row_is_reproduced(self, experiment: str, labels: dict[str, Any], until: int) -> None:
        """A run of the committed table, begun again: every number of every look as far as it goes."""
        table = Sweep(results.path(f"sweep_{experiment}.json"))
        (run,) = (run for run in table.runs if run["labels"] == labels)
        wanted = [row for row in run["history"] if row[0] <= until]
        recipe = from_json(run["recipe"])
        again = training.train(recipe, progress=False, watch=lambda _model, step, _measured: step == until).history
        assert [look.step for look in again] == [row[0] for row in wanted]
        for look, row in zip(again, wanted, strict=True):
            for name, value in zip(table.columns, row, strict=True):
                # Other processors round differently, and training amplifies it: a little in so few steps.
                assert getattr(look, name) == pytest.approx(value, rel=0.02, abs=5e-3), (look.step, name)
