"""average_daily_attendance: how many students a school had present on an average day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.attendance_days import DAY
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, measured, ratio
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class AverageDailyAttendance(Measure):
    """Days present of all students of a school ÷ days on which the school was in session.

    A measure of schools: in a panel of schools it is the number of students present on an average day, and the share of
    enrolled students present is ``attendance_rate``. Of one student it is the part that the student has in it. A high
    average can hide many chronically absent students.
    """

    name: ClassVar[str] = "average_daily_attendance"
    unit: ClassVar[Unit] = "count"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "attendance"
    pools_by: ClassVar[Literal["students", "days", "sum"]] = "sum"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, average_daily_attendance, reason."""
        if records.calendar is None:
            raise DataError(
                f"{records.records.source} has no calendar, so the days in session are not known, and "
                "average_daily_attendance divides by them. Add calendar.csv, or use attendance_rate."
            )
        days = records.each_school.attendance.frame
        keys = ["school_id", "period"]
        session = records.session_days.groupby(keys).size().rename("session")
        days = days.join(session, on=keys)
        part = ratio(days["enrolled"] - days["absent"], days["session"] * DAY)
        if not records.schools_apart:
            of_student = days.assign(part=part).groupby(["student_id", "period"])["part"].sum().reset_index()
            return measured(of_student, self.name, of_student["part"], _no_reason(of_student))
        return measured(days, self.name, part, _no_reason(days))


def _no_reason(rows: pd.DataFrame) -> pd.Series[str]:
    return pd.Series(None, index=rows.index, dtype="str")
