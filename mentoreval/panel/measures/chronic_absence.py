"""chronic_absence: whether a student missed a tenth of the days or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, measured
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class ChronicAbsence(Measure):
    """1 if the student was absent on 10 % or more of the enrolled days, else 0.

    The rule is that of federal reporting, days missed for any reason: 10 × absent ≥ enrolled. It is decided in whole
    thousandths of a day, so that exactly 10 % is chronic and no rounding decides. Federal reporting counts each school
    apart; here all schools of a student in the period count together.

    min_enrolled_days : students enrolled for fewer days in the period have no value. The minimum differs between
        states and is to be reported: 10 (EDFacts), 20 (some data warehouses), 31 (California).
    """

    name: ClassVar[str] = "chronic_absence"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = False
    domain: ClassVar[Domain] = "attendance"

    min_enrolled_days: int = 10

    def check(self) -> None:
        """min_enrolled_days is at least 1."""
        if self.min_enrolled_days < 1:
            raise OptionError(f"min_enrolled_days is at least 1; got {self.min_enrolled_days}.")

    @property
    def rule(self) -> str:
        """The threshold and the minimum enrolment."""
        return f"absent_10_percent min_enrolled_days={self.min_enrolled_days}"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, chronic_absence, reason."""
        days = records.attendance.frame
        chronic = days["absent"] * 10 >= days["enrolled"]
        return measured(days, self.name, chronic, records.attendance.withheld(self.min_enrolled_days))
