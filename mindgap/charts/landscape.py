"""What charts of a landscape share, and the chart of its curves."""

from __future__ import annotations

import altair as alt
import pandas as pd

from mindgap._controls import radio
from mindgap._theme import IMAGE, NEUTRAL, TEMPERATURE

DIRECTIONS = {"both": "both", "image→text": "image_to_text", "text→image": "text_to_image"}
"""The directions of the loss as charts name them, and as `Landscape` does."""

LANDMARKS = {
    "global minimum": ("circle", TEMPERATURE[3]),
    "barrier": ("triangle-up", NEUTRAL),
    "back to back": ("diamond", IMAGE),
}
LOSS = (
    "direction == 'both' ? (datum.image_to_text + datum.text_to_image)/2 : "
    "direction == 'image→text' ? datum.image_to_text : datum.text_to_image"
)


def temperature_label(temperature: float) -> str:
    """A temperature as people write it: 1/100, 1/50, …, 1, 10."""
    inverse = 1 / temperature
    if inverse < 1.0001:
        return f"{temperature:.3g}"
    return f"1/{inverse:.3g}" if inverse < 999.5 else f"1/{inverse:.0f}"


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """A landscape's tidy table with the temperatures as labels, in a column `tau`, for charts and menus."""
    columns = {"shift": frame["shift"].round(6), "tau": [temperature_label(t) for t in frame["temperature"]]}
    return frame.drop(columns="temperature").assign(**columns)


def landscape_curves(curves: pd.DataFrame, marks: pd.DataFrame) -> alt.LayerChart:
    """Loss against signed distance, a line a temperature, with menus for the embeddings, the direction and the batch.

    `curves` has `set`, `batch`, `tau`, `shift`, `distance`, `image_to_text`, `text_to_image`; `marks` has `set`,
    `batch`, `tau`, `direction`, `kind` ("global minimum", "barrier" or "back to back"), `distance` and `loss`.
    """
    sets, batches, taus = (list(dict.fromkeys(curves[column])) for column in ("set", "batch", "tau"))
    choices = {
        "set": ("embeddings", sets),
        "tau": ("temperature τ", taus),
        "direction": ("direction", list(DIRECTIONS)),
        "batch": ("batch", batches),
    }
    params = [radio(name, options, title) for name, (title, options) in choices.items()]
    chosen = "datum.set == set && datum.batch == batch && datum.tau == tau"
    base = alt.Chart(curves).transform_filter(chosen).transform_calculate(loss=LOSS)
    y = alt.Y("loss:Q", title="contrastive loss", scale=alt.Scale(zero=False))
    x = alt.X("distance:Q", title="signed distance between the shifted means", scale=alt.Scale(domain=[-2, 2]))
    # The colours of the page's range, which are light in dark mode.
    colour = alt.Color("tau:O", scale=alt.Scale(domain=taus), legend=None)
    line = base.mark_line().encode(x, y, colour, order="shift:Q")
    dots = alt.Chart(marks).transform_filter(chosen + " && datum.direction == direction")
    shape = alt.Scale(domain=list(LANDMARKS), range=[shape for shape, _ in LANDMARKS.values()])
    own_colour = alt.Scale(domain=list(LANDMARKS), range=[colour for _, colour in LANDMARKS.values()])
    point = dots.mark_point(filled=True, size=110, opacity=1).encode(
        x="distance:Q",
        y="loss:Q",
        shape=alt.Shape("kind:N", title=None, scale=shape),
        color=alt.Color("kind:N", title=None, scale=own_colour),
    )
    words = (
        dots.transform_calculate(words="format(datum.distance, '.2f') + ' → ' + format(datum.loss, '.2f')")
        .mark_text(dy=-14)
        .encode(x="distance:Q", y="loss:Q", text="words:N")
    )
    now = alt.Chart(alt.Data(values=[{}])).mark_rule(strokeDash=[4, 4], color=NEUTRAL).encode(x=alt.datum(0))
    return (
        alt.layer(now, line, point, words)
        .resolve_scale(color="independent", shape="independent")
        .add_params(*params)
        .properties(
            width=600,
            height=360,
            description="The contrastive loss against the signed distance between the modality means, for a chosen "
            "set, temperature, direction and batch; least point, barrier and back-to-back minimum are marked.",
        )
    )
