"""Dose response: how outcomes differ with how much of the program students got. A description, never an effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.report import amounts
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Key
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import results_frame, sample_of
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class DoseResponseTable(Exhibit):
    """One for the estimates that describe and show no effect.

    frame : as ``results_frame`` gives it; n_treated counts the students of whom it is known how much they got
    facts : confidence
    """

    name: ClassVar[str] = "dose_response"
    counts: ClassVar[tuple[str, ...]] = ("n_treated",)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """Every result of a descriptive estimator; none in most studies."""
        results = [result for result in evaluation.results if result.plan.estimator.descriptive]
        if not results:
            return ()
        facts = {"confidence": evaluation.study.confidence}
        return (cls(results_frame(results), measures=evaluation.panel.measures, facts=facts),)

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample of a result."""
        return sample_of(row, column)

    def table(self, words: Words) -> Table:
        """One row for each outcome."""
        keys = ("n", "dose_slope", "interval", "p_value")
        columns = [Column(words("column.outcome"), numeric=False)]
        columns += [Column(words(f"column.{key}", confidence=self.facts["confidence"])) for key in keys]
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        return Table(f"table-{self.id}", words("caption.dose_response"), tuple(columns), rows)

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        scale = amounts.table_scale(self.measure(str(row["outcome"])))
        return (
            amounts.named_with_unit(words, opened(words.outcome(row["outcome"], row["pair"])), scale),
            shown_count(row["n_treated"], words),
            amounts.digits(words, scale, row["estimate"], signed=True),
            amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
            words.p_value(float(row["p_value"])),
        )
