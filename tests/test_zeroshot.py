"""Classification by prompts: weights, answers, rates, and what shifting does, each against the plain way."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mindgap import geometry, miniclip, scenes, zeroshot
from mindgap.theorems import binomial_interval
from mindgap.zeroshot import Path, accuracy, along_the_gap, choose_shift, class_weights, predict, rates


def embeddings(n: int = 60, c: int = 5, d: int = 8, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Rows near the weight of their class, and a gap between both."""
    random = torch.Generator().manual_seed(seed)
    weights = torch.randn(c, d, generator=random, dtype=torch.float64)
    labels = torch.arange(n) % c
    x = weights[labels] + torch.randn(n, d, generator=random, dtype=torch.float64) + 0.8
    return 3 * x, weights - 0.5, labels


class TestPrompts:
    """Names in templates."""

    def test_every_name_is_in_every_template(self) -> None:
        found = zeroshot.prompts(["dog", "cat"], ["a {}", "the {} and a {}"])
        assert found == {"dog": ("a dog", "the dog and a dog"), "cat": ("a cat", "the cat and a cat")}
        assert zeroshot.prompts(["dog"], "a {}") == {"dog": ("a dog",)}

    @pytest.mark.parametrize(("names", "templates", "said"), [
        ([], ["a {}"], "names: expected at least one"), (["dog"], [], "templates: expected at least one"),
        (["dog"], ["a dog"], r"templates: expected \{\} where the name goes, got 'a dog'"),
    ])  # fmt: skip
    def test_errors(self, names: list[str], templates: list[str], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            zeroshot.prompts(names, templates)


class TestClassWeights:
    """The mean of unit embeddings, back on the sphere."""

    def test_of_several_texts(self) -> None:
        rows = {"a": [3.0, 0.0], "b": [0.0, 2.0], "c": [-1.0, 0.0]}
        found = class_weights(
            lambda texts: torch.tensor([rows[t] for t in texts]), {"first": ["a", "b"], "last": ["c"]}
        )
        assert torch.allclose(found, torch.tensor([[0.5**0.5, 0.5**0.5], [-1.0, 0.0]]))

    def test_one_text_a_class(self) -> None:
        found = class_weights(lambda texts: torch.tensor([[len(t), 1.0] for t in texts]), ["a", "bcd"])
        assert torch.allclose(found, geometry.normalize([[1.0, 1.0], [3.0, 1.0]]))

    def test_errors(self) -> None:
        for texts in ({}, {"a": ["x"], "b": []}):
            with pytest.raises(ValueError, match="texts: expected classes with a text each"):
                class_weights(lambda texts: torch.ones(len(texts), 2), texts)
        with pytest.raises(ValueError, match="encode: expected a row for each of 2 texts, got 3"):
            class_weights(lambda _: torch.ones(3, 2), ["a", "b"])


class TestCaptionClasses:
    """Captions that name classes."""

    def test_equal_captions_are_one_class_in_the_order_of_their_first(self) -> None:
        y = torch.tensor([[0.0, 2.0], [1.0, 0.0], [3.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        weights, labels, names = zeroshot.caption_classes(y, ["cat", "dog", "cat", "cat", "fox"])
        assert names == ("cat", "dog", "fox")
        assert labels.tolist() == [0, 1, 0, 0, 2]
        assert torch.allclose(weights, geometry.normalize([[1.0, 2.0], [1.0, 0.0], [-1.0, 0.0]]))

    def test_errors(self) -> None:
        y = torch.eye(3)
        with pytest.raises(ValueError, match="captions: expected one for each of 3 rows, got 2"):
            zeroshot.caption_classes(y, ["cat", "dog"])
        for captions, count in ((["cat"] * 3, 1), (["cat", "dog", "fox"], 3)):
            with pytest.raises(ValueError, match=f"at least two classes, got {count} different ones in 3 rows"):
                zeroshot.caption_classes(y, captions)


class TestAnswers:
    """Classes by cosine, and how many are right."""

    def test_predict_is_the_largest_cosine(self) -> None:
        x, weights, labels = embeddings()
        cosines = torch.nn.functional.cosine_similarity(x[:, None], weights[None], dim=2)
        assert torch.equal(predict(x, weights), cosines.argmax(dim=1))
        assert accuracy(x, weights, labels) == float((cosines.argmax(dim=1) == labels).double().mean())
        assert torch.equal(predict(x * 7, weights / 3), predict(x, weights))

    @pytest.mark.parametrize(("labels", "said"), [
        ([0] * 59, "labels: expected 60 whole numbers"), ([0.5] * 60, "labels: expected 60 whole numbers"),
        ([5] * 60, "labels: expected numbers from 0 to 4, got 5 to 5"),
    ])  # fmt: skip
    def test_labels_are_checked(self, labels: list[float], said: str) -> None:
        x, weights, _ = embeddings()
        with pytest.raises(ValueError, match=said):
            accuracy(x, weights, torch.tensor(labels))

    def test_rows_are_checked(self) -> None:
        x, weights, _ = embeddings()
        with pytest.raises(ValueError, match="x and weights: expected the same dimension d"):
            predict(x, weights[:, :3])

    def test_rates_of_groups(self) -> None:
        found = rates([True, False, True, True], ["b", "a", "b", "a"])
        assert [(one.group, one.count, one.n, one.share) for one in found] == [("b", 2, 2, 1.0), ("a", 1, 2, 0.5)]
        assert (found[1].low, found[1].high) == binomial_interval(1, 2)
        assert rates(torch.tensor([1, 0]), torch.tensor([3, 4]))[0].group == 3

    def test_rates_need_a_group_for_each(self) -> None:
        for flags in ([True], []):
            with pytest.raises(ValueError, match="groups: expected one for each of"):
                rates(flags, [])


class TestAlongTheGap:
    """One product for all shifts."""

    @pytest.mark.parametrize("sides", zeroshot.SIDES)
    @pytest.mark.parametrize("foreign", [False, True])
    def test_it_is_moving_every_row(self, sides: str, foreign: bool) -> None:
        x, weights, labels = embeddings()
        u, v = geometry.normalize(x), geometry.normalize(weights)
        delta = torch.linspace(-1, 2, 8, dtype=torch.float64) if foreign else u.mean(dim=0) - v.mean(dim=0)
        shifts = [-2.0, -0.3, 0.0, 0.4, 1.0, 3.0]
        found = along_the_gap(x, weights, shifts, delta if foreign else None, sides)
        for i, amount in enumerate(shifts):
            a = geometry.normalize(u - amount * delta)
            b = geometry.normalize(v + amount * delta) if sides == "both" else v
            assert torch.equal(found.predicted[i], predict(a, b)), amount
            gap = a.mean(dim=0) - b.mean(dim=0)
            assert abs(float(found.distance[i])) == pytest.approx(float(gap.norm()), rel=1e-9)
            assert math.copysign(1, found.distance[i]) == math.copysign(1, float(gap @ delta))
            assert float(found.accuracy(labels)[i]) == accuracy(a, b, labels)
        assert float(found.changed()[2]) == 0

    def test_labels_of_another_number_are_refused(self) -> None:
        x, weights, labels = embeddings()
        path = along_the_gap(x, weights)
        for few in (labels[:1], labels[:-1]):
            with pytest.raises(ValueError, match="labels: expected 60 of them"):
                path.accuracy(few)

    def test_moving_images_alone_is_a_bonus_for_classes(self) -> None:
        x, weights, _ = embeddings()
        delta = torch.randn(8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        found = along_the_gap(x, weights, [0.7], delta, "images")
        u, v = geometry.normalize(x), geometry.normalize(weights)
        assert torch.equal(found.predicted[0], (u @ v.T - 0.7 * v @ delta).argmax(dim=1))

    @pytest.mark.parametrize(("options", "said"), [
        ({"delta": torch.ones(3)}, r"delta: expected shape \(8,\), got \(3,\)"),
        ({"delta": torch.zeros(8)}, "delta: expected finite numbers, not all 0"),
        ({"sides": "image"}, "sides: unknown name 'image'; did you mean 'images'"),
        ({"shifts": []}, "shifts: expected a list of at least one number"),
        ({"shifts": [math.nan]}, "shifts: expected finite numbers"),
    ])  # fmt: skip
    def test_errors(self, options: dict, said: str) -> None:
        x, weights, _ = embeddings()
        with pytest.raises(ValueError, match=said):
            along_the_gap(x, weights, **options)


class TestChoice:
    """A shift chosen on one half, asked on the other."""

    def test_it_is_chosen_on_the_one_and_asked_on_the_other(self) -> None:
        x, weights, labels = embeddings(400, seed=2)
        path = along_the_gap(x, weights)
        found = choose_shift(path, labels, 0.25, seed=5)
        order = torch.randperm(400, generator=torch.Generator().manual_seed(5))
        right = (path.predicted == labels).double()
        shifts = path.shifts.tolist()
        here, there = (right[:, order[:100]].mean(1), right[:, order[100:]].mean(1))
        assert found.validation == float(here.max())
        assert found.test == float(there[shifts.index(found.shift)])
        assert found.best == float(there.max())
        assert found.unshifted == float(there[shifts.index(0.0)])
        assert found.flattering >= found.gain

    def test_of_equals_the_nearest_to_none(self) -> None:
        path = Path(torch.tensor([-1.0, 0.0, 1.0]), torch.ones(3), torch.tensor([[0, 1], [0, 1], [0, 1]]))
        assert choose_shift(path, [0, 1]).shift == 0

    def test_errors(self) -> None:
        x, weights, labels = embeddings()
        for share in (0.0, 1.0, 0.001):
            with pytest.raises(ValueError, match="share: expected images on both sides"):
                choose_shift(along_the_gap(x, weights), labels, share)
        with pytest.raises(ValueError, match="path: expected λ = 0 among its shifts"):
            choose_shift(along_the_gap(x, weights, [0.5, 1.0]), labels)


class TestSelectionGain:
    """What choosing gains where there is nothing to gain."""

    def test_it_is_that_of_a_simulation_of_single_answers(self) -> None:
        n, p, changed, settings = 300, 0.7, 0.2, 9
        random = torch.Generator().manual_seed(0)
        kept = (1 - changed / (2 * p * (1 - p))) ** (1 / (settings - 1))
        right = torch.rand(500, n, generator=random) < p
        steps = [right]
        for _ in range(settings - 1):
            again = torch.rand(500, n, generator=random) > kept
            right = torch.where(again, torch.rand(500, n, generator=random) < p, right)
            steps.append(right)
        shares = torch.stack([step.double().mean(dim=1) for step in steps])
        expected = shares.max(dim=0).values - shares[settings // 2]
        assert float((steps[0] != steps[-1]).double().mean()) == pytest.approx(changed, abs=0.01)
        found = zeroshot.selection_gain(n, p, changed, settings, draws=2000)
        assert float(found.mean()) == pytest.approx(float(expected.mean()), abs=0.002)
        assert float(found.quantile(0.9)) == pytest.approx(float(expected.quantile(0.9)), abs=0.005)

    def test_more_images_gain_less_and_no_change_gains_nothing(self) -> None:
        few, many = (float(zeroshot.selection_gain(n, 0.6, 0.1).mean()) for n in (500, 50_000))
        assert few == pytest.approx(10 * many, rel=0.15)
        assert float(zeroshot.selection_gain(500, 0.6, 0.0).max()) == 0
        assert torch.equal(zeroshot.selection_gain(500, 0.6, 0.1), zeroshot.selection_gain(500, 0.6, 0.1))

    @pytest.mark.parametrize(("arguments", "said"), [
        ((0, 0.5, 0.1), "n: expected a whole number at least 1"),
        ((10, 1.0, 0.1), "accuracy: expected a number between 0 and 1"),
        ((10, 0.9, 0.3), "changed: expected a number from 0 to less than 0.18, got 0.3"),
        ((10, 0.9, 0.1, 1), "settings: expected a whole number at least 2"),
        ((10, 0.9, 0.1, 40, 0), "draws: expected a whole number at least 1"),
    ])  # fmt: skip
    def test_errors(self, arguments: tuple, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            zeroshot.selection_gain(*arguments)


class TestSceneTask:
    """Questions with known answers."""

    @pytest.mark.parametrize("attribute", scenes.ATTRIBUTES)
    def test_texts_name_their_class_and_all_else(self, attribute: str) -> None:
        task = zeroshot.scene_task(attribute, 40)
        assert len(task.texts) == len(task.classes) == int(task.labels.max()) + 1
        for name, texts in task.texts.items():
            assert 20 < len(texts) <= 200
            assert all(name in text for text in texts)
            assert len(set(texts)) == len(texts)
        for label, caption in zip(task.labels.tolist(), task.scenes.captions, strict=True):
            assert task.classes[label] in caption

    def test_short_texts(self) -> None:
        assert zeroshot.scene_task("shape", 2, words="short").texts["star"] == ("a star",)
        assert zeroshot.scene_task("colour", 2, words="short").texts["orange"] == ("an orange thing",)
        assert zeroshot.scene_task("place", 2, words="short").texts["left"] == ("a thing on the left",)

    def test_the_small_clip_tells_colours(self) -> None:
        task = zeroshot.scene_task("colour", 200)
        model = miniclip.load()
        weights = class_weights(lambda texts: miniclip.encode_texts(model, texts), task.texts)
        assert accuracy(miniclip.encode_images(model, task.scenes.images), weights, task.labels) > 0.9

    def test_unknown_names(self) -> None:
        with pytest.raises(ValueError, match="attribute: unknown name 'colours'; did you mean 'colour'"):
            zeroshot.scene_task("colours")
        with pytest.raises(ValueError, match="words: unknown name 'fill'"):
            zeroshot.scene_task("colour", words="fill")
