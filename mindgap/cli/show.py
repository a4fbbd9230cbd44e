"""`mindgap show`: what a file is, and what lies in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mindgap.cli._messages import show
from mindgap.cli._options import AsJson

if TYPE_CHECKING:
    from mindgap._reprs import Shown
    from mindgap.embedding import Embedded
    from mindgap.pairs import StoredArray

_LOOKS = 8  # rows of a history that are shown
_HISTORY = ("step", "loss", "gap", "image_to_text", "text_to_image", "temperature")


def show_file(
    file: Annotated[
        str,
        typer.Argument(
            help="A file of embeddings, a model, a result, an unfinished run or a folder of shards; also [b]mini[/], "
            "[b]mini@0.07[/], or a stored result of [b]mindgap list[/].",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Say what a file is: a model with recipe, history and versions, a result, or embeddings with shapes and norms.

    Nothing in the file is run, whatever it is.

    Examples:

        mindgap show mine.safetensors
        mindgap show image.npy
        mindgap show sweep_temperature.json
    """
    from mindgap import _files

    path = _path(file)
    if path.is_dir():
        content, lines = _folder(path)
    elif _files.is_ours(path):
        content, lines = _of_ours(path)
    elif path.suffix == ".json":
        content, lines = _result(path)
    else:
        content, lines = _arrays(path)
    if as_json:
        print(json.dumps({"file": str(path), **content}))
        return
    for line, table in lines:
        show(line, table)


Lines = list[tuple[str, Table | None]]


def _path(text: str) -> Path:
    """The file that is meant: as it is named, or one that comes with the package."""
    from mindgap import _files, miniclip, results

    path = _files.user_path(text, "file")
    if path.exists():
        return path
    kind, _, rest = text.partition("@")
    if kind == "mini":
        if rest.endswith(_files.SUFFIX):
            return _path(rest)
        return miniclip.checkpoint(rest) if rest else miniclip.checkpoint()
    if text in results.names() and text.endswith(".json"):
        return results.path(text)
    raise FileNotFoundError(f"{text}: no such file or folder")


def _of_ours(path: Path) -> tuple[dict[str, Any], Lines]:
    """A trained model, or an unfinished run."""
    from mindgap import _files

    header, tensors = _files.read_tensors(path)
    numbers = sum(tensor.numel() for name, tensor in tensors.items() if not name.startswith("optimizer."))
    about: dict[str, Any] = {
        name: header[name] for name in ("recipe", "history", "seconds", "versions", "step") if name in header
    }
    if "runs" in header:
        done = len(header["runs"])
        content = {"kind": "unfinished sweep", "done": done, **about}
        return content, [(f"{path}: an unfinished sweep, {done} runs done", _pairs(header["recipe"]))]
    if "history" not in header:
        content = {"kind": "unfinished cones", "done": len(tensors), **about}
        return content, [(f"{path}: unfinished cones, {len(tensors)} clouds done", _pairs(header.get("recipe", {})))]
    history = header["history"]
    if "step" in header:
        what = f"an unfinished training, at step {header['step']} of {header['recipe']['steps']}"
        content = {"kind": "unfinished training", **about}
    else:
        what = f"a trained model of {numbers:,} parameters; 'mini@{path}' embeds drawn scenes with it"
        content = {"kind": "model", "parameters": numbers, **about}
    lines: Lines = [(f"{path}: {what}", _pairs(header["recipe"]))]
    lines.append((f"History, {len(history)} looks; {header['seconds']:.0f} s of training:", _history(history)))
    lines.append((f"Made by {_versions(header['versions'])}", None))
    return content, lines


def _pairs(values: dict[str, Any]) -> Table:
    """Names and values."""
    table = Table(show_header=False)
    for name, value in values.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        table.add_row(escape(name), escape("–" if text in (None, "") else str(text)))
    return table


def _history(history: Sequence[dict[str, Any]]) -> Table:
    """Some looks at a training, spread evenly, with the first and the last."""
    last = len(history) - 1
    chosen = sorted({round(i * last / (_LOOKS - 1)) for i in range(_LOOKS)}) if last > 0 else range(len(history))
    names = [name for name in _HISTORY if name in history[0]] if history else []
    return _table(names, ([history[i][name] for name in names] for i in chosen))


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    from mindgap._reprs import digits

    table = Table(*(escape(name) for name in columns))
    for row in rows:
        table.add_row(*(digits(cell) if isinstance(cell, float) else escape(str(cell)) for cell in row))
    return table


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "unknown versions"


def _result(path: Path) -> tuple[dict[str, Any], Lines]:
    """What a command of ours wrote as JSON."""
    from mindgap import experiments, seeds

    for read in (experiments.Sweep, seeds.Cones):
        try:
            shown: Shown = read(path)._shown()
        except ValueError:
            continue
        data = json.loads(path.read_text(encoding="utf-8"))
        kind = "sweep" if "experiment" in data else "cones"
        lines: Lines = [(f"{path}: {shown.sentence}", _table(shown.columns, list(shown.rows)))]
        lines.append((f"Made by {_versions(data.get('versions', {}))}", None))
        recipe = {name: data[name] for name in ("recipe", "experiment", "seeds", "steps", "quick") if name in data}
        return {"kind": kind, **recipe, "versions": data.get("versions", {})}, lines
    return _other_json(path)


def _other_json(path: Path) -> tuple[dict[str, Any], Lines]:
    """JSON that is no sweep and no cones: a report, or another result with a recipe."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: expected a result of mindgap, and it is no JSON ({error})") from None
    if not isinstance(data, dict) or not ({"measures", "recipe", "gap_distance", "valleys"} & set(data)):
        raise ValueError(f"{path}: JSON, but no result of mindgap")
    about = {name: value for name, value in data.items() if isinstance(value, str | int | float | None)}
    content = {"kind": "result", **about, **({"recipe": data["recipe"]} if "recipe" in data else {})}
    title = f"{path}: a result of mindgap with {', '.join(data)}"
    return content, [(title, _pairs(data.get("recipe") or about))]


def _arrays(path: Path) -> tuple[dict[str, Any], Lines]:
    """Embeddings, or what else lies in a file of arrays."""
    from mindgap import pairs

    found = pairs.described(path)
    content = {"kind": "arrays", "arrays": [_as_row(one) for one in found]}
    size = path.stat().st_size
    title = f"{path}: {len(found)} array{'s' * (len(found) != 1)}, {size / 1e6:,.1f} MB"
    lines: Lines = [(title, _facts([(one.key or "–", one) for one in found]))]
    return content, [*lines, *((_unusable(one), None) for one in found if one.unusable), (_use(path, found), None)]


def _folder(path: Path) -> tuple[dict[str, Any], Lines]:
    """Shards as clip-retrieval writes them."""
    from mindgap import _embedded, pairs

    manifest = _embedded.read_manifest(path)
    if manifest is None:
        files = [file for side in ("img_emb", "text_emb") for file in sorted((path / side).glob("*.npy"))]
    else:  # of whole shards alone
        numbers = [record.number for record in _embedded.records(path, manifest["shards"]) if record.rows]
        kinds = (_embedded.IMAGES, _embedded.TEXTS)
        files = [_embedded.path_of(path, kind, number) for kind in kinds for number in numbers]
    if not files and manifest is None:
        raise FileNotFoundError(f"{path}: a folder without shards; expected img_emb/img_emb_0.npy, text_emb/…")
    found = [(str(file.relative_to(path)), one) for file in files for one in pairs.described(file)]
    content: dict[str, Any] = {"kind": "shards", "arrays": [{"file": name, **_as_row(one)} for name, one in found]}
    lines: Lines = [(f"{path}: {len(files)} files of shards", _facts(found))]
    if manifest is not None:
        from mindgap import embedding

        embedded = embedding.read(path)
        lines.insert(0, (f"{path}: made by {_embedded.MADE_BY}", _pairs(_made_of(embedded))))
        content["manifest"] = embedded.manifest
    return content, lines


def _made_of(embedded: Embedded) -> dict[str, Any]:
    """What a folder of embeddings says of itself."""
    recipe = embedded.manifest["recipe"]
    names = ("model", "pretrained", "weights", "weights_sha256", "precision", "captions")
    counts = {name: getattr(embedded, name) for name in ("rows", "images", "skipped", "cut")}
    whole = "complete" if embedded.complete else f"{embedded.shards} of {embedded.planned} shards"
    return {"state": whole, **counts, "source": embedded.manifest["source"], **{name: recipe[name] for name in names}}


def _as_row(one: StoredArray) -> dict[str, Any]:
    least, mean, most = one.norms or (None, None, None)
    norms = {"least_norm": least, "mean_norm": mean, "largest_norm": most, "unusable_rows": one.unusable}
    return {"key": one.key, "shape": list(one.shape), "dtype": one.dtype, **norms}


def _facts(found: Sequence[tuple[str, StoredArray]]) -> Table:
    from mindgap._reprs import digits

    table = Table("array", "shape", "numbers", "norm of a row, least to largest")
    for name, one in found:
        norms = "–" if one.norms is None else f"{digits(one.norms[0])} to {digits(one.norms[2])}"
        table.add_row(escape(name), " × ".join(map(str, one.shape)) or "–", one.dtype, norms)
    return table


def _unusable(one: StoredArray) -> str:
    return f"{one.key or 'The array'}: {one.unusable} rows are all zeros, or not finite, and no embeddings"


def _use(path: Path, found: Sequence[StoredArray]) -> str:
    """What can be done with it."""
    if len(found) == 1 and len(found[0].shape) == 2:
        return f"One side of pairs; with the other: mindgap gap {path} OTHER"
    return f"Measure it: mindgap gap {path}"
