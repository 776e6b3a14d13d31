"""Published plot: standardized effects of published studies, drawn without a mean that they do not have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mentoreval.errors import ReportError
from mentoreval.evidence.published_table import standardized_effects
from mentoreval.report.exhibits.forest_plot import ForestPlot
from mentoreval.report.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_AS_FACT = ("reported", "recomputed")


def draw_published(table: pd.DataFrame, language: str = "en") -> Figure:
    """A forest plot of the effects in standard deviations of ``read_published``.

    A full mark is an effect that was checked against its source, as it stands there or recomputed from what is printed;
    an empty one was worked back from a rounded number, or was not checked. A line is an interval, where one is printed.
    """
    figure = published_forest(table).figure(Words(language))
    if figure is None:
        raise ReportError("The table has no effect in standard deviations that could be drawn.")
    return figure


def published_forest(table: pd.DataFrame) -> ForestPlot:
    """The exhibit of ``draw_published``: no mean, since the studies measure different things."""
    rows = standardized_effects(table)
    sure = rows["g_from"].isin(SHOWN_AS_FACT) & rows["checked"].eq("number")
    named = zip(rows["study"], rows["outcome"], strict=True)
    frame = rows[["conf_low", "conf_high"]].assign(
        label=[f"{study.split(' (')[0]}: {outcome}" for study, outcome in named],
        estimate=rows["g"],
        weight=np.where(sure, 1.0, np.nan),
        kind="site",
    )
    return ForestPlot(frame, facts={"standardized": True, "confidence": 0.95, "i_squared": np.nan, "n_pooled": 0})
