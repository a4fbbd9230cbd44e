"""The machinery of `mindgap.check`: call somebody's function, compare, and name the likely mistake."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mindgap._errors import FeaturesAltered

STUB = "write this"
"""What NotImplementedError says where an assignment has left a place for somebody's code."""


@dataclass(frozen=True)
class Feedback:
    """What a check found: `name` of what was checked, whether it `passed`, and a `message` for its author.

    `passed` is None where nothing could be found out. True if it passed; shows itself as one line, such as
    "✓ normalize: …", "✗ normalize: …" or "○ ex-gap-noise: …".
    """

    name: str
    passed: bool | None
    message: str

    @property
    def sign(self) -> str:
        """✓ right, ✗ wrong, ○ neither."""
        return "○" if self.passed is None else "✓" if self.passed else "✗"

    def __bool__(self) -> bool:
        return bool(self.passed)

    def __str__(self) -> str:
        return f"{self.sign} {self.name}: {self.message}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<p>{self.sign} <strong>{html.escape(self.name)}</strong>: {html.escape(self.message)}</p>"

    def require(self) -> Feedback:
        """The feedback itself if it passed; raises AssertionError with its line if not."""
        if not self.passed:
            raise AssertionError(str(self))
        return self


class Failed(Exception):
    """What is wrong with a function, in words for its author."""


@dataclass(frozen=True)
class Case:
    """Arguments to try, and in words `what` they are."""

    what: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Task:
    """What a function should do, and the ways in which it is likely to go wrong.

    `cases` from a generator, in the order in which to try them: the plainest first, so that a second mistake is named
    after the first is mended. `truth` and each of the `mistakes` (name → what the function then does) get the
    arguments of a case in float64. Numbers agree within `tolerance`, relative to the largest, if that is above 1.
    `keeps_precision`: a tensor that comes out has the precision of the one that went in.
    """

    name: str
    praise: str
    cases: Callable[[torch.Generator], Sequence[Case]]
    truth: Callable[..., Any]
    mistakes: Mapping[str, Callable[..., Any]]
    tolerance: float = 1e-5
    not_finite: str = "a division by zero, perhaps"
    keeps_precision: bool = False


def report(name: str, praise: str, test: Callable[[], object]) -> Feedback:
    """Run `test`, which raises `Failed`, and put what it finds into words; neutral ones if data for it are missing."""
    try:
        test()
    except (FileNotFoundError, FeaturesAltered):  # of the test; what somebody's function raises, `call` has caught
        return Feedback(name, None, "cannot be checked here, since the data for it are missing.")
    except Failed as failed:
        message = str(failed)
        return Feedback(name, False, message if message[-1] in ".?!" else f"{message}.")
    return Feedback(name, True, praise)


def judge(task: Task, function: Any, generator: torch.Generator) -> Feedback:
    """Try all cases of a task, up to the first that fails."""
    cases = task.cases(generator)

    def test() -> None:
        for number, case in enumerate(cases):
            _try(task, function, case, cases[number + 1 :])

    return report(task.name, task.praise, test)


def call(function: Any, case: Case) -> Any:
    """What the function returns, torch's global random numbers being left as they were.

    Raises Failed if it raises, returns nothing, changes its arguments or draws from the global random numbers.
    """
    if not callable(function):
        raise Failed(f"expected the function itself, got {_kind(function)}; leave out the brackets behind its name")
    given = [_copy(argument) for argument in case.arguments]
    with torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        try:
            result = function(*given)
        except Exception as error:  # whatever it is, its author wants to read it
            if isinstance(error, NotImplementedError) and str(error) == STUB:  # torch raises that type, too
                raise Failed("not written yet") from None
            raise Failed(
                f"on {case.what} it raised {type(error).__name__}{f': {error}' if str(error) else ''}"
            ) from None
        drew = not torch.equal(before, torch.get_rng_state())
    if drew:
        raise Failed("it uses torch's global random numbers: what it returns depends on what ran before")
    if result is None:
        raise Failed("it returns nothing (None); is there a return at the end?")
    for after, argument in zip(given, case.arguments, strict=True):
        if isinstance(argument, Tensor) and not torch.equal(after, argument):
            raise Failed("it changes the tensor that it is given, which its caller may still need; make a new one")
    return result


class Largest(TorchDispatchMode):
    """Watches torch at work: `entries` is how many numbers the largest of the tensors made meanwhile holds."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, list | tuple) else [result]:
            if isinstance(part, Tensor):
                self.entries = max(self.entries, part.numel())
        return result


def numbers(value: Any) -> Tensor:
    """Anything like numbers as a float64 tensor. Raises Failed if it is not."""
    try:
        if isinstance(value, list | tuple):
            value = [part.tolist() if isinstance(part, Tensor) else part for part in value]
        result = torch.as_tensor(value).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise Failed(f"it returns {_kind(value)}, which is not made of numbers") from None
    if result.is_complex():
        raise Failed("it returns complex numbers")
    return result.double()


def _try(task: Task, function: Any, case: Case, later: Sequence[Case]) -> None:
    right = _parts(task.truth(*_doubles(case)))
    result = call(function, case)
    if len(right) > 1 and not (isinstance(result, list | tuple) and len(result) == len(right)):
        raise Failed(f"it returns {_kind(result)}, expected {len(right)} tensors, as in return a, b")
    got = [numbers(part) for part in (result if len(right) > 1 else (result,))]
    if _close(got, right, task.tolerance):
        if task.keeps_precision and isinstance(result, Tensor) and result.dtype != case.arguments[0].dtype:
            before, after = (str(dtype).removeprefix("torch.") for dtype in (case.arguments[0].dtype, result.dtype))
            raise Failed(f"right, but {before} goes in and {after} comes out: keep the precision")
        return
    if likely := _likely(task, function, case, got, right, later):
        raise Failed(f"wrong on {case.what}{_difference(got, right)}. Likely {likely}.")
    for part, expected in zip(got, right, strict=True):
        if part.shape != expected.shape:
            raise Failed(f"on {case.what} it returns {_shape(part)}, expected {_shape(expected)}")
        if not part.isfinite().all():
            raise Failed(f"on {case.what} it gives NaN or infinity: {task.not_finite}")
    raise Failed(f"wrong on {case.what}{_difference(got, right)}")


def _likely(
    task: Task, function: Any, case: Case, got: list[Tensor], right: list[Tensor], later: Sequence[Case]
) -> str | None:
    """The mistake that gives what was got; if several do, the one that agrees with most of the later cases too."""

    def result(mistake: str, case: Case) -> list[Tensor]:
        return _parts(task.mistakes[mistake](*_doubles(case)))

    fitting = [
        mistake
        for mistake in task.mistakes
        if _close(got, wrong := result(mistake, case), task.tolerance) and not _close(wrong, right, task.tolerance)
    ]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    agreeing = dict.fromkeys(fitting, 0)
    for other in later:
        try:
            found = _parts(call(function, other))
        except Failed:
            continue
        for mistake in fitting:
            agreeing[mistake] += _close(found, result(mistake, other), task.tolerance)
    return max(fitting, key=agreeing.__getitem__)


def _sequence(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def _parts(result: Any) -> list[Tensor]:
    return [numbers(part) for part in _sequence(result)]


def _difference(got: list[Tensor], wanted: list[Tensor]) -> str:
    """One number that is not what it should be."""
    for part, expected in zip(got, wanted, strict=True):
        if part.shape != expected.shape:
            return f", where it returns {_shape(part)}"
    a, b = torch.cat([part.flatten() for part in got]), torch.cat([part.flatten() for part in wanted])
    place = int((a - b).abs().nan_to_num(torch.inf).argmax())
    of = "" if len(a) == 1 else " somewhere"
    one, other = float(a[place]), float(b[place])
    digits = next((n for n in range(3, 17) if float(_digits(one, n)) != float(_digits(other, n))), 17)
    return f" ({_digits(one, digits)}{of} instead of {_digits(other, digits)})"


def _digits(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if 0.01 <= abs(value) < 1000 or value == 0 else f"{value:.{digits - 1}g}"


def _close(a: list[Tensor], b: list[Tensor], tolerance: float) -> bool:
    return len(a) == len(b) and all(_near(one, other, tolerance) for one, other in zip(a, b, strict=True))


def _near(a: Tensor, b: Tensor, tolerance: float) -> bool:
    if a.shape != b.shape or not (a.isfinite().all() and b.isfinite().all()):
        return False
    largest = max(1.0, float(b.abs().max())) if b.numel() else 1.0
    return bool(((a - b).abs() <= tolerance * largest).all())


def _doubles(case: Case) -> list[Any]:
    return [_copy(part).double() if isinstance(part, Tensor) else part for part in case.arguments]


def _copy(argument: Any) -> Any:
    return argument.clone() if isinstance(argument, Tensor) else argument


def _shape(part: Tensor) -> str:
    return f"shape {tuple(part.shape)}" if part.ndim else "one number"


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
