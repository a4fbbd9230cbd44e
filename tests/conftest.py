"""Run every `mindgap` module with its annotated shapes checked, and one thread count for all."""

import torch
from jaxtyping import install_import_hook

import tests.typecheck  # noqa: F401 - the hook below names it

install_import_hook("mindgap", "tests.typecheck.checked")

torch.set_num_threads(2)
