"""The experiment of many initialisations: resuming, files, tables, and the committed results."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mindgap import _files, _unfinished, cones, geometry, recipe, results, seeds, towers
from mindgap.seeds import Cones, SeedsRecipe
from tests.conftest import Embedded

SMALL = ("ViT-S-32-alt:image", "ViT-S-32-alt:text")
RECIPE = SeedsRecipe(towers=SMALL, inputs=("noise",), seeds=3, n=6, shown=4)
COMMITTED = results.path("cones.json")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cones") / "cones.json"
    seeds.run(RECIPE, out, progress=False)
    return out


def test_the_file_holds_what_an_independent_computation_finds(finished: Path) -> None:
    found = Cones(finished)
    clouds = {tower: np.stack([e[tower] for _, e in towers.embed_seeds(SMALL, range(3), n=6)]) for tower in SMALL}
    unit = {tower: c / np.linalg.norm(c, axis=2, keepdims=True) for tower, c in clouds.items()}
    for tower in SMALL:
        off_diagonal = ~np.eye(6, dtype=bool)
        table = found.cosines().query("tower == @tower")
        for seed in range(3):
            cosines = (unit[tower][seed] @ unit[tower][seed].T)[off_diagonal]
            row = table[table.seed == seed].iloc[0]
            assert (row["mean"], row["std"], row["min"]) == pytest.approx(
                (cosines.mean(), cosines.std(), cosines.min()), abs=2e-5
            )
        pooled = unit[tower].reshape(18, -1).astype(float)
        pooled = pooled - pooled.mean(axis=0)
        singular = np.linalg.svd(pooled, compute_uv=False)
        values = found.singular_values().query("tower == @tower")["value"].to_numpy()
        np.testing.assert_allclose(values[:10], singular[:10], rtol=1e-3)
        points = found.points().query("tower == @tower")[["PCA 1", "PCA 2"]].to_numpy().reshape(3, 4, 2)
        spread = np.linalg.norm(points, axis=2)  # distances to the centre do not depend on the axes' signs
        axes = np.linalg.svd(pooled)[2][:2]
        expected = np.linalg.norm((pooled @ axes.T).reshape(3, 6, 2)[:, :4], axis=2)
        np.testing.assert_allclose(spread, expected, atol=2e-3)
        assert found.clouds["noise"][tower]["variance_share"] == pytest.approx(
            cones.variance_share(clouds[tower]), abs=1e-3
        )
        histogram = found.histogram("noise", tower)
        assert int(histogram.counts.sum()) == 3 * 6 * 5
    means = [unit[tower][seed].mean(axis=0) for tower in SMALL for seed in range(3)]
    gaps = found.gaps("noise")
    assert len(gaps) == 15
    own = gaps.query("tower == other and tower == @SMALL[1] and seed == 0 and other_seed == 2")["gap"].item()
    assert found.gap_matrices()["noise"][SMALL[1]][2][0] == own
    names = [(tower, seed) for tower in SMALL for seed in range(3)]
    for row in gaps.itertuples():
        a, b = means[names.index((row.tower, row.seed))], means[names.index((row.other, row.other_seed))]
        assert row.gap == pytest.approx(np.linalg.norm(a - b), abs=1e-3)


def test_an_interrupted_run_goes_on_and_ends_the_same(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []

    def interrupted(names: Any, wanted: list[int], *rest: Any, **more: Any) -> Iterator[Any]:
        asked.append(list(wanted))
        for number, found in enumerate(towers.embed_seeds(names, wanted, *rest, **more)):
            if len(asked) == 1 and number == 2:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(seeds, "embed_seeds", interrupted)
    out = tmp_path / "cones.json"
    with pytest.raises(KeyboardInterrupt):
        seeds.run(RECIPE, out, progress=False)
    assert not out.exists()
    seeds.run(RECIPE, out, progress=False)
    assert asked == [[0, 1, 2], [2]]
    assert out.read_bytes() == finished.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["cones.json"]


def test_nothing_is_overwritten_or_mixed(finished: Path, tmp_path: Path) -> None:
    before = finished.read_bytes()
    with pytest.raises(FileExistsError, match="exists already"):
        seeds.run(RECIPE, finished, progress=False)
    assert finished.read_bytes() == before
    out = tmp_path / "cones.json"
    other = json.loads(json.dumps({"recipe": {**json.loads(before)["recipe"], "n": 7}}))
    _files.write_tensors(_unfinished.working_path(out), other, {"noise/0/x": torch.ones(2, 2)})
    with pytest.raises(ValueError, match=r"unfinished run of another recipe.*n 7 there, 6 here"):
        seeds.run(RECIPE, out, progress=False)
    seeds.run(RECIPE, out, force=True, progress=False)
    assert out.read_bytes() == before


def test_what_another_writes_meanwhile_is_kept(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "cones.json"

    def beside(*_: Any) -> dict[str, Any]:
        out.write_text("mine")
        return {}

    with monkeypatch.context() as during:
        during.setattr(seeds, "summary", beside)
        with pytest.raises(FileExistsError, match="exists already"):
            seeds.run(RECIPE, out, progress=False)
    assert out.read_text() == "mine"
    seeds.run(RECIPE, out, force=True, progress=False)  # goes on from what was kept
    assert out.read_bytes() == finished.read_bytes()


def test_spheres_of_different_dimension_have_no_gap() -> None:
    found = seeds.gap_matrix([torch.ones(2).double(), torch.zeros(2).double(), torch.ones(3).double()])
    assert found[0, 1] == pytest.approx(2**0.5)
    assert found[0, 2].isnan()


@pytest.mark.filterwarnings("ignore")  # of numba and of a numerical corner in umap-learn
def test_umap_keeps_seeds_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import umap

    # 36 points are embedded in a second; to compile what finds their neighbours takes many.
    for name, function in vars(umap.umap_).items():
        if hasattr(function, "py_func"):
            monkeypatch.setattr(umap.umap_, name, function.py_func)
    fit, threads = umap.UMAP.fit_transform, torch.get_num_threads()

    def fit_with_more_threads(*given: Any) -> Any:
        placed = fit(*given)
        torch.set_num_threads(threads + 1)  # as compiled loops can
        return placed

    monkeypatch.setattr(umap.UMAP, "fit_transform", fit_with_more_threads)
    out = tmp_path / "cones.json"
    recipe = SeedsRecipe(towers=("resnet18",), inputs=("noise",), seeds=3, n=12, shown=12, umap=True)
    seeds.run(recipe, out, progress=False)
    assert torch.get_num_threads() == threads
    points = Cones(out).points()
    assert list(points.columns) == ["inputs", "tower", "seed", "PCA 1", "PCA 2", "UMAP 1", "UMAP 2"]
    clusters = points.groupby("seed")[["UMAP 1", "UMAP 2"]]
    centres, widths = clusters.mean().to_numpy(), clusters.std().to_numpy()
    apart = [np.linalg.norm(centres[a] - centres[b]) for a in range(3) for b in range(a)]
    assert min(apart) > 3 * widths.max()


@pytest.fixture(scope="module")
def found() -> Cones:
    return Cones(COMMITTED)


class TestCommitted:
    """The file of the book: what it claims, and that this machine's towers still say so."""

    def test_it_is_the_experiment_of_the_paper(self, found: Cones) -> None:
        recipe = dict(found.recipe)
        assert (recipe["seeds"], tuple(recipe["towers"])) == (25, towers.TOWERS)
        assert sorted(recipe["inputs"]) == sorted(towers.INPUTS)
        assert set(found.data["versions"]) >= {"torch", "torchvision", "open_clip_torch"}
        assert COMMITTED.stat().st_size < 400_000

    @pytest.mark.parametrize("kind", towers.INPUTS)
    def test_a_seed_is_reproduced(self, found: Cones, kind: str, noise_embeddings: dict[int, Embedded]) -> None:
        n = found.recipe["n"]
        again = noise_embeddings if kind == "noise" else dict(towers.embed_seeds(seeds=[3], inputs=kind, n=n))
        assert all(len(embeddings) == n for one in again.values() for embeddings in one.values())
        table = found.cosines().query("inputs == @kind").set_index(["tower", "seed"])["mean"]
        for seed, one in again.items():
            for tower, embeddings in one.items():
                assert geometry.mean_cosine(embeddings.double()) == pytest.approx(table[tower, seed], abs=1e-4)
        seeds = list(again)
        gaps = found.gaps(kind).query("seed in @seeds and other_seed in @seeds")
        assert len(gaps) == math.comb(len(seeds) * len(towers.TOWERS), 2)
        for row in gaps.itertuples():
            x, y = again[row.seed][row.tower], again[row.other_seed][row.other]
            assert geometry.gap_distance(x, y) == pytest.approx(row.gap, abs=1e-3)

    @pytest.mark.parametrize(("kind", "tower", "printed"), [
        ("noise", "resnet18", 0.99928), ("noise", "ViT-B-32:image", 0.9366), ("noise", "ViT-B-32:text", 0.4112),
        ("scenes", "resnet18", 0.9932),  # photographs there
    ])  # fmt: skip
    def test_the_papers_mean_cosine_lies_within_the_spread_over_seeds(
        self, found: Cones, kind: str, tower: str, printed: float
    ) -> None:
        means = found.cosines().query("inputs == @kind and tower == @tower")["mean"]
        assert means.min() < printed < means.max()

    def test_the_papers_gap_before_training_lies_between_noise_and_drawings(self, found: Cones) -> None:
        towers_ = "tower == 'ViT-B-32:image' and other == 'ViT-B-32:text' and seed == other_seed"
        noise, drawn = (found.gaps(kind).query(towers_)["gap"] for kind in ("noise", "scenes"))
        assert noise.between(1.1, 1.25).all()
        assert noise.mean() < 1.1891 < drawn.mean()

    def test_every_seed_is_its_own_cone(self, found: Cones) -> None:
        """24 large singular values: 25 centres less their mean."""
        for (_, tower), values in found.singular_values().groupby(["inputs", "tower"]):
            values = values.sort_values("number")["value"].to_numpy()
            cliff = values[:-1] / values[1:]
            assert cliff.argmax() == 23, tower

    def test_the_gap_follows_from_the_cones(self, found: Cones) -> None:
        """‖Δ‖² = c_x + c_y − 2 c_xy up to the diagonals; unrelated cones have c_xy ≈ 0."""
        n = found.recipe["n"]
        means = found.cosines().query("inputs == 'noise'").set_index(["tower", "seed"])["mean"]
        gaps = found.gaps("noise").query("tower == 'ViT-B-32:image' and other == 'ViT-B-32:text'")
        for row in gaps.itertuples():
            x, y = means[row.tower, row.seed], means[row.other, row.other_seed]
            assert row.gap**2 == pytest.approx(x + y + (1 - x) / n + (1 - y) / n, abs=0.3)


@pytest.mark.parametrize(("change", "words"), [
    ({"seeds": 1}, "seeds: .* at least 2"),
    ({"n": 1}, "n: .* at least 2"),
    ({"shown": 9, "n": 8}, "shown: .* from 1 to 8, got 9"),
    ({"inputs": ("pictures",)}, "inputs: unknown name 'pictures'"),
    ({"inputs": ()}, "inputs: expected at least one, each of them once, got none"),
    ({"towers": ("resnet18", "resnet18")}, "towers: expected .* once, got resnet18, resnet18"),
    ({"towers": ("resnet",)}, "towers: unknown name 'resnet'"),
])  # fmt: skip
def test_a_recipe_names_what_is_wrong(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SeedsRecipe(**change)


def test_umap_without_its_package_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "find_spec", lambda _name: None)
    with pytest.raises(ValueError, match="pip install umap-learn"):
        SeedsRecipe(umap=True)


def test_points_are_kept_as_many_as_a_figure_can_hold_unless_asked() -> None:
    assert (SeedsRecipe().shown, SeedsRecipe(n=3).shown, SeedsRecipe(n=30, shown=25).shown) == (20, 3, 25)


@pytest.mark.parametrize("content", ["{", "[]", '{"recipe": {}}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cones.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="expected a file of `mindgap cones`"):
        Cones(path)
