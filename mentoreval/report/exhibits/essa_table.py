"""ESSA table: the conditions of the federal tiers of evidence, one by one, for each main result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import pandas as pd

from mentoreval.evidence.essa import TIERS
from mentoreval.evidence.wwc_audit import wwc_audit
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Cell, Place
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class EssaTable(Exhibit):
    """The main results.

    frame : name, outcome, pair, condition, met, number; after the conditions the tiers, with their names
    """

    name: ClassVar[str] = "essa_table"

    def cells(self, limit: int) -> list[Cell]:
        """How many students each main result rests on."""
        rows = self.frame[(self.frame["condition"] == "students") & self.frame["number"].notna()]
        return [Cell(("students", row["name"]), float(row["number"]), (index, "number"))
                for index, row in rows.iterrows()]  # fmt: skip

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """The conditions with other numbers of students."""
        frame = self.frame.copy()
        for (index, column), shown in hidden.items():
            frame.loc[index, column] = 0 if pd.isna(shown) else shown
        return replace(self, frame=frame)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study."""
        audit = wwc_audit(evaluation)
        tiers = audit.tiers.rename(columns={"tier": "condition"}).drop(columns="because").assign(number=math.nan)
        frame = pd.concat([audit.conditions, tiers], ignore_index=True)
        pairs = {result.plan.name: result.plan.contrast for result in evaluation.with_role("headline")}
        frame = frame[frame["name"].isin(list(pairs))].reset_index(drop=True)
        return (cls(frame.assign(pair=frame["name"].map(pairs))),)

    def table(self, words: Words) -> Table:
        """One row for each condition and each tier, one column for each main result."""
        results = self.frame.drop_duplicates("name")
        outcomes = [opened(words.outcome(str(row.outcome), str(row.pair))) for row in results.itertuples()]
        columns = [Column(words("column.audit_condition"), numeric=False)]
        columns += [Column(outcome, numeric=False) for outcome in outcomes]
        rows = [
            (_title(words, str(condition)), *(self._cell(words, row) for row in group.itertuples()))
            for condition, group in self.frame.groupby("condition", sort=False)
        ]
        return Table(f"table-{self.id}", words("caption.essa_table"), tuple(columns), tuple(rows))

    def _cell(self, words: Words, row: object) -> str:
        """Whether a condition is met, and the number on which that rests."""
        condition = str(getattr(row, "condition"))  # noqa: B009
        family = "wwc_tier_met" if condition in TIERS else "wwc_met"
        met = words(f"{family}.{getattr(row, 'met')}")  # noqa: B009
        number = float(getattr(row, "number"))  # noqa: B009
        if not math.isfinite(number):
            return met
        said = {"students": lambda: shown_count(number, words), "sites": lambda: words.count(number)}
        said |= {"significant_positive": lambda: "p " + words.p_value(number)}
        return words("label.met", met=met, number=said.get(condition, lambda: words.percent(number, 1))())


def _title(words: Words, condition: str) -> str:
    """A condition, or the name of a tier."""
    return words(f"wwc_tier.{condition}") if condition in TIERS else opened(words(f"wwc_condition.{condition}"))
