"""Rehearsal: the interval of every draw beside the truth, once without an effect and once with a known one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.evidence.rehearsal import Rehearsal
from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.rehearsal_text import digits, say_amount, say_rehearsal
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLOT_HEIGHT, BETWEEN, TOP, BOTTOM, FOOT = 1.45, 0.12, 0.1, 0.3, 0.08


@dataclass(frozen=True, eq=False)
class RehearsalPlot(Exhibit):
    """One for each rehearsal of a study.

    frame : draw, effect, truth, estimate, conf_low, conf_high of the draws that gave an estimate
    facts : outcome, confidence, summary (``Rehearsal.summary``)
    """

    name: ClassVar[str] = "rehearsal"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """Every rehearsal that was held."""
        return tuple(cls.of_rehearsal(held, name) for name, held in evaluation.rehearsals.items())

    @classmethod
    def of_rehearsal(cls, held: Rehearsal, subject: str = "") -> Self:
        """The exhibit of a rehearsal."""
        shown = ["draw", "effect", "truth", "estimate", "conf_low", "conf_high"]
        frame = pd.concat([held.draws(effect)[shown] for effect in held.effects], ignore_index=True)
        facts = {"outcome": held.outcome, "confidence": held.confidence, "summary": held.summary}
        return cls(frame, subject, {} if held.measure is None else {held.outcome: held.measure}, facts)

    @property
    def scale(self) -> Scale:
        """The unit in which it is said."""
        return amounts.reader_scale(self.measure(str(self.facts["outcome"])))

    @property
    def summary(self) -> pd.DataFrame:
        """One row for each known effect."""
        summary = self.facts["summary"]
        assert isinstance(summary, pd.DataFrame)
        return summary

    def said(self, words: Words) -> tuple[str, ...]:
        """A sentence for each known effect."""
        return say_rehearsal(self.summary, float(str(self.facts["confidence"])), self.scale, words)

    def _number(self, words: Words, value: float) -> str:
        return digits(value, self.scale, words)

    def caption(self, words: Words) -> str:
        """What the lines are."""
        outcome = opened(words.outcome(str(self.facts["outcome"])))
        return words("caption.rehearsal", outcome=outcome, confidence=self.facts["confidence"])

    def alt_text(self, words: Words) -> str:
        """The sentences of both panels."""
        outcome = words.outcome(str(self.facts["outcome"]))
        return words("alt.rehearsal", outcome=outcome, rows=" ".join(self.said(words)))

    def table(self, words: Words) -> Table:
        """One row for each known effect."""
        names = ("rehearsal_truth", "rehearsal_draws", "rehearsal_mean", "rehearsal_bias", "rehearsal_coverage",
                 "rehearsal_found")  # fmt: skip
        columns = tuple(Column(words(f"column.{name}"), numeric=name != names[0]) for name in names)
        rows = tuple(
            (
                self._number(words, row["effect"]), words.count(int(row["n_draws"])),
                self._number(words, row["mean_estimate"]), self._number(words, row["bias"]),
                words.percent(row["coverage"]), words.percent(row["found"]),
            )
            for _, row in self.summary.iterrows()
        )  # fmt: skip
        unit = words(f"axis.{self.scale.name}")
        caption = words("caption.rehearsal_table", outcome=opened(words.outcome(str(self.facts["outcome"]))), unit=unit)
        return Table(f"table-{self.id}", caption, columns, rows)

    def draw(self, words: Words) -> Figure:
        """A panel for each known effect, over one axis."""
        width = canvas.WIDTH - 2 * canvas.MARGIN
        heads = [canvas.wrap(self._head(words, row), width, canvas.SMALL) for _, row in self.summary.iterrows()]
        unit = canvas.wrap(words(f"axis.{self.scale.name}"), width, canvas.SMALL)
        below = BOTTOM + len(unit) * canvas.LINE + FOOT
        panels = sum(len(head) * canvas.LINE + PLOT_HEIGHT + BETWEEN for head in heads)
        figure = canvas.new_figure(TOP + canvas.LINE + BETWEEN + panels + below)
        page = canvas.page_axes(figure)
        place = figure.get_figheight() - TOP
        canvas.legend(page, place - canvas.LINE / 2, [
            (words("label.interval_holds"), canvas.PROGRAM, canvas.PROGRAM),
            (words("label.interval_misses"), canvas.COMPARISON, canvas.COMPARISON),
        ])  # fmt: skip
        place -= canvas.LINE + BETWEEN
        for number, (effect, head) in enumerate(zip(self.summary["effect"], heads, strict=True)):
            place = canvas.write_lines(page, head, canvas.MARGIN, place, size=canvas.SMALL) - PLOT_HEIGHT
            axes = canvas.panel_axes(figure, canvas.MARGIN, place, width, PLOT_HEIGHT)
            self._intervals(axes, self.frame[self.frame["effect"] == effect])
            if number < len(heads) - 1:
                axes.set_xticklabels([])
                axes.tick_params(axis="x", length=0)
            else:
                canvas.few_ticks(axes.xaxis, words)
            place -= BETWEEN
        canvas.write_lines(page, unit, canvas.MARGIN, FOOT + len(unit) * canvas.LINE, size=canvas.SMALL)
        return figure

    def _head(self, words: Words, row: pd.Series) -> str:
        key = "rehearsal.head_without" if row["effect"] == 0 else "rehearsal.head_with"
        return words(key, truth=say_amount(row["effect"], self.scale, words), coverage=row["coverage"])

    def _intervals(self, axes: Axes, draws: pd.DataFrame) -> None:
        """The draws from the smallest estimate to the largest, upwards; a line at the truth."""
        draws = draws.sort_values("estimate", kind="stable")
        low, middle, high, truth = (
            draws[name].to_numpy(dtype=float) * self.scale.factor
            for name in ("conf_low", "estimate", "conf_high", "truth")
        )
        height = np.arange(len(draws))
        held = (low <= truth) & (truth <= high)
        thin = min(1.6, 72 * PLOT_HEIGHT / max(len(draws), 1))
        for part, colour in ((held, canvas.PROGRAM), (~held, canvas.COMPARISON)):
            axes.hlines(height[part], low[part], high[part], color=colour, linewidth=thin, alpha=0.45)
            axes.scatter(middle[part], height[part], s=3, color=colour, zorder=3)
        if len(truth):
            axes.axvline(float(truth[0]), color=canvas.INK, linewidth=1.1, zorder=4)
        axes.set_xlim(*self._range())
        axes.set_ylim(-1, max(len(draws), 1))
        axes.set_yticks([])

    def _range(self) -> tuple[float, float]:
        """Limits of the axis, in its unit; an interval without bound leads out of the picture."""
        values = self.frame[["conf_low", "estimate", "conf_high", "truth"]].to_numpy(dtype=float) * self.scale.factor
        values = values[np.isfinite(values)]
        if not len(values):
            return -1.0, 1.0
        room = 0.03 * float(np.ptp(values)) or 1.0
        return math.floor((values.min() - room) * 1e6) / 1e6, math.ceil((values.max() + room) * 1e6) / 1e6
