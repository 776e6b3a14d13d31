"""Anticipation: schools that will get mentors begin the year before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle
from mentoreval.worlds.district.matches import Matches
from mentoreval.worlds.district.one_start import START, OneStart, Telling, in_program_schools
from mentoreval.worlds.district.outcomes import Attended, averted_absences
from mentoreval.worlds.district.tables import Ids
from mentoreval.worlds.world import Draw, Truth


@dataclass(frozen=True)
class AnticipationWorld(OneStart):
    """A school that knows that mentors will come calls every family a year early, and stops when they are there.

    *Broken.* No anticipation. In the school year before the start the share ``before`` of the absences of all students
    in the program's schools does not happen, those who will be mentees and those who will not.

    *What goes wrong.* The baseline year is not untouched. Mentees look better in it than they are, so students of other
    schools at equal absences in it are less often absent: between 4 and 5 days, nearly all of the effect, are missed
    where the comparison is with students of all schools, and mentoring seems to do harm where it is with others alone.

    *What is right.* Comparing within schools, where the early calls reached both arms.

    *Who should notice.* ``pretrends``: in the year before the baseline year the arms are not alike.

    The truth has the effect one year before the start as event time -1 (terms ``event_time`` and ``cohort_period``).

    before : share of absences averted in the year before the start; 0 breaks nothing
    """

    name: ClassVar[str] = "anticipation"
    before: float = 0.3

    def check_break(self) -> None:
        """A share that leaves absences to be late for."""
        if not 0 <= self.before <= 0.6:
            raise OptionError(f"anticipation: before = {self.before} is not between 0 and 0.6.")

    @property
    def broken(self) -> dict[str, object]:
        """What happens before the start."""
        return {"assumption": "no anticipation", "share_averted_the_year_before": self.before}

    def attend(self, telling: Telling, number: int, matches: Matches) -> Attended:
        """A year's absences; those that early calls avert too."""
        year = super().attend(telling, number, matches)
        if number != START - 1:
            return year
        share = self.before * in_program_schools(telling.district, number)
        early = averted_absences(year.absences, share, np.zeros(len(share), dtype=np.int64))
        return replace(year, averted=year.averted | early)

    def record(self, drawn: Draw, chronicle: Chronicle, ids: Ids, own: np.random.Generator) -> Draw:
        """All tables, and the effects on mentees in the year before they were."""
        potential = drawn.truth.potential
        assert potential is not None
        return replace(drawn, truth=_with_year_before(drawn.truth, potential))


def _with_year_before(truth: Truth, potential: pd.DataFrame) -> Truth:
    """The truth with rows for event time -1 of those who start when the program does."""
    calls = potential[(potential["event_time"] == -1).fillna(False)]
    calls = calls[calls["cohort"] == calls["cohort"].min()]
    early = Truth.of(truth.rule, calls.assign(event_time=calls["event_time"] + 1)).effects
    early = early[early["term"].isin(("cohort_period", "event_time"))]
    early = early.assign(event_time=early["event_time"] - 1)
    return replace(truth, effects=pd.concat([early, truth.effects], ignore_index=True))
