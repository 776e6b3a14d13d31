"""Impact table: what was found for each outcome, with the numbers that a reviewer asks for."""

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

ARMS = (("n_treated", "treated"), ("n_comparison", "comparison"))


@dataclass(frozen=True, eq=False)
class ImpactTable(Exhibit):
    """The headline results.

    frame : as ``results_frame`` gives it, and confidence
    """

    name: ClassVar[str] = "impact_table"
    counts: ClassVar[tuple[str, ...]] = COUNTS
    cost: ClassVar[float] = 4.0

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample of a result."""
        return sample_of(row, column)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study."""
        frame = results_frame(evaluation.with_role("headline")).assign(confidence=evaluation.study.confidence)
        return (cls(frame, measures=evaluation.panel.measures),)

    def table(self, words: Words) -> Table:
        """Sizes, unadjusted means and SDs of the arms, adjusted difference, interval, p, effect size, improvement."""
        confidence = float(self.frame["confidence"].iloc[0])
        columns = [Column(words("column.outcome"), numeric=False)]
        for arm, _ in ARMS:
            columns += [Column(words(f"column.{key}"), group=words(f"arm.{arm}")) for key in ("n", "mean_sd")]
        keys = ("difference", "interval", "p_value", "effect_size", "improvement_index")
        columns += [Column(words(f"column.{key}", confidence=confidence)) for key in keys]
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        notes = (words("note.impact_table"), *self._in_days(words), *self._reasons(words))
        return Table(f"table-{self.id}", words("caption.impact_table"), tuple(columns), rows, notes)

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        facts = self.measure(row["outcome"])
        scale = amounts.table_scale(facts)
        cells = [amounts.named_with_unit(words, opened(words.outcome(row["outcome"], row["pair"])), scale)]
        for count, arm in ARMS:
            cells.append(shown_count(row[count], words))
            mean, sd = float(row[f"mean_{arm}"]), float(row[f"sd_{arm}"])
            cells.append(amounts.mean_and_sd(words, facts, mean, sd, row[count]))
        return (
            *cells,
            amounts.digits(words, scale, row["estimate"], signed=True),
            amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
            words.p_value(float(row["p_value"])),
            words.number(float(row["effect_size"]), 2, signed=True),
            words.number(float(row["improvement_index"]), 0, signed=True),
        )

    def _in_days(self, words: Words) -> tuple[str, ...]:
        """How percentage points become the days of the first page, where an outcome is a share of days."""
        scales = [amounts.reader_scale(self.measure(outcome)) for outcome in self.frame["outcome"]]
        days = [scale.factor / 100 for scale in scales if scale.name == "school_days"]
        return (words("note.in_days", days=days[0], year=int(100 * days[0])),) if days else ()

    def _reasons(self, words: Words) -> tuple[str, ...]:
        """Why an effect size is missing, where one is."""
        missing = self.frame[self.frame["effect_size"].isna() & self.frame["reason"].fillna("").ne("")]
        named = (
            (words.outcome(row["outcome"], row["pair"]), words.named("reason", row["reason"]))
            for _, row in missing.iterrows()
        )
        return tuple(words("note.no_effect_size", outcome=outcome, reason=reason) for outcome, reason in named)
