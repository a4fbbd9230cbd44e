"""The seven runs of the page's story."""

from __future__ import annotations

from dataclasses import dataclass, field

from mindgap.playground._options import Change, Options


@dataclass(frozen=True)
class Preset:
    """A run that the page offers: its options, how many steps show what there is to see, `changes` on the way."""

    options: Options
    steps: int
    changes: tuple[Change, ...] = field(default=())


PRESETS = {
    "warm": Preset(Options(temperature=1.0), 300),
    "cold": Preset(Options(temperature=1 / 30), 3000),
    "wide": Preset(Options(d=32, temperature=1 / 30), 3000),
    "overshoot": Preset(Options(start="opposite", temperature=1 / 100, rate=0.1), 3000, (Change(1000, "rate", 0.02),)),
    "redrawn": Preset(Options(temperature=1 / 30, redrawn=0.3), 3000),
    "captions": Preset(Options(temperature=1 / 30, captions=4), 3000),
    "sigmoid": Preset(Options(loss="sigmoid", temperature=0.1), 3000),
}
"""By name, in the order of the story. All begin with 60 pairs in three dimensions, but for "wide"."""
