"""What is drawn for one student: an assignment gives each other data, and with them other numbers to argue from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import torch

_NOBODY = 2**60  # no student's number leads to it


@dataclass(frozen=True)
class Variant:
    """The draw that belongs to one student's number: `seed` for random numbers, and in `message` whose it is."""

    seed: int
    message: str

    def __str__(self) -> str:
        return self.message

    def generator(self) -> torch.Generator:
        """A new generator of random numbers, which follow from the student's number alone."""
        return torch.Generator().manual_seed(self.seed)


def variant(number: object = None) -> Variant:
    """The variant of a student's number, which may have letters and leading zeros: "0123456", "ab 12", or 17.

    Without a number (None, or nothing but spaces) it is nobody's, and its message asks for one.
    """
    text = str(number).strip().upper() if isinstance(number, str | int) else ""
    if not text:
        return Variant(
            _NOBODY, "○ No student number yet, so this is drawn for nobody. Put yours into my_number and run again."
        )
    seed = int(text) % _NOBODY if text.isdecimal() else zlib.crc32(text.encode())
    return Variant(seed, f"Drawn for student number {text}.")
