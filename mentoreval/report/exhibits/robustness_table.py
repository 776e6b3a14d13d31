"""Robustness table: the headline of each outcome beside other ways to find the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.report import amounts
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Key
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import COUNTS, results_frame, sample_of
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class RobustnessTable(Exhibit):
    """Every outcome that has more than one estimate.

    frame : as ``results_frame`` gives it, outcome by outcome with the headline first, and confidence
    """

    name: ClassVar[str] = "robustness_table"
    counts: ClassVar[tuple[str, ...]] = COUNTS
    cost: ClassVar[float] = 4.0

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample of a result."""
        return sample_of(row, column)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study; none where nothing stands beside a headline. What only describes is elsewhere."""
        results = [
            result for result in evaluation.results
            if result.plan.role != "over_time" and not result.plan.estimator.descriptive
        ]  # fmt: skip
        compared = {result.plan.outcome for result in results if result.plan.role == "robustness"}
        results = [result for result in results if result.plan.outcome in compared]
        if not results:
            return ()
        order = list(dict.fromkeys(result.plan.outcome for result in results))
        results.sort(key=lambda result: (order.index(result.plan.outcome), result.plan.role != "headline"))
        frame = results_frame(results).assign(confidence=evaluation.study.confidence)
        return (cls(frame, measures=evaluation.panel.measures),)

    def table(self, words: Words) -> Table:
        """Outcome, way, difference, interval, p, effect size, sizes of the arms."""
        confidence = float(self.frame["confidence"].iloc[0])
        text = [Column(words(f"column.{key}"), numeric=False) for key in ("outcome", "place", "design", "estimator")]
        keys = ("difference", "interval", "p_value", "effect_size", "n_treated", "n_comparison")
        numbers = [Column(words(f"column.{key}", confidence=confidence)) for key in keys]
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        caption = words("caption.robustness_table")
        return Table(f"table-{self.id}", caption, (*text, *numbers), rows, (words("note.robustness_table"),))

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        scale = amounts.table_scale(self.measure(row["outcome"]))
        return (
            amounts.named_with_unit(words, opened(words.outcome(row["outcome"], row["pair"])), scale),
            words(f"role.{row['role']}"),
            words("label.design", method=words.named("design_method", row["method"]), estimand=row["estimand"]),
            words.named("estimator", row["estimator"]),
            amounts.digits(words, scale, row["estimate"], signed=True),
            amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
            words.p_value(float(row["p_value"])),
            words.number(float(row["effect_size"]), 2, signed=True),
            shown_count(row["n_treated"], words),
            shown_count(row["n_comparison"], words),
        )
