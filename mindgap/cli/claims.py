"""`mindgap claims`: the ledger, checked anew."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mindgap.cli._messages import FAULT, say, show, steps
from mindgap.cli._options import Quiet

if TYPE_CHECKING:
    from mindgap.claims import Finding

# A sign and a colour; the word stands beside them.
_SIGNS = {
    "holds": ("●", "green"),
    "holds at toy scale": ("◍", "green"),
    "holds with a caveat": ("◐", "cyan"),
    "contested": ("◇", "yellow"),
    "fails here": ("✗", "red"),
    "not testable here": ("–", "dim"),
    "table changed": ("!", "bold red"),
}

_WIDE = 110  # columns of a terminal that has room for what a number is of


def check_claims(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Claims to be told in full; all in short without.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON on stdout.")] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Make what is found the committed ledger; for those who work on the package."),
    ] = False,
    results: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="A folder with results of [b]mindgap embed[/] that are called [b]coco[/], [b]cifar10[/] and "
            "[b]cifar100[/]: they decide what is not testable without.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Check the ledger: what the paper and the field say of the gap, and what comes out here.

    Verdicts are computed from numbers and from thresholds that were written down before; half a minute for all, no
    network. The exit status is 1 if a verdict or a threshold is not that of the ledger that comes with the package, or
    if a stored result was changed.

    Examples:

        mindgap claims
        mindgap claims cone-depth theorem-1
        mindgap claims --results results
        mindgap claims --json | jq '.claims[] | select(.verdict == "contested") | .id'
    """
    from mindgap import claims

    if write and results is not None:
        raise ValueError("--write: expected no --results, since the ledger is what comes out without any")
    if write and ids:
        raise ValueError("--write: expected no ID, since the ledger holds all claims")
    wanted = [claims.named(one) for one in ids] if ids else list(claims.CLAIMS)
    with steps(len(wanted), quiet) as begin:
        found = claims.check_all(wanted, begin, results)
    altered = [one for one in found if one.verdict == claims.ALTERED]
    if write and not altered:
        from mindgap import _files
        from mindgap.results import FOLDER

        _files.write_whole(FOLDER / claims.FILE, _lines(found))
    changes = claims.changed(found)
    if as_json:
        content = claims.ledger(found)
        print(json.dumps({**content, "changed": [vars(one) for one in changes]}, ensure_ascii=False))
    elif ids:
        for one in found:
            _show_in_full(one)
    else:
        _show_all(found, len(changes))
    for change in changes:
        say(f"changed, {change}")
    for one in altered:
        say(f"table changed, {one.claim.id}: {one.why}")
    if changes or altered:
        raise typer.Exit(FAULT)


def _lines(found: Sequence[Finding]) -> bytes:
    """The ledger with a line a claim, so that a change of one shows as such."""
    from mindgap import claims

    content = claims.ledger(found)
    rows = content.pop("claims")
    head = json.dumps(content, ensure_ascii=False)[:-1]
    body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{head}, "claims": [\n{body}\n]}}\n'.encode()


def _word(verdict: str) -> str:
    """A verdict with its sign, in its colour."""
    sign, colour = _SIGNS[verdict]
    return f"[{colour}]{sign} {verdict}[/]"


def _show_all(found: Sequence[Finding], changes: int) -> None:
    from mindgap import claims
    from mindgap.claims._parts import UNTESTABLE, spelled

    wide = Console().width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("claim", "verdict", "decisive number"):
        table.add_column(name, no_wrap=True)
    if wide:
        table.add_column("of what", overflow="fold")
    chapter = 0
    for one in found:
        if one.claim.chapter != chapter:
            chapter = one.claim.chapter
            table.add_section()
            table.add_row(f"[bold]{chapter}  {claims.CHAPTERS[chapter]}[/]")
        held, words = "–", one.why
        if (met := one.decisive) is not None:
            relation = met.relation if met.met else {"≥": "<", "≤": ">"}[met.relation]
            held, words = f"{spelled(met.value)} {relation} {spelled(met.limit)}", met.words
        table.add_row(escape(one.claim.id), _word(one.verdict), held, *([escape(words)] if wide else []))
    counts = Counter(one.verdict for one in found)
    decided = sum(one.verdict != UNTESTABLE for one in found)
    parts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in claims.VERDICTS if counts[verdict])
    show(f"{len(found)} claims, {decided} with a computed verdict: {parts}", table)
    show("as in the committed ledger" if not changes else f"{changes} changes against the committed ledger")
    if yours := [one for one in found if one.results]:
        show(f"decided from your results, which the ledger does not have: {', '.join(one.claim.id for one in yours)}")


def _show_in_full(found: Finding) -> None:
    """The sentence, the verdict, then numbers, conditions and where all of it comes from."""
    from mindgap.claims._parts import spelled

    claim = found.claim
    show(claim.statement)
    table = Table(show_header=False, box=box.SIMPLE, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")

    def row(name: str, text: str) -> None:
        if text:
            table.add_row(name, text)

    row("verdict", _word(found.verdict))
    row("why", escape(found.why))
    for number in found.numbers:
        spread = f" [dim]{escape(number.interval)}[/]" if number.interval else ""
        row("ours", f"{escape(number.name)}: [bold]{number}[/]{spread}")
    row("published", escape(claim.published))
    for one in found.conditions:
        row(f"{one.role}, {'met' if one.met else 'not met'}", escape(str(one)))
    row("thresholds", escape(", ".join(f"{name} {spelled(value)}" for name, value in claim.thresholds.items())))
    row("protocol", escape(claim.protocol))
    row("scale", escape(claim.scale))
    row("source", escape(f"{claim.source} ({claim.cites})" if claim.cites else claim.source))
    row("figure", escape(claim.figure))
    row("decided by", escape(claim.function))
    for file in claim.tables:
        row("reads", escape(f"{file.name}, SHA-256 {file.sha256}"))
    show(f"{claim.id}, chapter {claim.chapter}", table)
