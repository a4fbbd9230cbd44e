"""Contrastive learning of free points on a sphere: the page *Playground*, in Python.

Every pair is two points, and training moves the points themselves: no network, no picture, no word. The same options
give the same start, the same steps and the same numbers as on the page (`book/_ext/playground/engine`), which the tests
hold against each other. What free points lack is what networks have: no layers that squeeze them into a cone, and no
capacity that they would have to share, so that each goes where the loss pulls it.
"""

from mindgap.playground._options import DIMENSIONS, LIVE, LOSSES, SCHEDULES, STARTS, Change, Options
from mindgap.playground._presets import PRESETS, Preset
from mindgap.playground._steps import Moment, Run, State, advance, begin, clip_start, marks, measure, run, states

__all__ = [
    "DIMENSIONS",
    "LIVE",
    "LOSSES",
    "PRESETS",
    "SCHEDULES",
    "STARTS",
    "Change",
    "Moment",
    "Options",
    "Preset",
    "Run",
    "State",
    "advance",
    "begin",
    "clip_start",
    "marks",
    "measure",
    "run",
    "states",
]
