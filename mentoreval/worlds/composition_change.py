"""Composition change: families of students who are often absent leave the schools that get mentors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle
from mentoreval.worlds.district.leaving import without_leavers
from mentoreval.worlds.district.one_start import START, OneStart, in_program_schools
from mentoreval.worlds.district.roster import NOBODY
from mentoreval.worlds.district.tables import Ids
from mentoreval.worlds.world import Draw

SOONEST, LATEST = 5, 30
"""Days of school until the last day of those who leave."""
WORST_RATE = 0.2
"""Absence rate of the year before from which on families leave with the full chance."""


@dataclass(frozen=True)
class CompositionChangeWorld(OneStart):
    """The program's schools lose the students who had no mentor and were absent most.

    *Broken.* The same students before and after. In the first weeks of the first year, a student of a school with
    mentors who will not have one leaves the district with a chance that grows with the absence rate of the year before,
    up to ``losing`` from 20 % on.

    *What goes wrong.* The mean of the program's schools rises because of who is no longer in it. A DiD of school means
    finds about 1.3 days for each student of these schools, where mentoring gave them 0.4.

    *What is right.* The same students before and after, compared with others who were absent as often in the year
    before: leaving hangs on that year alone, so that matched ANCOVA and matched DiD are unbiased.

    *Who should notice.* ``composition_change``: more comparison students leave than mentees, and not any of them;
    ``attrition`` counts the same.

    losing : chance of leaving of those without a mentor who were absent most; 0 breaks nothing
    """

    name: ClassVar[str] = "composition_change"
    losing: float = 0.7

    def check_break(self) -> None:
        """A chance that leaves somebody there."""
        if not 0 <= self.losing <= 0.95:
            raise OptionError(f"composition_change: losing = {self.losing} is not between 0 and 0.95.")

    @property
    def broken(self) -> dict[str, object]:
        """Who leaves."""
        return {"assumption": "the same students before and after", "chance_of_leaving_up_to": self.losing}

    def record(self, drawn: Draw, chronicle: Chronicle, ids: Ids, own: np.random.Generator) -> Draw:
        """The tables without what came after those who left in the first weeks."""
        before, year = chronicle.attended[START - 1], chronicle.attended[START]
        previous = year.roster.previous
        known = np.flatnonzero(previous != NOBODY)
        there = previous[known]
        rate = before.days_absent(True).sum(axis=1)[there] / before.days_enrolled.sum(axis=1)[there]
        student = year.roster.student[known]
        stays = np.isin(student, chronicle.matches.student)
        chance = self.losing * np.minimum(rate / WORST_RATE, 1.0) * in_program_schools(chronicle.district, START)[known]
        leaves = (own.random(len(known)) < chance) & ~stays
        last = own.integers(SOONEST, LATEST, size=len(known))
        columns = {"student_id": ids.student[student], "school_year": year.year.label}
        leavers = pd.DataFrame({**columns, "last_day": year.year.iso_dates[last]})[leaves]
        return replace(drawn, tables=without_leavers(drawn.tables, leavers))
