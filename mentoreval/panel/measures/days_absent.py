"""days_absent: how many days a student missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.panel.attendance_days import DAY
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, check_min_enrolled_days, measured, ratio
from mentoreval.panel.records_by_period import RecordsByPeriod

USUAL_YEAR = 180


@dataclass(frozen=True)
class DaysAbsent(Measure):
    """Days absent for any reason, half days by their fraction.

    per_180 : days absent in 180 enrolled days, so that students who came late or left early can be compared with those
        enrolled all year; without it the days as they were
    min_enrolled_days : students enrolled for fewer days in the period have no value
    """

    name: ClassVar[str] = "days_absent"
    unit: ClassVar[Unit] = "days"
    higher_is_better: ClassVar[bool] = False
    domain: ClassVar[Domain] = "attendance"

    per_180: bool = False
    min_enrolled_days: int = 1

    def check(self) -> None:
        """min_enrolled_days is at least 1."""
        check_min_enrolled_days(self.min_enrolled_days)

    @property
    def counts_any_days(self) -> bool:
        """Only where the days are scaled: a few weeks have fewer days to miss than a year."""
        return self.per_180

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, days_absent, reason."""
        days = records.attendance.frame
        absent = ratio(days["absent"] * USUAL_YEAR, days["enrolled"]) if self.per_180 else days["absent"] / DAY
        return measured(days, self.name, absent, records.attendance.withheld(self.min_enrolled_days))
