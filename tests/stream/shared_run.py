"""Run by torchrun: both kinds of streams over the folder named first, as JSON from rank 0.

A second argument is the rank that dies, by a signal it cannot answer, in the middle of the first.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any
from unittest import mock

import torch

from mindgap import metrics, pairs, stream
from mindgap.metrics import _sampled
from mindgap.pairs import Shards

torch.set_num_threads(1)


def found(shards: Shards, ranks: stream.Ranks) -> dict[str, Any]:
    """All numbers of both."""
    with mock.patch.multiple(_sampled, ASKED=100, SAMPLE=50), mock.patch.object(metrics, "EXACT", 400):
        report = stream.report(shards, k=2, seed=1, ranks=ranks)
    landscape = stream.landscape(shards, [-0.4, 0.0, 0.6], [1.0, 1 / 200], rows=60, ranks=ranks)
    curve = landscape.landscape
    return {
        "measures": report.measures,
        "losses": [curve.image_to_text.tolist(), curve.text_to_image.tolist(), landscape.half.tolist()],
        "distance": curve.distance.tolist(),
        "valleys": [one.as_row() for one in landscape.valleys],
    }


def main() -> None:
    folder, dies = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    with stream.joined() as ranks:
        if ranks.rank == dies:
            read = Shards.read

            def dying(self: Shards, start: int, stop: int) -> Any:
                if start:
                    os.kill(os.getpid(), signal.SIGKILL)
                return read(self, start, stop)

            Shards.read = dying  # type: ignore[method-assign]
        result = found(pairs.open_shards(folder), ranks)
    if ranks.first:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
