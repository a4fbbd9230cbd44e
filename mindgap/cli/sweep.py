"""`mindgap sweep`: many small CLIPs, with one thing varied."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mindgap.cli import _dry, _outputs
from mindgap.cli._messages import bars, going_on_later, say, show
from mindgap.cli._options import Device, DryRun, Force, Quiet, from_fields
from mindgap.experiments import QUICK_SETTINGS, Settings


def _settings(**named: Any) -> Settings:
    """With --quick, what the user did not name is what makes it quick."""
    return Settings(**((QUICK_SETTINGS if named.get("quick") else {}) | named))


@from_fields(Settings, "settings", arguments=["experiment"], build=_settings)
def sweep(
    settings: Settings,
    out: Annotated[
        Path | None, typer.Option(help="File to write, [b].json[/] (sweep_EXPERIMENT.json).", show_default=False)
    ] = None,
    device: Device = "auto",
    force: Force = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Train the small CLIP many times over, with one thing varied: temperature, start, mistakes, captions, modality.

    About 35 seconds a run of 300 steps on two idle CPU cores. On a GPU all runs of one shape train side by side. An
    interrupted experiment goes on with the runs that are missing when the same command is given again.

    Examples:

        mindgap sweep --quick
        mindgap sweep mismatch --seeds 3 --out mine.json
        mindgap sweep long --steps 5000 --dry-run
    """
    from mindgap import experiments

    name, quick, steps = settings.experiment, settings.quick, settings.steps
    chosen = range(settings.first_seed, settings.first_seed + settings.seeds)
    out = out or Path(f"sweep_{name}{'_quick' * quick}.json")
    if dry_run:
        _say_what_would_be(settings, chosen, out, device, force)
        return
    with _outputs.claimed(out, force, ".json"):
        total = len(experiments.planned(name, chosen, steps, quick))
        done = len(experiments.finished(name, out, chosen, steps, quick, force))
        say(f"{total} runs of {steps} steps" + f"; resuming: {done} of {total} runs are done" * bool(done))
        with going_on_later(out):
            experiments.run(name, out, chosen, steps, quick, force, device, progress=bars(quiet))
    last = experiments.Sweep(out).last()
    labels = [label for label in experiments.Sweep(out).runs[0]["labels"] if label != "seed"]
    table = Table(*labels, "gap", "R@1")
    for values, part in last.groupby(labels, sort=False):
        shown = [f"{value:.3g}" if isinstance(value, float) else str(value) for value in values]
        spreads = [f"{c.mean():.3f} ({c.min():.3f} to {c.max():.3f})" for c in (part["gap"], part["image_to_text"])]
        table.add_row(*shown, *spreads)
    show(f"{out}: {total} runs of {steps} steps; mean over seeds (least to most)", table)


def _say_what_would_be(settings: Settings, chosen: range, out: Path, device: str, force: bool) -> None:
    where = _dry.file(out, force, ".json")
    from mindgap import devices, experiments

    on, name, steps, quick = devices.usable(device), settings.experiment, settings.steps, settings.quick
    runs = experiments.planned(name, chosen, steps, quick)
    done = experiments.finished(name, out, chosen, steps, quick, force)
    missing = [run for place, run in enumerate(runs) if place not in done]
    resuming = f", {len(done)} of them done" if done else ""
    together = "; side by side, as they are there, they take less" if on.type == "cuda" else ""
    what = f"the experiment {name}, {len(runs)} runs of {steps:,} steps{resuming}, on {on}{together}"
    _dry.say(what, where, _dry.of_trainings(missing, on), f"{_dry.STEPS} steps of each kind of run")
