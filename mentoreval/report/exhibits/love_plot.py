"""Love plot: how far apart the arms were in each covariate, before and after the comparison was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray
from mentoreval.design.design import Design
from mentoreval.report import canvas
from mentoreval.report.balance_axis import MOST_LEVELS, draw_bands, drawable, rare_rows, row_label
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_WIDTH, PLOT_LEFT, PLOT_WIDTH = 1.55, 1.75, 2.3


@dataclass(frozen=True, eq=False)
class LovePlot(Exhibit):
    """One for each design that answers a question and has covariates.

    frame : covariate, level, n_levels (0 but for a covariate folded into its worst level), before, after: absolute
        standardized differences
    """

    name: ClassVar[str] = "love_plot"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The balance of each headline design; a covariate of many levels is shown by its largest difference."""
        wanted = {result.plan.design for result in evaluation.with_role("headline")}
        chosen = {name: design for name, design in evaluation.designs.items() if name in wanted and design.covariates}
        limit = evaluation.study.disclosure_threshold
        return tuple(cls.of_design(design, name, limit) for name, design in chosen.items())

    @classmethod
    def of_design(cls, design: Design, name: str = "", limit: int = 0) -> Self:
        """The balance of one design; without the mark of a trait that fewer students than the limit have."""
        balance = design.balance()
        return cls(_folded(balance.frame, rare_rows(balance, limit)), subject=name)

    def alt_text(self, words: Words) -> str:
        """Every covariate with its difference before and after."""
        key = "alt.love_plot_row" if self._has_before else "alt.love_plot_only"
        rows = [
            words(key, covariate=row_label(words, row), before=float(row["before"]), after=float(row["after"]))
            for _, row in self.frame.iterrows()
        ]
        return words("alt.love_plot", rows=" ".join(rows))

    def draw(self, words: Words) -> Figure:
        """One row for each covariate: a hollow mark before, a filled one after, and the bands of what is alike."""
        labels = [canvas.wrap(row_label(words, row), LABEL_WIDTH, canvas.SMALL) for _, row in self.frame.iterrows()]
        heights = np.array([len(lines) * canvas.LINE + 0.12 for lines in labels])
        bottom, top = 0.68, 0.42
        figure = canvas.new_figure(bottom + top + float(heights.sum()))
        page = canvas.page_axes(figure)
        axes = canvas.panel_axes(figure, PLOT_LEFT, bottom, PLOT_WIDTH, float(heights.sum()))
        centres = heights.sum() - np.cumsum(heights) + heights / 2
        axes.set_ylim(0, heights.sum())
        axes.set_yticks([])
        for lines, centre in zip(labels, centres, strict=True):
            start = bottom + centre + len(lines) * canvas.LINE / 2 - 0.02
            canvas.write_lines(page, lines, canvas.MARGIN, start, size=canvas.SMALL)
        self._marks(axes, centres)
        draw_bands(axes, words, self.frame["before"], self.frame["after"])
        unit = canvas.wrap(words("axis.love_plot"), canvas.WIDTH - PLOT_LEFT - canvas.MARGIN, canvas.SMALL)
        canvas.write_lines(page, unit, PLOT_LEFT, bottom - 0.26, size=canvas.SMALL)
        canvas.legend(page, figure.get_figheight() - 0.2, self._legend(words))
        return figure

    def _legend(self, words: Words) -> list[canvas.Mark]:
        if not self._has_before:
            return [(words("legend.as_they_are"), canvas.PROGRAM, canvas.PROGRAM)]
        before = (words("legend.before"), "white", canvas.COMPARISON)
        return [before, (words("legend.after"), canvas.PROGRAM, canvas.PROGRAM)]

    @property
    def _has_before(self) -> bool:
        return not np.allclose(self.frame["before"], self.frame["after"], equal_nan=True)

    def _marks(self, axes: Axes, centres: np.ndarray) -> None:
        before, after = (drawable(self.frame[column]) for column in ("before", "after"))
        axes.hlines(centres, 0, np.fmax(before, after), color=canvas.RULE, linewidth=0.8, zorder=1)
        if self._has_before:
            hollow: dict[str, Any] = {"facecolor": "white", "edgecolor": canvas.COMPARISON, "linewidth": 1.4}
            axes.scatter(before, centres, s=34, marker="o", zorder=2, clip_on=False, **hollow)
        axes.scatter(after, centres, s=34, marker="o", color=canvas.PROGRAM, zorder=3, clip_on=False)


def _folded(balance: pd.DataFrame, rare: BoolArray) -> pd.DataFrame:
    """One row for each covariate and level; of a covariate with many levels the one that is farthest apart.

    rare : (rows,) traits of too few students: they are not drawn, and levels beside them only by the largest
    """
    frame = pd.DataFrame(
        {
            "covariate": balance["covariate"].astype(str),
            "level": balance["level"].map(lambda level: "" if pd.isna(level) else str(level)),
            "n_levels": 0,
            "before": balance["smd_before"].abs().mask(rare),
            "after": balance["smd_after"].abs().mask(rare),
        }
    )
    rows = []
    for _, group in frame.groupby("covariate", sort=False):
        shown = group[~rare[group.index]]
        if len(group) > MOST_LEVELS or (len(group) > 1 and len(shown) < len(group)):
            worst = shown[["before", "after"]].max()
            group = group.iloc[:1].assign(level="", n_levels=len(shown), before=worst["before"], after=worst["after"])
        rows.append(group)
    return pd.concat(rows, ignore_index=True)
