"""What a claim is, and how numbers and thresholds become a verdict. Nothing here needs torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from mindgap import _embedded, _files
from mindgap._reprs import Readable, Shown

PACKAGE = Path(__file__).parents[1]

HOLDS, TOY, CAVEAT = "holds", "holds at toy scale", "holds with a caveat"
CONTESTED, FAILS, UNTESTABLE = "contested", "fails here", "not testable here"
ALTERED = "table changed"
"""What stands in place of a verdict where a stored result is not the one that the check was written for."""

VERDICTS = {
    HOLDS: "every condition is met",
    TOY: "every condition is met, by small CLIPs on drawn scenes",
    CAVEAT: "every condition is met, and so is one that limits what this means",
    CONTESTED: "there is evidence for and against, or a failed check that nothing has confirmed yet",
    FAILS: "a condition is not met, and a second implementation or a longer run agrees",
    UNTESTABLE: "what would decide it is not here",
    ALTERED: "a stored result is not the one that the check was written for",
}
"""Each verdict and when it is given; the last is none, but says that there can be none."""

FEATURES, ARCHITECTURES, OWN = "authors' features", "real architectures", "the paper's own setting"
SCENES, MATHEMATICS, PRINTED = "drawn scenes, small CLIP", "exact mathematics", "printed numbers"
SCALES = (FEATURES, ARCHITECTURES, OWN, SCENES, MATHEMATICS, PRINTED)

CHAPTERS = {
    1: "The modality gap",
    2: "The cone effect",
    3: "Every seed its own cone",
    4: "Moving the gap",
    5: "Mismatched pairs",
    6: "Temperature",
    7: "Does it matter?",
    8: "The field since",
}
"""What each part of the ledger is about; of a chapter that is in the book, the book has the title."""

RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "≥": lambda value, limit: value >= limit,
    "≤": lambda value, limit: value <= limit,
}
SUPPORTS, OPPOSES, LIMITS, CONFIRMS = "for", "against", "caveat", "confirms"


def spelled(value: float) -> str:
    """Whole numbers as such, others with three significant digits or three decimals; a minus sign that is one."""
    if value == round(value) and abs(value) < 1e6:
        text = f"{value:.0f}"
    elif 0.99 < abs(value) < 1:  # narrow cones differ in what is missing to 1
        text = f"{value:.4f}" if abs(value) < 0.99995 else f"{value:.6f}"
    else:
        text = f"{value:.3g}" if abs(value) < 0.0995 or abs(value) >= 100 else f"{value:.3f}"
    return text.replace("-", "−")


@dataclass(frozen=True)
class Number:
    """A measured number; `low` and `high` bound it where it is uncertain, and `interval` says how."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    interval: str = ""

    def __str__(self) -> str:
        if self.low is None or self.high is None or self.low == self.high:
            return spelled(self.value)
        return f"{spelled(self.value)} ({spelled(self.low)} to {spelled(self.high)})"


@dataclass(frozen=True)
class Condition:
    """`value` against a threshold. `role`: "for" the claim, "against" it, a "caveat", or what "confirms" a failure."""

    role: str
    words: str
    value: float
    relation: str
    limit: float

    @property
    def meaning(self) -> str:
        """What it says if it is met: the words before a colon, behind which the value has its name."""
        return self.words.partition(": ")[0]

    @property
    def met(self) -> bool:
        """Whether the value is on its side of the limit; NaN never is."""
        return RELATIONS[self.relation](self.value, self.limit)

    def __str__(self) -> str:
        return f"{self.words}: {spelled(self.value)} {self.relation} {spelled(self.limit)}"


def supports(words: str, value: float, relation: str, limit: float) -> Condition:
    """Must be met if the claim is to hold."""
    return Condition(SUPPORTS, words, float(value), relation, limit)


def opposes(words: str, value: float, relation: str, limit: float) -> Condition:
    """Evidence against the claim, if it is met."""
    return Condition(OPPOSES, words, float(value), relation, limit)


def caveat(words: str, value: float, relation: str, limit: float) -> Condition:
    """Limits what the claim means, if it is met."""
    return Condition(LIMITS, words, float(value), relation, limit)


def confirms(words: str, value: float, relation: str, limit: float) -> Condition:
    """A second implementation or a longer run that says, if it is met, that the claim fails."""
    return Condition(CONFIRMS, words, float(value), relation, limit)


Evidence: TypeAlias = Iterable[Number | Condition]
Thresholds: TypeAlias = Mapping[str, float]
Decide: TypeAlias = Callable[..., Evidence]
"""What decides a claim: it is given the thresholds, and the folders of results, by name, where the claim needs such."""


@dataclass(frozen=True)
class Table:
    """A stored result or data file of the package, with the digest and the recipe that a check was written for."""

    name: str
    sha256: str
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return PACKAGE / self.name

    def read(self) -> Any:
        """What a table of JSON holds."""
        return json.loads(self.path.read_text(encoding="utf-8"))

    def altered(self) -> str:
        """What is not as it was, in words; nothing if all is."""
        if not self.path.is_file():
            return f"{self.name} is missing"
        for key, expected in self.recipe.items():
            content = self.read()
            found = content.get(key, content.get("recipe", {}).get(key))
            if found != expected:
                return f"{self.name}: {key} is {found!r} and not {expected!r}"
        digest = _files.sha256(self.path)
        return "" if digest == self.sha256 else f"{self.name}: SHA-256 is {digest[:12]}… and not {self.sha256[:12]}…"


@dataclass(frozen=True, repr=False)
class Claim(Readable):
    """A statement that is made of the gap, and what would decide it.

    `source` says where it is made, `cites` is the key of the work in the book's bibliography. `published` is the number
    there (P printed in the paper, S in stored outputs of its code, ~ read off a plot), `protocol` how ours differs.
    `figure` is the place in the book where one sees it. `thresholds` were written down before the check; `decide` is
    given them, and yields numbers and conditions. `tables` are the files that it reads. `reason` says why nothing here
    can decide it; with `needs`, the names of folders that `mindgap embed` writes, such results of the reader can.
    """

    id: str
    statement: str
    chapter: int
    source: str
    protocol: str
    scale: str
    cites: str = ""
    published: str = ""
    figure: str = ""
    thresholds: Thresholds = field(default_factory=dict)
    decide: Decide | None = None
    tables: tuple[Table, ...] = ()
    reason: str = ""
    needs: tuple[str, ...] = ()

    def _shown(self) -> Shown:
        return Shown(f"Claim {self.id}: {self.statement}", ("threshold", "value"), list(self.thresholds.items()))

    @property
    def function(self) -> str:
        """The dotted name of the function that decides it."""
        return f"{self.decide.__module__}.{self.decide.__qualname__}" if self.decide else ""


@dataclass(frozen=True, repr=False)
class Finding(Readable):
    """What became of a claim: the verdict, the numbers, the conditions they met or not, and a word on why.

    `results` says what folders of the reader it was decided from, if it was.
    """

    claim: Claim
    verdict: str
    numbers: tuple[Number, ...] = ()
    conditions: tuple[Condition, ...] = ()
    why: str = ""
    results: str = ""

    def _shown(self) -> Shown:
        rows = [(one.role, str(one), "met" if one.met else "not met") for one in self.conditions]
        return Shown(f"Finding on {self.claim.id}: {self.verdict}.", ("role", "condition", ""), rows)

    @property
    def decisive(self) -> Condition | None:
        """The condition that made the verdict: one that failed, else one against it or limiting it, else the first."""
        order = [one for one in self.conditions if one.role == SUPPORTS and not one.met]
        order += [one for role in (OPPOSES, LIMITS) for one in self.conditions if one.role == role and one.met]
        return next(iter([*order, *self.conditions]), None)

    def content(self) -> dict[str, Any]:
        """All of it for JSON, numbers rounded to six digits."""
        about = {
            name: getattr(self.claim, name)
            for name in ("id", "statement", "chapter", "figure", "source", "cites", "published", "protocol", "scale")
        }
        conditions = [{**asdict(one), "met": one.met} for one in self.conditions]
        tables = [{"name": table.name, "sha256": table.sha256} for table in self.claim.tables]
        found: dict[str, Any] = _files.rounded(
            {
                **about,
                "verdict": self.verdict,
                "why": self.why,
                "numbers": [asdict(one) for one in self.numbers],
                "conditions": conditions,
            },
            6,
        )
        return {
            **found,
            "thresholds": dict(self.claim.thresholds),
            "function": self.claim.function,
            "tables": tables,
            **({"results": self.results} if self.results else {}),
        }


def claim(register: list[Claim], **about: Any) -> Callable[[Decide], Decide]:
    """Decorator: a function becomes what decides the claim of its name (`gap_size` that of gap-size)."""

    def add(decide: Decide) -> Decide:
        register.append(Claim(id=decide.__name__.replace("_", "-"), decide=decide, **about))
        return decide

    return add


def untestable(register: list[Claim], id: str, **about: Any) -> None:
    """A claim that nothing here can decide, for a `reason`."""
    register.append(Claim(id=id, **about))


def decided(claim: Claim, results: Path | None = None) -> Finding:
    """The verdict on a claim, from the evidence that its function finds, in `results` where it needs such.

    Raises ValueError for a folder of results that is damaged.
    """
    if claim.decide is None:
        return Finding(claim, UNTESTABLE, why=claim.reason)
    given_to_it: list[Any] = [claim.thresholds]
    words = ""
    if claim.needs:
        missing, words = _looked_at(results, claim.needs)
        if results is None or missing:
            return Finding(claim, UNTESTABLE, why=f"{claim.reason}{missing}")
        given_to_it.append({name: results / name for name in claim.needs})
    if changes := [change for table in claim.tables if (change := table.altered())]:
        return Finding(claim, ALTERED, why="; ".join(changes))
    found = list(claim.decide(*given_to_it))
    numbers = tuple(one for one in found if isinstance(one, Number))
    conditions = tuple(one for one in found if isinstance(one, Condition))
    given, why = verdict(claim.scale, conditions)
    if words:
        why = f"{why}; decided from {words}" if why else f"decided from {words}"
    return Finding(claim, given, numbers, conditions, why, words)


def _looked_at(results: Path | None, needs: Iterable[str]) -> tuple[str, str]:
    """What is missing of some folders of results, in words, and what they are."""
    if results is None:
        return "", ""
    missing, found = [], []
    for name in needs:
        manifest = _embedded.read_manifest(results / name)
        if manifest is None:
            missing.append(f"{results} has no {name}")
        elif not manifest["complete"]:
            missing.append(f"{results / name} is unfinished")
        else:
            recipe = manifest["recipe"]
            weights = "/".join(str(recipe[key]) for key in ("model", "pretrained", "weights") if recipe[key])
            found.append(f"{name}: {manifest['rows']:,} pairs by {weights}")
    return "".join(f" Here: {words}." for words in missing), "; ".join(found)


def verdict(scale: str, conditions: Iterable[Condition]) -> tuple[str, str]:
    """The verdict that conditions add up to, and why. Raises ValueError unless one of them is for the claim."""
    by_role: dict[str, list[Condition]] = {}
    for one in conditions:
        by_role.setdefault(one.role, []).append(one)
    if not by_role.get(SUPPORTS):
        raise ValueError("conditions: expected one at least that is for the claim, got none")
    failed = [one for one in by_role[SUPPORTS] if not one.met]
    against = [one for one in by_role.get(OPPOSES, []) if one.met]
    limits = [one for one in by_role.get(LIMITS, []) if one.met]
    second = by_role.get(CONFIRMS, [])
    unmet = "; ".join(one.words for one in failed)
    if failed and second and all(one.met for one in second):
        return FAILS, f"not met: {unmet}; confirmed by {'; '.join(one.meaning for one in second)}"
    if failed or against:
        parts = [f"not met, and confirmed by nothing second: {unmet}"] if failed else []
        return CONTESTED, "; ".join([*parts, *(f"against it: {one.meaning}" for one in against)])
    if limits:
        return CAVEAT, "; ".join(one.meaning for one in limits)
    return (TOY if scale == SCENES else HOLDS), ""
