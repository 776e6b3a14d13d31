"""chronic_absence: whether a student missed a tenth of the days or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.attendance_days import DAY, FEDERAL_PERCENT
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, check_min_enrolled_days, measured
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class ChronicAbsence(Measure):
    """1 if the student was absent on 10 % or more of the enrolled days, else 0.

    The rule is that of federal reporting, days missed for any reason: 10 × absent ≥ enrolled. It is decided in whole
    thousandths of a day, so that exactly 10 % is chronic and no rounding decides. Federal reporting counts each school
    apart, as a panel of schools does; in a panel of students all schools of a student in the period count together.

    min_enrolled_days : students enrolled for fewer days in the period have no value. The minimum differs between
        states and is to be reported: 10 (EDFacts), 20 (some data warehouses), 31 (California).
    percent : share of the enrolled days, in percent
    days : a number of days absent instead of a share: 20 in New York City's pilot, 15 in the Civil Rights Data
        Collection. None goes by the share
    """

    name: ClassVar[str] = "chronic_absence"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = False
    domain: ClassVar[Domain] = "attendance"

    min_enrolled_days: int = 10
    percent: float = FEDERAL_PERCENT
    days: float | None = None

    def check(self) -> None:
        """min_enrolled_days is at least 1; the threshold is above 0, and there is one."""
        check_min_enrolled_days(self.min_enrolled_days)
        if not 0 < self.percent < 100 or (self.days is not None and self.days <= 0):
            raise OptionError(f"percent is between 0 and 100 and days above 0; got {self.percent:g} and {self.days}.")
        if self.days is not None and self.percent != FEDERAL_PERCENT:
            raise OptionError("chronic_absence goes by percent or by days; give one of them.")

    @property
    def rule(self) -> str:
        """The threshold and the minimum enrolment."""
        least = f"min_enrolled_days={self.min_enrolled_days}"
        if self.days is not None:
            return f"absent_days days={self.days:g} {least}"
        if self.percent == FEDERAL_PERCENT:
            return f"absent_10_percent {least}"
        return f"absent_percent percent={self.percent:g} {least}"

    @property
    def counts_any_days(self) -> bool:
        """A share of days is one of any stretch of days; a number of days is not."""
        return self.days is None

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, chronic_absence, reason."""
        attendance, days = records.attendance, records.attendance.frame
        by_share = self.days is None
        chronic = attendance.absent_at_least(self.percent) if by_share else days["absent"] >= (self.days or 0) * DAY
        return measured(days, self.name, chronic, attendance.withheld(self.min_enrolled_days))
