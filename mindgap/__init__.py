"""See, drag and test the modality gap of image and text embeddings.

The package behind the book *Mind the Gap, hands on*. The names below are the ones most people need; each module has
more, and charts and widgets are imported by name: `from mindgap import charts`.
"""

from mindgap.geometry import (
    gap_distance,
    gap_vector,
    matched_cosine,
    mean_cosine,
    normalize,
    recall_at_k,
    shift,
)
from mindgap.landscape import Landscape, loss_landscape
from mindgap.pairs import PairedEmbeddings, load_pairs

__version__ = "0.1.0"

__all__ = [
    "Landscape",
    "PairedEmbeddings",
    "gap_distance",
    "gap_vector",
    "load_pairs",
    "loss_landscape",
    "matched_cosine",
    "mean_cosine",
    "normalize",
    "recall_at_k",
    "shift",
]
