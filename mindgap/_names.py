"""Names that several modules share and the command shows: here because they need no torch."""

TOWERS = ("resnet18", "ViT-B-32:image", "ViT-B-32:text")
"""The three towers of Fig 2."""

INPUTS = ("noise", "scenes")
"""What untrained towers are given."""
