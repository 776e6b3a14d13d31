"""Overlap plot: how likely the students of each arm were to be in the program, before and after the design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from mentoreval.design.design import Design
from mentoreval.design.overlap import BINS, measure_overlap
from mentoreval.report import canvas
from mentoreval.report.disclosure import hide_small, shown_share
from mentoreval.report.disclosure_cells import Cell, Place
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, BOTTOM, TOP = 0.62, 0.16, 0.66, 0.36
PANEL_HEIGHT, TITLE_HEIGHT = 1.25, 0.38
FEW_STUDENTS = 500
BARS: dict[str, dict[str, Any]] = {
    "treated": {"facecolor": canvas.PROGRAM, "edgecolor": canvas.PROGRAM},
    "comparison": {"facecolor": "white", "edgecolor": canvas.COMPARISON},
}


@dataclass(frozen=True, eq=False)
class OverlapPlot(Exhibit):
    """One for each design that answers a question and has propensity scores.

    frame : as ``Overlap.frame``: share of an arm and number of students in each bin, before and after
    facts : low and high (of the range that both arms have before), n (students asked about), and for "before" and
        "after" inside_<when> (their share in the range of the others) and overlapping_<when>
    """

    name: ClassVar[str] = "overlap_plot"
    counts: ClassVar[tuple[str, ...]] = ("n",)

    def cells(self, limit: int) -> list[Cell]:
        """None: bars are drawn in steps of as many students as may be shown, so that no number can be read off them."""
        return []

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """No bar for fewer students than may be shown; the others in steps of so many."""
        frame = hide_small(self.frame, self.counts, limit)
        in_arm = self.frame.groupby(["when", "arm"])["n"].transform("sum").clip(lower=1).astype(float)
        step = limit / in_arm
        return replace(self, frame=frame.assign(share=((frame["share"] / step).round() * step).clip(upper=1.0)))

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The overlap of each headline design that estimated a propensity score."""
        wanted = {result.plan.design for result in evaluation.with_role("headline")}
        return tuple(
            cls.of_design(design, name)
            for name, design in evaluation.designs.items()
            if name in wanted and not np.isnan(design.weighting.propensity).all()
        )

    @classmethod
    def of_design(cls, design: Design, name: str = "") -> Self:
        """The overlap of one design; by a logit where it estimated no propensity score."""
        treated = design.baseline.treated[design.weighting.considered]
        fewest = min(int(treated.sum()), int((~treated).sum()))
        overlap = measure_overlap(design, bins=BINS if fewest >= FEW_STUDENTS else BINS // 2)
        arm = overlap.opinion.arm
        facts: dict[str, object] = {"arm": arm}
        facts |= {end: overlap.number("before", f"{end}_common") for end in ("low", "high")}
        for when in ("before", "after"):
            counted = overlap.frame[(overlap.frame["when"] == when) & (overlap.frame["arm"] == arm)]
            facts[f"n_{when}"] = int(counted["n"].sum())
            facts[f"inside_{when}"] = overlap.number(when, f"inside_{arm}")
            facts[f"overlapping_{when}"] = overlap.number(when, "overlapping")
        return cls(overlap.frame, subject=name, facts=facts)

    def alt_text(self, words: Words) -> str:
        """How many have somebody as likely in the other arm, and how much of the histograms lies over each other."""
        parts = [
            words(
                "alt.overlap_plot_part",
                when=words(f"legend.{key}"),
                arm=words(f"arm.n_{self.facts['arm']}"),
                inside=shown_share(self._number(f"inside_{when}"), self.facts[f"n_{when}"], words),
                overlapping=self._number(f"overlapping_{when}"),
            )
            for when, key in self._panels
        ]
        return words("alt.overlap_plot", parts=" ".join(parts))

    def draw(self, words: Words) -> Figure:
        """A mirrored histogram before and one after: the program's students upwards, the comparison's downwards."""
        step = TITLE_HEIGHT + PANEL_HEIGHT
        figure = canvas.new_figure(TOP + step * len(self._panels) + BOTTOM)
        page = canvas.page_axes(figure)
        height = figure.get_figheight()
        marks = [(words(f"arm.n_{arm}"), bar["facecolor"], bar["edgecolor"]) for arm, bar in BARS.items()]
        canvas.legend(page, height - 0.2, marks)
        for number, (when, key) in enumerate(self._panels):
            top = height - TOP - number * step
            page.text(LEFT, top - TITLE_HEIGHT + 0.12, words(f"legend.{key}"), size=canvas.SMALL, weight="bold")
            bottom = top - step
            axes = canvas.panel_axes(figure, LEFT, bottom, canvas.WIDTH - LEFT - RIGHT, PANEL_HEIGHT)
            self._bars(axes, when, words)
            if number < len(self._panels) - 1:
                axes.tick_params(labelbottom=False)
        unit = canvas.wrap(words("axis.overlap_plot"), canvas.WIDTH - LEFT - RIGHT, canvas.SMALL)
        canvas.write_lines(page, unit, LEFT, BOTTOM - 0.26, size=canvas.SMALL)
        return figure

    @property
    def _panels(self) -> list[tuple[str, str]]:
        """Times to draw, and the key of what they are called; one where the design changes nothing."""
        before, after = (self.frame.loc[self.frame["when"] == when, "share"] for when in ("before", "after"))
        if np.allclose(before, after, equal_nan=True):
            return [("after", "as_they_are")]
        return [("before", "before"), ("after", "after")]

    def _bars(self, axes: Axes, when: str, words: Words) -> None:
        """The bars of one time; a bin of too few students to be shown has none."""
        part = self.frame[self.frame["when"] == when]
        for (arm, bar), sign in zip(BARS.items(), (1, -1), strict=True):
            rows = part[(part["arm"] == arm) & part["n"].notna() & (part["share"] > 0)]
            width = rows["high"] - rows["low"]
            axes.bar(rows["low"] + width / 2, sign * rows["share"], width * 0.86, linewidth=1.0, **bar)
        largest = float(np.nanmax(self.frame["share"], initial=0.01)) * 1.05
        axes.set_ylim(-largest, largest)
        axes.set_xlim(self.frame["low"].min(), self.frame["high"].max())
        axes.axhline(0, color=canvas.INK, linewidth=0.8)
        for end in (self._number("low"), self._number("high")):
            axes.axvline(end, color=canvas.MUTED, linewidth=0.9, linestyle="--", zorder=0)
        canvas.few_ticks(axes.xaxis, words)
        canvas.few_ticks(axes.yaxis, words, most=4)
        axes.yaxis.set_major_formatter(lambda value, _: words.percent(abs(value), 0))
        axes.tick_params(axis="y", length=2)

    def _number(self, fact: str) -> float:
        return float(str(self.facts[fact]))
