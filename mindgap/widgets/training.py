"""The live explorer of trainings: train at a temperature of your own, watch gap and recall, stop (chapter 5)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import ipywidgets as ipw
import pandas as pd

from mindgap import charts, landscape, scenes, training
from mindgap.miniclip import CLIP, Trained
from mindgap.recipe import MODALITIES, Measurement, Recipe
from mindgap.training import snapshots
from mindgap.widgets._explorer import USER_ERRORS, WIDE, Explorer

# The paper's, one below them and one between 1/10 and 1, where it has none.
TEMPERATURES = tuple(sorted({*landscape.TEMPERATURES, 1 / 200, 1 / 5}))
MAX_RUNS = 5  # lines that stay comparable in one chart
SHOWN = 80


class TrainingExplorer(Explorer):
    """Chapter 5: a training in the background, its clouds, gap and recall as they come, earlier runs beside it.

    `recipe` is the start of all trainings; without it, 300 steps of the default one (about 35 seconds on two cores).
    """

    def __init__(self, recipe: Recipe | None = None) -> None:
        super().__init__()
        recipe = Recipe(steps=300) if recipe is None else recipe
        self.base = recipe
        labels = [charts.temperature_label(t) for t in TEMPERATURES]
        start = charts.temperature_label(recipe.temperature)
        self.temperature = ipw.SelectionSlider(
            options=labels, value=start if start in labels else "1/100", description="temperature", layout=WIDE
        )
        self.learn = ipw.Checkbox(recipe.learn_temperature, description="learn the temperature")
        self.start = ipw.ToggleButtons(options=["random", "aligned"], description="start")
        self.modalities = ipw.ToggleButtons(options=list(MODALITIES), description="towers")
        self.mismatch = ipw.IntSlider(0, 0, 50, 5, description="% exchanged", layout=WIDE)
        self.steps = ipw.IntSlider(recipe.steps, 10, 2000, 10, description="steps", layout=WIDE)
        self.seed = ipw.BoundedIntText(recipe.seed, min=0, max=10**6, description="seed")
        self.train, self.stop = (
            ipw.Button(description="train", icon="play"),
            ipw.Button(description="stop", icon="stop"),
        )
        self.forget = ipw.Button(description="forget the runs")
        self.bar = ipw.IntProgress(0, 0, recipe.steps, description="step", layout=WIDE)
        self.scrub = ipw.Play(min=0, max=0, interval=700, description="replay")
        self.look = ipw.IntSlider(0, 0, 0, description="look", readout=False, layout=WIDE)
        ipw.jslink((self.scrub, "value"), (self.look, "value"))
        self.children = [
            self.temperature, self.learn, self.start, self.modalities, self.mismatch, self.steps, self.seed,
            ipw.HBox([self.train, self.stop, self.forget], layout={"flex_flow": "row wrap"}), self.bar,
            ipw.HBox([self.scrub, self.look], layout={"flex_flow": "row wrap"}),
            self.message, self.chart, self.readout,
        ]  # fmt: skip
        self.runs: dict[str, list[Measurement]] = {}
        self.clouds: list[tuple[int, pd.DataFrame]] = []
        self.thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._problem = ""
        self.stop.disabled = True
        self.train.on_click(lambda _button: self.attempt(self.begin))
        self.stop.on_click(lambda _button: self._stopping.set())
        self.forget.on_click(lambda _button: self.clear())
        self.look.observe(lambda _change: self.redraw(), "value")
        self.readout.value = "Choose a temperature and press <em>train</em>."

    @property
    def recipe(self) -> Recipe:
        """The recipe that the controls describe. Raises ValueError if it is none."""
        return replace(
            self.base,
            temperature=TEMPERATURES[self.temperature.index],
            learn_temperature=self.learn.value,
            start=self.start.value,
            modalities=self.modalities.value,
            mismatch=self.mismatch.value / 100,
            steps=self.steps.value,
            seed=self.seed.value,
        )

    def begin(self) -> str:
        """Start a training: in a thread where an event loop runs, so that the page stays alive, or at once."""
        recipe = self.recipe
        if self.thread is not None and self.thread.is_alive():
            raise ValueError("A training is running: stop it first.")
        self._stopping.clear()
        self.clouds = []
        name = self._name(recipe)
        self.runs[name] = []
        for old in list(self.runs)[:-MAX_RUNS]:
            del self.runs[old]
        self.bar.max, self.bar.value = recipe.steps, 0
        self.train.disabled, self.stop.disabled = True, False
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._work(recipe, name, lambda call, *arguments: call(*arguments))
            return self._problem
        self.thread = threading.Thread(target=self._work, args=(recipe, name, loop.call_soon_threadsafe), daemon=True)
        self.thread.start()
        return ""

    def _work(self, recipe: Recipe, name: str, post: Callable[..., object]) -> None:
        """Train; all that is shown goes through `post`, to the thread that owns the widgets."""
        pairs = scenes.draw(SHOWN, snapshots.SEED, objects=recipe.objects)
        before: list[pd.DataFrame] = []

        def watch(model: CLIP, step: int, measured: Measurement | None) -> bool:
            if measured is not None:
                before[:] = [snapshots.cloud(model, pairs, *before)]
                post(self.show, name, measured, before[0])
            elif step % 5 == 0:
                post(self._progress, step)
            return self._stopping.is_set()

        try:
            post(self.finish, name, training.train(recipe, progress=False, watch=watch), "")
        except USER_ERRORS as error:
            post(self.finish, name, None, str(error))

    def _progress(self, step: int) -> None:
        self.bar.value = step

    def show(self, name: str, measured: Measurement, cloud: pd.DataFrame) -> None:
        """Add one look at the model to the chart."""
        self.runs[name].append(measured)
        self.clouds.append((measured.step, cloud))
        self.bar.value = measured.step
        self.look.max = self.scrub.max = len(self.clouds) - 1
        if self.look.value == len(self.clouds) - 1:
            self.redraw()
        else:
            self.look.value = len(self.clouds) - 1  # which redraws

    def finish(self, name: str, trained: Trained | None, problem: str) -> None:
        """Say how a training ended."""
        self.train.disabled, self.stop.disabled = False, True
        self._problem = problem
        self.say(problem, wrong=True)
        if trained is None:
            del self.runs[name]
            return
        first, last = trained.history[0], self.runs[name][-1]
        ended = "stopped" if self._stopping.is_set() and last.step < trained.recipe.steps else "done"
        learned = f", temperature 1/{1 / last.temperature:.0f}" if trained.recipe.learn_temperature else ""
        self.readout.value = (
            f"{name}, {ended}: gap {first.gap:.2f} → {last.gap:.2f}, R@1 of 1,000 "
            f"{last.image_to_text:.3f} (chance .001) at step {last.step}{learned}; {trained.seconds:.0f} s."
        )

    def clear(self) -> None:
        """Forget all runs but the one that is going on."""
        going_on = list(self.runs)[-1:] if self.train.disabled else []
        self.runs = {name: self.runs[name] for name in going_on}
        self.redraw()

    def redraw(self) -> None:
        """Draw the clouds of the chosen look beside the curves of all runs."""
        rows = [
            {"kind": name, "step": row.step, "gap": row.gap, "recall": row.image_to_text}
            for name, history in self.runs.items()
            for row in history
        ]
        if not rows or not self.clouds:
            self.chart.children = []
            return
        step, cloud = self.clouds[min(self.look.value, len(self.clouds) - 1)]
        chart = charts.training_view(pd.DataFrame(rows), cloud, step)
        self.show_chart(chart)

    def _name(self, recipe: Recipe) -> str:
        """What a run is called in the chart: how it differs from the others, with a number if there was one before."""
        words = [charts.temperature_label(recipe.temperature) + (" learned" if recipe.learn_temperature else "")]
        words += [recipe.start] * (recipe.start != "random") + [recipe.modalities] * (recipe.modalities != "image-text")
        words += [f"{recipe.mismatch:.0%} exchanged"] * (recipe.mismatch > 0) + [f"seed {recipe.seed}"]
        name = ", ".join(words)
        return name if name not in self.runs else f"{name} ({sum(old.startswith(name) for old in self.runs) + 1})"


training_explorer = TrainingExplorer
"""The explorer as chapter 5 calls it."""
