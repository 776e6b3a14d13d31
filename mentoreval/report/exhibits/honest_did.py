"""Honest DiD: the interval of the effect for each size at which trends may part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mentoreval.evidence.check import Finding
from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, BOTTOM, PLOT_HEIGHT = 0.6, 0.12, 0.4, 2.2


@dataclass(frozen=True, eq=False)
class HonestDidPlot(Exhibit):
    """Of each finding of the check ``honest_did`` that has intervals.

    frame : size, conf_low, conf_high, holds_zero, one row for each size
    facts : outcome, estimate, breakdown, smooth (whether sizes are bends in the outcome's unit), confidence
    """

    name: ClassVar[str] = "honest_did"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for each estimate that the check could be put to."""
        return tuple(
            cls.of_finding(finding, result.plan.name)
            for result in evaluation.results
            for finding in result.findings
            if finding.check == cls.name and len(finding.frame)
        )

    @classmethod
    def of_finding(cls, finding: Finding, name: str = "") -> Self:
        """The intervals of one finding."""
        attrs = finding.frame.attrs
        measures = {} if attrs["measure"] is None else {str(attrs["outcome"]): attrs["measure"]}
        facts = {key: attrs[key] for key in ("outcome", "estimate", "breakdown", "confidence")}
        facts["smooth"] = attrs["restriction"] == "smoothness"
        return cls(finding.frame, subject=name, measures=measures, facts=facts)

    @property
    def scale(self) -> Scale:
        """The unit in which it is drawn."""
        return amounts.reader_scale(self.measure(str(self.facts["outcome"])))

    @property
    def _step(self) -> Scale:
        """The unit of sizes: multiples of what was seen before, or the outcome's own."""
        return self.scale if self.facts["smooth"] else Scale("plain", 1.0, 2)

    @property
    def _breakdown(self) -> float:
        return float(str(self.facts["breakdown"]))

    def caption(self, words: Words) -> str:
        """What the bars are, and how to read their growth."""
        which = "smooth" if self.facts["smooth"] else "relative"
        outcome = opened(words.outcome(str(self.facts["outcome"])))
        return words(f"caption.honest_did_{which}", outcome=outcome, confidence=self.facts["confidence"])

    def alt_text(self, words: Words) -> str:
        """Every size with its interval, and where zero is reached."""
        rows = [
            words(
                "alt.honest_did_row",
                size=amounts.digits(words, self._step, row["size"]),
                interval=amounts.bounds(words, self.scale, row["conf_low"], row["conf_high"]),
            )
            for _, row in self.frame.iterrows()
        ]
        outcome = words.outcome(str(self.facts["outcome"]))
        unit = words(f"unit.{self.scale.name}")
        return words("alt.honest_did", outcome=outcome, unit=unit, rows=" ".join(rows), reached=self._reached(words))

    def draw(self, words: Words) -> Figure:
        """Sizes from left to right, an interval over each, and a line where the first one holds zero."""
        width = canvas.WIDTH - 2 * canvas.MARGIN
        title = canvas.wrap(words(f"axis.{self.scale.name}"), width, canvas.SMALL)
        below = canvas.wrap(self._axis_name(words), width, canvas.SMALL)
        reached = canvas.wrap(self._reached(words), width, canvas.SMALL)
        bottom = BOTTOM + len(below) * canvas.LINE
        head = 0.2 + (len(title) + len(reached)) * canvas.LINE + 0.3
        figure = canvas.new_figure(head + PLOT_HEIGHT + bottom)
        page = canvas.page_axes(figure)
        top = canvas.write_lines(page, reached, canvas.MARGIN, figure.get_figheight() - 0.08, size=canvas.SMALL)
        canvas.legend(
            page,
            top - 0.12,
            [
                (words("label.leaves_zero_out"), canvas.PROGRAM, canvas.PROGRAM),
                (words("label.holds_zero"), "white", canvas.MUTED),
            ],
        )
        canvas.write_lines(page, title, canvas.MARGIN, top - 0.28, size=canvas.SMALL)
        axes = canvas.panel_axes(figure, LEFT, bottom, canvas.WIDTH - LEFT - RIGHT, PLOT_HEIGHT)
        self._bars(axes)
        canvas.few_ticks(axes.xaxis, words, most=6)
        canvas.few_ticks(axes.yaxis, words, most=7)
        axes.yaxis.grid(True, color=canvas.SHADE, zorder=0)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        canvas.write_lines(page, below, canvas.MARGIN, 0.08 + len(below) * canvas.LINE, size=canvas.SMALL)
        return figure

    def _bars(self, axes: Axes) -> None:
        """Intervals that leave zero out are filled and coloured, those that hold it hollow."""
        factor = self.scale.factor
        sizes = self.frame["size"].to_numpy(dtype=float) * (factor if self.facts["smooth"] else 1.0)
        low, high = (self.frame[name].to_numpy(dtype=float) * factor for name in ("conf_low", "conf_high"))
        holds = self.frame["holds_zero"].to_numpy(dtype=bool)
        room = max(float(np.ptp(sizes)), 1e-12) * 0.08
        axes.set_xlim(sizes.min() - room, sizes.max() + room)
        axes.axhline(0, color=canvas.MUTED, linewidth=1.0, zorder=1)
        line = self._breakdown * (factor if self.facts["smooth"] else 1.0)
        if sizes.min() <= line <= sizes.max() and line > 0:
            axes.axvline(line, color=canvas.MUTED, linewidth=1.0, linestyle=":", zorder=1)
        estimate = float(str(self.facts["estimate"])) * factor
        for part, colour, face in ((holds, canvas.MUTED, "white"), (~holds, canvas.PROGRAM, canvas.PROGRAM)):
            axes.vlines(sizes[part], low[part], high[part], color=colour, linewidth=3, zorder=2)
            middle = np.full(int(part.sum()), estimate)
            axes.scatter(sizes[part], middle, s=40, facecolor=face, edgecolor=colour, linewidth=1.6, zorder=3)

    def _axis_name(self, words: Words) -> str:
        return words("axis.honest_smooth" if self.facts["smooth"] else "axis.honest_relative")

    def _reached(self, words: Words) -> str:
        """Where the interval reaches zero."""
        if self._breakdown == 0:
            return words("label.zero_at_once")
        if math.isinf(self._breakdown):
            return words("label.zero_never")
        return words("label.zero_from", size=amounts.digits(words, self._step, self._breakdown))
