from . import charts as charts
from . import check as check
from . import cli as cli
from . import cones as cones
from . import experiments as experiments
from . import geometry as geometry
from . import landscape as landscape
from . import metrics as metrics
from . import miniclip as miniclip
from . import pairs as pairs
from . import recipe as recipe
from . import scenes as scenes
from . import seeds as seeds
from . import sphere as sphere
from . import theorems as theorems
from . import towers as towers
from . import training as training
from . import widgets as widgets
from .cones import cap_fraction as cap_fraction
from .cones import cosine_histogram as cosine_histogram
from .cones import mlp_cosines as mlp_cosines
from .cones import relu_mean_field as relu_mean_field
from .cones import variance_share as variance_share
from .geometry import gap_distance as gap_distance
from .geometry import gap_vector as gap_vector
from .geometry import matched_cosine as matched_cosine
from .geometry import mean_cosine as mean_cosine
from .geometry import normalize as normalize
from .geometry import recall_at_k as recall_at_k
from .geometry import shift as shift
from .landscape import Landscape as Landscape
from .landscape import loss_landscape as loss_landscape
from .pairs import PairedEmbeddings as PairedEmbeddings
from .pairs import load_pairs as load_pairs
from .sphere import six_pairs as six_pairs

__version__: str
__all__: list[str]
