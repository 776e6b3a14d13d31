"""check_connect: a mentor who checks attendance and marks weekly and stays for two years, with 35 students at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.match_program import MatchProgram
from mentoreval.records.records import LedgerEntry


@dataclass(frozen=True)
class CheckConnect(MatchProgram):
    """Matches of the model "check_connect"; the program's own standards are noted, never used to choose students.

    A match that ended too early stays mentored, for who stays two years is a result of the program and of the student.

    min_years : years that a match is to last; matches that ended earlier are flagged
    max_caseload : students that a mentor is to have at most; mentors with more are flagged

    Further options: ``MatchProgram``.
    """

    name: ClassVar[str] = "check_connect"
    models: ClassVar[tuple[str, ...]] = ("check_connect",)

    planned_per_week: float | None = 1.0
    max_caseload: int | None = 35
    min_years: int = 2

    def check(self) -> None:
        """As every program of matches; min_years is not negative."""
        super().check()
        if self.min_years < 0:
            raise OptionError(f"min_years is 0 or more; got {self.min_years}.")

    def standards(self, matches: pd.DataFrame) -> tuple[LedgerEntry, ...]:
        """Matches that ended before min_years were over. Of those that go on nobody can say."""
        due = matches["start_date"] + pd.DateOffset(years=self.min_years)
        # A match that runs to the last day of its last school year has been there for all of it.
        short = matches.loc[matches["end_date"] < due - SUMMER, "match_id"]
        return (LedgerEntry("matches", "ended_before_min_years", "flagged", len(short), first_examples(short)),)


SUMMER = pd.Timedelta(days=120)
"""A match of two school years is shorter than two years by its last summer."""
