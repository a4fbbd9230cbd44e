"""See, drag and test the modality gap of image and text embeddings.

The package behind the book *Mind the Gap, hands on*. The names most people need are here, and so is every module:
`mindgap.gap_distance(x, y)` and `mindgap.metrics.report(x, y)` work after `import mindgap`. Nothing heavy is imported
until a name is used; the list of names is `__init__.pyi`, which type checkers and editors read too.
"""

import lazy_loader as _lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy_loader.attach_stub(__name__, __file__)
