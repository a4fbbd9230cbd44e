"""What determines a run of the playground, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mindgap import _scalars

DIMENSIONS = (2, 3, 8, 32)
STARTS = ("mixed", "cones", "opposite", "clip")
SCHEDULES = ("fixed", "learned", "annealed")
LOSSES = ("softmax", "sigmoid")
FEWEST, MOST = 2, 200
LIVE = ("temperature", "bias", "rate", "redrawn", "batch")
"""What can be changed in the course of a run."""

COLDEST, WARMEST = 1 / 200, 2.0
RATES = (1e-3, 2.0)
BIASES = (-20.0, 5.0)
LEARNED = (1 / 100, 1.0)
"""The temperatures between which a learned one stays; CLIP's own may not fall below 1/100 either."""


@dataclass(frozen=True)
class Options:
    """Everything that determines a run, but for changes in its course.

    `n` pairs on the unit sphere of `d` dimensions (2, 3, 8 or 32). `start`: "mixed" lays both sides out uniformly;
    "cones" in two cones whose axes are `angle` degrees apart, each point at most `image_width` or `text_width` degrees
    from its own axis; "opposite" so with 180 degrees; "clip" takes CLIP's own first `d` axes of 200 pairs (see
    `clip_start`). With `captions` of more than 1, so many images have one caption, one point, in common.

    `loss`: "softmax" is CLIP's, "sigmoid" SigLIP's with a `bias`. `temperature` is that of the beginning; `schedule`
    says whether it is "fixed", "learned" (with the bias, at a tenth of the rate, kept from 1/100 to 1) or "annealed":
    multiplied at each step by the same number, so that after `cool_steps` steps it is `cool_to`, where it stays. At
    each step `batch` pairs are drawn (0: all), a share `redrawn` of them with a partner drawn anew, and each point goes
    down the gradient of its own terms of the loss by `rate`.

    Raises ValueError, or TypeError, that names the field.
    """

    n: int = 60
    d: int = 3
    start: str = "cones"
    image_width: float = 30.0
    text_width: float = 30.0
    angle: float = 90.0
    loss: str = "softmax"
    temperature: float = 0.1
    schedule: str = "fixed"
    cool_to: float = 0.01
    cool_steps: int = 1000
    bias: float = -5.0
    rate: float = 0.05
    batch: int = 0
    redrawn: float = 0.0
    captions: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("n", _scalars.count(self.n, "n", FEWEST, MOST))
        put("d", _scalars.count(self.d, "d"))
        if self.d not in DIMENSIONS:
            raise ValueError(f"d: expected one of {', '.join(map(str, DIMENSIONS))}, got {self.d}")
        for name, known in (("start", STARTS), ("loss", LOSSES), ("schedule", SCHEDULES)):
            put(name, _scalars.choice(getattr(self, name), name, known))
        for name, (low, high) in _RANGES.items():
            put(name, within(getattr(self, name), name, low, high))
        put("cool_steps", _scalars.count(self.cool_steps, "cool_steps", 1, 10**6))
        put("batch", _scalars.count(self.batch, "batch", 0, MOST))
        put("captions", _scalars.count(self.captions, "captions", 1, 10))
        put("seed", _scalars.count(self.seed, "seed", 0, _scalars.LARGEST_SEED))

    @property
    def texts(self) -> int:
        """How many different captions there are."""
        return -(-self.n // self.captions)


_RANGES = {
    "image_width": (1.0, 180.0),
    "text_width": (1.0, 180.0),
    "angle": (0.0, 180.0),
    "temperature": (COLDEST, WARMEST),
    "cool_to": (COLDEST, WARMEST),
    "bias": BIASES,
    "rate": RATES,
    "redrawn": (0.0, 1.0),
}


def within(value: object, name: str, low: float, high: float) -> float:
    found = _scalars.number(value, name)
    if not low <= found <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {found:g}")
    return found


class Change(NamedTuple):
    """From `step` on, `name` (one of `LIVE`) has another `value`."""

    step: int
    name: str
    value: float


def checked(changes: Sequence[tuple[int, str, float]], options: Options) -> list[Change]:
    """Changes in the order of their steps. Raises ValueError for one that is none, by the name of what it changes."""
    found = []
    for given in changes:
        step, name, value = given
        known = _scalars.choice(name, "changes", LIVE)
        taken: dict[str, Any] = {known: value}
        kept: Any = getattr(replace(options, **taken), known)
        found.append(Change(_scalars.count(step, "changes", 0), known, kept))
    return sorted(found, key=lambda one: one.step)
