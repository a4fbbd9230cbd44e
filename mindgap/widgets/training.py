"""The live explorer of trainings: train at a temperature of your own, watch gap and recall, stop (chapter 6)."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets as ipw
import pandas as pd

from mindgap import charts, devices, landscape, scenes, training
from mindgap.miniclip import CLIP, Trained
from mindgap.recipe import MODALITIES, Measurement, Recipe
from mindgap.training import snapshots
from mindgap.widgets._explorer import ROW, WIDE, Explorer, where
from mindgap.widgets._figure import Picture
from mindgap.widgets._work import Work

# The paper's, one below them and one between 1/10 and 1, where it has none.
TEMPERATURES = tuple(sorted({*landscape.TEMPERATURES, 1 / 200, 1 / 5}))
MAX_RUNS = 5  # lines that stay comparable in one chart
SHOWN = 80
STARTING = "Building two towers and drawing the first scenes"


class TrainingExplorer(Explorer):
    """Chapter 6: a training in the background, its clouds, gap and recall as they come, earlier runs beside it.

    `recipe` is the start of all trainings; without it, 300 steps of the default one (about 35 seconds on two cores).
    """

    OWN_BAR = True

    def __init__(self, recipe: Recipe | None = None) -> None:
        super().__init__()
        recipe = Recipe(steps=300) if recipe is None else recipe
        self.base = recipe
        labels = [charts.temperature_label(t) for t in TEMPERATURES]
        start = charts.temperature_label(recipe.temperature)
        self.temperature = ipw.SelectionSlider(
            options=labels, value=start if start in labels else "1/100", description="temperature τ", layout=WIDE
        )
        self.learn = ipw.Checkbox(recipe.learn_temperature, description="learn the temperature", indent=False)
        self.start = ipw.ToggleButtons(options=["random", "aligned"], description="start")
        self.modalities = ipw.ToggleButtons(options=list(MODALITIES), description="towers")
        self.mismatch = ipw.IntSlider(0, 0, 50, 5, description="captions exchanged, %", layout=WIDE)
        self.steps = ipw.IntSlider(recipe.steps, 10, 2000, 10, description="steps", layout=WIDE)
        self.seed = ipw.BoundedIntText(recipe.seed, min=0, max=10**6, description="seed")
        self.train, self.stop = (
            ipw.Button(description="train", icon="play"),
            ipw.Button(description="stop", icon="stop"),
        )
        self.forget = ipw.Button(description="forget the runs")
        self.bar = ipw.IntProgress(0, 0, recipe.steps, description="step", layout=WIDE)
        self.scrub = ipw.Play(min=0, max=0, interval=700, description="replay")
        self.look = ipw.IntSlider(0, 0, 0, description="first to last look", readout=False, layout=WIDE)
        ipw.jslink((self.scrub, "value"), (self.look, "value"))
        self.arrange([
            self.temperature, self.learn, self.start, self.modalities, self.mismatch, self.steps, self.seed,
            ipw.HBox([self.train, self.stop, self.forget], layout=ROW), self.bar,
            ipw.HBox([self.scrub, self.look], layout=ROW),
        ])  # fmt: skip
        del self._start[self.look]  # no setting of the next training, but a look at the last
        self.runs: dict[str, list[Measurement]] = {}
        self.clouds: list[tuple[int, pd.DataFrame]] = []
        self.going_on: str | None = None
        self.stop.disabled = True
        self.train.on_click(lambda _button: self.attempt(self.begin))
        self.stop.on_click(lambda _button: self.halt())
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

    def begin(self) -> None:
        """Start a training beside the kernel's loop, so that the notebook stays alive. Raises ValueError during one."""
        recipe = self.recipe
        if self.training:
            raise ValueError("A training is running: stop it first.")
        self.clouds, name = [], self._name(recipe)
        self.runs[name] = []
        for old in list(self.runs)[:-MAX_RUNS]:
            del self.runs[old]
        self.bar.max, self.bar.value = recipe.steps, 0
        self.train.disabled, self.stop.disabled = True, False
        self.going_on = name
        self.readout.value = f"{name}: looks at it come ever more rarely; the slider goes back to earlier ones."
        self.say(f"{STARTING} …")

        def job(work: Work) -> Trained:
            pairs = scenes.draw(SHOWN, snapshots.SEED, objects=recipe.objects)
            before: list[pd.DataFrame] = []

            def watch(model: CLIP, step: int, measured: Measurement | None) -> bool:
                work.say(step / recipe.steps, f"Step {step} of {recipe.steps}")
                if measured is not None:
                    before[:] = [snapshots.cloud(model, pairs, *before)]
                    work.post(self.show, name, measured, before[0])
                work.post(self._step, step)
                return not work.wanted

            return training.train(recipe, device=devices.device(), progress=False, watch=watch)

        self.work(job, lambda trained: self.finish(name, trained), STARTING)

    @property
    def training(self) -> bool:
        """Whether one is going on."""
        return self.going_on is not None

    def halt(self) -> None:
        """Stop the training after the step that it is at; what it has shown stays."""
        self.stop.disabled = True
        self.say("Stopping after this step …")
        self._worker.cancel()

    def start_again(self) -> None:
        """Set all controls back, and forget the runs."""
        super().start_again()
        self.clear()

    def _step(self, step: int) -> None:
        self.bar.value = step

    def failed(self) -> None:
        """A training that came to nothing leaves nothing."""
        self.train.disabled, self.stop.disabled = False, True
        self.runs.pop(self.going_on or "", None)
        self.going_on = None

    def show(self, name: str, measured: Measurement, cloud: pd.DataFrame) -> None:
        """Add one look at the model to the chart."""
        if name != self.going_on:
            return
        self.runs[name].append(measured)
        self.clouds.append((measured.step, cloud))
        last = len(self.clouds) - 1
        self.look.max = self.scrub.max = last
        if self.look.value == last:
            self.redraw()
        else:
            self.look.value = last  # which redraws

    def finish(self, name: str, trained: Trained) -> None:
        """Say how a training ended."""
        self.train.disabled, self.stop.disabled, self.going_on = False, True, None
        first, last = trained.history[0], self.runs[name][-1]
        reached = self.bar.value
        ended = "stopped" if reached < trained.recipe.steps else "done"
        learned = f", temperature 1/{1 / last.temperature:.0f}" if trained.recipe.learn_temperature else ""
        self.readout.value = (
            f"{name}, {ended}: gap {first.gap:.2f} → {last.gap:.2f}, R@1 of 1,000 "
            f"{last.image_to_text:.3f} (chance .001) at step {last.step}{learned}; {trained.seconds:.0f} s{where()}."
        )
        self.chart.code = (
            f"from mindgap.recipe import Recipe\nfrom mindgap.training import train\n\ntrain({trained.recipe!r})"
        )

    def clear(self) -> None:
        """Forget all runs but the one that is going on."""
        self.runs = {name: self.runs[name] for name in [self.going_on] if name is not None}
        if not self.runs:
            self.clouds = []
        self.redraw()

    def redraw(self) -> None:
        """Draw the clouds of the chosen look beside the curves of all runs."""
        rows = [
            {"kind": name, "step": row.step, "gap": row.gap, "recall": row.image_to_text}
            for name, history in self.runs.items()
            for row in history
        ]
        if not rows or not self.clouds:
            self.chart.clear()
            return
        step, cloud = self.clouds[min(self.look.value, len(self.clouds) - 1)]
        history = pd.DataFrame(rows)
        self.show_soon(lambda: Picture.of(charts.training_view(history, cloud, step)))

    def _name(self, recipe: Recipe) -> str:
        """What a run is called in the chart: how it differs from the others, with a number if there was one before."""
        words = [charts.temperature_label(recipe.temperature) + (" learned" if recipe.learn_temperature else "")]
        words += [recipe.start] * (recipe.start != "random") + [recipe.modalities] * (recipe.modalities != "image-text")
        words += [f"{recipe.mismatch:.0%} exchanged"] * (recipe.mismatch > 0) + [f"seed {recipe.seed}"]
        name = ", ".join(words)
        return name if name not in self.runs else f"{name} ({sum(old.startswith(name) for old in self.runs) + 1})"


training_explorer = TrainingExplorer
"""The explorer as chapter 6 calls it."""
