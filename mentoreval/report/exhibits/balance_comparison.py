"""Balance comparison: one love plot of several designs, to see what each makes of the same covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self, cast

import numpy as np
import pandas as pd

from mentoreval.design.balance import PROPENSITY, Balance
from mentoreval.design.design import Design
from mentoreval.errors import ReportError
from mentoreval.report import canvas
from mentoreval.report.balance_axis import MOST_LEVELS, draw_bands, drawable, rare_rows, row_label
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import design_and_pair
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_WIDTH, LEFT, PLOT_WIDTH, BOTTOM = 1.45, 1.65, 2.4, 0.68
MARKERS = (
    ("o", "#0072B2"), ("s", "#B34700"), ("^", "#00704D"), ("D", "#8B3A78"),
    ("v", "#1a1a1a"), ("P", "#7A5C00"), ("X", "#5A5A5A"), ("<", "#3366CC"),
)  # fmt: skip
"""Up to eight designs, each by its shape first and its colour second."""

DODGE = 0.085


@dataclass(frozen=True, eq=False)
class BalanceComparison(Exhibit):
    """One for the designs of an evaluation that have covariates, where there are two or more.

    frame : design, covariate, level, n_levels (0 but for a covariate folded into its worst level), after: absolute
        standardized difference
    facts : designs, in the order of their marks; names, what the study file calls each
    """

    name: ClassVar[str] = "balance_comparison"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """All designs with covariates, up to as many as can be told apart."""
        designs = {name: design for name, design in evaluation.designs.items() if design.covariates}
        shown = dict(list(designs.items())[: len(MARKERS)])
        if len(shown) < 2:
            return ()
        drawn = cls.of_designs(shown, evaluation.study.disclosure_threshold)
        names = {name: design_and_pair(evaluation, name) for name in shown}
        return (replace(drawn, facts={**drawn.facts, "names": names}),)

    @classmethod
    def of_designs(cls, designs: Mapping[str, Design], limit: int = 0) -> Self:
        """The balance of several designs; ReportError for none and for more than can be told apart.

        limit : no mark for a trait that fewer students have in any of the designs
        """
        if not 1 <= len(designs) <= len(MARKERS):
            raise ReportError(f"A love plot shows 1 to {len(MARKERS)} designs; got {len(designs)}. Choose among them.")
        parts = [_part(name, design.balance(), limit) for name, design in designs.items()]
        frame = pd.concat(parts, ignore_index=True)
        if frame.empty:
            raise ReportError("None of these designs has covariates, so there is no balance to draw.")
        frame = frame.sort_values("covariate", key=lambda names: names != PROPENSITY, kind="stable", ignore_index=True)
        return cls(_folded(frame), facts={"designs": tuple(designs)})

    @property
    def designs(self) -> list[str]:
        """Names of the designs, in the order in which they were given."""
        return list(cast("tuple[str, ...]", self.facts["designs"]))

    def label(self, design: str, words: Words) -> str:
        """A design as the figure names it."""
        names = cast("Mapping[str, tuple[str, str]]", self.facts.get("names", {}))
        return words.design(*names.get(design, (design, "")))

    def alt_text(self, words: Words) -> str:
        """The largest difference of each design, and in what."""
        rows = []
        for design in self.designs:
            part = self.frame[self.frame["design"] == design]
            row = part.iloc[int(part["after"].fillna(-1).to_numpy().argmax())]
            text = words(
                "alt.balance_comparison_row",
                design=self.label(design, words),
                covariate=row_label(words, row),
                n=len(part),
                largest=float(row["after"]),
            )
            rows.append(text)
        return words("alt.balance_comparison", rows=" ".join(rows))

    def draw(self, words: Words) -> Figure:
        """One band for each covariate, in it one mark for each design, each on a line of its own."""
        rows = self.frame.drop_duplicates(["covariate", "level"])
        labels = [canvas.wrap(row_label(words, row), LABEL_WIDTH, canvas.SMALL) for _, row in rows.iterrows()]
        marks = (len(self.designs) - 1) * DODGE + 0.16
        heights = np.array([max(len(lines) * canvas.LINE, marks) + 0.1 for lines in labels])
        said = [self.label(design, words) for design in self.designs]
        entries = _legend_places(said)
        top = 0.16 + 0.2 * (1 + entries[-1][1])
        figure = canvas.new_figure(BOTTOM + top + float(heights.sum()))
        page = canvas.page_axes(figure)
        axes = canvas.panel_axes(figure, LEFT, BOTTOM, PLOT_WIDTH, float(heights.sum()))
        axes.set_ylim(0, heights.sum())
        axes.set_yticks([])
        ends = heights.sum() - np.cumsum(heights)
        centres = ends + heights / 2
        for lines, centre, end in zip(labels, centres, ends, strict=True):
            start = BOTTOM + centre + len(lines) * canvas.LINE / 2 - 0.02
            canvas.write_lines(page, lines, canvas.MARGIN, start, size=canvas.SMALL)
            axes.axhline(end, color=canvas.RULE, linewidth=0.6, zorder=0)
        for number, (design, (left, line)) in enumerate(zip(said, entries, strict=True)):
            self._marks(
                axes, number, dict(zip(zip(rows["covariate"], rows["level"], strict=True), centres, strict=True))
            )
            height = figure.get_figheight() - 0.18 - 0.2 * line
            page.scatter([left + 0.06], [height], s=30, marker=MARKERS[number][0], color=MARKERS[number][1])
            page.text(left + 0.2, height, design, va="center", size=canvas.SMALL)
        draw_bands(axes, words, self.frame["after"])
        unit = canvas.wrap(words("axis.love_plot"), canvas.WIDTH - LEFT - canvas.MARGIN, canvas.SMALL)
        canvas.write_lines(page, unit, LEFT, BOTTOM - 0.26, size=canvas.SMALL)
        return figure

    def _marks(self, axes: Axes, number: int, centres: Mapping[tuple[str, str], float]) -> None:
        part = self.frame[self.frame["design"] == self.designs[number]]
        places = np.array([centres[row] for row in zip(part["covariate"], part["level"], strict=True)])
        shift = ((len(self.designs) - 1) / 2 - number) * DODGE
        marker, colour = MARKERS[number]
        axes.scatter(
            drawable(part["after"]), places + shift, s=22, marker=marker, color=colour, zorder=3, clip_on=False
        )


def _part(name: str, balance: Balance, limit: int) -> pd.DataFrame:
    """The rows of one design, and which of them are traits of too few students."""
    return pd.DataFrame(
        {
            "design": name,
            "covariate": balance.frame["covariate"].astype(str),
            "level": balance.frame["level"].astype(str),
            "n_levels": 0,
            "after": balance.frame["smd_after"].abs(),
            "rare": rare_rows(balance, limit),
        }
    )


def _folded(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the marks of rare traits; covariates of many levels, or with a rare one, by their largest difference."""
    row = ["covariate", "level"]
    rare = frame.groupby(row)["rare"].transform("any")
    levels = frame[frame["level"] != ""].groupby("covariate")["level"].nunique()
    shown = frame[(frame["level"] != "") & ~rare].groupby("covariate")["level"].nunique()
    many = frame["covariate"].isin(levels[(levels > MOST_LEVELS) | (shown.reindex(levels.index) != levels)].index)
    frame = frame.assign(after=frame["after"].mask(rare)).drop(columns="rare")
    worst = frame[many].groupby(["design", "covariate"], sort=False, as_index=False)["after"].max()
    worst = worst.assign(level="", n_levels=worst["covariate"].map(shown).fillna(0).astype(int))
    return pd.concat([frame[~many], worst], ignore_index=True) if many.any() else frame


def _legend_places(names: list[str]) -> list[tuple[float, int]]:
    """Where each entry of the legend begins: inches from the left, and its line."""
    places: list[tuple[float, int]] = []
    left, line = canvas.MARGIN, 0
    for name in names:
        width = 0.2 + canvas.text_width(name, canvas.SMALL) + 0.2
        if left > canvas.MARGIN and left + width > canvas.WIDTH:
            left, line = canvas.MARGIN, line + 1
        places.append((left, line))
        left += width
    return places
