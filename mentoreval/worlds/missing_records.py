"""Missing records: the program's schools stop writing absences down on many days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle
from mentoreval.worlds.district.one_start import START, OneStart
from mentoreval.worlds.district.tables import Ids
from mentoreval.worlds.world import Draw


@dataclass(frozen=True)
class MissingRecordsWorld(OneStart):
    """With the mentors came a new attendance system, and on many days nobody keyed anything in.

    *Broken.* Absences counted alike in all schools. From the start on, in each school of the program, all absences of
    the share ``lost`` of the days, drawn school by school, are missing from the table; a day without a row is a day
    present.

    *What goes wrong.* These schools look better than they are. Matched ANCOVA and DiD with students of all schools
    overstate the effect by between 3 and 4 days.

    *What is right.* Comparing within schools, where the same days are missing for both arms: what is then found is the
    effect less the part of it that fell on lost days, the share ``lost`` of it.

    *Who should notice.* ``spillover``, which finds that comparison students in the program's schools do better than
    elsewhere, whatever the reason. Marks are complete.

    lost : share of school days without any record; 0 breaks nothing
    """

    name: ClassVar[str] = "missing_records"
    lost: float = 0.3

    def check_break(self) -> None:
        """A share that leaves some days."""
        if not 0 <= self.lost <= 0.9:
            raise OptionError(f"missing_records: lost = {self.lost} is not between 0 and 0.9.")

    @property
    def broken(self) -> dict[str, object]:
        """Where and how much is missing."""
        return {
            "assumption": "absences counted alike in all schools",
            "schools": [school.school_id for school in self.setting.schools if school.starts is not None],
            "share_of_days_lost": self.lost,
        }

    def record(self, drawn: Draw, chronicle: Chronicle, ids: Ids, own: np.random.Generator) -> Draw:
        """The tables without the absences of lost days; the truth is that of all days."""
        careless = self.setting.starts < self.setting.n_years
        lost = [
            self._lost_rows(chronicle, number, careless, ids, own) for number in range(START, len(chronicle.attended))
        ]
        keys = ["student_id", "date"]
        gone = pd.MultiIndex.from_frame(pd.concat(lost, ignore_index=True)[keys])
        attendance = drawn.tables["attendance"]
        kept = attendance[~pd.MultiIndex.from_frame(attendance[keys]).isin(gone)].reset_index(drop=True)
        return replace(drawn, tables={**drawn.tables, "attendance": kept})

    def _lost_rows(
        self, chronicle: Chronicle, number: int, careless: BoolArray, ids: Ids, own: np.random.Generator
    ) -> pd.DataFrame:
        """student_id and date of the would-be absences of a year that fell on a lost day of the student's school."""
        year = chronicle.attended[number]
        row, day, roster = year.absences.row, year.absences.day, year.roster
        days_lost = (own.random((len(careless), year.year.n_days)) < self.lost) & careless[:, None]
        school = np.where(day < roster.move[row], roster.school[row], roster.last_school[row])
        gone = days_lost[school, day]
        columns = {"student_id": ids.student[roster.student[row[gone]]], "date": year.year.iso_dates[day[gone]]}
        return pd.DataFrame(columns, dtype=object)
