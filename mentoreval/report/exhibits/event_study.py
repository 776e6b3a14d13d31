"""Event study: the difference between the arms in each period before and after the program began."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Key, Sum
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import over_time_frame, period_key
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, BOTTOM, PLOT_HEIGHT = 0.55, 0.12, 0.52, 2.2
COLUMNS = (
    "event_time", "estimate", "std_error", "p_value", "conf_low", "conf_high", "band_low", "band_high",
    "n_treated", "n_comparison",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class EventStudy(Exhibit):
    """One for each estimate over time.

    frame : COLUMNS, one row for each event time, in the outcome's own unit; the reference period has no interval
    facts : outcome, pair, period (what an event time counts), confidence
    """

    name: ClassVar[str] = "event_study"
    counts: ClassVar[tuple[str, ...]] = ("n_treated", "n_comparison")

    def counted(self, row: pd.Series, column: str) -> Key:
        """The students of one period."""
        return period_key(self.subject, row["event_time"], column)

    def sums(self) -> list[Sum]:
        """Of two periods the smaller sample is taken to lie in the larger: who left in between may be few."""
        found = []
        for arm in self.counts:
            rows = self.frame[self.frame[arm].notna()].sort_values(arm, ascending=False, kind="stable").iterrows()
            keys = [self.counted(row, arm) for _, row in rows]
            found += [Sum(larger, (smaller,)) for larger, smaller in pairwise(keys)]
        return found

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """Every result with the role over_time."""
        period = getattr(evaluation.study.panel, "period", None) or "period"
        results = evaluation.with_role("over_time")
        return tuple(
            cls.of_estimate(result.estimate, result.plan.name, period, result.plan.contrast) for result in results
        )

    @classmethod
    def of_estimate(cls, estimate: Estimate, name: str = "", period: str = "period", pair: str = "") -> Self:
        """The effects of one estimate by event time.

        period : what an event time counts; pair : of several programs the two that are compared
        """
        return cls(
            over_time_frame(estimate)[list(COLUMNS)],
            subject=name,
            measures=estimate.design.panel.measures,
            facts={"outcome": estimate.outcome, "pair": pair, "period": period, "confidence": estimate.confidence},
        )

    @property
    def outcome(self) -> str:
        """The outcome."""
        return str(self.facts["outcome"])

    @property
    def scale(self) -> Scale:
        """The unit in which it is drawn."""
        return amounts.reader_scale(self.measure(self.outcome))

    @property
    def has_band(self) -> bool:
        """True where a band holds all periods at once."""
        return bool(np.isfinite(self.frame["band_low"].to_numpy(dtype=float)).any())

    def caption(self, words: Words) -> str:
        """Outcome, and what the marks and lines are."""
        key = "caption.event_study_band" if self.has_band else "caption.event_study"
        return words(
            key,
            outcome=opened(words.outcome(self.outcome, str(self.facts.get("pair", "")))),
            confidence=self._confidence,
        )

    def alt_text(self, words: Words) -> str:
        """Every period with its difference and interval."""
        rows = [
            words(
                "alt.event_study_row" if np.isfinite(row["conf_low"]) else "alt.event_study_reference",
                time=self._time(words, int(row["event_time"])),
                estimate=amounts.digits(words, self.scale, row["estimate"], signed=True),
                interval=amounts.bounds(words, self.scale, row["conf_low"], row["conf_high"]),
            )
            for _, row in self.frame.iterrows()
        ]
        unit = words(f"unit.{self.scale.name}")
        return words(
            "alt.event_study",
            outcome=words.outcome(self.outcome, str(self.facts.get("pair", ""))),
            unit=unit,
            rows=" ".join(rows),
        )

    def table(self, words: Words) -> Table:
        """One row for each period."""
        rows = [self._table_row(words, row) for _, row in self.frame.iterrows()]
        keys = ("difference", "interval", "p_value", "n_treated", "n_comparison")
        numbers = tuple(Column(words(f"column.{key}", confidence=self._confidence)) for key in keys)
        unit = words("note.differences_in", unit=words(f"unit.{self.scale.name}"))
        caption = words(
            "caption.event_study_table", outcome=opened(words.outcome(self.outcome, str(self.facts.get("pair", ""))))
        )
        first = Column(words("column.time"), numeric=False)
        return Table(f"table-{self.id}", caption, (first, *numbers), tuple(rows), (unit,))

    def draw(self, words: Words) -> Figure:
        """Periods from left to right; hollow marks before the program, filled ones from its start on."""
        title = canvas.wrap(words(f"axis.{self.scale.name}"), canvas.WIDTH - 2 * canvas.MARGIN, canvas.SMALL)
        head = 0.1 + len(title) * canvas.LINE + 0.3
        figure = canvas.new_figure(head + PLOT_HEIGHT + BOTTOM)
        page = canvas.page_axes(figure)
        canvas.write_lines(page, title, canvas.MARGIN, figure.get_figheight() - 0.08, size=canvas.SMALL)
        width = canvas.WIDTH - LEFT - RIGHT
        axes = canvas.panel_axes(figure, LEFT, BOTTOM, width, PLOT_HEIGHT)
        times = self.frame["event_time"].to_numpy(dtype=float)
        axes.set_xlim(times.min() - 0.6, times.max() + 0.6)
        self._intervals(axes, times)
        if (times < 0).any():
            axes.axvline(-0.5, color=canvas.MUTED, linewidth=1.0, linestyle=":")
            marks = [(words("label.before"), "white", canvas.MUTED)]
            marks.append((words("label.after"), canvas.PROGRAM, canvas.PROGRAM))
            canvas.legend(page, BOTTOM + PLOT_HEIGHT + 0.18, marks)
        self._axes(axes, words, times)
        return figure

    def _intervals(self, axes: Axes, times: np.ndarray) -> None:
        drawn = self.frame[list(COLUMNS[1:8])].astype(float).replace([np.inf, -np.inf], np.nan) * self.scale.factor
        values = {name: drawn[name].to_numpy() for name in drawn}
        axes.axhline(0, color=canvas.MUTED, linewidth=1.0, zorder=1)
        axes.vlines(times, values["band_low"], values["band_high"], color=canvas.MUTED, linewidth=1.0, zorder=2)
        before = times < 0
        for part, colour, face in ((before, canvas.MUTED, "white"), (~before, canvas.PROGRAM, canvas.PROGRAM)):
            axes.vlines(times[part], values["conf_low"][part], values["conf_high"][part], color=colour, linewidth=3)
            marks: dict[str, Any] = {"s": 46, "facecolor": face, "edgecolor": colour, "linewidth": 1.6, "zorder": 4}
            axes.scatter(times[part], values["estimate"][part], marker="o", **marks)

    def _axes(self, axes: Axes, words: Words, times: np.ndarray) -> None:
        step = max(1, int(np.ceil(len(times) / 12)))
        axes.set_xticks([time for time in times if time % step == 0])
        axes.xaxis.set_major_formatter(lambda value, _: words.number(value, 0))
        periods = words.named("periods", str(self.facts["period"]))
        axes.set_xlabel(words("axis.event_time", periods=opened(periods)), fontsize=canvas.SMALL)
        canvas.few_ticks(axes.yaxis, words, most=7)
        axes.yaxis.grid(True, color=canvas.SHADE, zorder=0)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)

    def _table_row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        scale = self.scale
        return (
            opened(self._time(words, int(row["event_time"]))),
            amounts.digits(words, scale, row["estimate"], signed=True),
            amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
            words.p_value(float(row["p_value"])),
            shown_count(row["n_treated"], words),
            shown_count(row["n_comparison"], words),
        )

    def _time(self, words: Words, time: int) -> str:
        if time == 0:
            return words("time.start")
        return words("time.before" if time < 0 else "time.after", time=abs(time))

    @property
    def _confidence(self) -> float:
        return float(str(self.facts["confidence"]))
