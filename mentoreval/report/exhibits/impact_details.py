"""Impact details: how each headline number and its uncertainty came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.evidence.multiplicity import adjust_p_values
from mentoreval.report import amounts
from mentoreval.report.disclosure_cells import Key
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import COUNTS, results_frame, sample_of
from mentoreval.report.uncertainty import clusters, degrees_of_freedom
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

COLUMNS = (
    "design", "estimator", "inference", "std_error", "df", "clusters", "effect_size_kind", "effect_size_std_error",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ImpactDetails(Exhibit):
    """The headline results.

    frame : as ``results_frame`` gives it, and family, family_size and p_adjusted as ``adjust_p_values`` gives them
    """

    name: ClassVar[str] = "impact_details"
    counts: ClassVar[tuple[str, ...]] = COUNTS
    cost: ClassVar[float] = 4.0

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample of a result."""
        return sample_of(row, column)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study."""
        adjusted = adjust_p_values(evaluation)[["name", "family", "family_size", "p_adjusted"]]
        frame = results_frame(evaluation.with_role("headline")).merge(adjusted, on="name", how="left")
        return (cls(frame, measures=evaluation.panel.measures),)

    def table(self, words: Words) -> Table:
        """Design, estimator, inference, standard error, degrees of freedom, clusters, effect size and its error."""
        text = {"design", "estimator", "inference", "effect_size_kind"}
        columns = [Column(words("column.outcome"), numeric=False)]
        columns += [Column(words(f"column.{key}"), numeric=key not in text) for key in COLUMNS]
        if self._has_families:
            columns.append(Column(words("column.p_adjusted")))
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        notes = (words("note.impact_details"), *self._families(words))
        return Table(f"table-{self.id}", words("caption.impact_details"), tuple(columns), rows, notes)

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        scale = amounts.table_scale(self.measure(row["outcome"]))
        return (
            amounts.named_with_unit(words, opened(words.outcome(row["outcome"], row["pair"])), scale),
            words("label.design", method=words.named("design_method", row["method"]), estimand=row["estimand"]),
            words.named("estimator", row["estimator"]),
            words.named("inference_method", row["inference"]),
            amounts.digits(words, scale, row["std_error"]),
            degrees_of_freedom(words, float(row["df"])),
            clusters(words, row),
            words.named("effect_size", row["effect_size_kind"]),
            words.number(float(row["effect_size_std_error"]), 3),
            *([words.p_value(float(row["p_adjusted"]))] if self._has_families else []),
        )

    @property
    def _has_families(self) -> bool:
        """Whether several main results belong to one family, so that their p-values are adjusted."""
        return bool((self.frame["family_size"].fillna(0) > 1).any())

    def _families(self, words: Words) -> tuple[str, ...]:
        """Which main results belong together."""
        if not self._has_families:
            return ()
        named = [
            words(
                "note.family",
                family=words.named("domain", str(family)),
                outcomes=[words.outcome(row["outcome"], row["pair"]) for _, row in group.iterrows()],
            )
            for family, group in self.frame.groupby("family", sort=False)
        ]
        return (words("note.p_adjusted", families="; ".join(named)),)
