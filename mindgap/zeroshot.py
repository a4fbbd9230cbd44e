"""Classification by prompts, without training: what an image is, by the text that is nearest to it; and what shifting
along the gap does to that (§5, Tables 1 and 2).

A class is a text, or several, of which the embeddings are averaged: its weight. An image belongs to the class whose
weight has the highest cosine with it. All of that needs embeddings alone, and so does every shift: with Δ any
direction, x' = normalize(x̂ − λΔ) and w' = normalize(ŵ + λΔ),

    x'_i·w'_j ∝ (x̂_i·ŵ_j + λ x̂_i·Δ − λ ŵ_j·Δ − λ²‖Δ‖²) / ‖ŵ_j + λΔ‖

where what is left out is the same for all classes. So one product of images and classes answers for all shifts. Where
images alone move, what is left is x̂_i·ŵ_j − λ ŵ_j·Δ: the shift gives every class a bonus, the same for all images.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs, geometry, scenes
from mindgap._inputs import ArrayLike, Rows
from mindgap._reprs import Readable, Shown
from mindgap.scenes import Scenes
from mindgap.theorems import binomial_interval

__all__ = [
    "SHIFTS",
    "Choice",
    "Path",
    "Rate",
    "Task",
    "accuracy",
    "along_the_gap",
    "caption_classes",
    "choose_shift",
    "class_weights",
    "predict",
    "prompts",
    "rates",
    "scene_task",
    "selection_gain",
]

SHIFTS = tuple(i / 20 for i in range(-20, 31))
"""λ from −1 to 1.5 in steps of a twentieth."""

SIDES = ("both", "images")

_CAPTIONS = 200  # of a class, of all that name it in full


@dataclass(frozen=True, repr=False)
class Task(Readable):
    """What is in a picture, as a question with known answers.

    `scenes` have one object each, `labels` (n,) count through `classes`, and `texts` name each class.
    """

    name: str
    classes: tuple[str, ...]
    texts: dict[str, tuple[str, ...]]
    scenes: Scenes
    labels: Int[Tensor, " n"]

    def _shown(self) -> Shown:
        counts = self.labels.bincount(minlength=len(self.classes)).tolist()
        rows = [(name, count, self.texts[name][0]) for name, count in zip(self.classes, counts, strict=True)]
        return Shown(
            f"Task: which {self.name}, of {len(self.classes)}, in {len(self.scenes)} drawn scenes:",
            ("class", "scenes", "a text of it"),
            rows[:3],
        )


def scene_task(attribute: str, n: int = 4000, seed: int = 7, words: str = "full") -> Task:
    """The question for one attribute of drawn scenes: "shape", "colour", "size" or "place", of n scenes of one object.

    `words` "full" names a class by up to 200 captions that differ in everything else, as prompts are averaged for
    CLIP; "short" by one that leaves everything else out, such as "a red thing", which the small CLIP has never read.

    Raises ValueError for an unknown name of either, or as `scenes.draw` does.
    """
    kinds = dict(zip(scenes.ATTRIBUTES, (scenes.SHAPES, scenes.COLOURS, scenes.SIZES, scenes.PLACES), strict=True))
    classes = kinds[_inputs.choice(attribute, "attribute", kinds)]
    _inputs.choice(words, "words", ("full", "short"))
    others = [name for name in kinds if name != attribute]
    texts = {}
    for number, name in enumerate(classes):
        choices = [[number] if kind == attribute else range(len(kinds[kind])) for kind in kinds]
        rows = list(itertools.product(*choices))
        rows = rows[:: math.ceil(len(rows) / _CAPTIONS)] if words == "full" else rows[:1]
        objects = torch.full((len(rows), scenes.MOST_OBJECTS, len(kinds)), -1)
        objects[:, 0] = torch.tensor(rows)
        texts[name] = scenes.caption(scenes.Attributes(*objects.unbind(dim=2)), () if words == "full" else others)
    drawn = scenes.draw(n, seed, objects=(1, 1))
    return Task(attribute, classes, texts, drawn, getattr(drawn.attributes, attribute)[:, 0])


def prompts(names: Iterable[str], templates: Iterable[str] = ("a photo of a {}",)) -> dict[str, tuple[str, ...]]:
    """Every name in every template, by name. Raises ValueError for none of either, or a template without {}."""
    names, templates = list(names), [templates] if isinstance(templates, str) else list(templates)
    for what, given in (("names", names), ("templates", templates)):
        if not given:
            raise ValueError(f"{what}: expected at least one, got none")
    for template in templates:
        if "{}" not in template:
            raise ValueError(f"templates: expected {{}} where the name goes, got {template!r}")
    return {name: tuple(template.replace("{}", name) for template in templates) for name in names}


@torch.no_grad()
def class_weights(
    encode: Callable[[Sequence[str]], Rows], texts: dict[str, Sequence[str]] | Iterable[str]
) -> Float[Tensor, "c d"]:
    """One unit row a class: the mean of the unit embeddings of its texts, back on the sphere (Radford et al., 2021).

    `encode` turns a list of texts into rows (n, d); `texts` gives each class its texts, see `prompts`, or one text a
    class. Raises ValueError for no classes, a class without texts, or embeddings that are not one row a text.
    """
    groups = [list(group) for group in texts.values()] if isinstance(texts, dict) else [[text] for text in texts]
    if not groups or not all(groups):
        raise ValueError(f"texts: expected classes with a text each, got {len(groups)} classes, one without")
    flat = [text for group in groups for text in group]
    rows = geometry.normalize(encode(flat))
    if len(rows) != len(flat):
        raise ValueError(f"encode: expected a row for each of {len(flat)} texts, got {len(rows)}")
    means = [part.mean(dim=0) for part in rows.split([len(group) for group in groups])]
    return geometry.normalize(torch.stack(means))


@torch.no_grad()
def caption_classes(
    y: Rows, captions: Sequence[str]
) -> tuple[Float[Tensor, "c d"], Int[Tensor, " n"], tuple[str, ...]]:
    """Pairs whose captions name classes: the weights (c, d) of the classes, the class of each pair, and their names.

    Captions that are equal are one class, in the order in which they first come; its weight is the mean of their unit
    rows in `y` (n, d), back on the sphere. Raises ValueError unless there is a caption for each row, and for fewer than
    two classes, or as many as there are rows.
    """
    rows = geometry.normalize(y)
    if len(captions) != len(rows):
        raise ValueError(f"captions: expected one for each of {len(rows)} rows, got {len(captions)}")
    names = tuple(dict.fromkeys(captions))
    if not 2 <= len(names) < len(rows):
        raise ValueError(
            f"captions: expected some that are equal, as the images of one class have, and at least two classes, got "
            f"{len(names)} different ones in {len(rows)} rows"
        )
    number = {name: place for place, name in enumerate(names)}
    labels = torch.tensor([number[caption] for caption in captions])
    sums = rows.new_zeros(len(names), rows.shape[1]).index_add_(0, labels.to(rows.device), rows)
    return geometry.normalize(sums), labels, names


@torch.no_grad()
def predict(x: Rows, weights: Rows) -> Int[Tensor, " n"]:
    """The class of each row of `x`, by the highest cosine; the first of several. Shapes: (n, d), (c, d) → (n,) int64.

    Raises ValueError unless both are at least two rows of one dimension, finite and not zero.
    """
    x, weights = _sides(x, weights)
    return (geometry.unit(x) @ geometry.unit(weights).T).argmax(dim=1)


def accuracy(x: Rows, weights: Rows, labels: Iterable[int] | Tensor) -> float:
    """Share of the rows of `x` that `predict` gives their label, a number from 0 to c − 1.

    Raises ValueError as `predict` does, or unless there are n labels of that kind.
    """
    x, weights = _sides(x, weights)
    return float((predict(x, weights).cpu() == _labels(labels, len(x), len(weights))).double().mean())


@dataclass(frozen=True, repr=False)
class Rate(Readable):
    """How many of the `n` of a group are counted: `count`, their `share`, and Wilson's interval, `low` to `high`."""

    group: object
    count: int
    n: int
    share: float
    low: float
    high: float

    def _shown(self) -> Shown:
        return Shown(
            f"Rate of {self.group}: {self.count} of {self.n}, with the interval of Wilson.",
            ("share", "low", "high"),
            [(self.share, self.low, self.high)],
        )


def rates(counted: Iterable[bool] | Tensor, groups: Iterable[object], confidence: float = 0.95) -> tuple[Rate, ...]:
    """For each group, in order of appearance, how many of its rows are counted, with Wilson's interval.

    Raises ValueError unless there is a group for each of at least one row.
    """
    flags = torch.as_tensor(counted if isinstance(counted, Tensor) else list(counted)).bool().tolist()
    named = groups.tolist() if isinstance(groups, Tensor) else list(groups)
    if len(flags) != len(named) or not flags:
        raise ValueError(f"groups: expected one for each of {len(flags)} rows, got {len(named)}")
    found = []
    for group in dict.fromkeys(named):
        inside = [flag for flag, name in zip(flags, named, strict=True) if name == group]
        count, n = sum(inside), len(inside)
        found.append(Rate(group, count, n, count / n, *binomial_interval(count, n, confidence)))
    return tuple(found)


@dataclass(frozen=True, repr=False)
class Path(Readable):
    """What every image is taken for, at every shift.

    `shifts` (s,) are the λ; `distance` (s,) is that between the shifted means of images and classes, with the sign of
    ⟨mean x' − mean w', Δ⟩; `predicted` (s, n) are the classes.
    """

    shifts: Float[Tensor, " s"]
    distance: Float[Tensor, " s"]
    predicted: Int[Tensor, "s n"]

    def accuracy(self, labels: Iterable[int] | Tensor) -> Float[Tensor, " s"]:
        """The share of right answers at every shift."""
        return self.right(labels).mean(dim=1)

    def right(self, labels: Iterable[int] | Tensor) -> Float[Tensor, "s n"]:
        """1 for every right answer, 0 for the others. Raises ValueError unless there is a label for each image."""
        numbers = torch.as_tensor(labels if isinstance(labels, Tensor) else list(labels))
        if numbers.shape != self.predicted.shape[1:]:
            raise ValueError(f"labels: expected {self.predicted.shape[1]} of them, got shape {tuple(numbers.shape)}")
        return (self.predicted == numbers.cpu()).double()

    def changed(self) -> Float[Tensor, " s"]:
        """The share of images that are taken for something else than at the shift nearest to 0."""
        here = int(self.shifts.abs().argmin())
        return (self.predicted != self.predicted[here]).double().mean(dim=1)

    def _shown(self) -> Shown:
        changed = self.changed()
        places = sorted({0, int(self.shifts.abs().argmin()), len(self.shifts) - 1})
        return Shown(
            f"Path of {self.predicted.shape[1]} images over {len(self.shifts)} shifts:",
            ("shift", "distance", "other answers"),
            [(float(self.shifts[i]), float(self.distance[i]), float(changed[i])) for i in places],
        )


@torch.no_grad()
def along_the_gap(
    x: Rows,
    weights: Rows,
    shifts: Sequence[float] | ArrayLike = SHIFTS,
    delta: ArrayLike | None = None,
    sides: str = "both",
) -> Path:
    """What images are taken for at every shift, from one product of images and classes: O(n(c + s)d + snc).

    `delta` (d,) is the direction, by default Δ = mean(x̂) − mean(ŵ); that of other pairs, as the authors took COCO's,
    moves every task alike. `sides`: "both" move, images by −λΔ and classes by λΔ, or "images" alone (Table 2).
    Computed in float64.

    Raises ValueError as `predict` does; for a `delta` of another shape, not finite or of length 0; for an unknown name
    in `sides`; for no shifts or such as are not finite.
    """
    x, weights = (geometry.unit(_inputs.widened(side)) for side in _sides(x, weights))
    towards = _direction(delta, x, weights)
    _inputs.choice(sides, "sides", SIDES)
    grid = _inputs.axis(shifts, "shifts").to(x)
    cosines, a, b, g = x @ weights.T, x @ towards, weights @ towards, float(towards @ towards)
    both = sides == "both"
    predicted = []
    for amount in grid.tolist():
        scores = cosines - amount * b
        if both:
            scores = (scores + amount * a[:, None] - amount**2 * g) / _lengths(b, amount, g)
        predicted.append(scores.argmax(dim=1))
    gaps = _moved_means(x, towards, -grid) - _moved_means(weights, towards, grid if both else 0 * grid)
    distance = torch.linalg.vector_norm(gaps, dim=1).copysign(gaps @ towards)
    return Path(grid.cpu(), distance.cpu(), torch.stack(predicted).cpu())


def _lengths(along: Float[Tensor, " n"], amount: float | Float[Tensor, "s 1"], g: float) -> Float[Tensor, "*s n"]:
    """‖r̂_i + amount·Δ‖ of unit rows, from their r̂_i·Δ and g = ‖Δ‖²."""
    return (1 + 2 * amount * along + amount**2 * g).clamp(min=1e-24).sqrt()


def _moved_means(
    rows: Float[Tensor, "n d"], towards: Float[Tensor, " d"], amounts: Float[Tensor, " s"]
) -> Float[Tensor, "s d"]:
    """The mean of the unit rows r̂_i + amount·Δ, back on the sphere, for every amount, in one product."""
    shares = 1 / _lengths(rows @ towards, amounts[:, None], float(towards @ towards)) / len(rows)
    return shares @ rows + (amounts * shares.sum(dim=1))[:, None] * towards


@dataclass(frozen=True, repr=False)
class Choice(Readable):
    """A shift chosen on one half of the images, and what it is worth on the other.

    `shift` is the best on the validation half, and `validation` its accuracy there. On the test half, `test` is its
    accuracy, `unshifted` that of λ = 0, and `best` that of the best shift had it been chosen there, at `best_shift`.
    """

    shift: float
    validation: float
    test: float
    unshifted: float
    best: float
    best_shift: float

    @property
    def gain(self) -> float:
        """What the shift that was chosen honestly adds."""
        return self.test - self.unshifted

    @property
    def flattering(self) -> float:
        """What the best shift on the test half seems to add."""
        return self.best - self.unshifted

    def _shown(self) -> Shown:
        return Shown(
            f"Choice of a shift on one half, asked on the other: {self.gain:+.3f} where unshifted is "
            f"{self.unshifted:.3f}; chosen on the test half itself it seems to be {self.flattering:+.3f}.",
            ("", "shift", "test accuracy"),
            [("chosen", self.shift, self.test), ("best there", self.best_shift, self.best)],
        )


def choose_shift(path: Path, labels: Iterable[int] | Tensor, share: float = 0.5, seed: int = 0) -> Choice:
    """The shift with the highest accuracy on a random `share` of the images, and its accuracy on the others.

    Of several equally good ones the nearest to 0. Raises ValueError unless 0 < share < 1 leaves images on both sides,
    unless λ = 0 is among the shifts, or for a bad seed.
    """
    right = path.right(labels)
    n = right.shape[1]
    share = _inputs.number(share, "share")
    kept = round(share * n)
    if not 0 < kept < n:
        raise ValueError(f"share: expected images on both sides, got {share:g} of {n}")
    here = int(path.shifts.abs().argmin())
    if float(path.shifts[here]) != 0:
        raise ValueError("path: expected λ = 0 among its shifts")
    order = torch.randperm(n, generator=_inputs.generator(seed))
    first, second = right[:, order[:kept]].mean(dim=1), right[:, order[kept:]].mean(dim=1)
    chosen, best = (_nearest_best(part, path.shifts) for part in (first, second))
    return Choice(
        float(path.shifts[chosen]),
        float(first[chosen]),
        float(second[chosen]),
        float(second[here]),
        float(second[best]),
        float(path.shifts[best]),
    )


def _nearest_best(values: Float[Tensor, " s"], shifts: Float[Tensor, " s"]) -> int:
    among = (values == values.max()).nonzero().flatten()
    return int(among[shifts[among].abs().argmin()])


@torch.no_grad()
def selection_gain(
    n: int, accuracy: float, changed: float, settings: int = 40, draws: int = 1000, seed: int = 0
) -> Float[Tensor, " draws"]:
    """What "the best of several settings, on the test set" gains where no setting is better than any other.

    Every image is right with the same probability `accuracy` at every setting, and answers change from one setting to
    the next as often as needed for a share `changed` of them to be right at the first and wrong at the last, or the
    other way round. Gains over the middle setting, which stands for λ = 0: one number for each of `draws` simulated
    test sets of `n` images. The answer of an image is a Markov chain of two states, so that near settings agree more
    than far ones. Time and memory O(settings · draws), whatever n: only counts are drawn.

    Raises ValueError unless n ≥ 1, 0 < accuracy < 1, settings ≥ 2, draws ≥ 1, and 0 ≤ changed < 2·accuracy·(1 −
    accuracy), which is what independent answers give.
    """
    n, settings = _inputs.count(n, "n"), _inputs.count(settings, "settings", 2)
    draws = _inputs.count(draws, "draws")
    p, changed = _inputs.number(accuracy, "accuracy"), _inputs.number(changed, "changed")
    if not 0 < p < 1:
        raise ValueError(f"accuracy: expected a number between 0 and 1, got {p:g}")
    most = 2 * p * (1 - p)
    if not 0 <= changed < most:
        raise ValueError(f"changed: expected a number from 0 to less than {most:.3g}, got {changed:g}")
    random = _inputs.generator(seed)
    # The share of images that differ after k steps is most·(1 − rᵏ).
    kept = (1 - changed / most) ** (1 / (settings - 1))
    to_wrong, to_right = (1 - p) * (1 - kept), p * (1 - kept)
    middle = torch.binomial(torch.full((draws,), float(n)), torch.tensor(p).expand(draws), generator=random)
    best = middle.clone()
    for length in (settings // 2, settings - 1 - settings // 2):
        right = middle.clone()
        for _ in range(length):
            lost = torch.binomial(right, torch.tensor(to_wrong).expand(draws), generator=random)
            won = torch.binomial(n - right, torch.tensor(to_right).expand(draws), generator=random)
            right = right - lost + won
            best = torch.maximum(best, right)
    return (best - middle).double() / n


def _sides(x: Rows, weights: Rows) -> tuple[Float[Tensor, "n d"], Float[Tensor, "c d"]]:
    return _inputs.two_sets(x, weights, ("x", "weights"))


def _labels(labels: Iterable[int] | Tensor, n: int, classes: int) -> Int[Tensor, " n"]:
    numbers = torch.as_tensor(labels if isinstance(labels, Tensor) else list(labels))
    if numbers.shape != (n,) or numbers.is_floating_point():
        raise ValueError(f"labels: expected {n} whole numbers, got shape {tuple(numbers.shape)} of {numbers.dtype}")
    if int(numbers.min()) < 0 or int(numbers.max()) >= classes:
        raise ValueError(
            f"labels: expected numbers from 0 to {classes - 1}, got {int(numbers.min())} to {int(numbers.max())}"
        )
    return numbers.long().cpu()


def _direction(delta: ArrayLike | None, x: Float[Tensor, "n d"], weights: Float[Tensor, "c d"]) -> Float[Tensor, " d"]:
    if delta is None:
        return x.mean(dim=0) - weights.mean(dim=0)
    towards = torch.as_tensor(delta).to(x)
    if towards.shape != x.shape[1:]:
        raise ValueError(f"delta: expected shape {tuple(x.shape[1:])}, got {tuple(towards.shape)}")
    if not towards.isfinite().all() or not towards.any():
        raise ValueError("delta: expected finite numbers, not all 0")
    return towards
