"""Attrition: mentees for whom it goes badly leave the district, and with them their result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle
from mentoreval.worlds.district.leaving import without_leavers
from mentoreval.worlds.district.one_start import OneStart, with_effects_on
from mentoreval.worlds.district.tables import Ids
from mentoreval.worlds.world import Draw

NEVER = "~"
"""Sorts after every school year."""
SOONEST, LATEST = 3, 15
"""Days of school from the match to the last day of those who leave."""


@dataclass(frozen=True)
class AttritionWorld(OneStart):
    """The calls home that come with a mentor make some families leave, those first whose child is absent most.

    *Broken.* Results that are missing at random. Within three weeks of the match a mentee leaves the district with a
    chance from 0, for the one who would have been absent least in that school year, to ``leaving``, for the one who
    would have been absent most: half of ``leaving`` on average. Nobody leaves for want of a mentor.

    *What goes wrong.* Of the mentees who are still there in the spring too few are those with many absences. Compared
    with students who met the same rule and stayed, they do about 4 days better than mentoring made them.

    *What is right.* Nothing that these tables allow but bounds. The truth has effects on all mentees as if they had
    stayed, and in the terms ``observed_…`` the effects on those who did.

    *Who should notice.* ``attrition``, where a result needs some weeks of enrolment
    (``AttendanceRate(min_enrolled_days=90)``); a rate of the first weeks alone would count as a year's.

    leaving : chance of leaving of the mentee who would be absent most; 0 breaks nothing
    """

    name: ClassVar[str] = "attrition"
    leaving: float = 0.8

    def check_break(self) -> None:
        """A chance."""
        if not 0 <= self.leaving <= 1:
            raise OptionError(f"attrition: leaving = {self.leaving} is not between 0 and 1.")

    @property
    def broken(self) -> dict[str, object]:
        """Who leaves."""
        return {"assumption": "results missing at random", "chance_of_leaving_by_rank_up_to": self.leaving}

    def record(self, drawn: Draw, chronicle: Chronicle, ids: Ids, own: np.random.Generator) -> Draw:
        """The tables without what came after leaving, and the effects on those who stayed."""
        leavers = self._leavers(chronicle, ids, own)
        potential = drawn.truth.potential
        assert potential is not None
        left = dict(zip(leavers["student_id"], leavers["school_year"], strict=True))
        years = zip(potential["student_id"], potential["period"], strict=True)
        stayed = [period < left.get(student, NEVER) for student, period in years]
        observed = potential[stayed]
        truth = with_effects_on(drawn.truth, "observed", observed)
        return replace(drawn, tables=without_leavers(drawn.tables, leavers), truth=truth)

    def _leavers(self, chronicle: Chronicle, ids: Ids, own: np.random.Generator) -> pd.DataFrame:
        """student_id, school_year and last_day of the mentees who leave, by cohort."""
        frames = []
        for number, year in enumerate(chronicle.attended):
            matches = chronicle.matches.of(chronicle.matches.cohort == number)
            row = year.roster.rows_of(matches.student, len(ids.student))
            would_be = year.days_absent(False).sum(axis=1)[row] / np.maximum(year.days_enrolled.sum(axis=1)[row], 1)
            rank = np.argsort(np.argsort(would_be, kind="stable")) / max(len(row) - 1, 1)
            leaves = own.random(len(row)) < self.leaving * rank
            last = np.minimum(matches.start + own.integers(SOONEST, LATEST, size=len(row)), year.roster.exit[row] - 1)
            columns = {"student_id": ids.student[matches.student], "school_year": year.year.label}
            frames.append(pd.DataFrame({**columns, "last_day": year.year.iso_dates[last]})[leaves])
        return pd.concat(frames, ignore_index=True)
