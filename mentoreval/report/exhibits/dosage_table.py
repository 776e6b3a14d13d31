"""Dosage table: how much of the program there was, over all matches. It describes; it says nothing of effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import pandas as pd

from mentoreval.panel.dosage import WEEKS_IN_A_MONTH
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Key, Place, Sum
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

WHOLE = ("matches", "mentees", "mentors", "never_met")
SHARES = ("contact_weeks_share", "planned_share")
QUARTILES = {"low": 0.25, "median": 0.5, "high": 0.75}
QUANTITIES = (
    "sessions_per_month", "minutes_per_month", "contact_weeks_share", "planned_share", "first_contact_days",
    "longest_gap_days", "weeks_matched", "caseload", "training_hours",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class DosageTable(Exhibit):
    """One where the records have sessions.

    frame : quantity; n, of the matches with a value, or the number itself; low, median, high, the quartiles, missing
        where each quarter would be too few students
    """

    name: ClassVar[str] = "dosage_table"
    counts: ClassVar[tuple[str, ...]] = ("n",)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """Numbers of matches, then the quartiles of every quantity that the records know."""
        if evaluation.fidelity is None:
            return ()
        matches = evaluation.fidelity.matches
        months = matches["weeks_matched"].astype(float) / WEEKS_IN_A_MONTH
        months = months.where(months > 0)
        table = matches.assign(
            sessions_per_month=matches["sessions"] / months, minutes_per_month=matches["minutes"] / months
        )
        never_met = int((table["sessions"] == 0).sum())
        sizes = len(table), table["student_id"].nunique(), table["mentor_id"].nunique(), never_met
        rows: list[dict[str, object]] = [{"quantity": name, "n": n} for name, n in zip(WHOLE, sizes, strict=True)]
        for name in QUANTITIES:
            known = table[name].dropna().astype(float)
            if len(known):
                ends = {column: float(known.quantile(share)) for column, share in QUARTILES.items()}
                rows.append({"quantity": name, "n": len(known), **ends})
        return (cls(pd.DataFrame(rows, columns=["quantity", "n", *QUARTILES])),)

    def counted(self, row: pd.Series, column: str) -> Key:
        """Matches with a value: as many of them are the same ones; the other numbers by what they count."""
        own = row["quantity"] if row["quantity"] in ("mentees", "mentors", "never_met") else "matches"
        return "fidelity", own, f"{row[column]:g}"

    def sums(self) -> list[Sum]:
        """Those with a value, those who never met and the mentees are parts of the matches."""
        first = self.counted(self.frame.iloc[0], "n")
        keys = dict.fromkeys(self.counted(row, "n") for _, row in self.frame.iterrows() if row["quantity"] != "mentors")
        return [Sum(first, (key,)) for key in keys if key != first]

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """As any exhibit; no quartile that stands for fewer students than the limit."""
        shown = super().without(hidden, limit)
        frame = shown.frame.copy()
        few = self.frame["n"].astype(float) < limit / QUARTILES["low"]
        frame.loc[few, list(QUARTILES)] = math.nan
        return replace(shown, frame=frame)

    def table(self, words: Words) -> Table:
        """One row for each quantity."""
        columns = [Column(words("column.quantity"), numeric=False)]
        columns += [Column(words(f"column.{key}")) for key in ("n_matches", "quartile_low", "median", "quartile_high")]
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        return Table(
            f"table-{self.id}", words("caption.dosage_table"), tuple(columns), rows, (words("note.dosage_table"),)
        )

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        name = str(row["quantity"])
        cells = (words(f"dosage_quantity.{name}"), shown_count(row["n"], words))
        if name in WHOLE:
            return (*cells, *[""] * len(QUARTILES))
        return (*cells, *(self._value(words, name, float(row[column])) for column in QUARTILES))

    def _value(self, words: Words, name: str, value: float) -> str:
        if math.isnan(value):
            return words("sign.hidden")
        return words.percent(value) if name in SHARES else words.number(value, 1)
