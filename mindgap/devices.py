"""Where heavy work runs: one choice for the whole package, which a reader can see and overrule."""

from __future__ import annotations

import os
from typing import Any

import torch

__all__ = ["VARIABLE", "device", "note"]

VARIABLE = "MINDGAP_DEVICE"
"""The environment variable that overrules the choice."""

AUTO = "auto"
_IN_SHORT = {"Expected one of": "torch knows no such device", "Could not run": "this torch was built without it"}


def device() -> torch.device:
    """The device for heavy work: CUDA where there is one, else Apple's MPS where it works, else the CPU.

    The environment variable `MINDGAP_DEVICE` overrules that, with "cpu", "cuda:1" or whatever else torch knows; "auto"
    and nothing are the choice above. Every function and command that takes a device takes "auto" for this one. MPS has
    no float64: what needs it is computed on the CPU there.

    Raises ValueError, naming the variable, where it names a device that cannot be used.
    """
    wanted = os.environ.get(VARIABLE, "").strip()
    if wanted and wanted != AUTO:
        return usable(wanted, VARIABLE)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps", 0) if _mps_works() else torch.device("cpu")


def note(where: str | torch.device = AUTO) -> None:
    """Print where something was computed, if that was not the CPU: a stored output of the CPU has no such line.

    Raises ValueError for a device that cannot be used.
    """
    if (found := usable(where)).type != "cpu":
        name = f" ({torch.cuda.get_device_name(found)})" if found.type == "cuda" else ""
        print(f"Computed on {found}{name}; digits may differ from the CPU's.")


def usable(value: Any, name: str = "device") -> torch.device:
    """`value` as torch's device, if tensors can be made there; "auto" and None are `device()`."""
    if value is None or value == AUTO:
        return device()
    try:
        found = torch.empty(0, device=value).device
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:  # torch has no one error for this
        reason = str(error).splitlines()[0].partition(". ")[0].rstrip(".")
        # torch goes on for a page here, with all that it was ever built for.
        reason = next((short for start, short in _IN_SHORT.items() if reason.startswith(start)), reason)
    else:
        if found.type != "meta":
            return found
        reason = "it computes no numbers"
    raise ValueError(f"{name}: {str(value)!r} cannot be used here ({reason}); expected {' or '.join(_here())}")


def _here() -> list[str]:
    """What can be named on this machine."""
    gpus = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [AUTO, "cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]


def _mps_works() -> bool:
    """Whether MPS is there and computes: in a virtual machine it may be there and have no memory."""
    if not torch.backends.mps.is_available():
        return False
    try:
        return float(torch.ones(2, device="mps").sum()) == 2
    except RuntimeError:
        return False
