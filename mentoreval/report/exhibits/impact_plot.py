"""Impact plot: what was found for each outcome, with its interval, in the unit that people use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.disclosure_cells import Key
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import COUNTS, results_frame, sample_of
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLOT_LEFT, BETWEEN = 0.34, 0.14
HEAD, STRIP, FOOT, TICKS = 0.12, 0.26, 0.58, 0.26


@dataclass(frozen=True, eq=False)
class ImpactPlot(Exhibit):
    """The headline results, one panel for each unit.

    frame : outcome, pair, estimate, conf_low, conf_high in the outcome's own unit; confidence; design, n_treated and
        n_comparison, which are not drawn: of too few students nothing is
    """

    name: ClassVar[str] = "impact_plot"
    counts: ClassVar[tuple[str, ...]] = COUNTS
    cost: ClassVar[float] = 4.0

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample of a result."""
        return sample_of(row, column)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study."""
        columns = ["outcome", "pair", "estimate", "conf_low", "conf_high", "design", *COUNTS]
        frame = results_frame(evaluation.with_role("headline"))[columns]
        frame["confidence"] = evaluation.study.confidence
        return (cls(frame, measures=evaluation.panel.measures),)

    def alt_text(self, words: Words) -> str:
        """Every outcome with its estimate and interval."""
        rows = []
        for _, row in self.frame.iterrows():
            scale = self._scale(row)
            numbers = {
                "outcome": opened(words.outcome(row["outcome"], row.get("pair", ""))),
                "estimate": amounts.digits(words, scale, row["estimate"], signed=True),
                "interval": amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
            }
            rows.append(words("alt.impact_plot_row", unit=words(f"unit.{scale.name}"), **numbers))
        return words("alt.impact_plot", rows=" ".join(rows))

    def caption(self, words: Words) -> str:
        """The caption says what dots and lines are."""
        return words("caption.impact_plot", confidence=float(self.frame["confidence"].iloc[0]))

    def draw(self, words: Words) -> Figure:
        """Panels from top to bottom; in each, one label and one interval for each outcome."""
        rows = [(self._scale(row), row) for _, row in self.frame.iterrows()]
        layout = [_Panel(words, self, scale, members) for scale, members in _by_axis(rows)]
        figure = canvas.new_figure(sum(panel.height for panel in layout))
        page = canvas.page_axes(figure)
        top = figure.get_figheight()
        width = canvas.WIDTH - PLOT_LEFT - BETWEEN - max(panel.room for panel in layout) - canvas.MARGIN
        for panel in layout:
            panel.draw(figure, page, top, width)
            top -= panel.height
        return figure

    def _scale(self, row: pd.Series) -> Scale:
        return amounts.reader_scale(self.measure(row["outcome"]))


def _by_axis(rows: list[tuple[Scale, pd.Series]]) -> list[tuple[Scale, list[pd.Series]]]:
    """Rows that share an axis, in the order in which they come: those of the same unit; without a unit, each alone."""
    axes: dict[object, tuple[Scale, list[pd.Series]]] = {}
    for number, (scale, row) in enumerate(rows):
        axes.setdefault(scale if scale.has_unit else number, (scale, []))[1].append(row)
    return list(axes.values())


class _Panel:
    """One unit: where its rows stand, and how they are drawn."""

    def __init__(self, words: Words, plot: ImpactPlot, scale: Scale, rows: list[pd.Series]) -> None:
        self.words, self.scale, self.rows = words, scale, rows
        width = canvas.WIDTH - 2 * canvas.MARGIN
        self.labels = [canvas.wrap(self._label(plot, row), width) for row in rows]
        self.body = sum(HEAD + len(lines) * canvas.LINE + STRIP for lines in self.labels)
        self.height = self.body + FOOT
        self.numbers = [self._numbers(row) for row in rows]
        self.room = max(canvas.text_width(text) for pair in self.numbers for text in pair)

    def _label(self, plot: ImpactPlot, row: pd.Series) -> str:
        facts, outcome = plot.measure(row["outcome"]), opened(self.words.outcome(row["outcome"], row.get("pair", "")))
        if facts is None:
            return outcome
        better = "higher" if facts.higher_is_better else "lower"
        return self.words(f"label.{better}_is_better", outcome=outcome)

    def _numbers(self, row: pd.Series) -> tuple[str, str]:
        """Estimate and interval as they are written beside the line."""
        estimate = amounts.digits(self.words, self.scale, row["estimate"], signed=True)
        return estimate, amounts.bounds(self.words, self.scale, row["conf_low"], row["conf_high"])

    def draw(self, figure: Figure, page: Axes, top: float, width: float) -> None:
        """Draw it from ``top`` inches down, its lines on ``width`` inches and the numbers to the right of them."""
        axes = canvas.panel_axes(figure, PLOT_LEFT, top - self.body, width, self.body)
        axes.set_ylim(0, self.body)
        axes.set_yticks([])
        axes.set_xlim(*self._limits())
        place = self.body
        for position, (row, lines) in enumerate(zip(self.rows, self.labels, strict=True)):
            place -= HEAD
            canvas.write_lines(page, lines, canvas.MARGIN, top - self.body + place)
            place -= len(lines) * canvas.LINE + STRIP
            self._interval(axes, row, place + STRIP / 2)
            estimate, interval = self.numbers[position]
            left, middle = PLOT_LEFT + width + BETWEEN, top - self.body + place + STRIP / 2
            page.text(left, middle + 0.015, estimate, weight="bold", va="bottom")
            page.text(left, middle - 0.015, interval, size=canvas.SMALL, va="top")
        self._zero(axes)
        canvas.few_ticks(axes.xaxis, self.words)
        unit = self.words(f"axis.{self.scale.name}")
        page.text(PLOT_LEFT, top - self.body - TICKS, unit, size=canvas.SMALL, va="top")

    def _interval(self, axes: Axes, row: pd.Series, place: float) -> None:
        factor = self.scale.factor
        low, middle, high = (_finite(row[name]) * factor for name in ("conf_low", "estimate", "conf_high"))
        axes.plot([low, high], [place, place], color=canvas.PROGRAM, linewidth=2.6, solid_capstyle="butt", zorder=2)
        axes.plot([middle], [place], marker="o", markersize=7, color=canvas.INK, zorder=3)

    def _zero(self, axes: Axes) -> None:
        """A line at no difference, interrupted where the labels stand."""
        place = self.body
        for lines in self.labels:
            place -= HEAD + len(lines) * canvas.LINE + STRIP
            axes.plot([0, 0], [place, place + STRIP], color=canvas.MUTED, linewidth=1.0, zorder=1)

    def _limits(self) -> tuple[float, float]:
        names = ("conf_low", "estimate", "conf_high")
        values = [_finite(row[name]) * self.scale.factor for row in self.rows for name in names]
        low, high = float(np.nanmin([0.0, *values])), float(np.nanmax([0.0, *values]))
        smallest_shown = 10.0**-self.scale.decimals
        space = max(0.06 * (high - low), smallest_shown)
        return low - space, high + space


def _finite(value: float) -> float:
    """The value, or NaN for an interval without bound, which is written but not drawn."""
    return float(value) if np.isfinite(value) else float("nan")
