"""Sample flow: how many students there were at each step, in each arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd

from mentoreval.report import canvas
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Cell, Key, Place, Sum, sample_key
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX, GAP, COLUMN = 0.32, 0.28, 1.88
_Row = tuple[str, tuple[str, ...], int, int]
TINTS = {"n_treated": ("#cfe3f1", canvas.PROGRAM), "n_comparison": ("#f6dfce", canvas.COMPARISON)}


@dataclass(frozen=True, eq=False)
class SampleFlow(Exhibit):
    """One for each design that answers a question: its steps, then the students behind each outcome.

    frame : step, outcomes (a tuple, empty for a step of the design), n_treated, n_comparison
    facts : units, how many students the records cover
    """

    name: ClassVar[str] = "sample_flow"
    counts: ClassVar[tuple[str, ...]] = ("n_treated", "n_comparison")

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """Steps of each headline design and the analytic samples of its headline results."""
        found = []
        for name, design in evaluation.designs.items():
            results = [result for result in evaluation.with_role("headline") if result.plan.design == name]
            if not results:
                continue
            rows: list[_Row] = [(step.key, (), step.n_treated, step.n_comparison) for step in design.flow]
            frame = pd.DataFrame(rows + _analysed(results), columns=["step", "outcomes", *cls.counts])
            found.append(cls(frame, subject=name, facts={"units": evaluation.panel.n_units}))
        return tuple(found)

    def cells(self, limit: int) -> list[Cell]:
        """The steps, in which samples lie, and how many students the records cover."""
        steps = [replace(cell, is_step=True, cost=self._cost(cell)) for cell in super().cells(limit)]
        units = self.facts.get("units")
        return steps if units is None else [*steps, Cell(("units",), float(str(units)), ("units",), 3.0)]

    def counted(self, row: pd.Series, column: str) -> Key:
        """Everyone in the records is the same in every flow."""
        design = "" if row["step"] == "in_panel" else self.subject
        return sample_key(design, column, row[column])

    def sums(self) -> list[Sum]:
        """Both arms together are those in the records, but for students who are in neither."""
        everyone = self.frame[self.frame["step"] == "in_panel"]
        return [
            Sum(("units",), tuple(self.counted(row, arm) for arm in self.counts), self._has_others(row))
            for _, row in everyone.iterrows()
        ]

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """As any exhibit, and the number in the records."""
        shown = super().without(hidden, limit)
        units = hidden.get(("units",), self.facts.get("units"))
        return replace(shown, facts={**self.facts, "units": units})

    def _has_others(self, row: pd.Series) -> bool:
        """Whether the records cover students who are in neither arm."""
        return sum(int(row[arm]) for arm in self.counts) != self.facts.get("units")

    def _cost(self, cell: Cell) -> float:
        """The students behind a result are dearer than a step on the way to them."""
        row = self.frame.loc[cell.place[0]]
        return 4.0 if row["outcomes"] else 2.0 if row["step"] == "in_panel" else 1.0

    def table(self, words: Words) -> Table:
        """One row for each step."""
        rows = [
            (self._label(words, row), shown_count(row["n_treated"], words), shown_count(row["n_comparison"], words))
            for _, row in self.frame.iterrows()
        ]
        columns = (Column(words("column.step"), numeric=False), *(Column(_arm(words, arm)) for arm in self.counts))
        return Table(f"table-{self.id}", words("caption.sample_flow_table"), columns, tuple(rows))

    def alt_text(self, words: Words) -> str:
        """Every step with both numbers."""
        steps = [
            words(
                "alt.sample_flow_step",
                step=self._label(words, row),
                treated=shown_count(row["n_treated"], words),
                comparison=shown_count(row["n_comparison"], words),
            )
            for _, row in self.frame.iterrows()
        ]
        return words("alt.sample_flow", steps=" ".join(steps))

    def draw(self, words: Words) -> Figure:
        """Two columns of boxes, each filled as far as students are left, with arrows from step to step."""
        width = canvas.WIDTH - 2 * canvas.MARGIN
        labels = [canvas.wrap(self._label(words, row), width) for _, row in self.frame.iterrows()]
        height = 0.35 + sum(len(lines) * canvas.LINE + 0.04 + BOX + GAP for lines in labels) - GAP + 0.1
        figure = canvas.new_figure(height)
        axes = canvas.page_axes(figure)
        for arm, left in zip(self.counts, _lefts(), strict=True):
            axes.text(left, height - 0.08, _arm(words, arm), va="top", weight="bold", color=TINTS[arm][1])
        top = height - 0.35
        for position, lines in enumerate(labels):
            top = canvas.write_lines(axes, lines, canvas.MARGIN, top) - 0.04
            for arm, left in zip(self.counts, _lefts(), strict=True):
                self._box(axes, words, arm, position, left, top)
            top -= BOX + GAP
        return figure

    def _box(self, axes: Axes, words: Words, arm: str, position: int, left: float, top: float) -> None:
        from matplotlib.patches import Rectangle

        counts = self.frame[arm]
        count, first = counts.iloc[position], counts.iloc[0]
        tint, edge = TINTS[arm]
        known = not (pd.isna(count) or pd.isna(first)) and first > 0 and count >= 0
        filled = COLUMN * float(count) / float(first) if known else 0.0
        axes.add_patch(Rectangle((left, top - BOX), min(filled, COLUMN), BOX, facecolor=tint, edgecolor="none"))
        axes.add_patch(Rectangle((left, top - BOX), COLUMN, BOX, fill=False, edgecolor=edge, linewidth=1.0))
        axes.text(left + COLUMN / 2, top - BOX / 2, shown_count(count, words), ha="center", va="center", weight="bold")
        if position + 1 < len(counts) and not self.frame["outcomes"].iloc[position]:
            tip = top - BOX - 0.2
            arrow = {"arrowstyle": "-|>", "color": edge, "linewidth": 1.0}
            axes.annotate("", (left + COLUMN - 0.15, tip), (left + COLUMN - 0.15, top - BOX), arrowprops=arrow)

    def _label(self, words: Words, row: pd.Series) -> str:
        if row["outcomes"]:
            return opened(words("step.analysed", outcomes=[words.outcome(name) for name in row["outcomes"]]))
        return opened(words(f"step.{row['step']}"))


def _analysed(results: list[Result]) -> list[_Row]:
    """The analytic samples of results; outcomes with the same numbers of students share a row."""
    samples: dict[tuple[int, int], list[str]] = {}
    for result in results:
        counts = (int(result.headline["n_treated"]), int(result.headline["n_comparison"]))
        samples.setdefault(counts, []).append(result.plan.outcome)
    return [("analysed", tuple(outcomes), *counts) for counts, outcomes in samples.items()]


def _lefts() -> tuple[float, float]:
    return canvas.MARGIN, canvas.WIDTH - canvas.MARGIN - COLUMN


def _arm(words: Words, arm: str) -> str:
    return words(f"arm.{arm}")
