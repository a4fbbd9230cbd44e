"""Random fully connected layers, as the paper draws them: W_kl and b_k from N(0, 1/d_out) (Fig 2b, Theorem 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindgap import _inputs

PIECES = 2  # linear pieces of a maxout unit
SLOPE = 0.01  # of a leaky ReLU below zero

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": lambda h: nn.functional.leaky_relu(h, SLOPE),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "linear": lambda h: h,
    "maxout": lambda h: h.unflatten(1, (PIECES, -1)).amax(dim=1),
}


def _over_neurons(h: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    return nn.functional.layer_norm(h, h.shape[1:])


def _over_inputs(h: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    return nn.functional.batch_norm(h, None, None, training=True)


NORMS: dict[str, Callable[[Tensor], Tensor]] = {"none": lambda h: h, "layer": _over_neurons, "batch": _over_inputs}


@dataclass(frozen=True)
class Layer:
    """One random layer h ↦ φ(norm(W h + b)) with `width` outputs.

    `activation` is one of "relu", "leaky_relu" (slope 0.01), "sigmoid", "tanh", "linear" and "maxout" (the larger of
    two linear pieces). `norm` is "none", "layer" (each input standardised over its neurons) or "batch" (each neuron
    standardised over the inputs, as batch normalisation does while training; in evaluation mode, at initialisation,
    it does nothing).

    Raises ValueError for an unknown name or a width below 1.
    """

    activation: str = "relu"
    width: int = 512
    bias: bool = True
    norm: str = "none"

    def __post_init__(self) -> None:
        _inputs.choice(self.activation, "activation", ACTIVATIONS)
        _inputs.choice(self.norm, "norm", NORMS)
        object.__setattr__(self, "width", _inputs.count(self.width, "width"))


def preactivation(h: Float[Tensor, "n d"], layer: Layer, generator: torch.Generator) -> Float[Tensor, "n pieces_width"]:
    """W h + b with new random weights; the numbers are drawn on the CPU, so that every device gets the same ones."""
    rows = layer.width * (PIECES if layer.activation == "maxout" else 1)
    scale = layer.width**-0.5
    weight = torch.randn(rows, h.shape[1], generator=generator).to(h) * scale
    # Drawn in any case, so that a net with and without biases has the same weights.
    bias = torch.randn(rows, generator=generator).to(h) * scale
    return nn.functional.linear(h, weight, bias if layer.bias else None)


def forward(
    h: Float[Tensor, "n d"], layers: Sequence[Layer], generator: torch.Generator
) -> Iterator[Float[Tensor, "n width"]]:
    """The outputs of one random layer after the other.

    Raises ValueError if a layer turns an input into zeros, which have no direction.
    """
    for number, layer in enumerate(layers, start=1):
        h = ACTIVATIONS[layer.activation](NORMS[layer.norm](preactivation(h, layer, generator)))
        if (zero := (h == 0).all(dim=1)).any():
            raise ValueError(
                f"width: expected every input to keep a direction, but layer {number}, of width {layer.width}, "
                f"turned input {int(zero.nonzero()[0])} into zeros; wider layers do not"
            )
        yield h


def gaussian_inputs(
    n: int, d: int, norm: float | None, generator: torch.Generator, device: str | torch.device = "cpu"
) -> Float[Tensor, "n d"]:
    """n inputs from N(0, I), scaled to the length `norm` if one is given."""
    h = torch.randn(n, d, generator=generator)
    if norm is not None:
        h = h * (norm / torch.linalg.vector_norm(h, dim=1, keepdim=True))
    return h.to(device)
