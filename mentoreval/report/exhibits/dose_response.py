"""Dose response: how outcomes differ with how much of the program students got. A description, never an effect."""

from __future__ import annotations

import math
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
        """One row for each slope, bin or point of a curve."""
        keys = ("n", "dose_difference", "interval", "p_value")
        columns = [Column(words(f"column.{key}"), numeric=False) for key in ("outcome", "dose_compared")]
        columns += [Column(words(f"column.{key}", confidence=self.facts["confidence"])) for key in keys]
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        return Table(f"table-{self.id}", words("caption.dose_response"), tuple(columns), rows)

    def _compared(self, words: Words, row: pd.Series) -> str:
        """Which students a row holds against which, from its term: dosage, dosage>=4 or dosage=4."""
        at, bound = self._bound(row["term"])
        if at == "dosage=":
            return words("dose.spline", low=_dosage(words, bound))
        if at != "dosage>=":
            return words("dose.linear")
        estimate = self.frame[[_estimate(one) == _estimate(row) for _, one in self.frame.iterrows()]]
        bounds = sorted(self._bound(term)[1] for term in estimate["term"])
        numbers = {"low": _dosage(words, bound), "least": _dosage(words, bounds[0])}
        if bound == bounds[-1]:
            return words("dose.last_bin", **numbers)
        return words("dose.bins", **numbers, high=_dosage(words, bounds[bounds.index(bound) + 1]))

    @staticmethod
    def _bound(term: str) -> tuple[str, float]:
        """A term's words and the number behind them; NaN where there is none."""
        end = term.find("=") + 1
        return (term[:end], float(term[end:])) if end else (term, math.nan)

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        scale = amounts.table_scale(self.measure(str(row["outcome"])))
        return (
            amounts.named_with_unit(words, opened(words.outcome(row["outcome"], row["pair"])), scale),
            self._compared(words, row),
            shown_count(row["n_treated"], words),
            amounts.digits(words, scale, row["estimate"], signed=True),
            amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
            words.p_value(float(row["p_value"])),
        )


def _estimate(row: pd.Series) -> str:
    """The planned estimate that a row of several terms comes from."""
    return str(row["name"]).removesuffix(f", {row['term']}")


def _dosage(words: Words, value: float) -> str:
    """A number of sessions or of what else is counted, with a decimal where it is not whole."""
    return words.number(value, 0 if float(value).is_integer() else 1)
