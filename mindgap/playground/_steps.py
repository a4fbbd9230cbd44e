"""Where the points begin, how they move, and what is measured of them; all in float64."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _scalars, geometry, results
from mindgap._reprs import Readable, Shown
from mindgap.landscape import contrastive_loss, sigmoid_loss
from mindgap.playground import _random
from mindgap.playground._options import LEARNED, Change, Options, checked

OF_STATE = ("temperature", "bias")  # what a change does not do to the options
DECADE = 20  # measurements in each tenfold of the number of steps
SCALARS = 0.1  # of the rate, for a learned temperature and bias: every pair pulls on them, and the slope is steep


@dataclass(frozen=True, repr=False)
class State(Readable):
    """Where the points are after `step` steps: images (n, d), one caption each in texts (m, d); unit rows, float64."""

    step: int
    images: Float[Tensor, "n d"]
    texts: Float[Tensor, "m d"]
    temperature: float
    bias: float

    def _shown(self) -> Shown:
        (n, d), m = self.images.shape, len(self.texts)
        what = f"The playground after {self.step} steps: {n} images and {m} captions on the sphere of {d} dimensions."
        return Shown(what, ("temperature", "bias"), [(self.temperature, self.bias)])


@dataclass(frozen=True, repr=False)
class Moment(Readable):
    """What is measured of a state: see `measure`."""

    step: int
    gap: float
    pair_distance: float
    recall: float
    loss: float
    temperature: float
    bias: float

    def _shown(self) -> Shown:
        names = ("gap", "pair_distance", "recall", "loss", "temperature")
        what = f"The playground after {self.step} steps: gap, mean distance of a pair, R@1 both ways, loss in nats."
        return Shown(what, names, [tuple(getattr(self, name) for name in names)])


@dataclass(frozen=True, repr=False)
class Run(Readable):
    """A run: its options, the changes in its course, moments at steps that are even on a logarithmic axis, its end."""

    options: Options
    changes: tuple[Change, ...]
    moments: tuple[Moment, ...]
    state: State

    def _shown(self) -> Shown:
        names = ("step", "gap", "pair_distance", "recall", "loss", "temperature")
        rows = [tuple(getattr(one, name) for name in names) for one in self.moments[:: max(1, len(self.moments) // 6)]]
        n, d, start = self.options.n, self.options.d, self.options.start
        what = f"A run of {self.state.step} steps: {n} pairs in {d} dimensions, from the start {start!r}."
        return Shown(what, names, rows)


@functools.cache
def clip_start() -> tuple[Float[Tensor, "200 32"], Float[Tensor, "200 32"]]:
    """The first 200 pairs of the authors' CLIP features in 32 axes of their own, to three decimals, rows of any norm.

    The first axis is the mean of all, the second what the gap has at right angles to it, and the others are the
    principal axes of what is left: so the first three show the cone, the gap and the largest variation. They hold a
    part of each row only; put back on the sphere, the points are nearer to each other than CLIP's 512 numbers are.
    """
    kept = json.loads(results.path("playground_clip.json").read_text(encoding="utf-8"))
    images, texts = (torch.tensor(kept[side], dtype=torch.float64) / 1000 for side in ("images", "texts"))
    return images, texts


def begin(options: Options) -> State:
    """The start of a run."""
    if options.start == "clip":
        images, texts = (side[:, : options.d] for side in clip_start())
        images, texts = images[: options.n], texts[: options.n][:: options.captions]
    else:
        images = _laid_out(options, _random.IMAGES, options.n, options.image_width, 1)
        texts = _laid_out(options, _random.TEXTS, options.texts, options.text_width, -1)
    return State(0, _unit(images), _unit(texts), options.temperature, options.bias)


def _laid_out(options: Options, stream: int, count: int, width: float, side: int) -> Float[Tensor, "count d"]:
    """One side, in its cone or wherever."""
    d = options.d
    drawn = _random.gaussians(options.seed, stream, 0, count * d).reshape(count, d)
    if options.start == "mixed":
        return drawn
    half = math.radians(180.0 if options.start == "opposite" else options.angle) / 2
    axis = torch.zeros(d, dtype=torch.float64)
    axis[0], axis[1] = math.cos(half), side * math.sin(half)
    across = _unit(drawn - (drawn @ axis)[:, None] * axis)
    far = _random.uniforms(options.seed, stream, 1, count) ** (1 / (d - 1)) * math.radians(width)
    return far.cos()[:, None] * axis + far.sin()[:, None] * across


def _unit(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    return rows / (rows * rows).sum(dim=1, keepdim=True).sqrt()


def captions_of(options: Options, pairs: Sequence[int] | None = None) -> list[int]:
    """The caption of each pair, or of some."""
    return [pair // options.captions for pair in (range(options.n) if pairs is None else pairs)]


def drawn(options: Options, step: int) -> tuple[list[int], list[int]]:
    """The images of a step, and the caption that each is given as its own."""
    n, seed = options.n, options.seed
    size = n if options.batch == 0 else min(options.batch, n)
    images = list(range(n)) if size == n else _random.chosen(seed, _random.BATCH, step, n, size)
    partners = images
    if options.redrawn > 0:
        u = _random.uniforms(seed, _random.PARTNERS, step, 2 * size).tolist()
        partners = [int(u[2 * i + 1] * n) if u[2 * i] < options.redrawn else one for i, one in enumerate(images)]
    return images, captions_of(options, partners)


def advance(state: State, options: Options) -> State:
    """One step down the gradient. Of the b pairs of the step, image i feels

        softmax: Σ_j ½ (p_ij + q_ij − 2δ_ij) ŷ_j        sigmoid: Σ_j (σ(x̂_i·ŷ_j / τ + b) − δ_ij) ŷ_j

    with p and q the softmax of the logits along rows and columns; texts likewise. It is the gradient of the mean loss
    times b τ: as the loss gets steeper by 1/τ when it is divided by τ, so a step is as long at every temperature. The
    part along the sphere is taken off times `rate`, and the point put back on the sphere. The logarithm of a learned
    temperature, and a learned bias, follow the slope of the mean loss by a tenth of `rate`.
    """
    rows, columns = drawn(options, state.step)
    x, y = state.images[rows], state.texts[columns]
    cosines = x @ y.T
    logits = cosines / state.temperature
    if options.loss == "softmax":
        pull = (logits.softmax(dim=1) + logits.softmax(dim=0)) / 2
    else:
        pull = torch.sigmoid(logits + state.bias)
    pull.diagonal().sub_(1)
    images, texts = (torch.zeros_like(side) for side in (state.images, state.texts))
    images.index_add_(0, torch.tensor(rows), pull @ y)
    texts.index_add_(0, torch.tensor(columns), pull.T @ x)
    temperature, bias = state.temperature, state.bias
    if options.schedule == "learned":
        slope = float((pull * logits).sum()) / len(rows)  # of the mean loss in log(1/τ)
        temperature = min(max(temperature * math.exp(SCALARS * options.rate * slope), LEARNED[0]), LEARNED[1])
        if options.loss == "sigmoid":
            bias -= SCALARS * options.rate * float(pull.sum()) / len(rows)
    elif options.schedule == "annealed":
        ratio = math.log(options.cool_to / options.temperature) / options.cool_steps
        further = temperature * math.exp(ratio)
        temperature = max(further, options.cool_to) if ratio < 0 else min(further, options.cool_to)
    return State(
        state.step + 1,
        _moved(state.images, images, options.rate),
        _moved(state.texts, texts, options.rate),
        temperature,
        bias,
    )


def _moved(points: Float[Tensor, "n d"], gradient: Float[Tensor, "n d"], rate: float) -> Float[Tensor, "n d"]:
    along = gradient - (gradient * points).sum(dim=1, keepdim=True) * points
    return _unit(points - rate * along)


def changed(state: State, options: Options, change: Change) -> tuple[State, Options]:
    """State and options after a change: temperature and bias are those of the state, whatever the schedule."""
    value: dict[str, Any] = {change.name: change.value}
    return (replace(state, **value), options) if change.name in OF_STATE else (state, replace(options, **value))


def measure(state: State, options: Options) -> Moment:
    """Gap, mean distance of a pair, R@1 and loss of all pairs as they belong together.

    R@1 is the mean over both directions of the share whose own caption, or one of whose own images, is nearer than
    every other one. The loss is that of all n pairs as one batch, at the temperature of the state.
    """
    own = captions_of(options)
    x, y = state.images, state.texts[own]
    loss = (
        contrastive_loss(x, y, state.temperature)
        if options.loss == "softmax"
        else sigmoid_loss(x, y, state.temperature, state.bias)
    )
    cosines = state.images @ state.texts.T
    belong = torch.nn.functional.one_hot(torch.tensor(own), len(state.texts)).bool()
    right, wrong = cosines.masked_fill(~belong, -math.inf), cosines.masked_fill(belong, -math.inf)
    hits = [(right.amax(dim=way) > wrong.amax(dim=way)).double().mean() for way in (1, 0)]
    return Moment(
        state.step,
        geometry.gap_distance(x, y),
        float((x - y).norm(dim=1).mean()),
        float(sum(hits)) / 2,
        float(loss),
        state.temperature,
        state.bias,
    )


def marks(steps: int) -> list[int]:
    """The steps up to `steps` at which a run is measured: 0, 1, 2, … and then 20 in each tenfold; and the last."""
    found = {0, steps}
    place = 0
    while (mark := math.floor(10 ** (place / DECADE) + 0.5)) <= steps:
        found.add(mark)
        place += 1
    return sorted(found)


def states(
    options: Options, steps: int, changes: Sequence[tuple[int, str, float]] = ()
) -> Iterator[tuple[State, Options]]:
    """Each state from the start to `steps`, with the options that hold there. Errors as for `run`."""
    state, waiting = begin(options), checked(changes, options)
    for step in range(_scalars.count(steps, "steps", 0) + 1):
        while waiting and waiting[0].step == step:
            state, options = changed(state, options, waiting.pop(0))
        yield state, options
        if step < steps:
            state = advance(state, options)


def run(options: Options, steps: int, changes: Sequence[tuple[int, str, float]] = ()) -> Run:
    """A run of `steps` steps, measured at `marks(steps)`.

    `changes` are (step, name, value): from that step on, `name`, one of `LIVE`, has that value.

    Raises ValueError, or TypeError, for steps that are no whole number or a change that is none.
    """
    wanted, moments = set(marks(_scalars.count(steps, "steps", 0))), []
    for state, now in states(options, steps, changes):
        if state.step in wanted:
            moments.append(measure(state, now))
    return Run(options, tuple(checked(changes, options)), tuple(moments), state)
