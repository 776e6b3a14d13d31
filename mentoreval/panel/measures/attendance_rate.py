"""attendance_rate: the share of enrolled days on which a student was present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, check_min_enrolled_days, measured, ratio
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class AttendanceRate(Measure):
    """Days present ÷ days enrolled, from 0 to 1.

    A day missed for any reason is a day absent; a tardy student is present; half days count by their fraction.

    min_enrolled_days : students enrolled for fewer days in the period have no rate
    """

    name: ClassVar[str] = "attendance_rate"
    unit: ClassVar[Unit] = "share"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "attendance"
    pools_by: ClassVar[Literal["students", "days", "sum"]] = "days"

    min_enrolled_days: int = 1

    def check(self) -> None:
        """min_enrolled_days is at least 1."""
        check_min_enrolled_days(self.min_enrolled_days)

    @property
    def counts_any_days(self) -> bool:
        """A rate is one of any stretch of days."""
        return True

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, attendance_rate, reason."""
        days = records.attendance.frame
        present = days["enrolled"] - days["absent"]
        return measured(
            days, self.name, ratio(present, days["enrolled"]), records.attendance.withheld(self.min_enrolled_days)
        )
