"""Impact details: how each headline number and its uncertainty came about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.report import amounts
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import results_frame
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

COLUMNS = (
    "design", "estimator", "inference", "std_error", "df", "clusters", "effect_size_kind", "effect_size_std_error",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ImpactDetails(Exhibit):
    """The headline results.

    frame : as ``results_frame`` gives it
    """

    name: ClassVar[str] = "impact_details"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study."""
        return (cls(results_frame(evaluation.with_role("headline")), measures=evaluation.panel.measures),)

    def table(self, words: Words) -> Table:
        """Design, estimator, inference, standard error, degrees of freedom, clusters, effect size and its error."""
        text = {"design", "estimator", "inference", "effect_size_kind"}
        columns = [Column(words("column.outcome"), numeric=False)]
        columns += [Column(words(f"column.{key}"), numeric=key not in text) for key in COLUMNS]
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        return Table(
            f"table-{self.id}", words("caption.impact_details"), tuple(columns), rows, (words("note.impact_details"),)
        )

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        scale = amounts.table_scale(self.measure(row["outcome"]))
        return (
            amounts.named_with_unit(words, opened(words.outcome(row["outcome"])), scale),
            words("label.design", method=words.named("design_method", row["method"]), estimand=row["estimand"]),
            words.named("estimator", row["estimator"]),
            words.named("inference_method", row["inference"]),
            amounts.digits(words, scale, row["std_error"]),
            degrees_of_freedom(words, float(row["df"])),
            clusters(words, row),
            words.named("effect_size", row["effect_size_kind"]),
            words.number(float(row["effect_size_std_error"]), 3),
        )


def degrees_of_freedom(words: Words, df: float) -> str:
    """Degrees of freedom: whole, with one decimal, or that the normal distribution was used."""
    if math.isinf(df):
        return words("label.normal")
    return words.number(df, 0 if df == round(df) else 1)


def clusters(words: Words, row: pd.Series) -> str:
    """How many clusters the uncertainty rests on, and of what."""
    name = str(row["cluster"] or "student")
    return words("label.clusters", count=int(row["n_clusters"]), cluster=words.named("clusters", name))
