"""Balance axis: what pictures of balance share: the bands of what counts as alike, and the names of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.balance import Balance
from mentoreval.design.equivalence import ADJUSTABLE, ALIKE
from mentoreval.report import canvas
from mentoreval.report.words import Words, opened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BANDS = (ALIKE, ADJUSTABLE)
SHORTEST, SHOWN_WHEN_INFINITE, ROOM = 0.3, 3.0, 1.06
MOST_LEVELS = 4
"""Levels of a covariate that have a row each; of more only the largest difference is shown."""


def draw_bands(axes: Axes, words: Words, *values: pd.Series) -> None:
    """Set the axis from zero to the largest of the values, with a dashed and a solid line at the bands."""
    largest = max(SHORTEST, *(float(np.nanmax(drawable(column), initial=0.0)) for column in values))
    axes.set_xlim(0, largest * ROOM)
    for place, dashes in zip(BANDS, ("--", "-"), strict=True):
        axes.axvline(place, color=canvas.MUTED, linewidth=0.9, linestyle=dashes, zorder=0)
    canvas.few_ticks(axes.xaxis, words)


def drawable(values: pd.Series) -> FloatArray:
    """(n,) values to draw: a difference without limit (one arm does not vary) stands at the far end."""
    return np.asarray(np.minimum(values.to_numpy(dtype=float), SHOWN_WHEN_INFINITE))


def rare_rows(balance: Balance, limit: int) -> BoolArray:
    """(rows,) True where fewer students of an arm than the limit have a trait, or lack it, before or after."""
    frame = balance.frame
    rare = np.zeros(len(frame), dtype=bool)
    for when in ("before", "after"):
        for arm in ("treated", "comparison"):
            n = float(balance.n[f"n_{arm}"][when])
            share = frame[f"mean_{arm}_{when}"].to_numpy(dtype=float)
            rare |= (share * n < limit) | ((1 - share) * n < limit)
    return rare & (frame["kind"] == "binary").to_numpy(dtype=bool)


def row_label(words: Words, row: pd.Series) -> str:
    """A covariate, one of its levels, or of how many levels the largest difference is shown."""
    if row["n_levels"]:
        name = words.covariate(row["covariate"])
        return opened(words("covariate_largest", covariate=name, levels=int(row["n_levels"])))
    return opened(words.covariate(row["covariate"], row["level"]))
