"""truancy: whether a student missed so many days without an excuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.attendance_days import DAY
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, check_min_enrolled_days, measured, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class Truancy(Measure):
    """1 if the student missed at least so many days unexcused, else 0.

    There is no federal threshold: each state has its own, and it is to be reported. The default is California's three
    full days in a school year; that rule also counts tardiness of more than 30 minutes, which daily attendance does
    not record. Absences of which no reason is stated decide nothing: where the answer hangs on them there is no value.

    days : unexcused days, half days by their fraction
    percent : unexcused days in percent of the enrolled days, instead of a number of days
    min_enrolled_days : students enrolled for fewer days in the period have no value
    """

    name: ClassVar[str] = "truancy"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = False
    domain: ClassVar[Domain] = "attendance"

    days: float = 3.0
    percent: float | None = None
    min_enrolled_days: int = 1

    def check(self) -> None:
        """The thresholds are above 0; min_enrolled_days is at least 1."""
        check_min_enrolled_days(self.min_enrolled_days)
        if self.days <= 0 or (self.percent is not None and not 0 < self.percent <= 100):
            raise OptionError(f"days is above 0 and percent at most 100; got {self.days:g} and {self.percent}.")

    @property
    def rule(self) -> str:
        """The threshold."""
        least = f"min_enrolled_days={self.min_enrolled_days}"
        if self.percent is not None:
            return f"truancy_percent percent={self.percent:g} {least}"
        return f"truancy_days days={self.days:g} {least}"

    @property
    def counts_any_days(self) -> bool:
        """A share of days is one of any stretch of days; a number of days is not."""
        return self.percent is not None

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, truancy, reason."""
        days = records.attendance.frame
        most = days["unexcused"] + days["unexplained"]
        scale, limit = (100, days["enrolled"] * self.percent) if self.percent is not None else (1, self.days * DAY)
        truant, could_be = days["unexcused"] * scale >= limit, most * scale >= limit
        open_cases = reasons(("absence_without_reason", could_be & ~truant))
        withheld = records.attendance.withheld(self.min_enrolled_days)
        return measured(days, self.name, truant, withheld.where(withheld.notna(), open_cases))
