"""Match exhibit: matches of mentors and students, counted by kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.report.disclosure import shown_count, shown_share
from mentoreval.report.disclosure_cells import Key, Sum
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened


@dataclass(frozen=True, eq=False)
class MatchExhibit(Exhibit):
    """What every count of matches has in common.

    frame : entry, n
    subject : what the entries are; each family of words ``match_<subject>`` names them
    facts : total, how many matches there are
    """

    counts: ClassVar[tuple[str, ...]] = ("n",)

    def counted(self, row: pd.Series, column: str) -> Key:
        """Matches of one kind."""
        return "fidelity", self.subject, str(row["entry"])

    def sums(self) -> list[Sum]:
        """The entries make up the matches that have one."""
        total = "fidelity", "matches", f"{self.facts['total']:g}"
        return [Sum(total, tuple(self.counted(row, "n") for _, row in self.frame.iterrows()), rest=False)]

    def table(self, words: Words) -> Table:
        """One row for each entry."""
        columns = (Column(words(f"column.match_{self.subject}"), numeric=False), Column(words("column.n_matches")),
                   Column(words("column.share")))  # fmt: skip
        rows = tuple(
            (opened(self._entry(words, row)), shown_count(row["n"], words), self._share(words, row))
            for _, row in self.frame.iterrows()
        )
        return Table(f"table-{self.id}", words(f"caption.match_{self.subject}"), columns, rows)

    def _entry(self, words: Words, row: pd.Series) -> str:
        return words.named(f"match_{self.subject}", str(row["entry"]))

    def _share(self, words: Words, row: pd.Series) -> str:
        if not is_known(row["n"]):
            return words("sign.hidden")
        total = int(str(self.facts["total"]))
        return shown_share(int(row["n"]) / total, total, words)


def is_known(count: object) -> bool:
    """Whether a number of matches may be shown."""
    return not pd.isna(count) and int(str(count)) >= 0  # type: ignore[call-overload]
