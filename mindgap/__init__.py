"""See, drag and test the modality gap of image and text embeddings.

The package behind the book *Mind the Gap, hands on*. The names below are the ones most people need; each module has
more, and charts and widgets are imported by name: `from mindgap import charts`.
"""

from mindgap.cones import cap_fraction, cosine_histogram, mlp_cosines, relu_mean_field, variance_share
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
    "cap_fraction",
    "cosine_histogram",
    "gap_distance",
    "gap_vector",
    "load_pairs",
    "loss_landscape",
    "matched_cosine",
    "mean_cosine",
    "mlp_cosines",
    "normalize",
    "recall_at_k",
    "relu_mean_field",
    "shift",
    "variance_share",
]
