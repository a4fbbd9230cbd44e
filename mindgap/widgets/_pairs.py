"""What explorers of embeddings share: where pairs come from, and how they look in the plane."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import pandas as pd

from mindgap import _inputs, devices, geometry
from mindgap.charts import tables
from mindgap.pairs import PairedEmbeddings, _arrays, _kinds, feature_names, load_pairs
from mindgap.widgets._explorer import ROW, WIDE, Explorer
from mindgap.widgets._work import Work

SOURCES = (*feature_names(), "mini", "mini@0.07", "random:ViT-B-32", "random:RN50")
MANY = 20_000  # pairs: the principal axes of more are those of as many, evenly spread


def projected(pairs: PairedEmbeddings, axes: tuple[int, int] = (1, 2), most: int = 300) -> pd.DataFrame:
    """The first `most` pairs on two of the shared principal axes, counted from 1: columns x, y, x2, y2."""
    some = slice(None, None, max(1, len(pairs) // MANY))
    shared = geometry.shared_projection(pairs.x[some], pairs.y[some], max(axes))
    columns = [axis - 1 for axis in axes]
    x, y = (shared.apply(geometry.unit(rows[:most]))[:, columns] for rows in (pairs.x, pairs.y))
    return tables.points(x, y, most)


class PairsExplorer(Explorer):
    """An explorer of sets of pairs: names for `load_pairs`, files, or arrays that the notebook has."""

    def __init__(self, options: Mapping[str, Mapping[str, Any]] | None) -> None:
        self.options = dict(options or {})
        self._loaded: dict[str, PairedEmbeddings] = {}
        self._own: dict[str, PairedEmbeddings] = {}
        super().__init__()

    def named(self, given: Sequence[Any]) -> list[str]:
        """Names for what an explorer was given: names, paths, pairs, or two arrays whose rows belong together.

        Raises TypeError for one array without its other side.
        """
        if len(given) == 2 and not any(isinstance(one, str | os.PathLike | PairedEmbeddings) for one in given):
            x, y = _inputs.pair(*given)
            self._own["yours"] = PairedEmbeddings(x, y, "yours", ("image", "text"), "arrays of your own")
            return ["yours"]
        if len(given) == 2 and all(isinstance(one, str | os.PathLike) for one in given):
            suffixes = tuple(Path(one).suffix.lower() for one in given)
            if all(suffix in _kinds.KNOWN and suffix != ".npz" for suffix in suffixes):
                return [",".join(map(os.fspath, given))]
        names = []
        for one in given:
            if isinstance(one, PairedEmbeddings):
                self._own[one.name] = one
                names.append(one.name)
            elif isinstance(one, str | os.PathLike):
                names.append(os.fspath(one))
            else:
                raise TypeError(f"expected names, paths, PairedEmbeddings or two arrays x and y, got {len(given)} of "
                                f"which one is a {type(one).__name__}")  # fmt: skip
        return names

    def load(self, name: str, work: Work) -> PairedEmbeddings:
        """The pairs of a source, loaded once."""
        if name in self._own:
            return self._own[name]
        if name not in self._loaded:
            work(0.0, f"Loading {short(name)}")
            options = {"device": devices.device(), **self.options.get(name, {})}
            self._loaded[name] = load_pairs(name, **options)
            work(0.0)
        return self._loaded[name]

    def code_of(self, name: str) -> str:
        """The line of Python that has the pairs of a source."""
        if name in self._own:
            return 'pairs = mindgap.PairedEmbeddings(x, y, "yours", ("image", "text"), "")  # x, y: your arrays'
        options = "".join(f", {key}={value!r}" for key, value in self.options.get(name, {}).items())
        return f"pairs = mindgap.load_pairs({name!r}{options})"


def short(name: str) -> str:
    """A source as a title has it: files without their folders."""
    try:
        members = _arrays.files_named(name) if name not in SOURCES else None
    except ValueError:
        members = None
    return ", ".join(member.name for member in members) if members else name


class FilePicker(ipw.VBox):
    """A list of the files and folders here, which puts what is chosen into a text box: one file, or two."""

    def __init__(self, box: ipw.Text | ipw.Combobox) -> None:
        self.box = box
        self.folder = Path.cwd()
        self.browse = ipw.ToggleButton(False, description="choose files", icon="folder-open")
        self.entries = ipw.Select(options=[], rows=8, layout={**WIDE, "display": "none"})
        super().__init__([ipw.HBox([self.browse], layout=ROW), self.entries], layout=WIDE)
        self.browse.observe(lambda _change: self.look(), "value")
        self.entries.observe(lambda change: self.choose(change.new), "value")

    def look(self) -> None:
        """List the folder, if the list is open."""
        self.entries.layout.display = "" if self.browse.value else "none"
        if not self.browse.value:
            return
        try:
            entries = sorted(self.folder.iterdir(), key=lambda path: (path.is_file(), path.name.lower()))
        except OSError as error:
            self.folder = self.folder.parent
            self.entries.options = [(f"cannot be listed: {error.strerror}", None), ("..", "..")]
            return
        shown = [
            (path.name + "/" * path.is_dir(), path.name)
            for path in entries
            if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() in _kinds.KNOWN)
        ]
        self.entries.options = [(f"in {self.folder}:", None), ("../", ".."), *shown]
        self.entries.value = None

    def choose(self, name: str | None) -> None:
        """Go to a folder, or take a file: alone, or behind the one that is there."""
        if name is None:
            return
        path = (self.folder / name).resolve()
        if path.is_dir() and not (path / "img_emb").is_dir():
            self.folder = path
            self.look()
            return
        before = self.box.value.strip()
        one = Path(before).suffix.lower() in _kinds.KNOWN and "," not in before and before != str(path)
        self.box.value = f"{before},{path}" if one else str(path)
