"""Plan table: which results were planned before the outcomes were looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class PlanTable(Exhibit):
    """Every estimate of the locked plan and of the study.

    frame : name, outcome, role, status, changes, by
    """

    name: ClassVar[str] = "plan_table"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One where the plan was locked; else none."""
        if evaluation.registration is None:
            return ()
        return (cls(pd.DataFrame([vars(each) for each in evaluation.registration.estimates])),)

    def table(self, words: Words) -> Table:
        """One row for each estimate: what it is, what became of it, and what was changed."""
        columns = tuple(
            Column(words(f"column.{key}"), numeric=False) for key in ("outcome", "place", "plan", "changes")
        )
        rows = tuple(
            (
                self._what(words, row),
                words(f"role.{row['role']}"),
                words(f"plan_status.{row['status']}"),
                ", ".join(words.named("plan_part", part.replace(".", "_")) for part in row["changes"]),
            )
            for _, row in self.frame.iterrows()
        )
        return Table(f"table-{self.id}", words("caption.plan_table"), columns, rows)

    def _what(self, words: Words, row: pd.Series) -> str:
        """The outcome, and in what groups of students it is taken apart."""
        outcome = opened(words.outcome(row["outcome"]))
        return words("plan.by", outcome=outcome, grouping=words.covariate(row["by"])) if row["by"] else outcome
