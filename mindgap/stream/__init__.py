"""Pairs that do not fit into memory, on one machine or on many: their measures, and the loss along their gap.

`report` gives what `metrics.report` gives, `landscape` the loss of sampled rows against all others, of `Shards` that
`pairs.open_shards` opens. Both can be kept in a file and gone on with, and shared by the processes that torchrun
starts (`joined`).
"""

from __future__ import annotations

from mindgap.stream._landscape import SampledLandscape, SampledValley, landscape
from mindgap.stream._ranks import Ranks, joined, started_by_torchrun
from mindgap.stream._report import StreamedReport, report

__all__ = [
    "Ranks",
    "SampledLandscape",
    "SampledValley",
    "StreamedReport",
    "joined",
    "landscape",
    "report",
    "started_by_torchrun",
]
