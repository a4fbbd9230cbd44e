"""The live explorer of chapter 3: draw one seed of a real tower after the other."""

from __future__ import annotations

import ipywidgets as ipw
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import charts, cones, geometry, seeds, towers
from mindgap.widgets._explorer import WIDE, Explorer, debounced

DRAW_AT_FIRST = 3


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
        self._clouds: dict[tuple[str, str, int], dict[int, Tensor]] = {}
        buttons = ipw.HBox([self.draw, self.draw_five, self.again], layout={"flex_flow": "row wrap"})
        self.children = [self.tower, self.inputs, self.n, buttons, self.message, self.chart, self.readout]
        self.draw.on_click(lambda _button: self.attempt(lambda: self.more(1)))
        self.draw_five.on_click(lambda _button: self.attempt(lambda: self.more(5)))
        self.again.on_click(lambda _button: self.attempt(self.restart))
        change = debounced(lambda: self.attempt(self.change))
        for control in (self.tower, self.inputs, self.n):
            control.observe(change, "value")
        self.attempt(self.change)

    @property
    def clouds(self) -> dict[int, Float[Tensor, "n d"]]:
        """The embeddings drawn so far for what is chosen, by seed."""
        return self._clouds.setdefault((self.tower.value.strip(), self.inputs.value, self.n.value), {})

    def change(self) -> str:
        """Show what is chosen, drawing the first seeds if there are none; those of other choices are kept."""
        return self.show() if self.clouds else self.more(DRAW_AT_FIRST)

    def restart(self) -> str:
        """Forget the seeds of what is chosen, and draw the first ones."""
        self.clouds.clear()
        return self.more(DRAW_AT_FIRST)

    def more(self, count: int) -> str:
        """Draw the next seeds."""
        tower, clouds = self.tower.value.strip(), self.clouds
        wanted = range(len(clouds), len(clouds) + count)
        stream = towers.embed_seeds([tower], wanted, self.inputs.value, self.n.value)
        self.say(f"Drawing {tower} with seed {wanted[0]} …")
        for seed, found in stream:
            clouds[seed] = found[tower]
            self.say(f"Drew {tower} with seed {seed}." if seed == wanted[-1] else f"Drawing seed {seed + 1} …")
        return self.show()

    def show(self) -> str:
        """Draw the seeds there are, with what they say."""
        tower, kind = self.tower.value.strip(), self.inputs.value
        stack = torch.stack(list(self.clouds.values())).double()
        unit = torch.stack([geometry.normalize(cloud) for cloud in stack])
        points = seeds.principal_points(unit)
        table = pd.DataFrame(points.flatten(0, 1).numpy(), columns=["PCA 1", "PCA 2"])
        table = table.assign(
            seed=[seed for seed in self.clouds for _ in range(len(stack[0]))], tower=tower, inputs=kind
        )
        gaps = seeds.gap_matrix(list(unit.mean(dim=1)))
        chart = charts.seed_clouds(table, {kind: {tower: gaps.tolist()}}, {tower: tower})
        self.show_chart(chart)
        cosines = [geometry.mean_cosine(cloud) for cloud in stack]
        words = [f"{len(stack)} seeds of {tower}: mean cosine {min(cosines):.4f} to {max(cosines):.4f}."]
        if len(stack) > 1:
            pairs = gaps[tuple(torch.triu_indices(len(stack), len(stack), 1))]
            words.append(f"Gap between two seeds {pairs.min():.3f} to {pairs.max():.3f}.")
            words.append(f"Share of the variance decided by the seed: {cones.variance_share(unit):.3f}.")
        self.readout.value = " ".join(words)
        return ""


seed_explorer = SeedExplorer
"""The explorer as chapter 3 calls it."""
