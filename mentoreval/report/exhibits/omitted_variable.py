"""Omitted variable: what would be left of the effect, for every strength of something that is not on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.evidence.check import Finding
from mentoreval.numerics.omitted_variable import bias, robustness_value
from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, BOTTOM, PLOT_HEIGHT = 0.62, 0.3, 0.42, 2.5
POINTS, LEVELS = 120, 6
ROOM, LARGEST, ZERO = 1.35, 0.95, 1e-9
MARKS = ("o", "s", "^", "D")
"""The strongest covariates, each with a mark of its own; the others crowd where both strengths are nearly zero."""


@dataclass(frozen=True, eq=False)
class OmittedVariablePlot(Exhibit):
    """Of each finding of the check ``omitted_variable`` that has bounds.

    frame : covariate, times, r2_treatment, r2_outcome, estimate: something as strong as one of the strongest covariates
    facts : outcome, estimate, std_error, df of the impact model's coefficient, for independent rows
    """

    name: ClassVar[str] = "omitted_variable"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for each estimate that the check could be put to."""
        return tuple(
            cls.of_finding(finding, result.plan.name)
            for result in evaluation.results
            for finding in result.findings
            if finding.check == cls.name and cls.can_show(finding)
        )

    @classmethod
    def can_show(cls, finding: Finding) -> bool:
        """Whether a finding has a bound to mark."""
        return len(finding.frame) > 0 and bool(finding.frame["estimate"].notna().any())

    @classmethod
    def of_finding(cls, finding: Finding, name: str = "") -> Self:
        """The contours of one finding, with the bounds of the smallest strength that it has."""
        frame = finding.frame
        once = frame[frame["times"] == frame["times"].min()].dropna(subset=["estimate"])
        order = np.argsort(-(once["r2_treatment"] * once["r2_outcome"]).to_numpy(dtype=float), kind="stable")
        shown = once.iloc[order[: len(MARKS)]][["covariate", "times", "r2_treatment", "r2_outcome", "estimate"]]
        measure = frame.attrs["measure"]
        measures = {} if measure is None else {str(frame.attrs["outcome"]): measure}
        facts = {key: frame.attrs[key] for key in ("outcome", "estimate", "std_error", "df")}
        return cls(shown.reset_index(drop=True), subject=name, measures=measures, facts=facts)

    @property
    def scale(self) -> Scale:
        """The unit of what is left."""
        return amounts.reader_scale(self.measure(str(self.facts["outcome"])))

    def _fact(self, name: str) -> float:
        return float(str(self.facts[name]))

    def caption(self, words: Words) -> str:
        """How to read the lines and the marks."""
        outcome = opened(words.outcome(str(self.facts["outcome"])))
        return words("caption.omitted_variable", outcome=outcome, found=self._amount(words, self._fact("estimate")))

    def alt_text(self, words: Words) -> str:
        """What is left if something were as strong as each covariate that is marked."""
        rows = [
            words(
                "alt.omitted_variable_row",
                covariate=words.covariate(str(row["covariate"])),
                left=self._amount(words, float(row["estimate"])),
            )
            for _, row in self.frame.iterrows()
        ]
        outcome = words.outcome(str(self.facts["outcome"]))
        return words("alt.omitted_variable", outcome=outcome, rows=" ".join(rows))

    def _amount(self, words: Words, value: float) -> str:
        signed = amounts.digits(words, self.scale, value, signed=True)
        return words(f"size.{self.scale.name}", number=signed)

    def draw(self, words: Words) -> Figure:
        """Lines of what is left over both strengths, the one at zero thick, and a mark for each covariate."""
        width = canvas.WIDTH - 2 * canvas.MARGIN
        upward = canvas.wrap(words("axis.omitted_outcome"), width, canvas.SMALL)
        below = canvas.wrap(words("axis.omitted_treatment"), width, canvas.SMALL)
        names = [opened(words.covariate(str(name))) for name in self.frame["covariate"]]
        head = 0.14 + (len(upward) + len(names)) * canvas.LINE + 0.2
        bottom = BOTTOM + len(below) * canvas.LINE
        figure = canvas.new_figure(head + PLOT_HEIGHT + bottom)
        page = canvas.page_axes(figure)
        top = figure.get_figheight() - 0.12
        for place, name in enumerate(names):
            height = top - place * canvas.LINE
            page.scatter([canvas.MARGIN + 0.06], [height], s=26, marker=MARKS[place], color=canvas.COMPARISON)
            page.text(canvas.MARGIN + 0.2, height, name, va="center", size=canvas.SMALL)
        canvas.write_lines(page, upward, canvas.MARGIN, top - len(names) * canvas.LINE + 0.02, size=canvas.SMALL)
        axes = canvas.panel_axes(figure, LEFT, bottom, canvas.WIDTH - LEFT - RIGHT, PLOT_HEIGHT)
        self._contours(axes, words)
        canvas.write_lines(page, below, canvas.MARGIN, 0.08 + len(below) * canvas.LINE, size=canvas.SMALL)
        return figure

    def _contours(self, axes: Axes, words: Words) -> None:
        from matplotlib.ticker import MaxNLocator

        ends = [self._end("r2_treatment"), self._end("r2_outcome")]
        across, up = np.meshgrid(*(np.linspace(0.0, end, POINTS) for end in ends))
        found, factor = self._fact("estimate"), self.scale.factor
        moved = bias(self._fact("std_error"), self._fact("df"), across, up)
        left = (found - np.sign(found) * moved) * factor
        levels = [level for level in MaxNLocator(LEVELS).tick_values(left.min(), left.max()) if abs(level) > ZERO]
        lines = axes.contour(across, up, left, levels=levels, colors=canvas.MUTED, linewidths=0.8, linestyles="solid")
        axes.clabel(lines, fontsize=canvas.SMALL, fmt=lambda value: words.number(value, self.scale.decimals))
        if left.min() < 0 < left.max():
            axes.contour(across, up, left, levels=[0.0], colors=canvas.PROGRAM, linewidths=2.2)
        for place, (_, row) in enumerate(self.frame.iterrows()):
            axes.scatter(
                [row["r2_treatment"]], [row["r2_outcome"]], s=34, marker=MARKS[place], color=canvas.COMPARISON,
                zorder=3, clip_on=False,
            )  # fmt: skip
        axes.set_xlim(0, ends[0])
        axes.set_ylim(0, ends[1])
        axes.spines["left"].set_visible(True)
        for axis in (axes.xaxis, axes.yaxis):
            canvas.few_ticks(axis, words, most=4)

    def _end(self, column: str) -> float:
        """How far an axis goes: beyond the strongest covariate, and beyond what takes the effect to zero."""
        undone = robustness_value(self._fact("estimate") / self._fact("std_error"), self._fact("df"))
        strongest = float(pd.to_numeric(self.frame[column]).max())
        return float(min(ROOM * max(strongest, undone), LARGEST))
