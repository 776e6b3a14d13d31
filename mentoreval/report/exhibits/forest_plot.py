"""Forest plot: the effect of each site or study with its interval, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.evidence.synthesis import Synthesis
from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_WIDTH, BETWEEN, BOTTOM, TOP = 1.3, 0.12, 0.68, 0.1
SMALLEST_MARK, LARGEST_MARK = 10.0, 90.0
MARK_REACH = (LARGEST_MARK**0.5 / 2 + 1.0) / 72
"""From the middle of the largest mark to the end of its outline, in inches of 72 points."""
DIAMOND = 0.07
BOLD = 1.1
"""How much wider the numbers of the mean may be for being bold."""
STANDARDIZED = Scale("standard_deviations", 1.0, 2)


@dataclass(frozen=True, eq=False)
class ForestPlot(Exhibit):
    """Of a synthesis; an evaluation has none of its own.

    frame : label, kind (site, mean or next_site), estimate, conf_low, conf_high, weight in the outcome's unit
    facts : standardized, confidence, i_squared, n_pooled
    """

    name: ClassVar[str] = "forest_plot"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """None: one evaluation is one site."""
        return ()

    @classmethod
    def of_synthesis(cls, synthesis: Synthesis) -> Self:
        """The sites in their order, the mean below them and, where it is known, the range of the next site."""
        sites = synthesis.frame[["label", "estimate", "conf_low", "conf_high", "weight"]].assign(kind="site")
        mean = {"kind": "mean", "estimate": synthesis.estimate, "conf_low": synthesis.conf_low,
                "conf_high": synthesis.conf_high}  # fmt: skip
        below = [mean]
        if np.isfinite(synthesis.prediction_low):
            ends = {"conf_low": synthesis.prediction_low, "conf_high": synthesis.prediction_high}
            below.append({"kind": "next_site", "estimate": np.nan, **ends})
        frame = pd.concat([sites, pd.DataFrame(below)], ignore_index=True)
        facts = {
            "standardized": synthesis.scale == "standardized", "confidence": synthesis.confidence,
            "i_squared": synthesis.i_squared, "n_pooled": synthesis.n_pooled,
        }  # fmt: skip
        measures = {} if synthesis.measure is None else {"effect": synthesis.measure}
        return cls(frame, measures=measures, facts=facts)

    @property
    def scale(self) -> Scale:
        """The unit of the axis."""
        return STANDARDIZED if self.facts["standardized"] else amounts.reader_scale(self.measure("effect"))

    def alt_text(self, words: Words) -> str:
        """Every site with its effect and interval, then the mean."""
        rows = [
            words("alt.forest_plot_row", label=self._label(words, row), numbers=self._numbers(words, row))
            for _, row in self.frame.iterrows()
        ]
        return words("alt.forest_plot", rows=" ".join(rows), unit=words(f"unit.{self.scale.name}"))

    def caption(self, words: Words) -> str:
        """What the marks are, and how much the sites differ."""
        return words("caption.forest_plot", confidence=self.facts["confidence"], n=self.facts["n_pooled"],
                     share=self.facts["i_squared"])  # fmt: skip

    def draw(self, words: Words) -> Figure:
        """One band for each row: its label, its interval, its numbers."""
        rows = [row for _, row in self.frame.iterrows()]
        labels = [canvas.wrap(self._label(words, row), LABEL_WIDTH, canvas.SMALL) for row in rows]
        numbers = [self._numbers(words, row) for row in rows]
        heights = np.array([len(lines) * canvas.LINE + 0.1 for lines in labels])
        right = max(canvas.text_width(text, canvas.SMALL) for text in numbers) * BOLD + canvas.MARGIN
        left = canvas.MARGIN + LABEL_WIDTH + BETWEEN
        width = canvas.WIDTH - left - BETWEEN - right
        figure = canvas.new_figure(BOTTOM + TOP + float(heights.sum()))
        page = canvas.page_axes(figure)
        axes = canvas.panel_axes(figure, left, BOTTOM, width, float(heights.sum()))
        axes.set_ylim(0, heights.sum())
        axes.set_yticks([])
        axes.set_xlim(*self._limits(width))
        axes.axvline(0, color=canvas.MUTED, linewidth=1.0, zorder=1)
        centres = heights.sum() - np.cumsum(heights) + heights / 2
        for row, lines, text, centre in zip(rows, labels, numbers, centres, strict=True):
            weight = "bold" if row["kind"] == "mean" else "normal"
            start = BOTTOM + centre + len(lines) * canvas.LINE / 2 - 0.02
            canvas.write_lines(page, lines, canvas.MARGIN, start, size=canvas.SMALL, weight=weight)
            page.text(left + width + BETWEEN, BOTTOM + centre, text, va="center", size=canvas.SMALL, weight=weight)
            self._mark(axes, row, float(centre))
        first_below = int((self.frame["kind"] == "site").sum())
        axes.axhline(float(heights[first_below:].sum()), color=canvas.RULE, linewidth=0.8, zorder=0)
        canvas.few_ticks(axes.xaxis, words, most=3)
        unit = canvas.wrap(words(f"axis.{self.scale.name}"), canvas.WIDTH - left - canvas.MARGIN, canvas.SMALL)
        canvas.write_lines(page, unit, left, BOTTOM - 0.26, size=canvas.SMALL)
        return figure

    def _mark(self, axes: Axes, row: pd.Series, centre: float) -> None:
        """A square as large as its weight with its interval, a diamond for the mean, a bar for the next site."""
        factor = self.scale.factor
        low, middle, high = (float(row[name]) * factor for name in ("conf_low", "estimate", "conf_high"))
        if row["kind"] == "mean":
            corners = ([low, middle, high, middle], [centre, centre + DIAMOND, centre, centre - DIAMOND])
            axes.fill(*corners, color=canvas.COMPARISON, linewidth=0, zorder=3)
            return
        colour = canvas.COMPARISON if row["kind"] == "next_site" else canvas.PROGRAM
        axes.plot([low, high], [centre, centre], color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
        if row["kind"] == "next_site":
            return
        pooled = np.isfinite(row["weight"])
        largest = float(self.frame["weight"].max())
        size = SMALLEST_MARK + (LARGEST_MARK - SMALLEST_MARK) * (float(row["weight"]) / largest if pooled else 0.0)
        face = canvas.PROGRAM if pooled else "white"
        axes.scatter([middle], [centre], s=size, marker="s", facecolor=face, edgecolor=canvas.PROGRAM, zorder=3)

    def _limits(self, width: float) -> tuple[float, float]:
        """Ends of an axis of a width in inches on which every interval fits, and a mark at either end whole."""
        ends = self.frame[["conf_low", "estimate", "conf_high"]].to_numpy(dtype=float) * self.scale.factor
        low, high = min(0.0, float(np.nanmin(ends))), max(0.0, float(np.nanmax(ends)))
        edge = (high - low) * max(0.05, MARK_REACH / (width - 2 * MARK_REACH))
        return low - edge, high + edge

    def _label(self, words: Words, row: pd.Series) -> str:
        return str(row["label"]) if row["kind"] == "site" else words(f"label.forest_{row['kind']}")

    def _numbers(self, words: Words, row: pd.Series) -> str:
        """Effect and interval as they are written beside the line; what is not known is left out."""
        interval = amounts.bounds(words, self.scale, row["conf_low"], row["conf_high"])
        if row["kind"] == "next_site":
            return interval
        found = amounts.digits(words, self.scale, row["estimate"], signed=True)
        return f"{found} ({interval})" if np.isfinite(row["conf_low"]) else found
