"""The loss at one shift and one temperature, as others would compute it: what `loss_landscape` is measured beside."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Number = float | Tensor


def shifted(x: Tensor, y: Tensor, shift: Number) -> tuple[Tensor, Tensor]:
    """Both clouds moved along the gap; the rows keep whatever length they get."""
    delta = x.mean(dim=0) - y.mean(dim=0)
    return x - shift * delta, y + shift * delta


def plain_loss(x: Tensor, y: Tensor, shift: Number, temperature: Number) -> Tensor:
    """All of it done afresh, in the dtype of the input: the obvious way."""
    moved_x, moved_y = (F.normalize(rows) for rows in shifted(x, y, shift))
    logits = moved_x @ moved_y.T / temperature
    target = torch.arange(len(x), device=x.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


_compiled = torch.compile(plain_loss, dynamic=False)


def compiled_loss(x: Tensor, y: Tensor, shift: float, temperature: float) -> Tensor:
    """The same under torch.compile, once for each size: as numbers, each shift would be a program of its own."""
    found: Tensor = _compiled(x, y, *(torch.tensor(number, device=x.device) for number in (shift, temperature)))
    return found


def open_clip_loss(x: Tensor, y: Tensor, shift: float, temperature: float) -> Tensor:
    """With open_clip's loss, as its training has it."""
    from open_clip.loss import ClipLoss

    moved = (F.normalize(rows) for rows in shifted(x, y, shift))
    found: Tensor = ClipLoss()(*moved, torch.tensor(1 / temperature, device=x.device))
    return found


def memeff_loss(x: Tensor, y: Tensor, shift: float, temperature: float) -> Tensor:
    """With memeff's, which never holds all cosines at once and needs CUDA: `pip install memeff`."""
    from memeff import MemoryEfficientCLIPLoss  # type: ignore[import-not-found, unused-ignore]

    found: Tensor = MemoryEfficientCLIPLoss(temperature=temperature)(*shifted(x, y, shift))
    return found
