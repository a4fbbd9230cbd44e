"""Options that commands share, and options that are the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

import typer

Command: TypeAlias = Callable[..., None]

Force = Annotated[bool, typer.Option("--force", help="Replace OUT, and an unfinished run towards it.")]
Device = Annotated[
    str,
    typer.Option(help="Where to compute: [b]auto[/] (the GPU, if there is one), [b]cpu[/], [b]cuda[/], …"),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Only say what would be computed, where it would be written, and about how long that takes here, by a "
        "short sample. Nothing is written.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]

# What all commands share that are given embeddings.
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Names ([b]mindgap list[/]), files ([b].npy .npz .safetensors .pt .parquet .csv .tsv[/]) or folders of "
        "shards. Two files that hold a side each are one source, as is [b]image.npy,text.npy[/].",
        show_default=False,
    ),
]
N = Annotated[
    int | None,
    typer.Option("--n", help="So many pairs only: the first ones, or as many as are drawn.", show_default=False),
]
Seed = Annotated[int, typer.Option(help="Of what is drawn at random: scenes, weights, samples.")]
Data = Annotated[
    str | None,
    typer.Option(
        help="Your captioned images for [b]open_clip:…[/]: a folder, a CSV file or a webdataset .tar.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="All digits, as JSON on stdout.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="All digits, as CSV on stdout.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Write there instead, [b].json[/] or [b].csv[/], with all digits.", show_default=False
    ),
]
Temperatures = Annotated[
    str | None,
    typer.Option(help="Those of the landscape, as [b].01,.07,1/30[/]; the paper's six without it.", show_default=False),
]
Stream = Annotated[
    bool | None,
    typer.Option(
        "--stream/--no-stream",
        help="Read .npy files or shards a part at a time, or all at once. Without either, more than 2 GiB are "
        "streamed, and whatever torchrun is given.",
        show_default=False,
    ),
]
State = Annotated[
    Path | None,
    typer.Option(
        help="Keep a stream in this file, [b].safetensors[/], as it goes; the same command goes on from it.",
        show_default=False,
    ),
]
Replace = Annotated[bool, typer.Option("--force", help="Replace OUTPUT if it exists.")]


def from_fields(
    dataclass: type[Any],
    parameter: str,
    arguments: Sequence[str] = (),
    flags: Mapping[str, str] | None = None,
    build: Callable[..., Any] | None = None,
) -> Callable[[Command], Command]:
    """Decorator: `parameter` of a command, a `dataclass`, becomes an option for each of its fields.

    Name, type and default are those of the field; help and panel are its metadata (`mindgap.recipe.option`).
    `arguments` are the fields given by place, `flags` the names of options that are not those of their fields. `build`
    makes the dataclass of the values that the user named, by field; without it, the others take their defaults. Typer
    has no such thing of its own.
    """
    hints, flags = get_type_hints(dataclass), flags or {}
    own = [_as_parameter(one, hints[one.name], one.name in arguments, flags.get(one.name)) for one in fields(dataclass)]

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_fields(**values: Any) -> None:
            given = {one.name: values.pop(one.name) for one in own}
            named = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items() if v is not None}
            value = (build or dataclass)(**named)
            command(**values, **{parameter: value})

        signature = inspect.signature(command, eval_str=True)
        parameters = [
            new.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for old in signature.parameters.values()
            for new in (own if old.name == parameter else [old])
        ]
        with_fields.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        with_fields.__annotations__ = {one.name: one.annotation for one in parameters}
        return with_fields

    return decorate


def _if_named(context: Any, parameter: Any, value: Any) -> Any:
    """`value` if the user gave it, None if it is the default."""
    return None if context.get_parameter_source(parameter.name).name.startswith("DEFAULT") else value


def _as_parameter(field: Field[Any], hint: Any, is_argument: bool, flag: str | None) -> inspect.Parameter:
    """A field as a parameter that typer understands: tuples of any length are lists there."""
    kind: Any = hint
    default: Any = field.default
    if get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
        kind, default = list[get_args(hint)[0]], list(default)  # type: ignore[misc]
    about: dict[str, Any] = {
        "help": field.metadata["help"],
        "rich_help_panel": field.metadata["panel"],
        "callback": _if_named,
    }
    if is_argument:
        info = typer.Argument(**about)
    else:
        info = typer.Option(flag or f"--{field.name.replace('_', '-')}", **about)
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def prose(command: Command) -> str:
    """The docstring of a command, its paragraphs free to be broken anew; indented ones, the examples, stay."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(text if text.startswith(" ") else text.replace("\n", " ") for text in paragraphs)


def temperatures_of(text: str | None) -> tuple[float, ...]:
    """The temperatures of an option `Temperatures`. Raises ValueError for what are no numbers."""
    if text is None:
        from mindgap.landscape import TEMPERATURES

        return TEMPERATURES
    return tuple(_number(part) for part in text.split(","))


def _number(text: str) -> float:
    """A number, or a fraction of two."""
    try:
        above, slash, below = text.partition("/")
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"temperatures: expected numbers such as .01,.07,1/30, got {text.strip()!r}") from None
