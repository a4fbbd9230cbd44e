"""The live explorer of chapter 3: draw one seed of a real tower after the other."""

from __future__ import annotations

import ipywidgets as ipw
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import charts, cones, geometry, seeds, towers
from mindgap.widgets._explorer import ROW, WIDE, Explorer, debounced
from mindgap.widgets._figure import Picture
from mindgap.widgets._work import Work

DRAW_AT_FIRST = 3
Choice = tuple[str, str, int]  # tower, kind of inputs, how many of them


class SeedExplorer(Explorer):
    """Chapter 3: one seed of a real tower after the other, on the same `n` inputs.

    `tower` is a name for `towers.embed_seeds`: "resnet18", "ViT-B-32:image", "RN50:text", …
    """

    def __init__(self, tower: str = "resnet18", n: int = 16) -> None:
        super().__init__()
        known = tuple(dict.fromkeys((tower, *towers.TOWERS, "RN50:image", "RN50:text")))
        self.tower = ipw.Combobox(
            value=tower, options=known, description="tower", ensure_option=False, continuous_update=False, layout=WIDE
        )
        self.inputs = ipw.ToggleButtons(options=list(towers.INPUTS), description="inputs")
        self.n = ipw.IntSlider(n, 2, 256, description="inputs, n", continuous_update=False, layout=WIDE)
        self.draw, self.draw_five = ipw.Button(description="draw a seed"), ipw.Button(description="draw five")
        self.again = ipw.Button(description="start again")
        self._clouds: dict[Choice, dict[int, Tensor]] = {}
        self._wanted: dict[Choice, int] = {}
        self._rows: dict[tuple[str, str, int], Tensor] = {}  # what a seed made of the most inputs, which begin alike
        buttons = ipw.HBox([self.draw, self.draw_five, self.again], layout=ROW)
        self.arrange([self.tower, self.inputs, self.n, buttons])
        self.draw.on_click(lambda _button: self.attempt(lambda: self.more(1)))
        self.draw_five.on_click(lambda _button: self.attempt(lambda: self.more(5)))
        self.again.on_click(lambda _button: self.attempt(self.restart))
        change = debounced(lambda: self.attempt(self.change))
        for control in (self.tower, self.inputs, self.n):
            control.observe(change, "value")
        self.attempt(self.change)

    @property
    def choice(self) -> Choice:
        """What the controls describe."""
        return self.tower.value.strip(), self.inputs.value, self.n.value

    @property
    def clouds(self) -> dict[int, Float[Tensor, "n d"]]:
        """The embeddings drawn so far for what is chosen, by seed."""
        return self._clouds.setdefault(self.choice, {})

    def change(self) -> None:
        """Show what is chosen, drawing the first seeds if there are none; those of other choices are kept."""
        self.more(0 if self.clouds else DRAW_AT_FIRST)

    def start_again(self) -> None:
        super().start_again()
        self.restart()

    def restart(self) -> None:
        """Forget the seeds of what is chosen, and draw the first ones."""
        self._clouds[self.choice], self._wanted[self.choice] = {}, 0
        self.more(DRAW_AT_FIRST)

    def more(self, count: int) -> None:
        """Draw the next seeds. Those that are drawn stay, even if something else is wanted before the last is there."""
        choice, clouds = self.choice, self.clouds
        tower, kind, n = choice
        total = self._wanted[choice] = max(len(clouds), self._wanted.get(choice, 0)) + count

        def job(work: Work) -> tuple[Picture, str]:
            wanted = range(len(clouds), total)
            work(0.0, f"Building {tower} with seed {wanted[0]}" if wanted else "Drawing")
            for seed in wanted:
                clouds[seed] = self._embedded(tower, kind, seed, n)
                work((seed + 1 - wanted[0]) / len(wanted), f"Drew seed {seed} of {tower}, {total - 1 - seed} to come")
            return picture(clouds, tower, kind)

        def show(found: tuple[Picture, str]) -> None:
            self.show_chart(found[0])
            self.readout.value = found[1]
            self.chart.code = self.code(choice, total)

        self.work(job, show, f"Drawing seeds of {tower}")

    def _embedded(self, tower: str, kind: str, seed: int, n: int) -> Float[Tensor, "n d"]:
        """What a seed makes of `n` inputs; those that it was given before are not embedded again."""
        rows = self._rows.get((tower, kind, seed), torch.empty(0))
        if len(rows) < n:
            ((_, found),) = towers.embed_seeds([tower], [seed], kind, n, first=len(rows))
            self._rows[tower, kind, seed] = rows = torch.cat([rows, found[tower]]) if len(rows) else found[tower]
        return rows[:n]

    def failed(self) -> None:
        self._wanted[self.choice] = len(self.clouds)

    def code(self, choice: Choice, count: int) -> str:
        """The lines that embed the same inputs with these seeds."""
        tower, kind, n = choice
        return (
            "from mindgap import geometry, towers\n\n"
            f"tower = {tower!r}\nstream = towers.embed_seeds([tower], range({count}), {kind!r}, n={n})\n"
            "clouds = [found[tower] for _, found in stream]\n"
            "[geometry.mean_cosine(cloud) for cloud in clouds], geometry.gap_distance(clouds[0], clouds[1])"
        )


def picture(clouds: dict[int, Float[Tensor, "n d"]], tower: str, kind: str) -> tuple[Picture, str]:
    """The clouds of the seeds on shared axes, and what they say in words."""
    stack = torch.stack(list(clouds.values())).double()
    unit = torch.stack([geometry.normalize(cloud) for cloud in stack])
    points = seeds.principal_points(unit)
    table = pd.DataFrame(points.flatten(0, 1).numpy(), columns=["PCA 1", "PCA 2"])
    table = table.assign(seed=[seed for seed in clouds for _ in range(len(stack[0]))], tower=tower, inputs=kind)
    gaps = seeds.gap_matrix(list(unit.mean(dim=1)))
    chart = charts.seed_clouds(table, {kind: {tower: gaps.tolist()}}, {tower: tower})
    cosines = [geometry.mean_cosine(cloud) for cloud in stack]
    words = [
        f"{len(stack)} seeds of {tower} on {stack.shape[1]} inputs ({kind}): mean cosine {min(cosines):.4f} to "
        f"{max(cosines):.4f}."
    ]
    if len(stack) > 1:
        pairs = gaps[tuple(torch.triu_indices(len(stack), len(stack), 1))]
        words.append(f"Gap between two seeds {pairs.min():.3f} to {pairs.max():.3f}.")
        words.append(f"Share of the variance decided by the seed: {cones.variance_share(unit):.3f}.")
    return Picture.of(chart), " ".join(words)


seed_explorer = SeedExplorer
"""The explorer as chapter 3 calls it."""
