"""The contrastive loss over shift and temperature: what would it be, had training left another gap? (§4.2, Fig 3)

`contrastive_loss` is the plain loss of one set of pairs at one temperature, for training and for whoever wants to see
it. `loss_landscape` computes the same at many shifts and temperatures, and `Landscape` holds them. How one matrix
product serves them all is in `mindgap.landscape._identity`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from mindgap import _inputs, geometry, running
from mindgap._extras import late
from mindgap._inputs import ArrayLike, Rows
from mindgap._reprs import Readable, Shown, digits, short
from mindgap.landscape._identity import SHARPEST, groups, summed_losses, tile_entries

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = late("pandas", "charts")

__all__ = [
    "DIRECTIONS",
    "TEMPERATURES",
    "Landscape",
    "Point",
    "best_shift",
    "contrastive_loss",
    "info_nce",
    "loss_landscape",
    "sigmoid_loss",
]

DIRECTIONS = ("both", "image_to_text", "text_to_image")

TEMPERATURES = (1 / 100, 1 / 50, 1 / 30, 1 / 20, 1 / 10, 1.0)
"""The paper's six (Fig 3c, d; Supplement 8). What shows or trains several temperatures takes them from here."""


def info_nce(logits: Float[Tensor, "*batch b b"] | ArrayLike, direction: str = "both") -> Float[Tensor, "*batch"]:
    """The contrastive loss of a square matrix of logits whose diagonal belongs to the pairs, in nats; differentiable.

        image_to_text = 1/b Σ_i [log Σ_j exp(z_ij) − z_ii]        text_to_image = 1/b Σ_j [log Σ_i exp(z_ij) − z_jj]

    and "both", their mean, is the symmetric loss of CLIP (van den Oord et al., 2018; Radford et al., 2021). Leading
    dimensions are batches that have a loss each. Logits are taken relative to their pair's before anything is
    exponentiated, so that rounding counts by the size of the loss and not of the logits. float64 stays, everything else
    becomes float32. NaN is not looked for, and makes the loss NaN.

    Raises ValueError for an unknown direction or a last matrix that is not square.
    """
    logits, direction = _inputs.tensor(logits, "logits"), _inputs.choice(direction, "direction", DIRECTIONS)
    if logits.ndim < 2 or logits.shape[-1] != logits.shape[-2] or not logits.shape[-1]:
        raise ValueError(f"logits: expected shape (…, b, b), got {tuple(logits.shape)}")
    own = logits.diagonal(dim1=-2, dim2=-1)
    losses = []
    if direction != "text_to_image":
        losses.append((logits - own.unsqueeze(-1)).logsumexp(dim=-1).mean(dim=-1))
    if direction != "image_to_text":
        losses.append((logits - own.unsqueeze(-2)).logsumexp(dim=-2).mean(dim=-1))
    return torch.stack(losses).mean(dim=0)


def contrastive_loss(
    x: Rows,
    y: Rows,
    temperature: float | Tensor,
    direction: str = "both",
    batch_size: int | None = None,
) -> Float[Tensor, ""]:
    """The contrastive loss of n matched pairs, in nats, as a tensor of one number; differentiable.

    It is `info_nce` of the logits x̂_i·ŷ_j / τ, the cosines of the unit rows over the temperature. Gradients reach `x`,
    `y` and, if it is a tensor, `temperature`. `direction`: "image_to_text" asks each row of `x` for its own among all
    of `y`, "text_to_image" each row of `y`, "both" is their mean. `batch_size=b` averages consecutive batches of b and
    drops a rest; `None` is one batch of n. Fewer negatives make a smaller loss, so always say the batch.

    Shapes: x, y (n, d), rows of any norm. Time O(n b d) and memory O(n b); for many shifts or temperatures, or more
    rows than that, see `loss_landscape`. float64 stays; else the loss is float32, where the rounding of cosines, 1e-7,
    moves it by up to 1e-7/τ. Works inside of `torch.func.grad` and of `torch.vmap` (where numbers are not checked).

    Raises ValueError for x and y as `geometry.gap_vector` does; for a temperature below 1e-30 or a tensor of several;
    for an unknown direction; and unless 2 ≤ batch_size ≤ n. Warns of a temperature above 10, which looks like 1/τ.
    """
    x, y = geometry.unit_pair(x, y)
    n = len(x)
    size = n if batch_size is None else _inputs.count(batch_size, "batch_size", 2, n)
    if not isinstance(temperature, Tensor):
        temperature = _inputs.temperature(temperature)
    elif temperature.numel() != 1:
        raise ValueError(f"temperature: expected one number, got shape {tuple(temperature.shape)}")
    else:
        temperature = temperature.reshape(()).to(x)
        if not _inputs.unreadable_now(temperature):
            _inputs.temperature(temperature)
    used = n // size * size
    x, y = (rows[:used].unflatten(0, (-1, size)) for rows in (x / temperature, y))
    return info_nce(x @ y.mT, direction).mean()


def sigmoid_loss(x: Rows, y: Rows, temperature: float | Tensor, bias: float | Tensor) -> Float[Tensor, ""]:
    """The pairwise loss of SigLIP (Zhai et al., 2023), in nats, as a tensor of one number; differentiable.

        1/n Σ_i Σ_j log(1 + exp(−s_ij (x̂_i·ŷ_j / τ + b))),        s_ij = 1 for the pairs, −1 for all others

    Each of the n² combinations is a question of its own, pair or not, so nothing is normalised over a batch. Shapes:
    x, y (n, d), rows of any norm. Gradients reach `x`, `y` and, where they are tensors, `temperature` and `bias`.

    Raises ValueError for x and y as `geometry.gap_vector` does.
    """
    x, y = geometry.unit_pair(x, y)
    logits = x @ y.mT / temperature + bias
    signs = 2 * torch.eye(len(x), dtype=x.dtype, device=x.device) - 1
    return -torch.nn.functional.logsigmoid(signs * logits).sum() / len(x)


@dataclass(frozen=True, repr=False)
class Point(Readable):
    """One grid point of a landscape: the shift λ, the signed distance of the means, the loss, and what it is."""

    shift: float
    distance: float
    loss: float
    kind: str

    def _shown(self) -> Shown:
        return Shown(
            f"Point of a landscape ({short(self.kind)}): its loss in nats, at which shift and distance.",
            ("shift", "distance", "loss"),
            [(self.shift, self.distance, self.loss)],
        )


@dataclass(frozen=True, repr=False)
class Landscape(Readable):
    """The contrastive loss at S shifts and T temperatures, as `loss_landscape` computes it.

    `shifts` (S,) and `temperatures` (T,) are the grid as given. `distance` (S,) is ‖mean x' − mean y'‖, with the
    sign of ⟨mean x' − mean y', Δ⟩: negative once the clouds have passed each other. `image_to_text` and
    `text_to_image` (S, T) are the two cross-entropies in nats, `loss` (S, T) is their mean.
    """

    shifts: Float[Tensor, " s"]
    temperatures: Float[Tensor, " t"]
    distance: Float[Tensor, " s"]
    image_to_text: Float[Tensor, "s t"]
    text_to_image: Float[Tensor, "s t"]

    def _shown(self) -> Shown:
        shifts, temperatures, losses = self.shifts.tolist(), self.temperatures.tolist(), self.loss
        best = losses.argmin(dim=0).tolist()
        least = [(f"{t:.3g}", self._point(losses[:, j], best[j], "")) for j, t in enumerate(temperatures)]
        return Shown(
            f"Landscape of the contrastive loss in nats at {len(shifts)} shifts from {digits(min(shifts))} to "
            f"{digits(max(shifts))} and {len(temperatures)} temperatures; the least of the shifts at each:",
            ("temperature", "shift", "distance", "loss"),
            [(t, point.shift, point.distance, point.loss) for t, point in least],
        )

    @property
    def loss(self) -> Float[Tensor, "s t"]:
        """The symmetric loss (S, T): the mean of both directions."""
        return (self.image_to_text + self.text_to_image) / 2

    def minimum(self, temperature: float, direction: str = "both") -> Point:
        """The grid point with the least loss at one temperature of the grid.

        `direction` is `"both"`, `"image_to_text"` or `"text_to_image"`. Raises ValueError for another direction, or a
        temperature that is not on the grid.
        """
        losses = self._losses(temperature, direction)
        return self._point(losses, int(losses.argmin()), "minimum")

    def extrema(self, temperature: float, direction: str = "both") -> tuple[Point, ...]:
        """The local minima and maxima within the range of shifts, by rising shift; `kind` tells which is which.

        Steps below 1e-6 (of the loss, where it is above 1) are taken for level ground, and its best point is given.
        The two ends of the range are no extrema. Arguments and errors are those of `minimum`.
        """
        losses = self._losses(temperature, direction)
        order = self.shifts.argsort()
        turns = _turning_points(losses[order].tolist())
        return tuple(self._point(losses, int(order[i]), kind) for i, kind in turns)

    def landmarks(self, temperature: float, direction: str = "both") -> dict[str, Point]:
        """What one looks for first in a curve, where it is there: "global minimum", "barrier" and "back to back".

        The barrier is the highest of the inner maxima, and back to back is the lowest inner minimum at a larger shift
        than that. Arguments and errors are those of `minimum`.
        """
        found = {"global minimum": self.minimum(temperature, direction)}
        inner = self.extrema(temperature, direction)
        peaks = [point for point in inner if point.kind == "maximum"]
        if peaks:
            barrier = found["barrier"] = max(peaks, key=lambda point: point.loss)
            behind = [point for point in inner if point.kind == "minimum" and point.shift > barrier.shift]
            found |= {"back to back": min(behind, key=lambda point: point.loss)} if behind else {}
        return found

    def frame(self) -> pd.DataFrame:
        """A tidy table of S·T rows: shift, distance, temperature, image_to_text, text_to_image, loss."""
        columns = {
            "shift": self.shifts[:, None],
            "distance": self.distance[:, None],
            "temperature": self.temperatures[None, :],
            "image_to_text": self.image_to_text,
            "text_to_image": self.text_to_image,
            "loss": self.loss,
        }
        shape = self.image_to_text.shape
        return pd.DataFrame({name: values.expand(shape).flatten().cpu().numpy() for name, values in columns.items()})

    def _losses(self, temperature: float, direction: str) -> Float[Tensor, " s"]:
        direction = _inputs.choice(direction, "direction", DIRECTIONS)
        temperature = _inputs.positive(temperature, "temperature")
        grid = self.temperatures.tolist()
        for column, value in enumerate(grid):
            if math.isclose(value, temperature, rel_tol=1e-6):
                return (self.loss if direction == "both" else getattr(self, direction))[:, column]
        known = ", ".join(f"{value:.4g}" for value in grid)
        raise ValueError(f"temperature: expected one of the landscape's temperatures ({known}), got {temperature:.4g}")

    def _point(self, losses: Float[Tensor, " s"], index: int, kind: str) -> Point:
        return Point(float(self.shifts[index]), float(self.distance[index]), float(losses[index]), kind)


def _turning_points(values: Sequence[float]) -> Iterator[tuple[int, str]]:
    """Where a sequence turns, ends excluded and blind to changes within rounding."""
    low = high = 0  # the extremes since the last turn
    rising: bool | None = None
    for i, value in enumerate(values):
        low = i if value < values[low] else low
        high = i if value > values[high] else high
        rounding = 1e-6 * max(1.0, abs(value))
        if rising is not False and value < values[high] - rounding:
            if high > 0:
                yield high, "maximum"
            rising, low = False, i
        elif rising is not True and value > values[low] + rounding:
            if low > 0:
                yield low, "minimum"
            rising, high = True, i


def loss_landscape(
    x: Rows,
    y: Rows,
    shifts: ArrayLike,
    temperatures: ArrayLike,
    batch_size: int | None = None,
    progress: bool | Callable[[float], object] = False,
) -> Landscape:
    """The contrastive loss after `geometry.shift` by each of `shifts`, at each of `temperatures` (§4.2, Fig 3b–d).

    With c_ij = x'_i·y'_j and a batch of b pairs, the two cross-entropies in nats are

        image_to_text = 1/b Σ_i [log Σ_j exp(c_ij/τ) − c_ii/τ]
        text_to_image = 1/b Σ_j [log Σ_i exp(c_ij/τ) − c_jj/τ].

    Shapes: x, y (n, d) with rows of any norm, shifts (S,), temperatures (T,); the losses are (S, T).
    `batch_size=b` averages consecutive batches of b and drops a rest, as the authors' code does with b = 50; `None`
    is one batch of n. The gap Δ is always that of all n pairs. `progress=True` shows a bar on stderr; a callable
    is given the share done, from 0 to 1.

    Errors stay below 1e-9 for float64 input and below 1e-5 otherwise, for temperatures down to 1/1000, save that a loss
    above 100 is given to the precision of its own dtype, and that it may be 2e-5 where all rows of a cloud are one, so
    that roundings do not average out. Memory beyond the input is O(n (d + S·T)), never n².
    It is computed on the device of x and y, where the result is, too; but on the CPU in place of Apple's MPS, which has
    no float64. On an NVIDIA GPU one fused kernel does it for temperatures from 1/128 on, unless the input is float64; a
    warning says so where Triton cannot compile that, and passes over memory take its place. Its products are exact to
    float32; after `torch.set_float32_matmul_precision("high")` they are TF32, and losses at τ = 1/100 off by up to .03.

    Nothing here is differentiable: see `contrastive_loss`.

    Raises ValueError for x and y as `geometry.gap_vector` does; unless shifts and temperatures are lists of at least
    one finite number, temperatures at least 1e-30; unless 2 ≤ batch_size ≤ n; and if a shift moves a row onto the
    origin. Warns of temperatures above 10, which look like 1/τ.
    """
    x, y = (_inputs.holding_float64(rows.detach()) for rows in _inputs.pair(x, y))
    shifts = _inputs.axis(shifts, "shifts").to(x.device)
    temperatures = _inputs.temperatures(temperatures).to(x.device)
    size = len(x) if batch_size is None else _inputs.count(batch_size, "batch_size", 2, len(x))
    return _landscape(x, y, shifts, temperatures, size, progress)


def _landscape(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "n d"],
    shifts: Float[Tensor, " s"],
    temperatures: Float[Tensor, " t"],
    size: int,
    progress: bool | Callable[[float], object] = False,
) -> Landscape:
    """`loss_landscape` in batches of `size`, of what it has checked."""
    inverses, order = (1 / temperatures.double()).sort()
    n, dtype = len(x), x.dtype
    # Rows are float64: what rows have in common, and what sharp temperatures need, is computed from these.
    x, y = _unit(x), _unit(y)
    delta = x.mean(dim=0) - y.mean(dim=0)
    steps = shifts.double().clamp(-geometry.FARTHEST, geometry.FARTHEST)[:, None] * delta
    plain = inverses <= SHARPEST[dtype]
    kinds = [(kind, where) for kind, where in [(dtype, plain), (torch.float64, ~plain)] if where.any()]
    used = n // size * size
    together = max(1, tile_entries(x.device) // size**2) * size  # as many whole batches as fit a tile
    distance = steps.new_empty(len(steps))
    losses = torch.zeros(2, len(shifts), len(temperatures), dtype=torch.float64, device=x.device)
    with _reporter(progress, used * len(kinds) * len(steps)) as report:
        for group in groups(x, y, steps):
            between = group.between
            side = torch.where(between @ delta < 0, -1.0, 1.0)
            distance[group.where] = side * torch.linalg.vector_norm(between, dim=1)
            for start in range(0, used, together):
                part = slice(start, min(start + together, used))
                batches = group.x.batches(part, size), group.y.batches(part, size)
                for kind, where in kinds:
                    cells = group.where[:, None] & where
                    losses[:, cells] += summed_losses(*batches, inverses[where], kind, report).flatten(1)
    image_to_text, text_to_image = (losses[..., order.argsort()] / used).to(dtype)
    return Landscape(shifts, temperatures, distance.to(dtype), image_to_text, text_to_image)


def best_shift(
    x: Rows,
    y: Rows,
    temperature: float,
    shifts: ArrayLike | None = None,
    batch_size: int | None = None,
    tolerance: float = 1e-4,
) -> Point:
    """The shift with the least symmetric loss, not bound to a grid: how far apart the loss wants the means (Fig 3).

    The least point of the grid `shifts` (default: −1 to 2.5 by .05) is refined: between its two neighbours a finer
    grid is laid, until its neighbours are less than `tolerance` apart, or 1e-12. So this is the global minimum as far
    as the first grid sees all valleys. One at an end of `shifts` stays there, with the kind "end".

    Raises ValueError as `loss_landscape` does, and for a tolerance that is not positive.
    """
    tolerance, temperature = _inputs.positive(tolerance, "tolerance"), _inputs.temperature(temperature)
    # Near a minimum the loss is level: float32 noise in it would move the minimum by 1e-3.
    x, y = (_inputs.widened(rows.detach()) for rows in _inputs.pair(x, y))
    size = len(x) if batch_size is None else _inputs.count(batch_size, "batch_size", 2, len(x))
    grid = torch.arange(-20, 51) / 20 if shifts is None else _inputs.axis(shifts, "shifts").cpu()
    grid = grid.double().clamp(-geometry.FARTHEST, geometry.FARTHEST).unique()
    ends, temperatures = (grid[0], grid[-1]), torch.tensor([temperature], dtype=torch.float64, device=x.device)
    while True:
        landscape = _landscape(x, y, grid.to(x.device), temperatures, size)
        best = int(landscape.loss[:, 0].argmin())
        low, high = float(grid[max(0, best - 1)]), float(grid[min(best + 1, len(grid) - 1)])
        if high - low < max(tolerance, 1e-12):
            return replace(landscape.minimum(temperature), kind="end" if grid[best] in ends else "minimum")
        grid = torch.linspace(low, high, 21, dtype=torch.float64)


def _unit(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """The rows on the unit sphere, in float64 and new memory."""
    # Squares of float32 numbers cannot over- or underflow in float64; those of float64 numbers can.
    rows = rows / rows.abs().amax(dim=1, keepdim=True) if rows.dtype == torch.float64 else rows.double()
    return rows.mul_(1 / torch.linalg.vector_norm(rows, dim=1, keepdim=True))


@contextmanager
def _reporter(progress: bool | Callable[[float], object], total: int) -> Iterator[Callable[[int], object]]:
    """A function to call with each amount of work done, out of `total`."""
    if progress and not callable(progress):
        shown = "{l_bar}{bar}| {elapsed}<{remaining}"
        with tqdm(total=total, desc="landscape", bar_format=shown, dynamic_ncols=True) as bar:
            yield bar.update
        return
    call: Callable[[float], object] = progress or (lambda share: running.at(share, "losses along the gap"))
    done = 0

    def report(rows: int) -> None:
        nonlocal done
        done += rows
        call(done / total)

    yield report
