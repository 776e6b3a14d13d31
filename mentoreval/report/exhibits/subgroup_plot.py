"""Subgroup plot: the effect on one outcome in every level, beside the effect on everyone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.subgroup_rows import GROUPING, OVERALL, grouping_facts, grouping_name, level_name, subgroup_rows
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_WIDTH, BETWEEN, TOP, BOTTOM, INDENT = 1.2, 0.12, 0.1, 0.62, 0.12
Line = tuple[list[str], str, pd.Series | None]
"""A line of the plot: its label, its numbers, and the row that it draws; None for a heading."""


@dataclass(frozen=True, eq=False)
class SubgroupPlot(Exhibit):
    """One for each outcome: everyone, then the levels of every grouping.

    frame : grouping, by, flag, level, estimate, conf_low, conf_high of levels that have an estimate; the first row is
        everyone
    facts : outcome, pair, confidence
    """

    name: ClassVar[str] = "subgroup_plot"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for each estimate that was taken apart."""
        found = []
        for name in dict.fromkeys(one.plan.name for one in evaluation.subgroups):
            members = [one for one in evaluation.subgroups if one.plan.name == name]
            rows = [
                {GROUPING: one.name, **grouping_facts(one), **row}
                for number, one in enumerate(members)
                for row in subgroup_rows(one)
                if not row["reason"] and (number == 0 or row["level"] != OVERALL)
            ]
            columns = [GROUPING, "by", "flag", "level", "estimate", "conf_low", "conf_high"]
            plan = members[0].plan
            facts = {"outcome": plan.outcome, "pair": plan.contrast, "confidence": evaluation.study.confidence}
            frame = pd.DataFrame(rows)[columns]
            found.append(cls(frame, subject=name, measures=evaluation.panel.measures, facts=facts))
        return tuple(found)

    @property
    def scale(self) -> Scale:
        """The unit of the axis."""
        return amounts.reader_scale(self.measure(str(self.facts["outcome"])))

    def caption(self, words: Words) -> str:
        """Whose effects, and what dots, lines and the dashed line are."""
        outcome = opened(words.outcome(str(self.facts["outcome"]), str(self.facts["pair"])))
        return words("caption.subgroup_plot", outcome=outcome, confidence=self.facts["confidence"])

    def alt_text(self, words: Words) -> str:
        """Every level with its estimate and interval."""
        rows = [
            words("alt.subgroup_plot_row", level=self._full(words, row), numbers=self._numbers(words, row))
            for _, row in self.frame.iterrows()
        ]
        outcome = words.outcome(str(self.facts["outcome"]), str(self.facts["pair"]))
        return words("alt.subgroup_plot", outcome=outcome, unit=words(f"unit.{self.scale.name}"), rows=" ".join(rows))

    def draw(self, words: Words) -> Figure:
        """A line for everyone, then for each grouping its name and a line for each level."""
        lines = self._lines(words)
        heights = np.array([len(label) * canvas.LINE + (0.12 if row is not None else 0.08) for label, _, row in lines])
        left = canvas.MARGIN + LABEL_WIDTH + BETWEEN
        right = max(canvas.text_width(text, canvas.SMALL) for _, text, _ in lines) + canvas.MARGIN
        width, body = canvas.WIDTH - left - BETWEEN - right, float(heights.sum())
        figure = canvas.new_figure(BOTTOM + TOP + body)
        page = canvas.page_axes(figure)
        axes = canvas.panel_axes(figure, left, BOTTOM, width, body)
        axes.set_ylim(0, body)
        axes.set_yticks([])
        axes.set_xlim(*self._limits())
        for (label, text, row), centre in zip(lines, body - np.cumsum(heights) + heights / 2, strict=True):
            start = BOTTOM + centre + len(label) * canvas.LINE / 2 - 0.02
            heading = row is None or row["level"] == OVERALL
            weight, indent = ("bold", 0.0) if heading else ("normal", INDENT)
            canvas.write_lines(page, label, canvas.MARGIN + indent, start, size=canvas.SMALL, weight=weight)
            page.text(left + width + BETWEEN, BOTTOM + centre, text, va="center", size=canvas.SMALL)
            if row is not None:
                self._mark(axes, row, float(centre))
        self._across(axes)
        canvas.few_ticks(axes.xaxis, words, most=3)
        unit = canvas.wrap(words(f"axis.{self.scale.name}"), canvas.WIDTH - left - canvas.MARGIN, canvas.SMALL)
        canvas.write_lines(page, unit, left, BOTTOM - 0.26, size=canvas.SMALL)
        return figure

    def _lines(self, words: Words) -> list[Line]:
        lines: list[Line] = []
        named: set[str] = set()
        for _, row in self.frame.iterrows():
            if row["level"] != OVERALL and row[GROUPING] not in named:
                named.add(row[GROUPING])
                title = opened(grouping_name(words, row[GROUPING], row["by"]))
                lines.append((canvas.wrap(title, canvas.WIDTH - 2 * canvas.MARGIN, canvas.SMALL), "", None))
            label = canvas.wrap(self._short(words, row), LABEL_WIDTH - INDENT, canvas.SMALL)
            lines.append((label, self._numbers(words, row), row))
        return lines

    def _short(self, words: Words, row: pd.Series) -> str:
        if row["level"] == OVERALL:
            return words("label.everyone")
        return opened(level_name(words, row["by"], row["level"], bool(row["flag"])))

    def _full(self, words: Words, row: pd.Series) -> str:
        if row["level"] == OVERALL:
            return words("label.everyone")
        grouping = opened(grouping_name(words, row[GROUPING], row["by"]))
        level = level_name(words, row["by"], row["level"], bool(row["flag"]))
        return words("covariate_level", covariate=grouping, level=level)

    def _numbers(self, words: Words, row: pd.Series) -> str:
        found = amounts.digits(words, self.scale, row["estimate"], signed=True)
        return f"{found} ({amounts.bounds(words, self.scale, row['conf_low'], row['conf_high'])})"

    def _mark(self, axes: Axes, row: pd.Series, centre: float) -> None:
        low, middle, high = (float(row[name]) * self.scale.factor for name in ("conf_low", "estimate", "conf_high"))
        everyone = row["level"] == OVERALL
        colour = canvas.COMPARISON if everyone else canvas.PROGRAM
        axes.plot([low, high], [centre, centre], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=2)
        axes.plot([middle], [centre], marker="D" if everyone else "o", markersize=6, color=canvas.INK, zorder=3)

    def _across(self, axes: Axes) -> None:
        """A line at no difference, and a dashed one at the effect on everyone."""
        overall = float(self.frame["estimate"].iloc[0]) * self.scale.factor
        axes.axvline(0, color=canvas.MUTED, linewidth=1.0, zorder=1)
        axes.axvline(overall, color=canvas.COMPARISON, linewidth=1.0, linestyle="--", zorder=1)

    def _limits(self) -> tuple[float, float]:
        ends = self.frame[["conf_low", "estimate", "conf_high"]].to_numpy(dtype=float) * self.scale.factor
        known = ends[np.isfinite(ends)]
        low, high = min(0.0, float(known.min())), max(0.0, float(known.max()))
        space = max(0.05 * (high - low), 10.0**-self.scale.decimals)
        return low - space, high + space
